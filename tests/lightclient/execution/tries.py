"""Tries of another implementation (py-trie), and the proofs a node would give from them."""

import rlp as pyrlp
from trie import HexaryTrie


def grow(steps):
    """A trie after these (key, value) updates; a value of None deletes."""
    trie = HexaryTrie({})
    for key, value in steps:
        if value is None:
            trie.delete(key)
        else:
            trie.set(key, value)
    return trie


def proof(trie, key):
    """The encoded nodes from the root towards `key`, without those that stand inside their parents."""
    encoded = [pyrlp.encode(node) for node in trie.get_proof(key)]
    return [node for i, node in enumerate(encoded) if (i == 0 or len(node) >= 32) and node != b"\x80"]
