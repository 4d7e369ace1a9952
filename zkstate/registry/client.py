"""A chain behind JSON-RPC, for those who send transactions. What it reads, it believes the node.

Requests go through the one bounded transport of `rpc`, so a node that lies, stalls or never stops ends here as it
does for readers: in a typed error. Signing is eth-account's, imported when a key is opened and not before.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, RefusedError, SourceError
from zkstate.registry.chain import ADDRESS_BYTES, WORD_BYTES, Log, Receipt, address_text, parse_address, revert_rule
from zkstate.registry.rpc import TIMEOUT_S, JsonRpc, RpcError, read_data, read_quantity, write_data

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

WAIT_S = 120.0
POLL_S = 0.2

_KEY = re.compile(rb"(?:0x)?([0-9a-fA-F]{64})\s*", re.ASCII)
_MAX_KEY_FILE = 200
_REVERTED = 3  # the JSON-RPC error code of a reverted call, in most nodes
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1 (SEC 2, 2.4.1)
_TIP_WEI = 10**9  # where a node does not suggest one


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
    DisagreementError if the node is on another chain; EnvironmentFailure without a usable key.
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
        self._rpc = JsonRpc(url, timeout_s)
        self._wait_s = wait_s
        self.name = self._rpc.name
        self.chain_id = self._quantity("eth_chainId", [])
        if chain_id is not None and chain_id != self.chain_id:
            raise DisagreementError(f"{self.name}: chain id {self.chain_id}, and {chain_id} is expected")
        self._key: LocalAccount | None = None
        if isinstance(sender, KeyFile):
            self._key = read_key(sender.path)
            self.sender = parse_address(self._key.address)
        else:
            self.sender = self._node_account(sender.address)

    def deploy(self, code: bytes) -> Receipt:
        return self._send(self._call(None, code), "deployment")

    def transact(self, to: bytes, data: bytes) -> Receipt:
        return self._send(self._call(to, data), f"transaction to {address_text(to)}")

    def call(self, to: bytes, data: bytes) -> bytes:
        with self._errors(f"call of {address_text(to)}"):
            return read_data(self._rpc.call("eth_call", [self._call(to, data), "latest"]), "eth_call")

    def logs(self, address: bytes, topics: tuple[bytes, ...]) -> tuple[Log, ...]:
        wanted = {
            "fromBlock": "0x0",
            "toBlock": "latest",
            "address": address_text(address),
            "topics": [write_data(topic) for topic in topics],
        }
        with self._errors("eth_getLogs"):
            found = _logs(self._rpc.call("eth_getLogs", [wanted]))
        for log in found:
            if log.address != address or log.topics[: len(topics)] != topics:
                raise DisagreementError(f"{self.name}: eth_getLogs returned an event that was not asked for")
        return found

    def storage(self, address: bytes, slot: int) -> int:
        with self._errors("eth_getStorageAt"):
            word = self._rpc.call("eth_getStorageAt", [address_text(address), hex(slot), "latest"])
            return int.from_bytes(read_data(word, "eth_getStorageAt", WORD_BYTES), "big")

    def block_time(self) -> int:
        return self._head_field("timestamp")

    def _call(self, to: bytes | None, data: bytes) -> dict[str, str]:
        call = {"from": address_text(self.sender), "data": write_data(data)}
        return call if to is None else call | {"to": address_text(to)}

    def _head_field(self, field: str) -> int:
        with self._errors("eth_getBlockByNumber"):
            block = self._rpc.call("eth_getBlockByNumber", ["latest", False])
            if not isinstance(block, dict):
                raise EncodingError("the newest block is not an object")
            return read_quantity(block.get(field), field)

    def _quantity(self, method: str, params: Sequence[object]) -> int:
        with self._errors(method):
            return read_quantity(self._rpc.call(method, params), method)

    def _node_account(self, wanted: bytes | None) -> bytes:
        with self._errors("eth_accounts"):
            offered = self._rpc.call("eth_accounts", [])
            if not isinstance(offered, list):
                raise EncodingError("not a list of addresses")
            accounts = [read_data(account, "account", ADDRESS_BYTES) for account in offered]
        if not accounts or (wanted is not None and wanted not in accounts):
            which = "no account" if wanted is None else f"not account {address_text(wanted)}"
            raise EnvironmentFailure(f"{self.name}: the node holds {which} unlocked: give a key file instead")
        return wanted or accounts[0]

    def _send(self, call: dict[str, str], what: str) -> Receipt:
        """Estimate, price, sign where the key is here, send, and wait until it is in a block."""
        with self._errors(what):
            gas = read_quantity(self._rpc.call("eth_estimateGas", [call]), "eth_estimateGas")
            tip = self._tip()
            terms = {
                "chainId": self.chain_id,
                "nonce": self._quantity("eth_getTransactionCount", [call["from"], "pending"]),
                "gas": gas + gas // 5,
                "maxPriorityFeePerGas": tip,
                "maxFeePerGas": 2 * self._head_field("baseFeePerGas") + tip,
                "value": 0,
            }
            if self._key is None:
                unsigned = call | {name: hex(n) for name, n in terms.items()}
                answer = self._rpc.call("eth_sendTransaction", [unsigned])
            else:
                signed = self._key.sign_transaction(
                    {
                        "type": 2,
                        "to": bytes.fromhex(call.get("to", "0x")[2:]),
                        "data": bytes.fromhex(call["data"][2:]),
                        **terms,
                    }
                )
                answer = self._rpc.call("eth_sendRawTransaction", [write_data(signed.raw_transaction)])
            sent = read_data(answer, "transaction hash", WORD_BYTES)
            receipt = self._included(sent, what)
            if read_quantity(receipt.get("status"), "receipt status", 2) == 0:
                # A receipt does not hold the reason; the same call at its block raises it.
                self._rpc.call("eth_call", [call, receipt["blockNumber"]])
                raise RefusedError(f"{self.name}: {what}", "")
            return _receipt(receipt, sent)

    def _tip(self) -> int:
        try:
            return self._quantity("eth_maxPriorityFeePerGas", [])
        except RpcError:
            return _TIP_WEI

    def _included(self, sent: bytes, what: str) -> Mapping[str, object]:
        """The receipt of a transaction, once it is in a block."""
        deadline = time.monotonic() + self._wait_s
        while time.monotonic() < deadline:
            receipt = self._rpc.call("eth_getTransactionReceipt", [write_data(sent)])
            if isinstance(receipt, dict):
                return receipt
            time.sleep(POLL_S)
        raise SourceError(
            f"{self.name}: {what}: transaction {write_data(sent)} was sent and is in no block after "
            f"{self._wait_s:g} s; it may still get there"
        )

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Name a revert by its rule, and blame the node for an answer that is not well-formed."""
        try:
            yield
        except RpcError as error:
            if error.code != _REVERTED and "revert" not in error.reason:
                raise
            raise RefusedError(f"{self.name}: {what}", revert_rule(error.data or b"")) from error
        except EncodingError as error:
            raise SourceError(f"{self.name}: {what}: unusable answer: {error}") from error


def read_key(path: Path) -> LocalAccount:
    """The private key in a file, as an account that signs. The key is in no message and no repr.

    Errors: EnvironmentFailure if the file is missing, readable by others, or holds no key.
    """
    try:
        from eth_account import Account  # noqa: PLC0415 (optional dependency)
    except ImportError as error:
        raise EnvironmentFailure("signing needs the chain extra: pip install 'zkstate[chain]'") from error
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_KEY_FILE + 1)
    except OSError as error:
        raise EnvironmentFailure(f"key file {path}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise EnvironmentFailure(f"key file {path} can be read by others: chmod 600 {path}")
    digits = _KEY.fullmatch(content)
    if digits is None or not 0 < int(digits[1], 16) < _ORDER:
        raise EnvironmentFailure(f"key file {path} does not hold a private key as 64 hexadecimal digits")
    account: LocalAccount = Account.from_key(bytes.fromhex(digits[1].decode("ascii")))
    return account


def _receipt(receipt: Mapping[str, object], sent: bytes) -> Receipt:
    created = receipt.get("contractAddress")
    return Receipt(
        read_quantity(receipt.get("blockNumber"), "receipt block"),
        read_quantity(receipt.get("gasUsed"), "receipt gas"),
        _logs(receipt.get("logs")),
        None if created is None else read_data(created, "created contract", ADDRESS_BYTES),
        sent,
    )


def _logs(value: object) -> tuple[Log, ...]:
    if not isinstance(value, list) or not all(isinstance(log, dict) for log in value):
        raise EncodingError("logs are not a list of objects")
    return tuple(
        Log(
            read_data(log.get("address"), "log address", ADDRESS_BYTES),
            tuple(read_data(topic, "log topic", WORD_BYTES) for topic in log.get("topics") or ()),
            read_data(log.get("data"), "log data"),
            read_quantity(log.get("blockNumber"), "log block"),
        )
        for log in value
    )
