"""Known values of batches by Mirage: from bytes, as the columns that a transparent batch is given say."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.solvency.venue import ledger, published, risky_ledger
from zkstate.constraint.block_circuit import known_value
from zkstate.kernels import FR_MODULUS
from zkstate.proof.mirage import digest_of
from zkstate.solvency import known as module
from zkstate.solvency.known import KnownValues
from zkstate.solvency.plan import Part
from zkstate.state.schema import PORTFOLIO


@pytest.fixture(scope="module")
def epoch(tmp_path_factory):
    of, _ = published(tmp_path_factory.mktemp("known") / "holdings", risky_ledger(20, 10))
    return of


def expected(of, circuit, part, before, after):
    columns = circuit.block.checked_columns(of.columns(part, before, after), circuit.blocks)
    return [known_value(item, columns, circuit.blocks) for item in circuit.block.known]


@pytest.mark.parametrize("kind", [4, 8, 4 + PORTFOLIO])
@pytest.mark.parametrize("accounts", [1, 2, 3, 5, 6, 11])
def test_they_are_those_of_the_columns(epoch, kind, accounts):
    rng = random.Random(f"{kind} {accounts}")
    circuit = epoch.table.unrolled(kind, accounts)
    values = KnownValues(circuit)
    for number in range(3):
        count = rng.randrange(1, accounts + 1)
        leaves = np.array(sorted(rng.sample(range(len(epoch.leaves)), count)), np.int64)
        part = Part(kind, number, accounts, leaves)
        before, after = (rng.choice([0, FR_MODULUS - 1, rng.randrange(FR_MODULUS)]) for _ in range(2))
        found = values.statement(epoch, part, before, after)
        assert list(found.known) == expected(epoch, circuit, part, before, after)
        assert found.digests == tuple(map(digest_of, found.known))
        assert len(found.public) == 0
        assert found.digest == replace(found, digests=()).digest


def test_another_epoch_has_its_own(epoch, tmp_path):
    circuit = epoch.table.unrolled(4, 3)
    values, part = KnownValues(circuit), Part(4, 0, 3, np.arange(3))
    other = replace(epoch, header=SimpleNamespace(hash=b"\1" * 32))
    kinder, _ = published(tmp_path / "holdings", ledger(5, 2, seed=9))
    kinder = replace(kinder, header=SimpleNamespace(hash=b"\2" * 32))
    for of in (epoch, other, kinder, epoch):
        assert list(values.statement(of, part, 1, 2).known) == expected(of, circuit, part, 1, 2)


def test_what_is_shared_is_made_once_whoever_asks(epoch, monkeypatch):
    """Several threads judge the batches of a class at the same time, all of them for the first time."""
    circuit = epoch.table.unrolled(4, 3)
    values, made = KnownValues(circuit), []
    barrier = threading.Barrier(4)

    def slow(*given):
        made.append(given[0].wire)
        time.sleep(0.002)  # room for another thread to ask
        return known_value(*given)

    monkeypatch.setattr(module, "known_value", slow)

    def ask(number):
        barrier.wait()
        return values.statement(epoch, Part(4, number, 3, np.arange(number, number + 3)), 1, 2)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert len(made) == len(set(made)) < len(circuit.block.known)
    for number, statement in enumerate(found):
        part = Part(4, number, 3, np.arange(number, number + 3))
        assert list(statement.known) == expected(epoch, circuit, part, 1, 2)
