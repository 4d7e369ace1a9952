"""Paths in binary and 16-ary trees against the trees of zkstate.commitment, at every place."""

import pytest

from circuits.gadgets.merkle import SharedTop, binary_root, wide_root
from circuits.gadgets.poseidon import permutation
from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint.saying import saying
from zkstate.commitment.merkle import MerkleTree
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, uint
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec

TAG = 99
DEPTH = 3
LEAVES = [i * i + 3 for i in range(6)]
BINARY = MerkleTree(FrVec.from_ints(LEAVES), arity=2, depth=DEPTH, tag=TAG)


def binary(c, out, leaf, positions, siblings):
    c.require(binary_root(c, TAG, leaf, positions, siblings) == out, "the leaf is in the tree")


BINARY_CIRCUIT = saying(binary, out=FELT, leaf=FELT, positions=(BOOL, DEPTH), siblings=(FELT, DEPTH))


def binary_inputs(index):
    path = BINARY.path(index)
    return {
        "out": BINARY.root,
        "leaf": LEAVES[index],
        "positions": list(path.positions),
        "siblings": [sibling for (sibling,) in path.siblings],
    }


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_binary_paths(index):
    inputs = binary_inputs(index)
    assert free_wires(BINARY_CIRCUIT, BINARY_CIRCUIT.solve(inputs)) == []
    for change in ({"leaf": 5}, {"out": 6}, {"positions": [bit ^ 1 for bit in inputs["positions"]]}):
        assert broken_labels(BINARY_CIRCUIT, {**inputs, **change}) == {"the leaf is in the tree"}
    with pytest.raises(WitnessError, match=r"positions\[0\] is 2: wanted 0 or 1"):
        BINARY_CIRCUIT.solve({**inputs, "positions": [2, 0, 0]})
    assert "positions[0] is 0 or 1" in broken_labels(BINARY_CIRCUIT, {**inputs, "positions": [2, 0, 0]})


def test_a_binary_level_costs_a_hash_and_one_row():
    hash_rows = permutation(3).n_rows
    assert BINARY_CIRCUIT.r1cs.n_constraints == DEPTH * (hash_rows + 1) + DEPTH + 1


def test_paths_of_two_lengths():
    c = Builder()
    with pytest.raises(CircuitError, match="1 positions for 2 siblings"):
        binary_root(c, 1, c.hint(1, "leaf")[0], c.hint(1, "p", 0, 1), c.hint(2, "s"))


WIDE_LEAVES = [1000 + 7 * i for i in range(40)]
WIDE = {depth: MerkleTree(FrVec.from_ints(WIDE_LEAVES), arity=16, depth=depth, tag=TAG) for depth in (2, 3)}


def children(tree, index):
    """All children of each node on the path, the lowest first."""
    found = []
    for level in range(tree.depth):
        nodes = tree.levels[level].to_ints()
        first = index // 16 * 16
        row = nodes[first : first + 16]
        found.append(row + [tree.empty[level]] * (16 - len(row)))
        index //= 16
    return found


def wide(c, out, leaf, index, nodes):
    c.require(wide_root(c, TAG, leaf, index, nodes, label="the leaf is at its place") == out, "the root")


WIDE_CIRCUITS = {
    depth: saying(wide, out=FELT, leaf=FELT, index=uint(12), nodes=(FELT, (depth, 16))) for depth in (2, 3)
}


@pytest.mark.parametrize("depth", WIDE)
@pytest.mark.parametrize("index", [0, 1, 15, 16, 38, 39])
def test_wide_paths(depth, index):
    tree, circuit = WIDE[depth], WIDE_CIRCUITS[depth]
    inputs = {"out": tree.root, "leaf": WIDE_LEAVES[index], "index": index, "nodes": children(tree, index)}
    assert free_wires(circuit, circuit.solve(inputs)) == []
    assert broken_labels(circuit, {**inputs, "leaf": 5}) == {"the leaf is at its place"}
    assert broken_labels(circuit, {**inputs, "index": index ^ 1}) == {"the leaf is at its place"}
    assert broken_labels(circuit, {**inputs, "out": 5}) == {"the root"}
    moved = [list(row) for row in inputs["nodes"]]
    moved[0][(index + 1) % 16] += 1
    assert broken_labels(circuit, {**inputs, "nodes": moved}) == {"the leaf is at its place"}


def test_an_index_past_the_tree_is_refused():
    inputs = {"out": WIDE[2].root, "leaf": WIDE_LEAVES[3], "index": 256 + 3, "nodes": children(WIDE[2], 3)}
    with pytest.raises(WitnessError, match=r"^the leaf is at its place, at a place in the tree: the value is 259"):
        WIDE_CIRCUITS[2].solve(inputs)


def shared(c, out, leaves, indices, nodes, top):
    tree = SharedTop(c, TAG, top)
    c.require(tree.root == out, "the table is the committed one")
    for i, (leaf, index, below) in enumerate(zip(leaves, indices, nodes, strict=True)):
        tree.require_leaf(leaf, index, below, f"leaf {i} is in the table")


SHARED = {
    depth: saying(
        shared,
        out=FELT, leaves=(FELT, 3), indices=(uint(12), 3), nodes=(FELT, (3, depth - 1, 16)), top=(FELT, 16),
    )
    for depth in (2, 3)
}  # fmt: skip


@pytest.mark.parametrize("depth", SHARED)
def test_leaves_under_a_shared_top(depth):
    tree, circuit = WIDE[depth], SHARED[depth]
    indices = [39, 0, 17]
    inputs = {
        "out": tree.root,
        "leaves": [WIDE_LEAVES[i] for i in indices],
        "indices": indices,
        "nodes": [children(tree, i)[:-1] for i in indices],
        "top": children(tree, 0)[-1],
    }
    assert free_wires(circuit, circuit.solve(inputs)) == []
    for i in range(3):
        label = f"leaf {i} is in the table"
        others = [leaf + (i == k) for k, leaf in enumerate(inputs["leaves"])]
        assert broken_labels(circuit, {**inputs, "leaves": others}) == {label}
        moved = [index ^ (16 if i == k else 0) for k, index in enumerate(indices)]
        assert broken_labels(circuit, {**inputs, "indices": moved}) == {label}
    assert broken_labels(circuit, {**inputs, "out": FR_MODULUS - 1}) == {"the table is the committed one"}
    another = [*inputs["top"][:3], 5, *inputs["top"][4:]]
    assert broken_labels(circuit, {**inputs, "top": another}) == {"the table is the committed one"}
    counts = {name: len(uses.first_rows) for name, uses in circuit.blocks.items()}
    assert counts == {"Poseidon 17": 1 + 3 * (depth - 1)}
