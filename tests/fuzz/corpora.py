"""Inputs that are kept: one for each way a target has ended, small, under tests/fuzz/corpus."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

FOLDER = Path(__file__).with_name("corpus")
INPUT_MAX, TARGET_MAX = 4096, 24 << 10  # bytes of one input, and of all of one target
TRIALS = 100
# Quoted pieces of input, numbers, and what may be hexadecimal.
_OF_THE_INPUT = re.compile(r"'.*?(?:'|\.\.\.)|\".*?(?:\"|\.\.\.)|\b(?:0x)?[0-9a-f]{2,}\b|[0-9]+|[^\x20-\x7e]+")


def kind_of(error: Exception) -> str:
    """The type and the message without what it says of one input."""
    words = re.sub(r"#(?:, #)+", "#", _OF_THE_INPUT.sub("#", str(error)))
    return f"{type(error).__name__}: {words[:120]}"


def name_of(data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()[:16]}.bin"


def checked_in(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((FOLDER / name).glob("*.bin"))]


def distil(
    name: str, kept: Iterable[bytes], seeds: Sequence[bytes], outcome: Callable[[bytes], tuple[str, bool]]
) -> str:
    """Puts the smallest found of each kind that no seed shows into the folder of a target. Returns what it did."""
    shown = {outcome(data)[0] for data in seeds}
    smallest: dict[str, bytes] = {}
    for data in [*checked_in(name), *kept]:
        words, finding = outcome(data)
        if finding or words in shown:
            continue
        if words not in smallest or len(data) < len(smallest[words]):
            smallest[words] = data
    made = sorted(
        (shrunk(data, words, outcome) for words, data in smallest.items()), key=lambda data: (len(data), data)
    )
    folder, total = FOLDER / name, 0
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.bin"):
        path.unlink()
    for data in made:
        total += len(data)
        if len(data) > INPUT_MAX or total > TARGET_MAX:
            break
        (folder / name_of(data)).write_bytes(data)
    sizes = [path.stat().st_size for path in folder.iterdir()]
    return f"{len(sizes)} of {len(smallest)} kinds, {sum(sizes)} bytes"


def shrunk(data: bytes, words: str, outcome: Callable[[bytes], tuple[str, bool]]) -> bytes:
    """Without what can be cut from it, in ever smaller pieces, and still ends in the same way."""
    size, trials = max(1, len(data) // 2), 0
    while size and trials < TRIALS:
        at = 0
        while at < len(data) and trials < TRIALS:
            shorter = data[:at] + data[at + size :]
            trials += 1
            if outcome(shorter) == (words, False):
                data = shorter
            else:
                at += size
        size //= 2
    return data
