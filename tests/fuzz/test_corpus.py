"""Every kept input still ends in a typed error or a value that keeps its law."""

import pytest

from tests.fuzz import corpora
from tests.fuzz.__main__ import outcome
from tests.fuzz.targets import TARGETS

NAMES = sorted(path.name for path in corpora.FOLDER.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_no_kept_input_is_a_finding(name):
    target, kept = TARGETS[name](), corpora.checked_in(name)
    assert kept
    ends = [outcome(target, data) for data in kept]
    assert [words for words, bad in ends if bad] == []
    assert len(set(ends)) == len(kept), "one for each way to end: those of an older format end in one, distil anew"


def test_the_corpus_is_small_and_named_by_its_bytes():
    files = [path for path in corpora.FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 200_000
    assert [path for path in files if path.name != corpora.name_of(path.read_bytes())] == []


def test_a_kept_input_is_cut_to_what_ends_in_the_same_way():
    def outcome_of(data):
        return ("has b and c" if b"b" in data and b"c" in data else "neither"), False

    assert corpora.shrunk(b"aaabaaaacaa", "has b and c", outcome_of) == b"bc"
