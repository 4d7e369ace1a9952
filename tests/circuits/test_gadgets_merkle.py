"""Paths in trees of arity 4 and 8, and under a shared top, against the trees of zkstate.commitment, at every place."""

import pytest

from circuits.gadgets.merkle import SharedTop, tree_root
from circuits.gadgets.poseidon import permutation
from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint.saying import saying
from zkstate.commitment.merkle import MerkleTree
from zkstate.commitment.poseidon import chain
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec

TAG, TOP_TAG = 99, 98
PLACED = "the leaf is at its place"
LEAVES = [1000 + 7 * i for i in range(40)]
SHAPES = [(2, 6), (4, 3), (8, 2)]  # arity, depth
TREES = {shape: MerkleTree(FrVec.from_ints(LEAVES), *shape, TAG) for shape in SHAPES}


def digits(index, count):
    return [index >> i & 1 for i in range(count)]


def children(tree, index, levels):
    """All children of each node on the path of a leaf, the lowest first."""
    found = []
    for level in range(levels):
        index //= tree.arity
        nodes = tree.levels[level].to_ints()[index * tree.arity : (index + 1) * tree.arity]
        found.append(nodes + [tree.empty[level]] * (tree.arity - len(nodes)))
    return found


def path(c, out, leaf, place, nodes):
    c.require(tree_root(c, TAG, leaf, place, nodes, PLACED) == out, "the root")


def bits_of(shape):
    return shape[1] * (shape[0].bit_length() - 1)


CIRCUITS = {
    shape: saying(path, out=FELT, leaf=FELT, place=(BOOL, bits_of(shape)), nodes=(FELT, (shape[1], shape[0])))
    for shape in SHAPES
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("index", [0, 1, 7, 8, 21, 38, 39])
def test_paths(shape, index):
    tree, circuit = TREES[shape], CIRCUITS[shape]
    place = digits(index, bits_of(shape))
    inputs = {"out": tree.root, "leaf": LEAVES[index], "place": place, "nodes": children(tree, index, tree.depth)}
    assert free_wires(circuit, circuit.solve(inputs)) == []
    assert broken_labels(circuit, {**inputs, "leaf": 5}) == {PLACED}
    for i in range(len(place)):
        moved = [bit ^ (i == k) for k, bit in enumerate(place)]
        assert broken_labels(circuit, {**inputs, "place": moved}) == {PLACED}
    assert broken_labels(circuit, {**inputs, "out": 5}) == {"the root"}
    beside = [list(row) for row in inputs["nodes"]]
    beside[0][(index + 1) % tree.arity] += 1
    assert broken_labels(circuit, {**inputs, "nodes": beside}) == {PLACED}
    with pytest.raises(WitnessError, match=r"place\[0\] is 2: wanted 0 or 1"):
        circuit.solve({**inputs, "place": [2, *place[1:]]})


@pytest.mark.parametrize("shape", SHAPES)
def test_a_level_costs_a_hash_and_a_row_for_each_child(shape):
    arity, depth = shape
    rows = depth * (permutation(arity + 1).n_rows + arity) + bits_of(shape) + 1
    assert CIRCUITS[shape].r1cs.n_constraints == rows


@pytest.mark.parametrize(("n_digits", "arity"), [(1, 4), (3, 4), (2, 3)])
def test_a_place_that_is_no_path(n_digits, arity):
    c = Builder()
    with pytest.raises(CircuitError, match="digits of the place"):
        tree_root(c, 1, c.hint(1, "leaf")[0], c.hint(n_digits, "p", 0, 1), [c.hint(arity, "s")], PLACED)


def shared(c, out, leaves, places, nodes, top):
    trees = SharedTop(c, TAG, TOP_TAG, top)
    c.require(trees.root == out, "the table is the committed one")
    for i, (leaf, place, below) in enumerate(zip(leaves, places, nodes, strict=True)):
        trees.require_leaf(leaf, place, below, f"leaf {i} is in the table")


@pytest.mark.parametrize("levels", [1, 2])
def test_leaves_under_a_shared_top(levels):
    """A top of 32 nodes over trees of one level or two, of which 40 leaves fill a part."""
    tree = MerkleTree(FrVec.from_ints(LEAVES), 8, 4, TAG)
    tops = tree.levels[levels].to_ints()
    tops += [tree.empty[levels]] * (32 - len(tops))
    count = 3 * levels + 5
    kinds = {"places": (BOOL, (3, count)), "nodes": (FELT, (3, levels, 8)), "top": (FELT, 32)}
    circuit = saying(shared, out=FELT, leaves=(FELT, 3), **kinds)
    indices = [39, 0, 17]
    inputs = {
        "out": chain(TOP_TAG, tops),
        "leaves": [LEAVES[i] for i in indices],
        "places": [digits(i, count) for i in indices],
        "nodes": [children(tree, i, levels) for i in indices],
        "top": tops,
    }
    assert free_wires(circuit, circuit.solve(inputs)) == []
    for i in range(3):
        label = f"leaf {i} is in the table"
        others = [leaf + (i == k) for k, leaf in enumerate(inputs["leaves"])]
        assert broken_labels(circuit, {**inputs, "leaves": others}) == {label}
        for moved_by in (1, 1 << 3 * levels):
            moved = [digits(index ^ (moved_by if i == k else 0), count) for k, index in enumerate(indices)]
            assert broken_labels(circuit, {**inputs, "places": moved}) == {label}
    assert broken_labels(circuit, {**inputs, "out": FR_MODULUS - 1}) == {"the table is the committed one"}
    another = [*inputs["top"][:6], 5, *inputs["top"][7:]]
    assert broken_labels(circuit, {**inputs, "top": another}) == {"the table is the committed one"}
    counts = {name: len(uses.first_rows) for name, uses in circuit.blocks.items()}
    assert counts == {"Poseidon 17": 2, "Poseidon 9": 3 * levels}
