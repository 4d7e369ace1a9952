"""A node over the embedded chain, for a drill: one block with the registry in its state, and proofs from its tries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from lightclient.execution import rlp
from lightclient.execution.mpt import EMPTY_ROOT
from lightclient.registry_reader import STATE_SLOTS
from zkstate.cli.disaster_servers import Answer
from zkstate.kernels import keccak256
from zkstate.registry import slots
from zkstate.registry.embedded import EmbeddedChain

_Items: TypeAlias = "list[tuple[bytes, bytes]]"
_WORD = 32


class Trie:
    """A Merkle Patricia trie of values under hashed keys, and the proofs from it (Yellow Paper, appendix D)."""

    def __init__(self, items: Mapping[bytes, bytes]) -> None:
        self._items = sorted((_nibbles(keccak256(key)), value) for key, value in items.items())
        self.root = keccak256(rlp.encode(_node(self._items, 0))) if items else EMPTY_ROOT

    def proof(self, key: bytes) -> list[bytes]:
        """The nodes from the root towards a key, without those that stand inside others."""
        return list(_towards(self._items, 0, _nibbles(keccak256(key)))) if self._items else []


class DrillNode:
    """What an execution node answers about one block. `header_hash` is what its registry says of the newest epoch."""

    def __init__(self, chain: EmbeddedChain, registry: bytes, epoch: int) -> None:
        self._chain_id, self._registry, self._code = chain.chain_id, registry, chain.code(registry)
        read = (*STATE_SLOTS, *(slots.header_hash_slot(i) for i in range(1, epoch + 1)))
        self._words = {slot: chain.storage(registry, slot) for slot in read}
        held = {slot.to_bytes(_WORD): rlp.encode(rlp.encode_uint(word)) for slot, word in self._words.items() if word}
        self._storage = Trie(held)
        account = [rlp.encode_uint(1), b"", self._storage.root, keccak256(self._code)]
        self._state = Trie({registry: rlp.encode(account)})
        self._block = _block(self._state.root, chain.block_time())

    @property
    def block_hash(self) -> bytes:
        """The hash of the block."""
        return bytes.fromhex(self._block["hash"][2:])

    def answer(self, _: str, body: bytes) -> bytes | None:
        """The answer to a JSON-RPC request."""
        query = msgspec.json.decode(body)
        return msgspec.json.encode({"jsonrpc": "2.0", "id": query["id"], "result": self._result(**query)})

    def _result(self, method: str, params: list[Any], **_: object) -> object:
        if method == "eth_chainId":
            return hex(self._chain_id)
        if method == "eth_getCode":
            return _hex(self._code)
        if method == "eth_getProof":
            return self._proof([int(key, 16) for key in params[1]])
        known = params[0] in ("latest", self._block["number"], self._block["hash"])
        return self._block if known and method.startswith("eth_getBlock") else None

    def _proof(self, wanted: list[int]) -> dict[str, object]:
        return {
            "address": _hex(self._registry), "nonce": "0x1", "balance": "0x0", "storageHash": _hex(self._storage.root),
            "codeHash": _hex(keccak256(self._code)), "accountProof": list(map(_hex, self._state.proof(self._registry))),
            "storageProof": [
                {
                    "key": hex(slot), "value": hex(self._words.get(slot, 0)),
                    "proof": list(map(_hex, self._storage.proof(slot.to_bytes(_WORD)))),
                }
                for slot in wanted
            ],
        }  # fmt: skip


def inventing(node: DrillNode) -> Answer:
    """A node with a chain of its own: its block names another state, and has the hash that this makes."""

    def answer(path: str, body: bytes) -> bytes | None:
        given = msgspec.json.decode(node.answer(path, body) or b"{}")
        if isinstance(given.get("result"), dict) and "stateRoot" in given["result"]:
            given["result"] = _block(keccak256(b"another state"), int(given["result"]["timestamp"], 16))
        return msgspec.json.encode(given)

    return answer


def _block(state_root: bytes, time: int) -> dict[str, str]:
    """A block of the form since Prague, with nothing in it but a state."""
    zero, empty = bytes(_WORD), keccak256(rlp.encode(b""))
    fields: dict[str, bytes | int] = {
        "parentHash": zero, "sha3Uncles": keccak256(rlp.encode([])), "miner": bytes(20), "stateRoot": state_root,
        "transactionsRoot": empty, "receiptsRoot": empty, "logsBloom": bytes(256), "difficulty": 0, "number": 1,
        "gasLimit": 30_000_000, "gasUsed": 0, "timestamp": time, "extraData": b"drill", "mixHash": zero,
        "nonce": bytes(8), "baseFeePerGas": 1, "withdrawalsRoot": empty, "blobGasUsed": 0, "excessBlobGas": 0,
        "parentBeaconBlockRoot": zero, "requestsHash": zero,
    }  # fmt: skip
    encoded = rlp.encode([rlp.encode_uint(value) if isinstance(value, int) else value for value in fields.values()])
    block = {name: hex(value) if isinstance(value, int) else _hex(value) for name, value in fields.items()}
    return block | {"hash": _hex(keccak256(encoded))}


def _node(items: _Items, depth: int) -> list[rlp.Item]:
    """The node over items that share their first `depth` nibbles: a leaf, an extension or a branch."""
    path, value = items[0]
    if len(items) == 1:
        return [_compact(path[depth:], 2), value]
    if shared := _shared(items, depth):
        return [_compact(path[depth : depth + shared], 0), _reference(_node(items, depth + shared))]
    children = ([item for item in items if item[0][depth] == nibble] for nibble in range(16))
    return [*(_reference(_node(below, depth + 1)) if below else b"" for below in children), b""]


def _towards(items: _Items, depth: int, path: bytes) -> Iterator[bytes]:
    encoded = rlp.encode(_node(items, depth))
    if depth == 0 or len(encoded) >= _WORD:
        yield encoded
    if len(items) == 1:
        return
    shared = _shared(items, depth)
    if path[depth : depth + shared] != items[0][0][depth : depth + shared]:
        return
    below = items if shared else [item for item in items if item[0][depth] == path[depth]]
    if below:
        yield from _towards(below, depth + (shared or 1), path)


def _shared(items: _Items, depth: int) -> int:
    """How many nibbles from `depth` on all items share. They are sorted, so the first and the last decide."""
    first, last = items[0][0], items[-1][0]
    return next(i for i in range(len(first) - depth) if first[depth + i] != last[depth + i])


def _reference(node: list[rlp.Item]) -> rlp.Item:
    encoded = rlp.encode(node)
    return node if len(encoded) < _WORD else keccak256(encoded)


def _compact(path: bytes, flag: int) -> bytes:
    """Hex-prefix encoding: flag 2 for a leaf, 0 for an extension."""
    nibbles = bytes([flag + 1, *path]) if len(path) % 2 else bytes([flag, 0, *path])
    return bytes(16 * a + b for a, b in zip(nibbles[::2], nibbles[1::2], strict=True))


def _nibbles(data: bytes) -> bytes:
    return bytes(nibble for byte in data for nibble in (byte >> 4, byte & 15))


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
