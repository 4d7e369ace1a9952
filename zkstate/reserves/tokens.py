"""Which coin and tokens count as which asset on a chain, and where a token keeps its balances."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec

from zkstate import nesting
from zkstate.errors import EncodingError, InputError
from zkstate.kernels import keccak256
from zkstate.reserves.control import U64, Address

T = TypeVar("T")

MAX_TOKENS_BYTES, MAX_TOKENS = 1 << 20, 256
MAX_VALUES = 1 << 20  # in memory some 100 bytes each: in 64 MiB of brackets there are 32 times as many
Decimals = Annotated[int, msgspec.Meta(ge=0, le=36)]
Symbol = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Coin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The chain's own coin: the asset that it is, and its decimals."""

    symbol: Symbol
    decimals: Decimals


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ERC-20 contract: its asset, its decimals, and the slot of the mapping from addresses to balances.

    `layout` is how the compiler hashes a key of a mapping: solidity keccak256(key ‖ slot), vyper keccak256(slot ‖ key),
    both of 32 bytes (Solidity documentation, "Layout of State Variables in Storage"; Vyper, "Storage Layout").
    """

    symbol: Symbol
    address: Address
    decimals: Decimals
    slot: U64
    layout: Literal["solidity", "vyper"]

    def balance_slot(self, holder: bytes) -> int:
        """The storage slot of an address's balance."""
        key, slot = holder.rjust(32, b"\0"), self.slot.to_bytes(32)
        return int.from_bytes(keccak256(key + slot if self.layout == "solidity" else slot + key))


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts on one chain."""

    chain_id: U64
    native: Coin | None
    tokens: Annotated[tuple[Token, ...], msgspec.Meta(max_length=MAX_TOKENS)]

    def __post_init__(self) -> None:
        if len({token.address for token in self.tokens}) < len(self.tokens):
            raise EncodingError(f"chain {self.chain_id}: a token is listed twice")

    @classmethod
    def decode(cls, data: bytes, name: str) -> Tokens:
        """Read a list of tokens. EncodingError names the file."""
        return read_json(data, cls, name)


def read_json(data: bytes, kind: type[T], name: str) -> T:
    """JSON of a kind, of at most MAX_VALUES values. EncodingError names the file and what is wrong."""
    try:
        nesting.check(data, name, values=MAX_VALUES)
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InputError) as error:
        raise EncodingError(f"{name}: {error}") from error
