"""A slice of the mutations of every format of ours; `make faults` runs the rest."""

import random

import pytest

from tests.fuzz.__main__ import counted
from tests.fuzz.formats import FORMATS

SLICE, FULL = 60, 1900


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_slice_of_mutations_ends_in_typed_errors_or_the_same_value(name):
    seed = random.SystemRandom().randrange(1 << 32)
    assert counted(name, SLICE, seed) == [], f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_stands_1900_mutations(name):
    seed = random.SystemRandom().randrange(1 << 32)
    assert counted(name, FULL, seed) == [], f"seed {seed}"
