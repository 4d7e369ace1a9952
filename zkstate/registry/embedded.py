"""A chain inside this process, for demonstrations and tests: it ends with it and convinces nobody else.

pyrevm runs it where its wheel is installed, py-evm behind eth-tester otherwise. Every transaction has a block
of its own, one second after the last; otherwise time stands still until it is set.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from zkstate.errors import EnvironmentFailure, InputError, MissingError, RefusedError, SourceError
from zkstate.kernels import keccak256
from zkstate.publication.trust import Trust
from zkstate.registry.chain import WORD_BYTES, Chain, Log, Receipt, address_text, revert_rule
from zkstate.registry.slots import LATEST_EPOCH, header_hash_slot

NAME = "embedded chain"
CHAIN_ID = 31337
BLOCK_GAS = 30_000_000
FORK = "PRAGUE"

_ACCOUNTS = 10
_BALANCE = 10**24
_PADDING = 33  # zeros that revm puts behind code, so that it ends whatever it does
_REVERT = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}", re.ASCII)


class EmbeddedChain(Chain, Protocol):
    """A chain whose clock and accounts belong to the caller."""

    @property
    def accounts(self) -> tuple[bytes, ...]:
        """Ten accounts with funds; the first one sends until `send_from` chooses another."""
        ...

    def send_from(self, account: bytes) -> None:
        """Send the following transactions and calls from one of `accounts`."""
        ...

    def set_time(self, seconds: int) -> None:
        """Move the clock to a time that is not before that of the newest block."""
        ...


def embedded_chain(now: int | None = None) -> EmbeddedChain:
    """A fresh chain at time `now` (default: the clock's). EnvironmentFailure if no EVM is installed."""
    start = int(time.time()) if now is None else now
    try:
        return RevmChain(start)
    except ImportError:
        pass
    try:
        return PyEvmChain(start)
    except ImportError as error:
        raise EnvironmentFailure(
            "no EVM is installed for the embedded chain: pip install 'zkstate[chain]', "
            "or 'eth-tester[py-evm]' where pyrevm has no wheel"
        ) from error


@dataclass(frozen=True, slots=True)
class EmbeddedTrustRoot:
    """The registry on an embedded chain as a root of trust: its storage is this process's own."""

    chain: EmbeddedChain
    registry: bytes

    def latest_epoch(self) -> tuple[int, bytes, Trust]:
        """The newest epoch and its header hash. MissingError if none is published."""
        epoch = self.chain.storage(self.registry, LATEST_EPOCH)
        text = f"registry {address_text(self.registry)} on a chain inside this process, which nobody else sees"
        return epoch, self.epoch_hash(epoch), Trust("c", text)

    def epoch_hash(self, epoch: int) -> bytes:
        """The header hash of an epoch. MissingError if the registry does not have it."""
        word = self.chain.storage(self.registry, header_hash_slot(epoch))
        if word == 0 or epoch > self.chain.storage(self.registry, LATEST_EPOCH):
            raise MissingError(f"registry {address_text(self.registry)} has no epoch {epoch}")
        return word.to_bytes(WORD_BYTES, "big")


class RevmChain:
    """The chain on pyrevm. ImportError if it is not installed.

    pyrevm never closes a transaction, so slots that an earlier one touched stay warm: `gas_used` is exact
    without storage, as when a proof is verified, and below that of a chain where storage is written.
    """

    name = NAME
    chain_id = CHAIN_ID

    def __init__(self, now: int) -> None:
        import pyrevm  # noqa: PLC0415 (optional dependency)

        self._pyrevm = pyrevm
        environment = pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=CHAIN_ID))
        self._evm = pyrevm.EVM(env=environment, gas_limit=BLOCK_GAS, spec_id=FORK)
        self._number, self._time = 0, now
        self._logs: list[Log] = []
        self.accounts = tuple(keccak256(f"{NAME} {i}".encode())[12:] for i in range(_ACCOUNTS))
        for account in self.accounts:
            self._evm.set_balance(address_text(account), _BALANCE)
        self.sender = self.accounts[0]

    def send_from(self, account: bytes) -> None:
        self.sender = _one_of(self.accounts, account)

    def block_time(self) -> int:
        return self._time

    def set_time(self, seconds: int) -> None:
        _check_time(seconds, self._time)
        self._time = seconds

    def deploy(self, code: bytes) -> Receipt:
        self._open_block(self._number + 1, self._time + 1)
        with self._errors("deployment"):
            created = self._evm.deploy(address_text(self.sender), code)
        return self._receipt(_bytes(created))

    def transact(self, to: bytes, data: bytes, value: int = 0) -> Receipt:
        self._open_block(self._number + 1, self._time + 1)
        with self._errors(f"transaction to {address_text(to)}"):
            self._evm.message_call(address_text(self.sender), address_text(to), calldata=data, value=value)
        return self._receipt(None)

    def call(self, to: bytes, data: bytes) -> bytes:
        self._open_block(self._number, self._time)
        before = self._evm.snapshot()
        try:
            with self._errors(f"call of {address_text(to)}"):
                return bytes(self._evm.message_call(address_text(self.sender), address_text(to), calldata=data))
        finally:
            self._evm.revert(before)

    def logs(self, address: bytes, topics: tuple[bytes, ...]) -> tuple[Log, ...]:
        return tuple(log for log in self._logs if log.address == address and log.topics[: len(topics)] == topics)

    def code(self, address: bytes) -> bytes:
        return bytes(self._evm.get_code(address_text(address)) or b"")[:-_PADDING]

    def storage(self, address: bytes, slot: int) -> int:
        return int(self._evm.storage(address_text(address), slot))

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """pyrevm raises RuntimeError for a revert, with the outcome in its text."""
        try:
            yield
        except RuntimeError as error:
            reverted = _REVERT.search(str(error))
            if reverted is not None:
                raise RefusedError(f"{NAME}: {what}", revert_rule(bytes.fromhex(reverted[1]))) from error
            raise SourceError(f"{NAME}: {what}: {str(error)[:200]}") from error

    def _open_block(self, number: int, seconds: int) -> None:
        self._number, self._time = number, seconds
        self._evm.set_block_env(self._pyrevm.BlockEnv(number=number, timestamp=seconds, gas_limit=BLOCK_GAS, basefee=0))

    def _receipt(self, contract: bytes | None) -> Receipt:
        result: Any = self._evm.result  # of the transaction that has just succeeded
        logs = tuple(
            Log(_bytes(log.address), tuple(map(_bytes, log.topics)), bytes(log.data[1]), self._number)
            for log in result.logs
        )
        self._logs.extend(logs)
        return Receipt(self._number, result.gas_used, logs, contract)


class PyEvmChain:
    """The chain on py-evm behind eth-tester, slower. ImportError if they are not installed."""

    name = NAME

    def __init__(self, now: int) -> None:
        from eth_tester import EthereumTester, PyEVMBackend  # noqa: PLC0415 (optional dependency)
        from eth_tester.exceptions import TransactionFailed  # noqa: PLC0415 (optional dependency)

        self._failure = TransactionFailed
        genesis = PyEVMBackend.generate_genesis_params({"timestamp": now, "gas_limit": BLOCK_GAS})
        self._backend = PyEVMBackend(genesis_parameters=genesis)
        self._tester = EthereumTester(self._backend)
        self.chain_id = int(self._backend.chain.chain_id)
        self.accounts = tuple(map(_bytes, self._tester.get_accounts()[:_ACCOUNTS]))
        self.sender = self.accounts[0]

    def send_from(self, account: bytes) -> None:
        self.sender = _one_of(self.accounts, account)

    def block_time(self) -> int:
        return int(self._tester.get_block_by_number("latest")["timestamp"])

    def set_time(self, seconds: int) -> None:
        newest = self.block_time()
        _check_time(seconds, newest)
        if seconds > newest:
            self._open_block(seconds)
            self._tester.mine_block()

    def deploy(self, code: bytes) -> Receipt:
        return self._send({"data": _hex(code)}, "deployment")

    def transact(self, to: bytes, data: bytes, value: int = 0) -> Receipt:
        fields = {"to": address_text(to), "data": _hex(data), "value": value}
        return self._send(fields, f"transaction to {address_text(to)}")

    def call(self, to: bytes, data: bytes) -> bytes:
        return self._call({"to": address_text(to), "data": _hex(data)}, f"call of {address_text(to)}")

    def logs(self, address: bytes, topics: tuple[bytes, ...]) -> tuple[Log, ...]:
        found = self._tester.get_logs(
            from_block=0, address=address_text(address), topics=[_hex(topic) for topic in topics]
        )
        return tuple(map(_tester_log, found))

    def code(self, address: bytes) -> bytes:
        return _bytes(self._tester.get_code(address_text(address)))

    def storage(self, address: bytes, slot: int) -> int:
        return int(self._tester.get_storage_at(address_text(address), hex(slot)), 16)

    def _call(self, fields: Mapping[str, object], what: str) -> bytes:
        with self._errors(what):
            return _bytes(self._tester.call({**fields, "from": address_text(self.sender), "gas": BLOCK_GAS // 2}))

    def _send(self, fields: Mapping[str, object], what: str) -> Receipt:
        self._open_block(self.block_time() + 1)
        with self._errors(what):
            sent = self._tester.send_transaction(
                {
                    **fields,
                    "from": address_text(self.sender),
                    "gas": BLOCK_GAS // 2,
                    "max_fee_per_gas": 10**10,
                    "max_priority_fee_per_gas": 0,
                }
            )
        receipt = self._tester.get_transaction_receipt(sent)
        if receipt["status"] != 1:
            self._call(fields, what)  # a receipt does not hold the reason, a call raises it
            raise RefusedError(f"{NAME}: {what}", "")
        contract = receipt["contract_address"]
        return Receipt(
            receipt["block_number"],
            receipt["gas_used"],
            tuple(map(_tester_log, receipt["logs"])),
            _bytes(contract) if contract else None,
            _bytes(sent),
        )

    def _open_block(self, seconds: int) -> None:
        """py-evm gives the open block the time of the machine's clock, if it is not told."""
        head = self._backend.chain
        head.header = head.header.copy(timestamp=seconds)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._failure as error:
            reason = error.args[0]
            rule = revert_rule(reason) if isinstance(reason, bytes) else str(reason)
            raise RefusedError(f"{NAME}: {what}", rule) from error


def _tester_log(log: Mapping[str, Any]) -> Log:
    return Log(_bytes(log["address"]), tuple(map(_bytes, log["topics"])), _bytes(log["data"]), log["block_number"])


def _one_of(accounts: tuple[bytes, ...], account: bytes) -> bytes:
    if account not in accounts:
        raise InputError(f"{NAME}: {address_text(account)} is not one of its accounts")
    return account


def _check_time(seconds: int, newest: int) -> None:
    if seconds < newest:
        raise InputError(f"{NAME}: time {seconds} is before {newest}, that of the newest block")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
