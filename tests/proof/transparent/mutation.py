"""Proofs changed in one way, of every kind: nothing that comes out may be accepted. For tests and tests/soundness."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from tests.proof.transparent.systems import Case, judge
from zkstate.constraint.block_circuit import BlockCircuit
from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.kernels import DIGEST_BYTES, FR_BYTES, FR_MODULUS, FrVec
from zkstate.proof.transparent.proof_file import HEADER_BYTES
from zkstate.proof.transparent.system import System

CIRCUIT = slice(36, 68)  # of the header: the digest of the circuit
COUNTS = (68, 76, 84, 92, 100, 108)


@dataclass(frozen=True)
class Subject:
    """A statement with two proofs of it, and the layout of a circuit that differs in one coefficient."""

    case: Case
    content: bytes
    other: bytes
    stranger: System


class Mutant(NamedTuple):
    """A file to be judged, for these public inputs and this circuit."""

    kind: str
    content: bytes
    public: list[int]
    system: System


def subject(case: Case, circuit: R1cs | BlockCircuit, randbytes: Callable[[int], bytes] | None = None) -> Subject:
    content, other = (case.prove(randbytes).encode() for _ in range(2))
    r1cs = circuit.circuit.r1cs if isinstance(circuit, BlockCircuit) else circuit
    changed = _other(r1cs, case.system)
    stranger = changed
    if isinstance(circuit, BlockCircuit):
        stranger = replace(circuit, circuit=replace(circuit.circuit, r1cs=changed))
    return Subject(case, content, other, System.of(stranger, case.system.parameters.shape.log_blocks))


def _other(r1cs: R1cs, system: System) -> R1cs:
    """The circuit with another coefficient: of A, or of what the last power is where there is one; powers stay."""
    if not system.parameters.shape.powers:
        return replace(r1cs, a=_one_more(r1cs.a, 0))
    return replace(r1cs, c=_one_more(r1cs.c, int(r1cs.c.row_ptr[system.numbers[-1]])))


def _one_more(matrix: SparseMatrix, at: int) -> SparseMatrix:
    """The matrix with 1 added to an entry, or 2 where that would leave nothing."""
    values = matrix.values().to_ints()
    values[at] += 1 if (values[at] + 1) % FR_MODULUS else 2
    return SparseMatrix.from_values(matrix.row_ptr, matrix.wire, FrVec.from_ints(values), matrix.n_columns)


def parts(system: System) -> dict[str, range]:
    """The bytes of each part of a file."""
    p = system.parameters
    sizes = {
        "header": HEADER_BYTES, "cap": p.shape.phases * DIGEST_BYTES << p.cap_height, "messages": FR_BYTES * p.messages,
        "row": FR_BYTES * p.dimension, "pad row": FR_BYTES * p.pad_dimension,
        "opened": _opened(system) * p.queries, "paths": _path(system) * p.queries * p.shape.phases,
    }  # fmt: skip
    found, at = {}, 0
    for name, size in sizes.items():
        found[name] = range(at, at + size)
        at += size
    return found


def _opened(system: System) -> int:
    """Bytes of one query: its salts, then its elements."""
    p = system.parameters
    return DIGEST_BYTES * p.shape.phases + FR_BYTES * p.committed_rows


def _path(system: System) -> int:
    return DIGEST_BYTES * (system.parameters.log_length - system.parameters.cap_height)


def mutants(one: Subject, rng: random.Random) -> Iterator[Mutant]:
    """Without end, a kind at a time in turn; what came out as it was is left out."""
    while True:
        for kind, change in FILES.items():
            content = bytes(change(rng, one, bytearray(one.content)))
            if content not in (one.content, one.other):
                yield Mutant(kind, content, one.case.public, one.case.system)
        for kind, claim in CLAIMS.items():
            public = claim(rng, list(one.case.public))
            if public != one.case.public:
                yield Mutant(kind, one.content, public, one.case.system)
        yield Mutant("another circuit", one.content, one.case.public, one.stranger)
        named = bytearray(one.content)
        named[CIRCUIT] = one.stranger.digest
        yield Mutant("another circuit, named", bytes(named), one.case.public, one.stranger)


def of_files(one: Subject, rng: random.Random) -> Iterator[bytes]:
    """Those whose file is changed, and nothing else."""
    return (found.content for found in mutants(one, rng) if found.kind in FILES)


def verdict(one: Subject, found: Mutant) -> str:
    """accepted, false, or malformed."""
    said = judge(found.system, found.public, found.content, one.case.columns)
    return {True: "accepted", False: "false"}.get(said, "malformed")


def _byte(rng: random.Random, one: Subject) -> int:
    """A byte of a part drawn first, so that small parts are hit as often."""
    return rng.choice(rng.choice([part for part in parts(one.case.system).values() if part]))


def _word(rng: random.Random, one: Subject, but_header: bool = True) -> int:
    """Where 32 bytes begin: an element or a digest."""
    named = parts(one.case.system)
    part = rng.choice([part for name, part in named.items() if part and not (but_header and name == "header")])
    return part.start + rng.randrange(len(part) // 32) * 32


def _element(rng: random.Random, one: Subject) -> int:
    """Where a field element begins."""
    named = parts(one.case.system)
    where = rng.choice(["messages", "row", "pad row", "opened"])
    if where != "opened":
        return named[where].start + rng.randrange(len(named[where]) // FR_BYTES) * FR_BYTES
    p = one.case.system.parameters
    query = named[where].start + rng.randrange(p.queries) * _opened(one.case.system)
    return query + DIGEST_BYTES * p.shape.phases + FR_BYTES * rng.randrange(p.committed_rows)


def _bit(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    out[_byte(rng, one)] ^= 1 << rng.randrange(8)
    return out


def _any_byte(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    out[_byte(rng, one)] = rng.randrange(256)
    return out


def _any_element(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    at = _element(rng, one)
    out[at : at + 32] = rng.choice([0, 1, FR_MODULUS - 1, rng.randrange(FR_MODULUS)]).to_bytes(32, "big")
    return out


def _moved(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    at = _element(rng, one)
    value = (int.from_bytes(out[at : at + 32], "big") + rng.choice([1, -1])) % FR_MODULUS
    out[at : at + 32] = value.to_bytes(32, "big")
    return out


def _not_canonical(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    """The same element of the field, in bytes that are not below r."""
    at = _element(rng, one)
    value = int.from_bytes(out[at : at + 32], "big")
    out[at : at + 32] = (value + rng.choice([1, 2, 3, 4]) * FR_MODULUS).to_bytes(32, "big")
    return out


def _copied(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    a, b = _word(rng, one), _word(rng, one)
    out[a : a + 32] = out[b : b + 32]
    return out


def _swapped(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    """Two elements or digests, of the same part or of two."""
    a, b = _word(rng, one), _word(rng, one)
    out[a : a + 32], out[b : b + 32] = out[b : b + 32], out[a : a + 32]
    return out


def _root(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    """One digest of a cap, or all: another proof's, or any."""
    cap = parts(one.case.system)["cap"]
    where = slice(cap.start, cap.stop)
    if rng.randrange(2):
        at = cap.start + rng.randrange(len(cap) // 32) * 32
        where = slice(at, at + 32)
    out[where] = rng.choice([one.other[where], rng.randbytes(where.stop - where.start)])
    return out


def _queries(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    """Two queries in each other's place, or all in another order: columns, paths or both."""
    system, named = one.case.system, parts(one.case.system)
    n, phases = system.parameters.queries, system.parameters.shape.phases
    order = list(range(n))
    if rng.randrange(4):
        i, j = rng.sample(order, 2)
        order[i], order[j] = j, i
    else:
        rng.shuffle(order)
    chosen = rng.choice([("opened", "paths"), ("opened",), ("paths",)])
    for name, size, times in (("opened", _opened(system), 1), ("paths", _path(system), phases)):
        if name in chosen:
            for start in range(named[name].start, named[name].start + times * n * size, n * size or 1):
                pieces = [bytes(out[start + i * size : start + (i + 1) * size]) for i in order]
                out[start : start + n * size] = b"".join(pieces)
    return out


def _part(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    """A part of another proof of the same."""
    named = [part for name, part in parts(one.case.system).items() if part and name != "header"]
    for part in rng.sample(named, rng.choice([1, 1, 2, 3])):
        out[part.start : part.stop] = one.other[part.start : part.stop]
    return out


def _truncated(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    return out[: rng.choice([len(out) - 1, len(out) - 32, rng.randrange(len(out)), rng.randrange(200)])]


def _extended(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    return out + rng.choice([b"\0", bytes(32), rng.randbytes(rng.randrange(1, 300)), bytes(one.other[-64:])])


def _counts(rng: random.Random, one: Subject, out: bytearray) -> bytearray:
    """One of the counts from which the layout follows."""
    at = rng.choice(COUNTS)
    value = int.from_bytes(out[at : at + 8], "big") + rng.choice([1, -1, 2, 1 << 20, 1 << 40])
    out[at : at + 8] = (value % (1 << 64)).to_bytes(8, "big")
    return out


def _input(rng: random.Random, public: list[int]) -> list[int]:
    i = rng.randrange(len(public))
    public[i] = rng.choice([public[i] + 1, public[i] - 1, 0, rng.randrange(FR_MODULUS)]) % FR_MODULUS
    return public


def _alias(rng: random.Random, public: list[int]) -> list[int]:
    public[rng.randrange(len(public))] += rng.choice([1, -1, 2]) * FR_MODULUS
    return public


def _shuffled(rng: random.Random, public: list[int]) -> list[int]:
    rng.shuffle(public)
    return public


def _count(rng: random.Random, public: list[int]) -> list[int]:
    return rng.choice([public[:-1], [*public, 0], public[1:], []])


FILES = {
    "bit flipped": _bit,
    "byte replaced": _any_byte,
    "element replaced": _any_element,
    "element moved by one": _moved,
    "element not canonical": _not_canonical,
    "words copied": _copied,
    "words swapped": _swapped,
    "root replaced": _root,
    "queries reordered": _queries,
    "part of another proof": _part,
    "truncated": _truncated,
    "extended": _extended,
    "count of the header changed": _counts,
}
CLAIMS = {
    "public input changed": _input,
    "public input aliased": _alias,
    "public inputs shuffled": _shuffled,
    "wrong number of public inputs": _count,
}
KINDS = frozenset({*FILES, *CLAIMS, "another circuit", "another circuit, named"})
