"""Transcript: every byte absorbed moves every later challenge and none before; labels and lengths cannot be shifted."""

import hashlib
import struct

import pytest

from tests.constraint.venue_block import LEAST_LOG_BLOCKS
from tests.proof import circuits
from tests.proof.transparent import slow_verifier
from tests.proof.transparent.systems import plain_case, venue_case
from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof.transparent import transcript as module
from zkstate.proof.transparent import verifier
from zkstate.proof.transparent.transcript import Transcript


def recorded(monkeypatch, case):
    """The steps (kind, label, content) of verifying one proof."""
    proof = case.prove()
    steps = []

    class Recording(Transcript):
        def _step(self, kind, label, content):
            steps.append((kind, label, content))
            super()._step(kind, label, content)

    monkeypatch.setattr(verifier, "Transcript", Recording)
    assert verifier.verify(case.system, case.public, proof, case.columns)
    return steps


def states(steps, first=bytes(64), begin=0):
    """The state after each step from `begin` on; challenges and places are functions of it."""
    found, state = [], first
    for kind, label, content in steps[begin:]:
        name = label.encode()
        head = state + kind + struct.pack(">Q", len(name)) + name + struct.pack(">Q", len(content))
        state = hashlib.blake2b(head + content, person=module.PERSON).digest()
        found.append(state)
    return found


BORN = ["protocol", "circuit", "parameters", "public inputs"]
CASES = {
    "plain": (lambda: plain_case(circuits.cubic()), [*BORN, "cap"]),
    "venue": (lambda: venue_case(LEAST_LOG_BLOCKS), [*BORN, "column", "column", "column", "first cap", "cap"]),
}


@pytest.mark.parametrize("name", CASES)
def test_every_absorbed_byte_moves_every_later_challenge(monkeypatch, name):
    case, first = CASES[name]
    steps = recorded(monkeypatch, case())
    labels = [label for kind, label, _ in steps if kind == b"\1"]
    assert labels[: len(first)] == first
    assert {"row round", "values", "column round", "mask claim", "row", "pad row"} == set(labels[len(first) :])
    assert ("tables" in {label for kind, label, _ in steps if kind == b"\2"}) == ("first cap" in first)
    assert steps[-1][:2] == (b"\3", "columns")
    honest = states(steps)
    drawing = [i for i, (kind, _, _) in enumerate(steps) if kind != b"\1"]
    for at, (kind, label, content) in enumerate(steps):
        before = honest[at - 1] if at else bytes(64)
        for byte in range(len(content)):
            changed = bytearray(content)
            changed[byte] ^= 1 << (byte % 8)
            # One step decides: from a state that differs, later ones differ too, or BLAKE2b has a collision.
            (after,) = states([(kind, label, bytes(changed))], before)
            assert after != honest[at]
        changed = states([(kind, label, content[:-1] + bytes([content[-1] ^ 1])), *steps[at + 1 :]], before)
        later = [i for i in drawing if i >= at]
        assert all(changed[i - at] != honest[i] for i in later)
        assert later


def test_challenges_are_what_the_second_implementation_draws():
    ours = Transcript(b"protocol", b"circuit", b"parameters", FrVec.from_ints([1, FR_MODULUS - 1]))
    theirs = slow_verifier.Transcript()
    for label, content in (("protocol", b"protocol"), ("circuit", b"circuit"), ("parameters", b"parameters")):
        theirs.absorb(label, content)
    theirs.absorb_elements("public inputs", [1, FR_MODULUS - 1])
    assert ours.challenges("many", 20) == theirs.challenges("many", 20)
    assert [ours.challenge("one")] == theirs.challenges("one", 1)
    for count, below in ((1, 2), (8, 16), (150, 2048), (196, 1 << 32)):
        assert ours.places("places", count, below) == theirs.places("places", count, below)
    ours.absorb("label", b"")
    theirs.absorb("label", b"")
    assert ours.challenges("end", 2) == theirs.challenges("end", 2)


def test_boundaries_cannot_be_shifted():
    def drawn(*steps):
        transcript = Transcript(b"p", b"c", b"", FrVec(0))
        for label, content in steps:
            transcript.absorb(label, content)
        return transcript.challenge("x")

    variants = [
        [], [("", b"")], [("a", b"bc")], [("ab", b"c")], [("abc", b"")], [("a", b"b"), ("", b"c")],
        [("a", b""), ("", b"bc")], [("a", b"bc"), ("", b"")],
    ]  # fmt: skip
    assert len({drawn(*steps) for steps in variants}) == len(variants)
    transcripts = [
        Transcript(*parts, FrVec(0)) for parts in ((b"p", b"c", b"q"), (b"pc", b"", b"q"), (b"p", b"", b"cq"))
    ]
    assert len({transcript.challenge("x") for transcript in transcripts}) == 3


def test_drawing_moves_what_is_drawn_next():
    transcript = Transcript(b"p", b"c", b"", FrVec(0))
    drawn = [transcript.challenge("x") for _ in range(5)] + transcript.challenges("x", 5)
    assert len(set(drawn)) == 10
    assert transcript.places("y", 8, 256) != transcript.places("y", 8, 256)


@pytest.mark.parametrize(("count", "below"), [(1, 3), (1, 0), (2, 2), (9, 16), (1, 1 << 33)])
def test_places_that_cannot_be_drawn_are_refused(count, below):
    with pytest.raises(LengthError):
        Transcript(b"p", b"c", b"", FrVec(0)).places("places", count, below)
