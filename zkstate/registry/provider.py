"""A node as web3 sees it: our bounded transport beneath, and of an answer only what sending needs, in its form.

web3 believes what a node returns. A field that is malformed ends in whatever its formatters raise, revert data can
send `eth_call` to an address of the node's choice (EIP-3668), and long extra data spoils a block. Here each method
has a form that its answer is read by, errors are typed before web3 sees them, and no other method is let through.

This module imports web3, which takes a second: import it where a transaction is sent, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from web3 import JSONBaseProvider, Web3, __version__
from web3.exceptions import Web3Exception
from web3.middleware import BufferedGasEstimateMiddleware
from web3.types import RPCEndpoint, RPCResponse

from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, RefusedError, SourceError
from zkstate.registry.chain import ADDRESS_BYTES, WORD_BYTES, revert_rule
from zkstate.registry.rpc import JsonRpc, RpcError, read_data, read_quantity

_REVERTED = 3  # the JSON-RPC error code of a reverted call, in most nodes
_FEE_LIMIT = 1 << 128  # of wei; all other quantities have 64 bits


class NodeProvider(JSONBaseProvider):
    """One node, on one chain: that of `chain_id`, or else of its first answer.

    Errors: RpcError if the node refuses, SourceError if it does not deliver what it should, DisagreementError as
    soon as it states another chain.
    """

    global_ccip_read_enabled = False

    def __init__(self, rpc: JsonRpc, chain_id: int | None = None) -> None:
        super().__init__()
        self._rpc, self._chain_id = rpc, chain_id

    def make_request(self, method: RPCEndpoint, params: Sequence[object]) -> RPCResponse:
        form = _FORMS.get(method)
        if form is None:
            raise EnvironmentFailure(f"web3 {__version__} wants {method}, which is unknown here: install another")
        try:
            result = form(self._rpc.call(method, params))
        except RpcError as error:
            if method not in _WEB3_GOES_ON:
                raise
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": error.code, "message": error.reason}}
        except EncodingError as error:
            raise SourceError(f"{self._rpc.name}: {method}: unusable answer: {error}") from error
        if method == "eth_chainId":
            self._stay_on(result)
        return {"jsonrpc": "2.0", "id": 1, "result": result}

    def _stay_on(self, chain_id: int) -> None:
        if self._chain_id not in {None, chain_id}:
            raise DisagreementError(f"{self._rpc.name}: chain id {chain_id}, and {self._chain_id} is expected")
        self._chain_id = chain_id


def connect(rpc: JsonRpc, chain_id: int | None = None) -> Web3:
    """web3 over a node, less the middleware that resolves names and the one that trips over extra data."""
    return Web3(NodeProvider(rpc, chain_id), middleware=[(BufferedGasEstimateMiddleware, "gas_estimate")])


@contextmanager
def failures(node: str, what: str) -> Iterator[None]:
    """Name a revert by its rule, and blame the node for what web3 cannot use."""
    try:
        yield
    except RpcError as error:
        if error.code != _REVERTED and "revert" not in error.reason:
            raise
        raise RefusedError(f"{node}: {what}", revert_rule(error.data or b"")) from error
    except Web3Exception as error:
        raise SourceError(f"{node}: {what}: {error}") from error


def _quantity(what: str, limit: int = 1 << 64) -> Callable[[object], int]:
    return lambda value: read_quantity(value, what, limit)


def _bytes(what: str, length: int | None = None) -> Callable[[object], bytes]:
    return lambda value: read_data(value, what, length)


def _list(what: str, item: Callable[[object], object]) -> Callable[[object], list[object]]:
    def read(value: object) -> list[object]:
        if not isinstance(value, list):
            raise EncodingError(f"{what}: {value!r:.80} is not a list")
        return [item(each) for each in value]

    return read


def _fields(what: str, forms: Mapping[str, Callable[[object], object]]) -> Callable[[object], dict[str, object]]:
    """An object, of which these fields are kept."""

    def read(value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise EncodingError(f"{what}: {value!r:.80} is not an object")
        return {name: form(value.get(name)) for name, form in forms.items()}

    return read


def _if_any(form: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: None if value is None else form(value)


_LOG = _fields(
    "log",
    {
        "address": _bytes("log address", ADDRESS_BYTES),
        "topics": _list("log topics", _bytes("log topic", WORD_BYTES)),
        "data": _bytes("log data"),
        "blockNumber": _quantity("log block"),
    },
)
_RECEIPT = _fields(
    "receipt",
    {
        "blockNumber": _quantity("receipt block"),
        "gasUsed": _quantity("receipt gas"),
        "status": _quantity("receipt status", 2),
        "contractAddress": _if_any(_bytes("created contract", ADDRESS_BYTES)),
        "logs": _list("receipt logs", _LOG),
    },
)
_BLOCK = _fields(
    "block",
    {
        "timestamp": _quantity("block timestamp"),
        "gasLimit": _quantity("block gasLimit"),
        "baseFeePerGas": _quantity("block baseFeePerGas", _FEE_LIMIT),
    },
)
_REWARD = _list("reward", _quantity("reward", _FEE_LIMIT))
_FORMS: Mapping[str, Callable[[object], Any]] = {
    "eth_accounts": _list("accounts", _bytes("account", ADDRESS_BYTES)),
    "eth_call": _bytes("returned data"),
    "eth_chainId": _quantity("chain id"),
    "eth_estimateGas": _quantity("gas"),
    "eth_feeHistory": _fields("fee history", {"reward": _list("rewards", _REWARD)}),
    "eth_getBlockByNumber": _BLOCK,
    "eth_getCode": _bytes("code"),
    "eth_getLogs": _list("logs", _LOG),
    "eth_getStorageAt": _bytes("storage word", WORD_BYTES),
    "eth_getTransactionCount": _quantity("nonce"),
    "eth_getTransactionReceipt": _if_any(_RECEIPT),
    "eth_maxPriorityFeePerGas": _quantity("tip", _FEE_LIMIT),
    "eth_sendRawTransaction": _bytes("transaction hash", WORD_BYTES),
    "eth_sendTransaction": _bytes("transaction hash", WORD_BYTES),
}
# Where web3 knows what to do about an error: take the tip from the fee history, wait while a node still indexes.
_WEB3_GOES_ON = frozenset({"eth_maxPriorityFeePerGas", "eth_getTransactionReceipt"})
