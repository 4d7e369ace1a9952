"""The root of a Merkle-Patricia trie from everything in it (Yellow Paper, appendix D)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zkstate.errors import EncodingError
from zkstate.kernels import keccak256

from . import rlp
from .mpt import EMPTY_ROOT, compact, nibbles


def root_of(content: Mapping[bytes, bytes]) -> bytes:
    """The root of a trie with these values at these keys. EncodingError for an empty value, which a trie cannot hold.

    Recurses as deep as the nibbles that two keys share.
    """
    if not content:
        return EMPTY_ROOT
    if empty := [key for key, value in content.items() if not value]:
        raise EncodingError(f"trie key {empty[0].hex()} has an empty value")
    return keccak256(rlp.encode(_node(sorted((nibbles(key), value) for key, value in content.items()), 0)))


def ordered_root(values: Sequence[bytes]) -> bytes:
    """The root over a list, as blocks have it over transactions and receipts: keys are the RLP of positions."""
    return root_of({index_key(i): value for i, value in enumerate(values)})


def index_key(index: int) -> bytes:
    """The key of a position in such a trie."""
    return rlp.encode(rlp.encode_uint(index))


def _node(content: list[tuple[bytes, bytes]], depth: int) -> list[rlp.Item]:
    """The node over sorted content whose paths agree in their first `depth` nibbles."""
    first, last = content[0][0], content[-1][0]
    if len(content) == 1:
        return [compact(first[depth:], is_leaf=True), content[0][1]]
    shared = depth
    while shared < len(first) and first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return [compact(first[depth:shared], is_leaf=False), _reference(_node(content, shared))]
    ways: list[list[tuple[bytes, bytes]]] = [[] for _ in range(16)]
    value = b""
    for path, at in content:
        if len(path) == depth:
            value = at
        else:
            ways[path[depth]].append((path, at))
    return [*(_reference(_node(way, depth + 1)) if way else b"" for way in ways), value]


def _reference(node: list[rlp.Item]) -> rlp.Item:
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else keccak256(encoded)
