"""The inputs that ours and every peer compute on: deterministic, written once under build/bench, read by all.

Scalars are 32 bytes each, points 64 (G1: x, y) or 128 (G2: x.c1, x.c0, y.c1, y.c0), all big-endian, the encodings of
docs/spec.md. An answer is compared by the SHA-256 of its own encoding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zkstate.atomic import replace_file
from zkstate.kernels import FR_MODULUS, FrVec, G1Vec, G2Vec, fixed_base_g1, fixed_base_g2

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"
ZEROS, ONES = 0.80, 0.10  # of the wires of a circuit that is mostly range checks; the rest are 64-bit values


def kept(name: str, make: Callable[[], bytes]) -> Path:
    """The file build/bench/<name>, made if it is not there."""
    path = FOLDER / name
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        replace_file(path, [make()])
    return path


def scalars(n: int, seed: int) -> tuple[FrVec, Path]:
    """n uniform scalars below r."""
    path = kept(f"scalars-{seed}-{n}", lambda: uniform(n, seed).to_bytes())
    return FrVec.from_bytes(path.read_bytes()), path


def uniform(n: int, seed: int) -> FrVec:
    """Drawn from 254 bits until below r; the top word alone decides, which loses 2^-64 of the range."""
    source, limit = np.random.Generator(np.random.PCG64(seed)), np.uint64(FR_MODULUS >> 192)
    words = source.integers(0, 1 << 64, size=(n, 4), dtype=np.uint64)
    while True:
        words[:, 3] &= np.uint64((1 << 62) - 1)
        (high,) = np.nonzero(words[:, 3] >= limit)
        if not len(high):
            return FrVec.from_limbs(words)
        words[high, 3] = source.integers(0, 1 << 64, size=len(high), dtype=np.uint64)


def witness_like(n: int, seed: int) -> tuple[FrVec, Path]:
    """n scalars as the witness of a circuit of range checks has them: ZEROS 0, ONES 1, the others below 2^64."""

    def make() -> bytes:
        source = np.random.Generator(np.random.PCG64(seed))
        kind, limbs = source.random(n), np.zeros((n, 4), dtype=np.uint64)
        limbs[:, 0] = source.integers(0, 1 << 64, size=n, dtype=np.uint64)
        limbs[kind < ZEROS + ONES, 0] = 1
        limbs[kind < ZEROS, 0] = 0
        return FrVec.from_limbs(limbs).to_bytes()

    path = kept(f"witness-{seed}-{n}", make)
    return FrVec.from_bytes(path.read_bytes()), path


def points_g1(n: int, seed: int) -> tuple[G1Vec, Path]:
    """n multiples of the generator by uniform scalars."""
    path = kept(f"g1-{seed}-{n}", lambda: fixed_base_g1(uniform(n, seed)).to_bytes())
    return _decoded(G1Vec, path), path


def points_g2(n: int, seed: int) -> tuple[G2Vec, Path]:
    path = kept(f"g2-{seed}-{n}", lambda: fixed_base_g2(uniform(n, seed)).to_bytes())
    return _decoded(G2Vec, path), path


def _decoded(kind: type[G1Vec | G2Vec], path: Path):
    return kind.from_bytes(path.read_bytes())


def digest(answer: FrVec | G1Vec | G2Vec | bytes) -> str:
    """What a peer's `digest` must equal."""
    return hashlib.sha256(answer if isinstance(answer, bytes) else answer.to_bytes()).hexdigest()
