"""What contracts need of a chain, whether it runs in this process or behind JSON-RPC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from zkstate.errors import EncodingError

ADDRESS_BYTES = 20
WORD_BYTES = 32

_ERROR_STRING = bytes.fromhex("08c379a0")  # selector of Error(string), what `assert` with a reason returns
_PANIC = bytes.fromhex("4e487b71")  # selector of Panic(uint256)


@dataclass(frozen=True, slots=True)
class Log:
    """One event: the contract that emitted it, topics of 32 bytes (the first names the event), and data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transaction did. Its sender pays for `gas_used`; `contract` is what it created, if anything."""

    block_number: int
    gas_used: int
    logs: tuple[Log, ...]
    contract: bytes | None = None
    transaction_hash: bytes | None = None


class Chain(Protocol):
    """A chain with one account that sends. Addresses have 20 bytes.

    Errors: RefusedError where a contract reverts; SourceError where a node does not deliver.
    """

    @property
    def name(self) -> str: ...

    @property
    def chain_id(self) -> int: ...

    @property
    def sender(self) -> bytes: ...

    def deploy(self, code: bytes) -> Receipt:
        """Create a contract from creation code and arguments; the receipt names it."""
        ...

    def transact(self, to: bytes, data: bytes, value: int = 0) -> Receipt:
        """Send a transaction, with `value` of the chain's own coin in wei, and wait until it is in a block."""
        ...

    def call(self, to: bytes, data: bytes) -> bytes:
        """What a call would return now. It changes nothing."""
        ...

    def logs(self, address: bytes, topics: tuple[bytes, ...]) -> tuple[Log, ...]:
        """All events of a contract whose first topics are these, oldest first."""
        ...

    def code(self, address: bytes) -> bytes:
        """The code of a contract, on the word of the chain alone; empty where there is none."""
        ...

    def storage(self, address: bytes, slot: int) -> int:
        """One storage word, on the word of the chain alone."""
        ...

    def block_time(self) -> int:
        """Seconds since 1970 of the newest block."""
        ...


@runtime_checkable
class BlobChain(Protocol):
    """A chain that carries blobs beside a transaction."""

    def transact_with_blobs(self, to: bytes, data: bytes, blobs: Sequence[bytes]) -> Receipt:
        """Send a transaction with blobs and wait until it is in a block."""
        ...


def revert_rule(data: bytes) -> str:
    """The reason in what a reverted call returned, or an empty string if it gave none."""
    if data[:4] == _PANIC and len(data) == 4 + WORD_BYTES:
        return f"panic {int.from_bytes(data[4:], 'big'):#x}"
    if data[:4] != _ERROR_STRING or len(data) < 4 + 2 * WORD_BYTES:
        return ""
    length = int.from_bytes(data[4 + WORD_BYTES : 4 + 2 * WORD_BYTES], "big")
    text = data[4 + 2 * WORD_BYTES :][: min(length, 500)].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


def address_text(address: bytes) -> str:
    """An address as it is printed and sent, in lower case."""
    return f"0x{checked_address(address).hex()}"


def parse_address(text: str) -> bytes:
    """An address in hexadecimal with 0x; the checksum of a mixed-case one (EIP-55) is not looked at."""
    digits = text.removeprefix("0x")
    if digits == text or len(digits) != 2 * ADDRESS_BYTES or not set(digits.lower()) <= set("0123456789abcdef"):
        raise EncodingError(f"{text[:80]!r} is not an address: 0x and 40 hexadecimal digits are needed")
    return bytes.fromhex(digits)


def checked_address(address: bytes) -> bytes:
    """The address itself, or EncodingError if it does not have 20 bytes."""
    if len(address) != ADDRESS_BYTES:
        raise EncodingError(f"an address has {ADDRESS_BYTES} bytes, not {len(address)}")
    return address
