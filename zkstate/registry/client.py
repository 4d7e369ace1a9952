"""A chain behind JSON-RPC, for those who send transactions. What it reads, it believes the node.

web3 estimates, prices, signs, sends and waits; its requests go through the one bounded transport of `rpc`, so a node
that lies, stalls or never stops ends here as it does for readers: in a typed error. web3 is imported when a chain
is opened and not before.
"""

from __future__ import annotations

import re
import time
import warnings
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zkstate.errors import DisagreementError, EnvironmentFailure, MissingError, RefusedError, SourceError
from zkstate.kernels import keccak256
from zkstate.registry.chain import ADDRESS_BYTES, Log, Receipt, address_text, checked_address, parse_address
from zkstate.registry.rpc import TIMEOUT_S, JsonRpc, read_quantity, write_data
from zkstate.state.identity import read_private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eth_account.signers.local import LocalAccount
    from eth_typing import Address
    from hexbytes import HexBytes
    from web3.types import LogReceipt, TxParams, Wei

WAIT_S = 120.0
POLL_S = 0.2

_KEY = re.compile(rb"(?:0x)?([0-9a-fA-F]{64})\s*", re.ASCII)
_MAX_KEY_FILE = 200
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1 (SEC 2, 2.4.1)
_BLOB_GAS = 40_000  # what recording blobs costs more than an estimate without them, for each and once
_NO_TIP = "There was an issue with the method eth_maxPriorityFeePerGas"  # what web3 says when it computes one instead


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A sender whose private key lies in a file: 64 hexadecimal digits, readable by its owner alone."""

    path: Path


@dataclass(frozen=True, slots=True)
class NodeAccount:
    """A sender whose key the node holds, unlocked; None for the first account that the node offers."""

    address: bytes | None = None


class JsonRpcChain:
    """A node, its chain id, and one sender.

    Errors: SourceError if the node is silent, slow or nonsensical; RefusedError where a contract reverts;
    DisagreementError if the node is on another chain, now or later; EnvironmentFailure without a usable key or web3.
    """

    def __init__(
        self,
        url: str,
        sender: KeyFile | NodeAccount,
        *,
        chain_id: int | None = None,
        timeout_s: float = TIMEOUT_S,
        wait_s: float = WAIT_S,
    ) -> None:
        """`timeout_s` bounds a request, `wait_s` how long a transaction may take until it is in a block."""
        rpc = JsonRpc(url, timeout_s)
        try:
            from web3.middleware import SignAndSendRawMiddlewareBuilder  # noqa: PLC0415 (optional dependency)

            from zkstate.registry import provider  # noqa: PLC0415 (optional dependency)
        except ImportError as error:
            raise _missing() from error
        self._rpc, self.name = rpc, rpc.name
        self._wait_s = wait_s
        self._failures: Callable[[str], AbstractContextManager[None]]
        self._failures = lambda what: provider.failures(self.name, what)
        web3 = provider.connect(rpc, chain_id)
        self._eth = web3.eth
        self._eth.default_block = "pending"  # gas is estimated for the block that comes, at its time
        self.chain_id = int(self._eth.chain_id)
        self._account: LocalAccount | None = None
        self._unsigned = 0  # no nonce below it is signed again
        if isinstance(sender, KeyFile):
            account = self._account = read_key(sender.path)
            self.sender = parse_address(account.address)
            web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
        else:
            self.sender = self._node_account(sender.address)

    def deploy(self, code: bytes) -> Receipt:
        return self._send(self._transaction(None, code), "deployment")

    def transact(self, to: bytes, data: bytes, value: int = 0) -> Receipt:
        transaction = self._transaction(to, data)
        if value:
            transaction["value"] = cast("Wei", value)
        return self._send(transaction, f"transaction to {address_text(to)}")

    def transact_with_blobs(self, to: bytes, data: bytes, blobs: Sequence[bytes]) -> Receipt:
        """Send a transaction that carries blobs (EIP-4844, cell proofs of EIP-7594), signed by the key file."""
        if self._account is None:
            raise EnvironmentFailure(f"{self.name}: blobs take a key file: nodes do not sign transactions with them")
        transaction, what = self._transaction(to, data), f"transaction to {address_text(to)} with {len(blobs)} blobs"
        with self._failures(what):
            base = self._eth.get_block("latest")["baseFeePerGas"]
            tip = self._eth.max_priority_fee
            transaction["maxPriorityFeePerGas"] = tip
            transaction["maxFeePerGas"] = cast("Wei", 2 * base + tip)
            transaction["gas"] = self._eth.estimate_gas(transaction) + _BLOB_GAS * (1 + len(blobs))
            fee = read_quantity(self._rpc.call("eth_blobBaseFee", []), "blob base fee", 1 << 128)
            transaction |= {"type": 3, "maxFeePerBlobGas": cast("Wei", 2 * fee), "chainId": self.chain_id}
        return self._send(transaction, what, blobs)

    def call(self, to: bytes, data: bytes) -> bytes:
        with self._failures(f"call of {address_text(to)}"):
            return bytes(self._eth.call(self._transaction(to, data), "latest"))

    def logs(self, address: bytes, topics: tuple[bytes, ...]) -> tuple[Log, ...]:
        with self._failures("eth_getLogs"):
            found = _logs(
                self._eth.get_logs(
                    {
                        "fromBlock": "earliest",
                        "toBlock": "latest",
                        "address": _address(address),
                        "topics": [write_data(topic) for topic in topics],
                    }
                )
            )
        for log in found:
            if log.address != address or log.topics[: len(topics)] != topics:
                raise DisagreementError(f"{self.name}: eth_getLogs returned an event that was not asked for")
        return found

    def code(self, address: bytes) -> bytes:
        with self._failures("eth_getCode"):
            return bytes(self._eth.get_code(_address(address), "latest"))

    def storage(self, address: bytes, slot: int) -> int:
        with self._failures("eth_getStorageAt"):
            return int.from_bytes(self._eth.get_storage_at(_address(address), slot, "latest"), "big")

    def block_time(self) -> int:
        with self._failures("eth_getBlockByNumber"):
            return self._eth.get_block("latest")["timestamp"]

    def _transaction(self, to: bytes | None, data: bytes) -> TxParams:
        transaction: TxParams = {"from": _address(self.sender), "data": data}
        if to is not None:
            transaction["to"] = _address(to)
        return transaction

    def _node_account(self, wanted: bytes | None) -> bytes:
        with self._failures("eth_accounts"):
            accounts = [parse_address(account) for account in self._eth.accounts]
        if not accounts or (wanted is not None and wanted not in accounts):
            which = "no account" if wanted is None else f"not account {address_text(wanted)}"
            raise EnvironmentFailure(f"{self.name}: the node holds {which} unlocked: give a key file instead")
        return wanted or accounts[0]

    def _send(self, transaction: TxParams, what: str, blobs: Sequence[bytes] = ()) -> Receipt:
        """Send, on the chain that was opened and after what the sender sent before; wait until it is in a block."""
        from web3.exceptions import TimeExhausted  # noqa: PLC0415 (optional dependency)

        with self._failures(what), warnings.catch_warnings():
            warnings.filterwarnings("ignore", _NO_TIP)
            _ = self._eth.chain_id
            self._settle(what)
            nonce = None if self._account is None else self._next_nonce(what)
            numbered = transaction if nonce is None else cast("TxParams", {**transaction, "nonce": nonce})
            sent = self._signed(numbered, blobs) if blobs else self._eth.send_transaction(numbered)
            if nonce is not None:
                self._unsigned = nonce + 1
            try:
                receipt = self._eth.wait_for_transaction_receipt(sent, self._wait_s, POLL_S)
            except TimeExhausted as error:
                raise SourceError(
                    f"{self.name}: {what}: transaction {write_data(sent)} was sent and is in no block after "
                    f"{self._wait_s:g} s; it may still get there"
                ) from error
            if receipt["status"] == 0:
                # A receipt does not hold the reason; the same call at its block raises it.
                self._eth.call(transaction, receipt["blockNumber"])
                raise RefusedError(f"{self.name}: {what}", "")
        created = None if receipt["contractAddress"] is None else parse_address(receipt["contractAddress"])
        if nonce is not None and "to" not in transaction:
            expected = created_address(self.sender, nonce)
            if created != expected:
                told = "no contract" if created is None else address_text(created)
                raise DisagreementError(
                    f"{self.name}: {what}: the receipt names {told}; what nonce {nonce} of "
                    f"{address_text(self.sender)} creates lies at {address_text(expected)}"
                )
        return Receipt(receipt["blockNumber"], receipt["gasUsed"], _logs(receipt["logs"]), created, bytes(sent))

    def _next_nonce(self, what: str) -> int:
        """The nonce to sign with. A node that names one twice could choose later which transaction counts."""
        nonce = int(self._eth.get_transaction_count(_address(self.sender), "pending"))
        if nonce < self._unsigned:
            raise DisagreementError(
                f"{self.name}: {what}: not sent: next nonce {nonce}, and {self._unsigned - 1} was sent with already"
            )
        return nonce

    def _signed(self, transaction: TxParams, blobs: Sequence[bytes]) -> HexBytes:
        """Send a transaction with blobs: web3 signs none by itself."""
        assert self._account is not None
        fields: dict[str, Any] = {name: value for name, value in transaction.items() if name != "from"}
        signed = self._account.sign_transaction(fields, blobs=list(blobs))
        return self._eth.send_raw_transaction(signed.raw_transaction)

    def _settle(self, what: str) -> None:
        """Wait for what the sender has on the way, from a run that was killed perhaps: it decides what may follow."""
        deadline = time.monotonic() + self._wait_s
        sender = _address(self.sender)
        count = self._eth.get_transaction_count
        while (waiting := count(sender, "pending") - count(sender, "latest")) > 0:
            if time.monotonic() >= deadline:
                raise SourceError(
                    f"{self.name}: {what}: not sent: {waiting} earlier transactions of {address_text(self.sender)} "
                    f"are in no block after {self._wait_s:g} s"
                )
            time.sleep(POLL_S)


def created_address(sender: bytes, nonce: int) -> bytes:
    """Where the contract lies that a transaction of `sender` with this nonce creates (Yellow Paper, section 7)."""
    from rlp import encode  # noqa: PLC0415 (optional dependency)

    return keccak256(encode([checked_address(sender), nonce]))[-ADDRESS_BYTES:]


def read_key(path: Path) -> LocalAccount:
    """The private key in a file, as an account that signs. The key is in no message and no repr.

    Errors: EnvironmentFailure if the file is missing, readable by others, or holds no key.
    """
    try:
        from web3 import Account  # noqa: PLC0415 (optional dependency)
    except ImportError as error:
        raise _missing() from error
    try:
        content = read_private(path, _MAX_KEY_FILE, "key file")
    except MissingError as error:
        raise EnvironmentFailure(str(error)) from None
    digits = _KEY.fullmatch(content)
    if digits is None or not 0 < int(digits[1], 16) < _ORDER:
        raise EnvironmentFailure(f"key file {path} does not hold a private key as 64 hexadecimal digits")
    account: LocalAccount = Account.from_key(bytes.fromhex(digits[1].decode("ascii")))
    return account


def _address(address: bytes) -> Address:
    return cast("Address", checked_address(address))


def _logs(found: Sequence[LogReceipt]) -> tuple[Log, ...]:
    return tuple(
        Log(
            parse_address(log["address"]),
            tuple(bytes(topic) for topic in log["topics"]),
            bytes(log["data"]),
            log["blockNumber"],
        )
        for log in found
    )


def _missing() -> EnvironmentFailure:
    return EnvironmentFailure("transactions need the chain extra: pip install 'zkstate[chain]'")
