"""Runs killed at random moments go on, keep what was finished, and never draw masks twice: a few of `make kills`."""

import random

import pytest

from tests.solvency.kills import play


@pytest.mark.slow
def test_five_kills(tmp_path):
    found = play(tmp_path, 5, random.SystemRandom().randrange(1 << 32), 20)
    assert found["kills"] == 5
    assert found["mask_blocks_drawn_all_distinct"] > found["proofs_kept"]
