"""Merkle-Patricia proofs, strictly: the nodes from the root to the answer, and nothing else.

Source: Ethereum Yellow Paper, appendix D. A node is refused if it is not the one canonical form of what it
says: a child whose encoding has fewer than 32 bytes stands inside its parent and any other is named by its
hash, an extension is not empty and leads to a branch, a branch has at least two ways on.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkstate.errors import DisagreementError, EncodingError
from zkstate.kernels import keccak256

from . import rlp

EMPTY_ROOT = keccak256(b"\x80")

_EMPTY_NODE = b"\x80"
_BRANCH_ITEMS = 17
_PATH_ITEMS = 2


def prove(root: bytes, key: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The value at `key` under `root`, or None if the proof shows that there is none.

    Errors: EncodingError for a node that is not canonical; DisagreementError for a proof that does not lead
    from `root` to an answer, or has nodes left when it is reached. `key` is the trie's own key: in the state
    and storage tries a hash of 32 bytes.
    """
    if root == EMPTY_ROOT:
        if tuple(proof) not in ((), (_EMPTY_NODE,)):
            raise DisagreementError(f"proof has {len(proof)} nodes under the root of the empty trie")
        return None
    path = nibbles(key)
    walk = _Walk(root, proof)
    node = walk.next_node(root)
    while True:
        if len(node) == _BRANCH_ITEMS:
            _check_branch(node, walk)
            if not path:
                return walk.finish(_string(node[16], walk) or None)
            child, path = node[path[0]], path[1:]
            if child == b"":
                return walk.finish(None)
            node = walk.child(child)
            continue
        part, is_leaf = _hex_prefix(node[0], walk)
        if is_leaf:
            value = _string(node[1], walk)
            if not value:
                raise EncodingError(f"{walk}: a leaf without a value")
            return walk.finish(value if part == path else None)
        if not part:
            raise EncodingError(f"{walk}: an extension without nibbles")
        if path[: len(part)] != part:
            _check_reference(node[1], walk)
            return walk.finish(None)
        path = path[len(part) :]
        node = walk.child(node[1])
        if len(node) != _BRANCH_ITEMS:
            raise EncodingError(f"{walk}: an extension leads to a leaf or another extension")


class _Walk:
    """The position in a proof; as text it names the node that is being read."""

    def __init__(self, root: bytes, proof: Sequence[bytes]) -> None:
        if len(root) != 32:
            raise EncodingError(f"a trie root has 32 bytes, not {len(root)}")
        self._proof, self._at = proof, 0

    def __str__(self) -> str:
        return f"proof node {self._at} of {len(self._proof)}"

    def next_node(self, reference: bytes) -> list[rlp.Item]:
        """The next node of the proof, which must have the hash `reference`."""
        if self._at == len(self._proof):
            raise DisagreementError(f"proof ends after {self._at} nodes, before node {reference.hex()}")
        encoded = self._proof[self._at]
        self._at += 1
        digest = keccak256(encoded)
        if digest != reference:
            raise DisagreementError(f"{self} has hash {digest.hex()}; its parent names {reference.hex()}")
        if len(encoded) < 32 and self._at > 1:
            raise EncodingError(f"{self} has {len(encoded)} bytes and must stand inside its parent")
        return self._shape(rlp.decode_list(encoded, str(self)))

    def child(self, reference: rlp.Item) -> list[rlp.Item]:
        """The node that a parent refers to: the next of the proof, or one embedded in the parent."""
        _check_reference(reference, self)
        return self.next_node(reference) if isinstance(reference, bytes) else self._shape(reference)

    def finish(self, value: bytes | None) -> bytes | None:
        if self._at != len(self._proof):
            raise DisagreementError(f"proof has {len(self._proof)} nodes; node {self._at} already answers")
        return value

    def _shape(self, node: list[rlp.Item]) -> list[rlp.Item]:
        if len(node) not in (_PATH_ITEMS, _BRANCH_ITEMS):
            raise EncodingError(f"{self}: {len(node)} items, and a node has 2 or 17")
        return node


def _check_branch(node: list[rlp.Item], walk: _Walk) -> None:
    ways = 0
    for item in node[:16]:
        if item != b"":
            _check_reference(item, walk)
            ways += 1
    if ways + bool(_string(node[16], walk)) < 2:
        raise EncodingError(f"{walk}: a branch with fewer than two ways on")


def _check_reference(item: rlp.Item, walk: _Walk) -> None:
    """A child is named by a 32-byte hash, or embedded when its encoding is shorter than that."""
    if isinstance(item, bytes):
        if len(item) != 32:
            raise EncodingError(f"{walk}: a reference of {len(item)} bytes")
    elif len(rlp.encode(item)) >= 32:
        raise EncodingError(f"{walk}: a child of 32 bytes or more is embedded")


def _string(item: rlp.Item, walk: _Walk) -> bytes:
    if not isinstance(item, bytes):
        raise EncodingError(f"{walk}: a list where a value is due")
    return item


def nibbles(data: bytes) -> bytes:
    """The path of a key: two nibbles a byte, each in a byte of its own."""
    return bytes(nibble for byte in data for nibble in (byte >> 4, byte & 15))


def _hex_prefix(item: rlp.Item, walk: _Walk) -> tuple[bytes, bool]:
    """The nibbles of a compact path, and whether it ends in a leaf (Yellow Paper, appendix C)."""
    if not isinstance(item, bytes) or not item:
        raise EncodingError(f"{walk}: a path that is empty or a list")
    path = nibbles(item)
    flag = path[0]
    if flag > 3 or (flag % 2 == 0 and path[1] != 0):
        raise EncodingError(f"{walk}: path {item.hex()[:80]} is not in compact form")
    return path[1 if flag % 2 else 2 :], flag >= 2


def compact(path: bytes, *, is_leaf: bool) -> bytes:
    """The inverse: a part of a path as a node holds it."""
    odd = len(path) % 2
    whole = bytes([2 * is_leaf + odd]) + (b"" if odd else b"\0") + path
    return bytes(high << 4 | low for high, low in zip(whole[::2], whole[1::2], strict=True))
