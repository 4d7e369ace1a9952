"""The paths of an epoch's files, the same on every mirror (docs/spec.md, section 6)."""

from __future__ import annotations

import re

from zkstate.errors import EncodingError

PUBLIC = "public"
HEADER = "header.bin"
MANIFEST = "manifest.json"
SHARDS = "shards.json"
INSTRUMENTS = "tables/instruments.json"
TOTALS = "tables/totals.json"
SCENARIOS = "tables/scenarios.json"
ORDER_BOOK = "tables/orderbook.json"

MAX_EPOCH = 99_999_999
MAX_RECORD_BITS = 24
MAX_PATH = 200

_COMPONENT = r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)


def epoch_folder(epoch: int) -> str:
    """The folder of an epoch on a mirror: `epochs/` and 8 decimal digits."""
    if not 1 <= epoch <= MAX_EPOCH:
        raise EncodingError(f"epoch {epoch} is outside 1..{MAX_EPOCH}")
    return f"epochs/{epoch:08d}"


def annex_folder(name: str, epoch: int) -> str:
    """The folder on a mirror of what belongs to an epoch and was made after its manifest: `solvency`, `reserves`."""
    return f"{name}/{epoch_folder(epoch).removeprefix('epochs/')}"


def tile_path(level: int, index: int) -> str:
    """The file of tile `index` (256 entries) over tree level 8·`level`."""
    return f"tiles/{level}/{index:06d}.bin"


def record_path(bucket: int) -> str:
    """The file of one bucket of encrypted account records."""
    return f"records/{bucket:06x}.bin"


def journal_path(bucket: int) -> str:
    """The file of one bucket of encrypted journal entries."""
    return f"journals/{bucket:06x}.bin"


def checked_path(path: str) -> str:
    """`path` itself, if it is relative, without `..`, and of plain ASCII names; else EncodingError.

    Every path that comes from outside passes here before it touches a disk or a URL. A component starts
    with a letter, a digit or `_`, so neither `..` nor a hidden file can be spelled.
    """
    if len(path) > MAX_PATH or _PATH.fullmatch(path) is None:
        raise EncodingError(f"{path[:MAX_PATH]!r} is not a plain relative path of a published file")
    return path
