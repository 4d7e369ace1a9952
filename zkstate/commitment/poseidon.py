"""Poseidon of field elements under a tag, one hash at a time; vectors of hashes are in zkstate.kernels.

Source: Grassi, Khovratovich, Rechberger, Roy, Schofnegger 2021, with circomlib's parameters for BN254
(docs/spec.md §1).
Inputs may be secret: no error message shows one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import (
    FR_MODULUS,
    POSEIDON_FULL_ROUNDS,
    POSEIDON_MAX_ARITY,
    FrVec,
    poseidon_chain_many,
    poseidon_constants,
    poseidon_many,
)


def poseidon(tag: int, inputs: Sequence[int]) -> int:
    """P(tag; inputs): word 0 of the permutation of [tag, *inputs].

    Shapes: 1 to 16 inputs. Errors: LengthError; EncodingError if the tag or an input is not in [0, r).
    """
    if not 1 <= len(inputs) <= POSEIDON_MAX_ARITY:
        raise LengthError(f"Poseidon of {len(inputs)} inputs: it takes 1 to {POSEIDON_MAX_ARITY}")
    return poseidon_many(_canonical_tag(tag), _elements(inputs), len(inputs), threads=1)[0]


def chain(tag: int, inputs: Sequence[int]) -> int:
    """C(tag; inputs): Poseidon over blocks of 16 inputs, each hash the tag of the next.

    Only for lists whose length the tag or the first input fixes.
    Shapes: at least one input. Errors: as `poseidon`.
    """
    if not inputs:
        raise LengthError("a Poseidon chain of no inputs: it takes at least one")
    return poseidon_chain_many(_canonical_tag(tag), _elements(inputs), len(inputs), threads=1)[0]


@dataclass(frozen=True, slots=True)
class PoseidonParameters:
    """One permutation as published: each round adds its constants, applies x^5, multiplies by the matrix.

    In rounds full_rounds/2 to full_rounds/2 + partial_rounds - 1 only word 0 goes through x^5.
    Shapes: round_constants[round][word], mds[row][word] with new word `row` = Σ mds[row][word] · word.
    """

    width: int
    full_rounds: int
    partial_rounds: int
    round_constants: tuple[tuple[int, ...], ...]
    mds: tuple[tuple[int, ...], ...]


@cache
def parameters(width: int) -> PoseidonParameters:
    """The parameters of the native permutation of `width` words, 2 to 17. Errors: LengthError.

    There is no form of it with shorter sums for circuits: between S-boxes everything is linear, so what
    enters one is a fixed combination of the outputs of those before it, however the matrices are factored.
    """
    constants, mds = poseidon_constants(width)
    rounds = _rows(constants, width)
    return PoseidonParameters(
        width, POSEIDON_FULL_ROUNDS, len(rounds) - POSEIDON_FULL_ROUNDS, rounds, _rows(mds, width)
    )


def _rows(flat: FrVec, width: int) -> tuple[tuple[int, ...], ...]:
    values = flat.to_ints()
    return tuple(tuple(values[i : i + width]) for i in range(0, len(values), width))


def _canonical_tag(tag: int) -> int:
    if not 0 <= tag < FR_MODULUS:
        raise EncodingError("the Poseidon tag is not in [0, r)")
    return tag


def _elements(inputs: Sequence[int]) -> FrVec:
    for index, value in enumerate(inputs):
        if not 0 <= value < FR_MODULUS:
            raise EncodingError(f"Poseidon input {index} is not in [0, r)")
    return FrVec.from_ints(inputs)
