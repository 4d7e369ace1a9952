import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkstate.commitment.domain import tag
from zkstate.commitment.merkle import MerkleTree
from zkstate.errors import DisagreementError, EncodingError, LengthError, ZkstateError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.publication.tiles import encode_tiles, path_from_tiles, tile_levels, write_tiles


def tree_of(count, depth=10, seed=5):
    rng = random.Random(seed)
    return MerkleTree(FrVec.from_ints([rng.randrange(FR_MODULUS) for _ in range(count)]), 4, depth, tag("node"))


class Files(dict):
    """Tiles by path, which remembers what was read and enforces the limit as a mirror does."""

    def __init__(self, tree):
        super().__init__((path, bytes(content)) for path, content in encode_tiles(tree))
        self.read = []

    def fetch(self, path, max_bytes, check):
        self.read.append(path)
        return check(self[path])


def walk(files, tree, index):
    return path_from_tiles(index, count=len(tree.levels[0]), depth=tree.depth, root=tree.root, fetch=files.fetch)


@pytest.mark.parametrize(
    ("count", "depth"),
    [(1, 10), (2, 10), (255, 10), (256, 10), (257, 10), (700, 10), (700, 11), (700, 12), (700, 13), (300, 5)],
)
def test_the_path_out_of_tiles_is_the_path_of_the_tree(count, depth):
    tree = tree_of(count, depth)
    for index in {0, count // 2, count - 1, min(255, count - 1), min(256, count - 1)}:
        files = Files(tree)
        leaf, path = walk(files, tree, index)
        assert leaf == tree.levels[0][index]
        assert path == tree.path(index)
        assert path.verify(tree.root, leaf)
        assert len(files.read) == -(-depth // 4)


def test_a_tree_of_three_levels_of_tiles_is_walked():
    tree = tree_of(256 * 256 + 300)
    files = Files(tree)
    assert len(files) == 258 + 2 + 1
    assert len(files["tiles/2/000000.bin"]) == 2 * 32
    assert len(files["tiles/1/000001.bin"]) == 2 * 32
    assert len(files["tiles/0/000257.bin"]) == 44 * 32
    for index in (0, 65_535, 65_536, 65_835):
        leaf, path = walk(files, tree, index)
        assert (leaf, path) == (tree.levels[0][index], tree.path(index))
    assert sum(map(len, (files[path] for path in files.read[-3:]))) <= 3 * 8192


def test_tiles_hold_the_nodes_of_every_fourth_level(tmp_path):
    tree = tree_of(600)
    write_tiles(tree, tmp_path)
    written = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*.bin")}
    assert written == Files(tree)
    assert set(written) == {f"tiles/{t}/{i:06d}.bin" for t, n in ((0, 3), (1, 1), (2, 1)) for i in range(n)}
    leaves = b"".join(leaf.to_bytes(32, "big") for leaf in tree.levels[0].to_ints())
    assert b"".join(written[f"tiles/0/{i:06d}.bin"] for i in range(3)) == leaves
    assert written["tiles/2/000000.bin"] == tree.levels[8][0].to_bytes(32, "big")
    assert tile_levels(10) == 3


TREE = tree_of(700)
PATHS = ("tiles/0/000001.bin", "tiles/1/000000.bin", "tiles/2/000000.bin")


@given(st.sampled_from(PATHS), st.data())
def test_a_changed_byte_is_an_error_that_names_the_tile(path, data):
    files = Files(TREE)
    bad = bytearray(files[path])
    bad[data.draw(st.integers(0, len(bad) - 1))] ^= data.draw(st.integers(1, 255))
    files[path] = bytes(bad)
    with pytest.raises(ZkstateError, match=path):
        walk(files, TREE, 300)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d[:-32], lambda d: d + bytes(32), lambda d: b""])
def test_a_tile_of_another_size_is_named(path, change):
    files = Files(TREE)
    files[path] = change(files[path])
    with pytest.raises(LengthError, match=rf"{path} has {len(files[path])} bytes"):
        walk(files, TREE, 300)


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_tile_is_named_with_both_hashes(path):
    files = Files(TREE)
    other = Files(tree_of(700, seed=6))
    files[path] = other[path]
    with pytest.raises(DisagreementError) as caught:
        walk(files, TREE, 300)
    words = str(caught.value)
    level = int(path.split("/")[1])
    right = TREE.levels[min(10, 4 * level + 4)][0 if level else 1]
    assert path in words
    assert f"{right:#066x}" in words
    assert words.count("0x") == 2


def test_a_tile_in_another_place_is_refused():
    files = Files(TREE)
    files["tiles/0/000001.bin"] = files["tiles/0/000000.bin"]
    with pytest.raises(DisagreementError, match="tiles/0/000001"):
        walk(files, TREE, 300)


def test_a_node_that_is_no_field_element_is_refused():
    files = Files(TREE)
    node = int.from_bytes(files[PATHS[0]][:32], "big")
    value = node + FR_MODULUS
    files[PATHS[0]] = value.to_bytes(32, "big") + files[PATHS[0]][32:]
    with pytest.raises(EncodingError, match=PATHS[0]):
        walk(files, TREE, 300)


@pytest.mark.parametrize("index", [-1, 700, 1 << 20])
def test_a_leaf_beyond_the_accounts_is_refused_before_anything_is_read(index):
    files = Files(TREE)
    with pytest.raises(EncodingError, match=str(index)):
        walk(files, TREE, index)
    assert files.read == []
