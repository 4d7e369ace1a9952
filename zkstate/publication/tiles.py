"""Tiles: the accounts tree cut into files of 256 nodes, so that a path is a few small downloads.

Tile `index` of tile level `t` holds nodes 256·index to 256·index+255 of tree level 4·t, only those over real
accounts, 32 bytes each (docs/spec.md, section 6). Its hash, padded with empty subtrees, is one entry of the
tile above it, or the root: a reader who goes down from the root knows a tile to be right before using it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from zkstate.atomic import write_new
from zkstate.commitment.merkle import ACCOUNTS_ARITY, ACCOUNTS_NODE, MerklePath, MerkleTree
from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.kernels import FR_BYTES, FrVec
from zkstate.publication.layout import tile_path
from zkstate.publication.progress import Progress, silent

TILE_HEIGHT = 4
TILE_BITS = (ACCOUNTS_ARITY.bit_length() - 1) * TILE_HEIGHT
TILE_NODES = 1 << TILE_BITS

T = TypeVar("T")


class Fetch(Protocol):
    """A file of the epoch as `check` reads it, from some mirror for which `check` does not raise."""

    def __call__(self, path: str, max_bytes: int, check: Callable[[bytes], T], /) -> T: ...


def tile_count(count: int, level: int) -> int:
    """How many tiles a level has over `count` accounts."""
    return -(-count // (1 << TILE_BITS * (level + 1)))


def nodes_in_tile(count: int, level: int, index: int) -> int:
    """How many nodes of a tile lie over real accounts."""
    return min(TILE_NODES, -(-count // (1 << TILE_BITS * level)) - TILE_NODES * index)


def encode_tiles(tree: MerkleTree) -> Iterator[tuple[str, memoryview]]:
    """Every tile of an accounts tree as (path, content)."""
    size = TILE_NODES * FR_BYTES
    for level in range(tile_levels(tree.depth)):
        nodes = memoryview(tree.levels[TILE_HEIGHT * level].to_bytes())
        for index, start in enumerate(range(0, len(nodes), size)):
            yield tile_path(level, index), nodes[start : start + size]


def tile_levels(depth: int) -> int:
    """How many levels of tiles a tree of `depth` has."""
    return -(-depth // TILE_HEIGHT)


def write_tiles(tree: MerkleTree, folder: Path, progress: Progress = silent) -> None:
    """Write every tile of an accounts tree below `folder`, which has no `tiles` yet."""
    count = len(tree.levels[0])
    total = sum(tile_count(count, level) for level in range(tile_levels(tree.depth)))
    for level in range(tile_levels(tree.depth)):
        (folder / tile_path(level, 0)).parent.mkdir(parents=True)
    for done, (path, content) in enumerate(encode_tiles(tree), start=1):
        write_new(folder / path, content)
        progress("write tiles", done, total)


def check_tile(data: bytes, *, count: int, depth: int, level: int, index: int, node: int) -> MerkleTree:
    """The subtree over a tile's nodes, whose root must be `node`.

    Errors name the tile: LengthError for a wrong size, EncodingError for a node that is no field element,
    DisagreementError with both hashes if the tile is not under `node`.
    """
    path = tile_path(level, index)
    nodes, height = nodes_in_tile(count, level, index), min(TILE_HEIGHT, depth - TILE_HEIGHT * level)
    if len(data) != nodes * FR_BYTES:
        raise LengthError(f"tile {path} has {len(data)} bytes; {nodes} nodes make {nodes * FR_BYTES}")
    try:
        entries = FrVec.from_bytes(data)
    except EncodingError as error:
        raise EncodingError(f"tile {path}: {error}") from error
    subtree = MerkleTree(entries, ACCOUNTS_ARITY, height, ACCOUNTS_NODE, base=TILE_HEIGHT * level)
    if subtree.root != node:
        raise DisagreementError(
            f"tile {path} hashes to {subtree.root:#066x}, and its place in the tree holds {node:#066x}"
        )
    return subtree


def path_from_tiles(index: int, *, count: int, depth: int, root: int, fetch: Fetch) -> tuple[int, MerklePath]:
    """The leaf at `index` and its path to `root`, out of one tile a level, checked from the top down.

    Reads ceil(depth / 4) tiles. Errors: EncodingError if there is no such leaf, and those of `fetch`, whose
    `check` is `check_tile`.
    """
    if not 0 <= index < count:
        raise EncodingError(f"leaf {index} is not one of the {count} accounts of the tree")
    node, pieces = root, []
    for level in reversed(range(tile_levels(depth))):
        tile = index >> TILE_BITS * (level + 1)

        def check(data: bytes, level: int = level, tile: int = tile, node: int = node) -> MerkleTree:
            return check_tile(data, count=count, depth=depth, level=level, index=tile, node=node)

        size = nodes_in_tile(count, level, tile) * FR_BYTES
        subtree = fetch(tile_path(level, tile), size, check)
        place = (index >> TILE_BITS * level) % TILE_NODES
        pieces.append(subtree.path(place).siblings)
        node = subtree.levels[0][place]
    siblings = tuple(sibling for piece in reversed(pieces) for sibling in piece)
    return node, MerklePath(index, siblings)
