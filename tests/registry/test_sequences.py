"""Registry and vault do what the model says in random sequences of calls, and every rule occurs."""

import os

import pytest

from tests.registry.sequences import Sequences

# What the sequences must have met to mean anything, and what only many of them do.
RULES = {
    "done", "sender is not the governance", "sender is not the publisher", "registry is halted",
    "a rollback is pending", "no rollback is pending", "registry is neither stale nor halted", "exit was paid before",
    "proof is false", "proof has expired", "nothing is owed", "no release is pending",
}  # fmt: skip
RARE = {
    "a later or other epoch was paid from", "instrument is not held here", "rollback delay has not passed",
    "release delay has not passed", "release was not carried out in time", "registry is stale or halted",
    "vault does not hold as much", "vault holds nothing", "amount is less than a unit of the token",
}  # fmt: skip
MANY = int(os.environ.get("SEQUENCES", "2500"))  # 10000 once, docs/registry.md


@pytest.mark.parametrize("count", [100, pytest.param(MANY, marks=pytest.mark.slow)])
def test_random_sequences(count):
    sequences = Sequences()
    for seed in range(count):
        sequences.play(seed)
    assert sequences.done == count
    assert set(sequences.seen) >= (RULES | RARE if count > 1000 else RULES)
