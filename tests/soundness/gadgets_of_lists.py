"""Gadgets about lists and hashes: reading at a place, Poseidon, paths in a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from circuits.gadgets import lookup, merkle
from circuits.gadgets import poseidon as hashing
from tests.soundness.gadget import NO_PRIME, Gadget, Inputs, digits, each_out
from zkstate.commitment import poseidon as native
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, uint
from zkstate.kernels import FR_MODULUS

TAG = 7


def _felt_examples(w: int) -> list[Inputs]:
    return [{"x": x} for x in (0, 1, 5, FR_MODULUS - 1, FR_MODULUS // 3, (1 << 253) + 1)]


def _chosen(c: Builder, out: Any, place: Any, x: Any) -> None:
    c.require(lookup.select_by(c, lookup.one_hot(c, place, 3), x) == out, "chosen")


def _summed(c: Builder, out: Any, flags: Any, x: Any) -> None:
    c.require(lookup.select_by(c, flags, x) == out, "sum")


def _places(w: int) -> list[Inputs]:
    return [{"place": i, "x": [3, 0, 2]} for i in range(3)] + [{"place": i, "x": [1, 1, 3]} for i in range(3)]


def _root(leaf: int, place: Sequence[int], nodes: Sequence[Sequence[int]]) -> int | None:
    """The root above a leaf; None if the children of a node do not hold the one below at its place."""
    node, digits = leaf, list(place)
    for children in nodes:
        width = len(children).bit_length() - 1
        if children[sum(digit << i for i, digit in enumerate(digits[:width]))] != node:
            return None
        node, digits = native.poseidon(TAG, list(children)), digits[width:]
    return node


def _placed(
    p: int, w: int, leaf: int, place: Sequence[int], nodes: Sequence[Sequence[int]]
) -> Mapping[str, Any] | None:
    root = _root(leaf, place, nodes)
    return None if root is None else {"out": root}


def _path_example(index: int, arity: int, levels: int) -> Inputs:
    width = arity.bit_length() - 1
    node, nodes, place = 1000 + index, [], digits(index, width * levels)
    for level in range(levels):
        children = [100 * level + i for i in range(arity)]
        children[index >> width * level & (arity - 1)] = node
        nodes.append(children)
        node = native.poseidon(TAG, children)
    return {"leaf": 1000 + index, "place": place, "nodes": nodes}


def _shared(c: Builder, out: Any, leaf: Any, place: Any, nodes: Any, top: Any) -> None:
    table = merkle.SharedTop(c, TAG, TAG + 1, top)
    table.require_leaf(leaf, place, nodes, "the leaf is there")
    c.require(table.root == out, "the root")


def _under_top(
    p: int, w: int, leaf: int, place: Sequence[int], nodes: Any, top: Sequence[int]
) -> Mapping[str, Any] | None:
    root = _root(leaf, place[:2], nodes)
    return {"out": native.chain(TAG + 1, list(top))} if root == top[place[2]] else None


def _shared_example(index: int) -> Inputs:
    inputs = _path_example(index & 3, 4, 1)
    top = [77, 88]
    top[index >> 2] = native.poseidon(TAG, inputs["nodes"][0])
    return {**inputs, "place": digits(index, 3), "top": top}


def _at(c: Builder, out: Any, place: Any, x: Any) -> None:
    c.require(lookup.select_at(c, place, x) == out, "chosen")


def _value_at(p: int, w: int, place: Sequence[int], x: Sequence[int]) -> Mapping[str, Any]:
    index = place[0] + 2 * place[1]
    return {"out": x[index] if index < len(x) else 0}


LISTS = [
    Gadget(
        "one-hot flags",
        (lookup.one_hot,),
        lambda w: {"out": (FELT, 3), "place": FELT},
        lambda c, out, place: each_out(c, out, lookup.one_hot(c, place, 3)),
        lambda p, w, place: {"out": [int(i == place) for i in range(3)]} if place < 3 else None,
        lambda w: [{"place": i} for i in range(3)],
    ),
    Gadget(
        "reading a list",
        (lookup.one_hot, lookup.select_by),
        lambda w: {"out": FELT, "place": FELT, "x": (uint(2), 3)},
        _chosen,
        lambda p, w, place, x: {"out": x[place]} if place < 3 else None,
        _places,
        primes=(11, 13),
    ),
    Gadget(
        "flags that add up",
        (lookup.select_by,),
        lambda w: {"out": FELT, "flags": (BOOL, 2), "x": (uint(w), 2)},
        _summed,
        lambda p, w, flags, x: {"out": (flags[0] * x[0] + flags[1] * x[1]) % p},
        lambda w: [{"flags": f, "x": [3, 7]} for f in ([0, 0], [0, 1], [1, 0], [1, 1])],
        primes=(13,),
    ),
    Gadget(
        "Poseidon of one word",
        (hashing.poseidon, hashing.permutation),
        lambda w: {"out": FELT, "x": FELT},
        lambda c, out, x: c.require(hashing.poseidon(c, TAG, [x]) == out, "the hash"),
        lambda p, w, x: {"out": native.poseidon(TAG, [x])},
        _felt_examples,
        primes=NO_PRIME,
    ),
    Gadget(
        "Poseidon chain of seventeen words",
        (hashing.chain,),
        lambda w: {"out": FELT, "x": (FELT, 17)},
        lambda c, out, x: c.require(hashing.chain(c, TAG, x) == out, "the chain"),
        lambda p, w, x: {"out": native.chain(TAG, list(x))},
        lambda w: [{"x": [i * i + 1 for i in range(17)]}, {"x": [0] * 17}],
        primes=NO_PRIME,
    ),
    Gadget(
        "reading a list by binary digits",
        (lookup.select_at,),
        lambda w: {"out": FELT, "place": (BOOL, 2), "x": (uint(w), 3)},
        _at,
        _value_at,
        lambda w: [{"place": digits(i, 2), "x": x} for i in range(4) for x in ([3, 0, 2], [1, 15, 3])],
        primes=(11,),
    ),
    Gadget(
        "path in a tree",
        (merkle.tree_root,),
        lambda w: {"out": FELT, "leaf": FELT, "place": (BOOL, 2), "nodes": (FELT, (2, 2))},
        lambda c, out, leaf, place, nodes: c.require(
            merkle.tree_root(c, TAG, leaf, place, nodes, "the leaf is there") == out, "the root"
        ),
        _placed,
        lambda w: [_path_example(i, 2, 2) for i in range(4)],
        primes=NO_PRIME,
    ),
    Gadget(
        "path under a shared top",
        (merkle.SharedTop, merkle.SharedTop.require_leaf),
        lambda w: {"out": FELT, "leaf": FELT, "place": (BOOL, 3), "nodes": (FELT, (1, 4)), "top": (FELT, 2)},
        _shared,
        _under_top,
        lambda w: [_shared_example(i) for i in (0, 3, 6)],
        primes=NO_PRIME,
    ),
]
