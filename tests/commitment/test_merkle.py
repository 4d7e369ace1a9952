"""Merkle trees against trees written out in full, and the laws a path obeys."""

import dataclasses
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.commitment import oracle
from tests.vectors import make_poseidon
from zkstate.commitment.domain import tag
from zkstate.commitment.merkle import MerklePath, MerkleTree, empty_roots
from zkstate.commitment.poseidon import poseidon
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec, merkle_levels

NODE = tag("node")
ELEMENTS = st.integers(0, FR_MODULUS - 1)


@st.composite
def trees(draw, max_leaves=40):
    """Small trees of every arity, leaves never 0, which is the empty leaf; often with room to the right."""
    arity = draw(st.sampled_from([2, 2, 16, 3, 5]))
    depth = draw(st.integers(0, {2: 6, 3: 4}.get(arity, 2)))
    count = draw(st.integers(0, min(arity**depth, max_leaves)))
    seed = draw(st.integers(1, 1 << 64))
    leaves = [(seed + i) ** 5 % FR_MODULUS for i in range(count)]
    return MerkleTree(FrVec.from_ints(leaves), arity, depth, draw(st.sampled_from([NODE, tag("table"), 0])))


def full_tree(tree):
    """Level by level with nothing left out, one hash at a time."""
    levels = [tree.levels[0].to_ints() + [0] * (tree.arity**tree.depth - len(tree.levels[0]))]
    for _ in range(tree.depth):
        below = levels[-1]
        rows = [below[i : i + tree.arity] for i in range(0, len(below), tree.arity)]
        known = {tuple(row): poseidon(tree.tag, row) for row in rows}
        levels.append([known[tuple(row)] for row in rows])
    return levels


def leaf_of(tree, index):
    return tree.levels[0][index] if index < len(tree.levels[0]) else 0


def test_stored_vectors():
    for case in json.loads(make_poseidon.PATH.read_text(encoding="ascii"))["trees"]:
        leaves = FrVec.from_ints([int(leaf) for leaf in case["leaves"]])
        tree = MerkleTree(leaves, case["arity"], case["depth"], int(case["tag"]))
        assert tree.root == int(case["root"])


@settings(max_examples=40)
@given(trees())
def test_the_dense_tree_is_the_full_tree_cut_at_its_last_leaf(tree):
    full = full_tree(tree)
    assert tree.root == full[-1][0]
    for height, (dense, whole) in enumerate(zip(tree.levels, full, strict=True)):
        assert len(dense) == -(-len(tree.levels[0]) // tree.arity**height)
        assert dense.to_ints() == whole[: len(dense)]
        assert set(whole[len(dense) :]) <= {tree.empty[height]}


@settings(max_examples=60)
@given(trees(), st.data())
def test_every_path_verifies_and_nothing_beside_it_does(tree, data):
    index = data.draw(st.integers(0, tree.arity**tree.depth - 1))
    leaf, path = leaf_of(tree, index), tree.path(index)
    assert path.root_from(leaf) == tree.root
    assert path.verify(tree.root, leaf)
    assert (path.depth, path.index, path.tag) == (tree.depth, index, tree.tag)

    assert not path.verify(tree.root, data.draw(ELEMENTS.filter(lambda x: x != leaf)))
    assert not path.verify(data.draw(ELEMENTS.filter(lambda x: x != tree.root)), leaf)
    if tree.depth == 0:
        return
    level = data.draw(st.integers(0, tree.depth - 1))
    place = data.draw(st.integers(0, tree.arity - 2))
    changed = [list(others) for others in path.siblings]
    changed[level][place] = data.draw(ELEMENTS.filter(lambda x: x != path.siblings[level][place]))
    wrong = dataclasses.replace(path, siblings=tuple(tuple(others) for others in changed))
    assert not wrong.verify(tree.root, leaf)
    assert not dataclasses.replace(path, tag=tree.tag + 1).verify(tree.root, leaf)


@given(trees(), st.data())
def test_a_path_at_another_index_holds_another_leaf(tree, data):
    assume(tree.depth > 0)
    index, other = (data.draw(st.integers(0, tree.arity**tree.depth - 1)) for _ in range(2))
    assume(leaf_of(tree, index) != leaf_of(tree, other))
    moved = dataclasses.replace(tree.path(index), index=other)
    assert not moved.verify(tree.root, leaf_of(tree, index))
    assert not tree.path(other).verify(tree.root, leaf_of(tree, index))


@given(trees(), st.integers(1, 9))
def test_the_number_of_threads_changes_nothing(tree, threads):
    again = MerkleTree(tree.levels[0], tree.arity, tree.depth, tree.tag, threads)
    assert [level.raw() for level in again.levels] == [level.raw() for level in tree.levels]


@given(st.integers(1, 200), st.integers(1, 4), st.integers(0, 1 << 64))
def test_subtrees_of_stored_nodes_hash_to_the_node_above(count, height, seed):
    """A tile holds nodes of one level, those over real leaves; it hashes to one entry of the tile above."""
    depth = 8
    tree = MerkleTree(FrVec.from_ints(seed + i for i in range(count)), 2, depth, NODE)
    for base in range(0, depth, height):
        up = min(height, depth - base)
        nodes, above = tree.levels[base], tree.levels[base + up]
        for tile in range(len(above)):
            entries = nodes.slice(tile << up, min(len(nodes), (tile + 1) << up))
            subtree = MerkleTree(entries, 2, up, NODE, base=base)
            assert subtree.root == above[tile]
            inside = subtree.path(entries.n - 1)
            index = ((tile << up) + entries.n - 1) << base
            assert inside.siblings == tree.path(index).siblings[base : base + up]
            if entries.n < 1 << up:
                assert subtree.path((1 << up) - 1).verify(above[tile], tree.empty[base])


@pytest.mark.parametrize("arity", [2, 3, 16])
def test_empty_roots_are_hashes_of_the_ones_below(arity):
    roots = [0]
    for _ in range(5):
        roots.append(oracle.hash_of(NODE, [roots[-1]] * arity))
    assert empty_roots(NODE, arity, 5) == tuple(roots)
    assert MerkleTree(FrVec(0), arity, 5, NODE).root == roots[5]


def test_an_explicit_empty_leaf_is_an_empty_leaf():
    assert MerkleTree(FrVec.from_ints([5, 0]), 2, 3, NODE).root == MerkleTree(FrVec.from_ints([5]), 2, 3, NODE).root


def test_a_deep_tree_costs_what_its_leaves_cost():
    tree = MerkleTree(FrVec.from_ints([1, 2, 3]), 2, 60, NODE)
    assert [len(level) for level in tree.levels] == [3, 2] + [1] * 59
    assert tree.path(2).verify(tree.root, 3)
    assert tree.path((1 << 60) - 1).verify(tree.root, 0)


def test_positions_are_the_digits_of_the_index():
    tree = MerkleTree(FrVec.from_ints(range(1, 60)), 16, 2, tag("table"))
    path = tree.path(0x2B)
    assert path.positions == (0xB, 0x2)
    assert path.siblings[0] == tuple(i + 1 for i in range(0x20, 0x30) if i != 0x2B)


@pytest.mark.parametrize(
    ("arity", "depth", "count", "message"),
    [
        (2, 2, 5, "5 leaves do not fit"),
        (2, 0, 2, "2 leaves do not fit"),
        (1, 3, 1, "arity 1"),
        (17, 1, 1, "arity 17"),
        (0, 1, 1, "arity 0"),
        (2, -1, 1, "depth -1"),
    ],
)
def test_trees_that_are_refused(arity, depth, count, message):
    with pytest.raises(LengthError, match=message):
        MerkleTree(FrVec(count), arity, depth, NODE)


@pytest.mark.parametrize("index", [-1, 8, 1 << 70])
def test_leaves_outside_the_tree_have_no_path(index):
    with pytest.raises(LengthError, match="leaf"):
        MerkleTree(FrVec(1), 2, 3, NODE).path(index)


@pytest.mark.parametrize(
    ("index", "siblings", "error"),
    [
        (4, ((1,), (2,)), EncodingError),
        (-1, ((1,), (2,)), EncodingError),
        (1, (), EncodingError),
        (0, ((1,), (1, 2)), LengthError),
        (0, ((),), LengthError),
        (0, ((0,) * 16,), LengthError),
        (0, ((FR_MODULUS,),), EncodingError),
        (0, ((1,), (-1,)), EncodingError),
    ],
)
def test_paths_of_no_tree_are_refused(index, siblings, error):
    with pytest.raises(error, match="Merkle path"):
        MerklePath(index, siblings)


def test_a_leaf_outside_the_field_is_refused():
    """Otherwise two integers would open one leaf."""
    tree = MerkleTree(FrVec.from_ints([1, 2]), 2, 1, NODE)
    with pytest.raises(EncodingError):
        tree.path(0).verify(tree.root, 1 + FR_MODULUS)


def test_a_negative_height_is_refused():
    with pytest.raises(LengthError, match="height -1"):
        merkle_levels(FrVec(2), NODE, 2, 1, base=-1)
