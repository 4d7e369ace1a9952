"""Poseidon over vectors of scalars, and the levels of dense Merkle trees of Poseidon nodes."""

from __future__ import annotations

from zkstate.errors import LengthError
from zkstate.kernels.scalars import FrVec
from zkstate.kernels.seam import check, lib, thread_count

POSEIDON_MAX_ARITY: int = lib.ZKN_POSEIDON_MAX_ARITY
POSEIDON_FULL_ROUNDS: int = lib.ZKN_POSEIDON_FULL_ROUNDS

# A hash takes 15 to 90 µs and starting a thread some 20.
_HASHES_PER_THREAD = 8


def poseidon_many(tag: int | FrVec, inputs: FrVec, arity: int, threads: int = 0) -> FrVec:
    """P(tag; row) for each row of `arity` inputs, under one tag or one tag per row.

    Shapes: inputs m·arity with arity 1 to 16, tags 1 or m, result m. threads 0 = all cores.
    Errors: LengthError.
    """
    rows = _rows(inputs, arity, "arity")
    tags = tag if isinstance(tag, FrVec) else FrVec.from_ints([tag])
    out = FrVec.uninitialised(rows)
    status = lib.zkn_poseidon_many(out.array, tags.array, tags.n, inputs.array, arity, rows, _threads(rows, threads))
    check(status, f"Poseidon of {rows} rows of {arity} inputs under {tags.n} tags")
    return out


def poseidon_chain_many(tag: int, inputs: FrVec, length: int, threads: int = 0) -> FrVec:
    """C(tag; row) for each row of `length` inputs: blocks of 16, each hash the tag of the next.

    Shapes: inputs m·length, result m; length >= 1. threads 0 = all cores. Errors: LengthError.
    """
    rows = _rows(inputs, length, "length")
    out = FrVec.uninitialised(rows)
    workers = _threads(rows * -(-length // POSEIDON_MAX_ARITY), threads)
    status = lib.zkn_poseidon_chain_many(out.array, FrVec.scalar(tag), inputs.array, length, rows, workers)
    check(status, f"Poseidon chain of {rows} rows of {length} inputs")
    return out


def poseidon_permutation(state: FrVec) -> FrVec:
    """All words of the permutation whose width is len(state), 2 to 17. Errors: LengthError."""
    out = state.copy()
    check(lib.zkn_poseidon_permute(out.array, out.n), f"Poseidon state of {state.n} words")
    return out


def poseidon_constants(width: int) -> tuple[FrVec, FrVec]:
    """(round constants, MDS matrix) as published.

    Shapes: width·(8 + partial rounds), round by round; width·width, by rows.
    Errors: LengthError unless width is 2 to 17.
    """
    partial_rounds = lib.zkn_poseidon_partial_rounds(width) if width > 0 else 0
    round_constants = FrVec.uninitialised(max(width, 0) * (POSEIDON_FULL_ROUNDS + partial_rounds))
    mds = FrVec.uninitialised(max(width, 0) ** 2)
    status = lib.zkn_poseidon_constants(round_constants.array, mds.array, max(width, 0))
    check(status, f"Poseidon width {width}")
    return round_constants, mds


def merkle_empty_roots(tag: int, arity: int, depth: int) -> FrVec:
    """Roots of empty subtrees of heights 0 to depth: 0, P(tag; 0, .., 0), ... Errors: LengthError."""
    if depth < 0:
        raise LengthError(f"a tree of depth {depth}")
    out = FrVec.uninitialised(depth + 1)
    check(lib.zkn_merkle_empty_roots(out.array, FrVec.scalar(tag), arity, depth), f"a tree of arity {arity}")
    return out


def merkle_levels(leaves: FrVec, tag: int, arity: int, depth: int, threads: int = 0, *, base: int = 0) -> list[FrVec]:
    """The levels from `leaves` up to `depth` levels above them, holding only nodes over real leaves.

    Level i has ceil(len(leaves) / arity^i) nodes; what is missing on the right counts as an empty subtree.
    `leaves` may themselves be nodes of height `base` in a larger tree.
    Errors: LengthError if they do not fit in arity^depth, for an arity that is not 2 to 16, or a negative base.
    """
    if base < 0:
        raise LengthError(f"nodes of height {base}: the lowest are of height 0")
    if depth >= 0 and arity >= 2 and leaves.n > arity**depth:
        raise LengthError(f"{leaves.n} leaves do not fit in a tree of arity {arity} and depth {depth}")
    empty = merkle_empty_roots(tag, arity, base + depth)
    tags = FrVec.scalar(tag)
    levels = [leaves]
    for height in range(base, base + depth):
        below = levels[-1]
        above = FrVec.uninitialised(-(-below.n // arity))
        status = lib.zkn_merkle_parents(
            above.array, tags, empty.array + height, below.array, below.n, arity, _threads(above.n, threads)
        )
        check(status, f"a tree of arity {arity}")
        levels.append(above)
    return levels


def _rows(inputs: FrVec, length: int, name: str) -> int:
    if length < 1 or inputs.n % length:
        raise LengthError(f"{inputs.n} inputs are not whole rows of {name} {length}")
    return inputs.n // length


def _threads(hashes: int, requested: int) -> int:
    return requested if requested > 0 else max(1, min(thread_count(requested), hashes // _HASHES_PER_THREAD))
