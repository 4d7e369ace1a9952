"""Forgeries: mutated, spliced, cut and re-made proofs, and provers that cheat within the rules. None is accepted."""

import random
from collections import Counter
from functools import cache
from itertools import islice

import numpy as np
import pytest

from tests.constraint import venue_block
from tests.constraint.venue_block import LEAST_LOG_BLOCKS
from tests.proof import circuits
from tests.proof.transparent import mutation, slow_verifier
from tests.proof.transparent.mutation import mutants, parts, subject, verdict
from tests.proof.transparent.systems import (
    chained_powers,
    circuit_bytes,
    judge,
    judge_slowly,
    plain_case,
    random_system,
    system_of,
    venue_case,
)
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec, rows_columns, rows_encode
from zkstate.proof.transparent import committed, prover, row_tables, verifier
from zkstate.proof.transparent.claims import MaskedClaim
from zkstate.proof.transparent.proof_file import HEADER_BYTES, Proof
from zkstate.proof.transparent.prover import prove

CASES = {
    "cubic": circuits.cubic(),
    "several rows": random_system(random.Random("forgeries"), 200, 300, 3),
    "powers": chained_powers(40),
}
FILES = [*CASES, "venue"]  # of which a proof is changed: the last has blocks, links and tables


@cache
def made(name):
    """A case and two proofs of it."""
    found = mutated(name)
    return found.case, found.content, found.other


@cache
def mutated(name):
    if name == "venue":
        return subject(venue_case(LEAST_LOG_BLOCKS), venue_block.circuit(LEAST_LOG_BLOCKS))
    return subject(plain_case(CASES[name]), CASES[name].r1cs)


def mutate_many(name, count, seed, slowly):
    """Every change of the file alone goes past the second verifier as well, one in `slowly`."""
    one, seen = mutated(name), Counter()
    for i, found in enumerate(islice(mutants(one, random.Random(f"{seed} {name}")), count)):
        said = verdict(one, found)
        assert said != "accepted", (i, found.kind)
        seen[said] += 1
        if i % slowly == 0 and found.kind in mutation.FILES:
            assert {False: "false"}.get(one.case.judge_slowly(found.content), "malformed") == said
    return seen


@pytest.mark.parametrize("name", FILES)
def test_the_other_circuit_has_the_same_shape(name):
    """Or its proofs would be refused by their counts, and nothing else of them looked at."""
    one = mutated(name)
    assert one.stranger.parameters == one.case.system.parameters
    assert one.stranger.digest != one.case.system.digest


@pytest.mark.parametrize("name", FILES)
def test_no_mutant_is_accepted(name):
    seen = mutate_many(name, 250 if name == "venue" else 700, "quick", 100)
    assert min(seen.values()) > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_no_mutant_of_very_many_is_accepted(name):
    mutate_many(name, 2_000 if name == "venue" else 6_000, "many", 500)


@pytest.mark.parametrize("name", FILES)
def test_every_part_is_looked_at(name):
    """The first and the last byte of every part, and of an element in its middle."""
    case, content, _ = made(name)
    for part in parts(case.system).values():
        for at in {*part[:1], *part[-1:], part[len(part) // 2]} if part else ():
            changed = bytearray(content)
            changed[at] ^= 1
            assert case.judge(bytes(changed)) is not True


def test_files_of_another_length_are_refused_before_they_are_read():
    case, content, _ = made("cubic")
    for length in (0, 1, HEADER_BYTES - 1, HEADER_BYTES, len(content) // 2, len(content) - 32, len(content) - 1):
        with pytest.raises(LengthError, match=f"{length} bytes"):
            Proof.decode(content[:length])
        assert case.judge_slowly(content[:length]) == "malformed"
    for more in (b"\0", bytes(32)):
        with pytest.raises(LengthError, match="bytes, a proof of 4 rows has"):
            Proof.decode(content + more)
    huge = bytearray(content)
    huge[68:76] = (1 << 31).to_bytes(8, "big")
    with pytest.raises(LengthError, match=f"{len(content)} bytes, a proof of 2147483648 rows has"):
        Proof.decode(bytes(huge))
    huge[68:76] = (1 << 63).to_bytes(8, "big")
    with pytest.raises(LengthError, match="header: 9223372036854775808 rows"):
        Proof.decode(bytes(huge))


@pytest.mark.parametrize("part", ["messages", "row", "pad row", "opened"])
def test_elements_that_are_not_below_r_are_refused(part):
    case, content, _ = made("cubic")
    where = parts(case.system)[part]
    at = where.start + (32 if part == "opened" else 0)  # behind the first salt, which may be any bytes
    for value in (FR_MODULUS, FR_MODULUS + 1, (1 << 256) - 1):
        changed = content[:at] + value.to_bytes(32, "big") + content[at + 32 :]
        with pytest.raises(EncodingError, match="scalar 0 is not below its modulus"):
            Proof.decode(changed)
        assert case.judge_slowly(changed) == "malformed"


def test_a_header_of_something_else_is_refused():
    _, content, _ = made("cubic")
    for at, message in (
        (0, "no transparent proof"),
        (31, "no transparent proof"),
        (35, "version is 2, expected 3: a proof of an earlier protocol"),
    ):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(EncodingError, match=message):
            Proof.decode(bytes(changed))


@pytest.mark.parametrize("name", FILES)
def test_queries_in_another_order_are_refused(name):
    case, content, _ = made(name)
    p, where = case.system.parameters, parts(case.system)
    width, steps = 32 * (p.shape.phases + p.committed_rows), 32 * (p.log_length - p.cap_height)
    for i, j in ((0, 1), (0, p.queries - 1), (3, 70)):
        out = bytearray(content)
        for part, size in (("opened", width), ("paths", steps)):
            a, b = where[part].start + i * size, where[part].start + j * size
            out[a : a + size], out[b : b + size] = out[b : b + size], out[a : a + size]
        assert case.judge(bytes(out)) is False


def accepted_without(check, system, public, proof):
    """Whether a verifier that leaves out one check is convinced: then it is that check alone which refuses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifier, check, lambda *_: True)
        return verifier.verify(system, public, proof)


def cheat(monkeypatch, method, replacement):
    original = getattr(prover._Proving, method)
    monkeypatch.setattr(prover._Proving, method, lambda self, *args: replacement(self, original, *args))


def false_proofs(monkeypatch, small, tries=3):
    """Proofs of a false statement by a prover that does not check its rows, and otherwise as patched."""
    monkeypatch.setattr(prover._Proving, "_check_rows", lambda *_: None)
    wrong = FrVec.from_ints([*small.witness[:-1], small.witness[-1] + 1])
    system = system_of(small)
    return [(system, prove(system, wrong)) for _ in range(tries)]


class Forger(prover._Proving):
    """Claims any mask claim, and adjusts the combined row after its challenge so that the one linear check holds."""

    def _check_rows(self, tables):
        pass

    def _row_rounds(self, tables):
        found = super()._row_rounds(tables)
        self.power = found[2][4] * pow(found[2][2], -1, FR_MODULUS)
        return found

    def _open(self, rows_claim, factor, claim, point):
        p = self.parameters
        join = self.transcript.challenge("join")
        a, b, d, e = next(message.to_ints() for message in self.messages if len(message) == 4)
        self._send("mask claim", FrVec.from_ints([12345]))
        combine = self.transcript.challenge("combine")
        places, low, high = map(slow_verifier.eq, (point, point[-p.log_width :], point[: -p.log_width]))
        row = self._combined(FrVec.from_ints(combine * x for x in high[: p.rows])).to_ints()
        pad_row = self.pad_coefficients.scale(combine) + self.pad_mask
        public = sum(places[p.public_start + i] * x for i, x in enumerate([1, *self.public]))
        target = claim.value - factor * public + join * (rows_claim.value - a * b - self.power * d**5 + e)
        found = factor * sum(x * y for x, y in zip(low, row, strict=False))
        pad_weights = [join * weight for weight in rows_claim.weights] + claim.weights
        found += sum(x * y for x, y in zip(pad_weights, pad_row.to_ints(), strict=False))
        excess = found - combine * target - 12345
        row[0] = (row[0] - excess * pow(factor * low[0], -1, FR_MODULUS)) % FR_MODULUS
        self.transcript.absorb_scalars("row", FrVec.from_ints(row))
        self.transcript.absorb_scalars("pad row", pad_row)
        return FrVec.from_ints(row), pad_row


@pytest.mark.parametrize("name", CASES)
def test_making_the_last_equation_true_breaks_the_columns(monkeypatch, name):
    small = CASES[name]
    monkeypatch.setattr(prover, "_Proving", Forger)
    monkeypatch.setattr(Forger, "public", small.public, raising=False)
    for system, proof in false_proofs(monkeypatch, small):
        assert accepted_without("_columns_agree", system, small.public, proof)
        assert judge(system, small.public, proof.encode()) is False
        assert judge_slowly(circuit_bytes(small), small.public, proof.encode()) is False


@pytest.mark.parametrize("name", CASES)
def test_values_that_fit_the_first_sumcheck_break_the_second(monkeypatch, name):
    """e is sent as whatever makes a b + power d^5 - e the true claim: then it is not (C + power E) z at the point."""
    small = CASES[name]
    sent, claims, powers = [], [], []
    advance, values = MaskedClaim.after_rows, row_tables.RowTables.values
    monkeypatch.setattr(
        row_tables.RowTables, "values", lambda tables, power: (powers.append(power), values(tables, power))[1]
    )
    monkeypatch.setattr(
        MaskedClaim, "after_rows", lambda claim, *args: (advance(claim, *args), claims.append(claim))[0]
    )

    def fitted(self, original, label, message):
        if label == "values":
            a, b, d, e = message.to_ints()
            weighted = zip(claims[-1].weights, self.pads.to_ints(), strict=False)
            true = (claims[-1].value - sum(weight * pad for weight, pad in weighted)) % FR_MODULUS
            message = FrVec.from_ints([a, b, d, a * b + powers[-1] * d**5 - true])
            sent.append(message.to_ints()[3] != e)
        return original(self, label, message)

    cheat(monkeypatch, "_send", fitted)
    for system, proof in false_proofs(monkeypatch, small):
        assert sent[-1]
        assert judge(system, small.public, proof.encode()) is False


@pytest.mark.parametrize("row", [0, -3, -2, -1])
def test_rows_that_are_no_codewords_are_refused(monkeypatch, row):
    """A true statement, and one row of the matrix with half of its columns wrong: the opened columns tell."""
    small = CASES["several rows"]
    system = system_of(small)

    rows = system.parameters.committed_rows

    def damaged(coefficients, k, n, threads, *, out):
        rows_encode(coefficients, k, n, threads, out=out)
        assert len(out) == rows * n
        at = row % rows * n
        noise = FrVec.from_ints(random.Random(row).randrange(1, FR_MODULUS) for _ in range(n // 2))
        out.put(at, out.slice(at, at + n // 2) + noise)

    monkeypatch.setattr(committed, "TOGETHER", rows)
    monkeypatch.setattr(committed, "rows_encode", damaged)
    proof = prove(system, small.values)
    assert accepted_without("_columns_agree", system, small.public, proof)
    assert judge(system, small.public, proof.encode()) is False


def test_columns_made_to_agree_are_not_under_the_cap(monkeypatch):
    """Noise in the matrix, and honest columns shown in its place."""
    small = CASES["several rows"]
    system = system_of(small)
    honest = []

    def damaged(coefficients, k, n, threads, *, out):
        honest.append(rows_encode(coefficients, k, n, threads))
        out.put(0, honest[-1] + FrVec.ones(len(honest[-1])).scale_powers(7))

    monkeypatch.setattr(committed, "TOGETHER", system.parameters.committed_rows)
    monkeypatch.setattr(committed, "rows_encode", damaged)
    monkeypatch.setattr(committed, "rows_columns", lambda _, n, chosen: rows_columns(honest[0], n, np.asarray(chosen)))
    proof = prove(system, small.values)
    assert accepted_without("_columns_lead_to_cap", system, small.public, proof)
    assert judge(system, small.public, proof.encode()) is False


def test_a_prover_that_grinds_finds_nothing(monkeypatch):
    """Many commitments to one wrong witness, each with fresh masks and so fresh challenges."""
    small = CASES["cubic"]
    for system, proof in false_proofs(monkeypatch, small, tries=60):
        assert judge(system, small.public, proof.encode()) is False
