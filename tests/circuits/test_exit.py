"""`exit`: every requirement it adds has a witness that it alone refuses; its verdicts are those of exact integers."""

import random
from dataclasses import replace
from functools import cache

import pytest

from circuits import catalogue
from tests.circuits.models import random_book
from tests.circuits.nudge import broken_labels, free_wires
from tests.circuits.raw import RawAccount, RawRow, raw_row, with_row
from tests.circuits.test_journal_statements import required
from tests.circuits.test_statements import TRADER
from tests.state import oracle
from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.constraint import compile_statement
from zkstate.errors import WitnessError
from zkstate.state.schema import Instrument, Row, ladder
from zkstate.state.table import InstrumentTable
from zkstate.state.withdrawal import is_covered, withdrawable

HELD = "the account holds as much as is taken out"
COVERED = "what is left covers the initial requirement"


@cache
def circuit_of(rows):
    return compile_statement(catalogue.get("exit", rows))


def leaving(account, instrument, amount, **changes):
    """Inputs of `exit`, the tiers those of what is left."""
    for i, row in enumerate(account.rows):
        gone = row.is_asset and row.amount >= 0 and row.instrument < instrument
        kept = 0 if gone else row.amount - amount * (row.instrument == instrument)
        reached = [k for k, t in enumerate(row.tiers) if t[0] * 10**12 <= abs(kept) * row.notional_price]
        account = with_row(account, i, tier=max(reached, default=0), margined=abs(kept))
    inputs = account.inputs("exit", instrument=instrument, amount=amount, nullifier=0)
    once = poseidon(tag("exit"), [inputs["owner_secret"], inputs["venue"], inputs["epoch"], instrument])
    return inputs | {"nullifier": once} | changes


def refusing(label):
    return {
        "instrument is an unsigned 12-bit integer": lambda: leaving(TRADER, 4096, 1),
        "amount is an unsigned 63-bit integer": lambda: leaving(with_row(TRADER, 0, amount=2**63 - 1), 1, 2**63),
        "something is taken out": lambda: leaving(TRADER, 1, 0),
        "the account holds the asset": lambda: leaving(TRADER, 9, 1),
        "the account holds as much as is taken out": lambda: leaving(
            with_row(TRADER, 1, amount=10**6, tiers=((0, 2**64 - 1, 0, 0, 0),)), 2, 10**6 + 1
        ),
        COVERED: lambda: leaving(with_row(TRADER, 1, amount=-(10**9)), 1, 4 * 10**9),
        "the epoch's tables and totals are the committed ones": lambda: leaving(TRADER, 1, 5, depths=1),
        "the nullifier is that of owner, venue, epoch and asset": lambda: leaving(TRADER, 1, 5, nullifier=3),
    }[label]()


def test_every_requirement_that_is_added_has_a_witness_that_only_it_refuses():
    circuit = circuit_of(4)
    margin = required(compile_statement(catalogue.get("health", 4)))
    added = [label for label in required(circuit) if label not in margin]
    # what is compared has to have an interval, though a range past it is refused by what it is compared with as well
    besides = {
        "instrument is an unsigned 12-bit integer": {"the account holds the asset", HELD},
        "amount is an unsigned 63-bit integer": {HELD},
    }
    assert len(added) == 8
    for label in added:
        assert broken_labels(circuit, refusing(label)) == {label} | besides.get(label, set())


@pytest.mark.parametrize("rows", [4, 8, 16, pytest.param(64, marks=pytest.mark.slow)])
def test_no_wire_of_a_good_witness_is_free(rows):
    circuit = circuit_of(rows)
    account = replace(TRADER, rows=(*TRADER.rows, *[RawRow()] * (rows - 4)))
    witness = circuit.solve(leaving(account, 1, 10**9))
    assert free_wires(circuit, witness) == []


def table_of(instruments):
    made = [{**i, "tiers": ladder(i["tiers"]), "symbol": f"I{i['id']}"} for i in instruments]
    return InstrumentTable.of([Instrument(**fields) for fields in made])


def book(rng, n):
    """As `random_book`, of instruments that a table may hold: initial rates do not fall, and reach maintenance."""
    instruments, rows = random_book(rng, n, rounding=True)
    for i in instruments:
        if not i["flags"] & 1:
            initial = sorted(max(tier[1], tier[2]) for tier in i["tiers"])
            i["tiers"] = [(lower, rate, most) for (lower, rate, _), most in zip(i["tiers"], initial, strict=True)]
    return instruments, rows


def judged(rows, instruments, instrument, amount):
    """Whether so much of an asset may leave, from the sentence in docs/spec.md, in Fractions."""
    held = next((row[1] for row in rows if row[0] == instrument), 0)
    if amount < 1 or held < amount or not instruments[instrument - 1]["flags"] & 1:
        return False
    left = []
    for number, size, *rest in rows:
        gone = number < instrument and size >= 0 and instruments[number - 1]["flags"] & 1
        kept = 0 if gone else size - amount * (number == instrument)
        left.append((number, kept, *rest))
    equity, need = oracle.pots(left, instruments, True)[0]
    return equity >= need


@pytest.mark.parametrize(("n", "count"), [(4, 60), (8, 40)])
def test_verdicts_are_those_of_integers(n, count):
    rng, circuit, seen = random.Random(n), circuit_of(n), set()
    for _ in range(count):
        instruments, rows = book(rng, n)
        assets = [row for row in rows if instruments[row[0] - 1]["flags"] & 1 and row[1] > 0]
        number, held = (rng.choice(assets)[:2]) if assets and rng.random() < 0.9 else (rng.randrange(1, 40), 5)
        table = table_of(instruments)
        most = withdrawable([Row(*row) for row in rows], table, number)
        for amount in {1, held, most, most + 1, rng.randrange(1, max(held, 1) + 1)}:
            if not 0 <= amount < 2**63:
                continue
            raw = [raw_row(row, instruments) for row in rows]
            account = RawAccount((*raw, *[RawRow()] * (n - len(raw))), seed=rng.randrange(2**32))
            expected = judged(rows, instruments, number, amount)
            assert (broken_labels(circuit, leaving(account, number, amount)) == set()) == expected
            assert is_covered([Row(*row) for row in rows], table, number, amount) == expected
            seen.add(expected)
    assert seen == {True, False}


def test_exits_of_several_assets_are_safe_together():
    """Whatever subset of assets leaves, each as far as its own exit allows, the requirement stays covered."""
    rng = random.Random(5)
    for _ in range(40):
        instruments, rows = book(rng, 8)
        table = table_of(instruments)
        held = [Row(*row) for row in rows]
        out = {row[0]: withdrawable(held, table, row[0]) for row in rows if rng.random() < 0.7}
        if not any(out.values()):
            continue
        left = [(row[0], row[1] - out.get(row[0], 0), *row[2:]) for row in rows]
        equity, need = oracle.pots(left, instruments, True)[0]
        assert equity >= need


def test_the_nullifier_is_one_for_an_owner_asset_epoch_and_venue():
    circuit = circuit_of(4)
    inputs = leaving(TRADER, 1, 5)
    more = leaving(TRADER, 1, 6)
    assert circuit.solve(inputs).public_inputs[-1] == circuit.solve(more).public_inputs[-1]
    with pytest.raises(WitnessError, match="the nullifier is that of owner"):
        circuit.solve({**inputs, "nullifier": leaving(replace(TRADER, seed=2), 1, 5)["nullifier"]})


def test_public_inputs_come_in_the_order_of_the_specification():
    assert circuit_of(4).public_names == ["state_root", "context", "instrument", "amount", "nullifier"]
