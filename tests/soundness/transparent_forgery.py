"""Transparent proofs changed in one way, of every kind: each must be refused as malformed or found false."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from itertools import islice

from tests.constraint import venue_block
from tests.proof import circuits
from tests.proof.transparent.mutation import Subject, mutants, subject, verdict
from tests.proof.transparent.systems import Case, plain_case, random_system, venue_case
from tests.soundness.statements import circuit_of, honest
from zkstate.proof.transparent.system import System

LOG_BLOCKS = venue_block.LEAST_LOG_BLOCKS


def _cubic(seed: int) -> Subject:
    small = circuits.cubic()
    return subject(plain_case(small), small.r1cs, random.Random(seed).randbytes)


def _several_rows(seed: int) -> Subject:
    small = random_system(random.Random(seed), 200, 300, 3)
    return subject(plain_case(small), small.r1cs, random.Random(seed).randbytes)


def _venue(seed: int) -> Subject:
    """Blocks with links and tables."""
    return subject(venue_case(LOG_BLOCKS), venue_block.circuit(LOG_BLOCKS), random.Random(seed).randbytes)


def _margin(seed: int) -> Subject:
    """A statement of the catalogue, about an honest account."""
    circuit = circuit_of("margin", 4)
    witness = circuit.solve(next(iter(honest("margin", 4, seed, 1))))
    case = Case(System.of(circuit.r1cs), None, list(witness.public_inputs), witness.values)
    return subject(case, circuit.r1cs, random.Random(seed).randbytes)


SUBJECTS: dict[str, Callable[[int], Subject]] = {
    "margin-4": _margin,
    "venue in 8 blocks": _venue,
    "200 random rows": _several_rows,
    "cubic": _cubic,
}


def tally(name: str, seed: int, count: int) -> tuple[Counter[str], Counter[str]]:
    """(verdicts, kinds accepted) of `count` mutants; the proofs they are made from are accepted."""
    one = SUBJECTS[name](seed)
    assert all(one.case.judge(content) is True for content in (one.content, one.other)), "an honest proof is refused"
    verdicts: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    for found in islice(mutants(one, random.Random(f"mutants of {name} {seed}")), count):
        said = verdict(one, found)
        verdicts[said] += 1
        if said == "accepted":
            accepted[found.kind] += 1
    return verdicts, accepted
