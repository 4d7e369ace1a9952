"""The batch circuit against exact integers, and a rejecting witness for each of its rules."""

from dataclasses import replace

import pytest

from circuits.batch import Batch, RoundedBatch, batch_name, constraints, filled
from circuits.batch_account import account_template
from tests.circuits.nudge import broken_labels, free_wires
from tests.circuits.raw_batch import (
    COIN,
    COIN_AT_HOME,
    ENDS_OF_RANGES,
    ENTRY_OF_AN_ASSET,
    EXACT,
    FIRST,
    GOOD,
    NOTHING,
    PADDING,
    PERP,
    POSITIONS_IN_ALL_ROWS,
    QUOTE,
    REFUSED_ALIKE,
    ROUNDS,
    SECOND,
    TABLE,
    WRONG_PROFITS,
    Held,
    RawBatch,
    of_rows,
)
from zkstate.constraint.compiler import build
from zkstate.kernels import FR_MODULUS
from zkstate.proof.keys import domain_size


@pytest.fixture(scope="module")
def circuit():
    return build(Batch(4, 2, 16))


@pytest.fixture(scope="module")
def rounded():
    return build(RoundedBatch(4, 2, 16))


class TestTrue:
    def test_a_good_batch_with_an_unhealthy_account(self, circuit):
        assert [any(account.shortfalls()) for account in GOOD.accounts] == [False, True]
        circuit.solve(GOOD.inputs())

    @pytest.mark.parametrize("accounts", [(FIRST, PADDING), (PADDING, PADDING)])
    def test_padding_behind_accounts(self, circuit, accounts):
        circuit.solve(replace(GOOD, accounts=accounts).inputs())

    @pytest.mark.parametrize("row", ENDS_OF_RANGES)
    def test_the_ends_of_every_range(self, circuit, row):
        circuit.solve(of_rows(row).inputs())

    def test_an_account_without_rows(self, circuit):
        circuit.solve(of_rows().inputs())

    def test_an_entry_value_of_an_asset_is_no_profit(self, circuit):
        circuit.solve(ENTRY_OF_AN_ASSET.inputs())

    def test_the_profit_of_all_rows_counts(self, circuit):
        circuit.solve(POSITIONS_IN_ALL_ROWS.inputs())

    @pytest.mark.parametrize("amount", [7, 10**12 + 1, -3])
    def test_rounding(self, rounded, amount):
        rows = (Held(QUOTE, 10**6), Held(ROUNDS, amount), NOTHING, NOTHING)
        batch = RawBatch((replace(FIRST, rows=rows), SECOND), (*TABLE, ROUNDS), rounded=True)
        rounded.solve(batch.inputs())

    def test_what_does_not_round_counts_what_is_over(self, rounded):
        """Of an account that lacks: beside an asset of the same price that rounds."""
        rows = (Held(QUOTE, -(10**6)), Held(ROUNDS, 7), Held(EXACT, 7), NOTHING)
        batch = RawBatch((replace(FIRST, rows=rows), SECOND), (*TABLE, ROUNDS, EXACT), rounded=True)
        assert any(batch.accounts[0].shortfalls())
        assert rows[2].margin()[0] > rows[1].margin()[0]
        rounded.solve(batch.inputs())

    def test_no_wire_can_move_alone(self, circuit, rounded):
        assert free_wires(circuit, circuit.solve(GOOD.inputs())) == []
        batch = replace(GOOD, table=(*TABLE, ROUNDS), rounded=True)
        assert free_wires(rounded, rounded.solve(batch.inputs())) == []

    def test_it_is_copies_of_one_block(self, circuit):
        assert len(circuit.blocks["account 4"].first_rows) == 2
        assert circuit.blocks["account 4"].rows == account_template(4, False).n_rows
        assert batch_name(Batch(4, 2, 16)) == "batch-4x2-e16"
        assert batch_name(RoundedBatch(8, 64, 256)) == "batch-8x64-e256-r"


LOOKUP = "every row reads an entry of the table"
LEAVES = "the accounts are those of the stated leaves"
AFTER = "the sums after are the committed ones"

FALSE = REFUSED_ALIKE | {
    "an instrument id too large": (
        of_rows(Held(replace(QUOTE, instrument=4096), 5), table=(*TABLE, replace(QUOTE, instrument=4096))),
        "the instrument is an unsigned 12-bit integer",
    ),
    "an instrument id below 0": (
        of_rows(Held(replace(QUOTE, instrument=-1), 5), table=(*TABLE, replace(QUOTE, instrument=-1))),
        "the instrument is an unsigned 12-bit integer",
    ),
    "rows out of order": (
        of_rows(Held(COIN, 5), Held(QUOTE, 5)),
        "row 1 has a higher instrument id than row 0",
    ),
    "an instrument twice": (
        of_rows(Held(QUOTE, 5), Held(QUOTE, 5)),
        "row 1 has a higher instrument id than row 0",
    ),
    "padding between rows": (of_rows(Held(QUOTE, 5), NOTHING, Held(COIN, 5)), "row 2 is padding because row 1 is"),
    "a price of the prover's own": (of_rows(Held(COIN_AT_HOME, 5)), LOOKUP),
    "an instrument at the price of another": (of_rows(Held(QUOTE, 5, instrument=2)), LOOKUP),
    "a rate of the prover's own": (of_rows(Held(replace(COIN, rate=950_000), 5)), LOOKUP),
    "a market called an asset": (of_rows(Held(replace(PERP, asset=1), 5)), LOOKUP),
    "an isolated asset": (of_rows(Held(QUOTE, 5, isolated=1)), "row 0: an asset is not isolated"),
    "another leaf": (replace(GOOD, overrides={"leaves": 5}), LEAVES),
    "keys of another table": (replace(GOOD, overrides={"table": 5}), "the keys are those of the table"),
    "other reads than were committed to": (
        replace(GOOD, overrides={"reads": 5}),
        "what was read is what was committed to",
    ),
    "reads counted once too often": (replace(GOOD, forged={"times": [2, 2, 1, 1, 1, 1, 1] + [0] * 9}), LOOKUP),
    "other sums before": (replace(GOOD, overrides={"held_before": 5}), "the sums before are the committed ones"),
    "an account called healthy": (replace(GOOD, sums_after=(0, -1, 0, 0)), AFTER),
    "a shortfall not counted": (replace(GOOD, sums_after=(0, 0, -1, 0)), AFTER),
    "totals that are not the sums": (replace(GOOD, sums_after=(1, 0, 0, 0)), AFTER),
    **{name: (batch, AFTER) for name, batch in WRONG_PROFITS.items()},
    "a profit that starts again": (
        replace(GOOD, overrides={"profit_before": 0}),
        "the sums before are the committed ones",
    ),
    "a point that is an instrument": (
        replace(GOOD, point=3),
        "row 2: the totals' point is no instrument",
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_every_rule_refuses(circuit, name):
    batch, label = FALSE[name]
    inputs = batch.inputs() if batch.point is None else GOOD.inputs() | {"point": batch.point}
    assert label in broken_labels(circuit, inputs)


def test_a_reading_point_that_is_a_key(circuit):
    key = GOOD.inputs()["keys"][1]
    found = broken_labels(circuit, replace(GOOD, forged={"read_point": key}).inputs())
    assert {"row 0: the reading point is no key", "the reading point is no key"} <= found


def test_a_digit_that_is_none(circuit):
    inputs = GOOD.inputs()
    assert broken_labels(circuit, inputs | {"real": [2, 1]}) & {"real[0] is 0 or 1"}
    isolated = [[2, 0, 0, 0], [0, 0, 1, 0]]
    assert broken_labels(circuit, inputs | {"isolated": isolated}) & {"isolated[0][0] is 0 or 1"}


@pytest.mark.parametrize(
    ("units", "rest", "label"),
    [
        (-1, 10**6, "row 1: the remainder is less than 1000000"),
        (1, 0, "row 1: the quotient and the remainder make the dividend"),
        (2**128, 0, "row 1: the counted value has at most 128 bits"),
        (0, 2**20, "row 1: the rest has at most 20 bits"),
    ],
)
def test_a_division_that_is_not_one(rounded, units, rest, label):
    rows = (Held(QUOTE, 10**6), Held(ROUNDS, 10**9 + 7), NOTHING, NOTHING)
    batch = RawBatch((replace(FIRST, rows=rows), SECOND), (*TABLE, ROUNDS), rounded=True)
    inputs = batch.inputs()
    for name, by in (("counted_units", units), ("counted_rest", rest)):
        values = [list(row) for row in inputs[name]]
        values[0][1] = (values[0][1] + by) % FR_MODULUS
        inputs |= {name: values}
    assert label in broken_labels(rounded, inputs)


@pytest.mark.parametrize("batch", [
    Batch(4, 1, 16), Batch(4, 6, 64), Batch(8, 11, 16), RoundedBatch(16, 5, 32), Batch(4, 3, 5), Batch(4, 2, 1023),
])  # fmt: skip
def test_how_many_constraints_there_are_is_known_before_it_is_compiled(batch):
    assert constraints(batch) == build(batch).r1cs.n_constraints


def test_a_long_table_is_not_compiled_to_count_its_constraints(monkeypatch):
    compiled = []
    monkeypatch.setattr("circuits.batch.build", lambda batch: compiled.append(batch.entries) or build(batch))
    assert constraints(Batch(4, 9, 1 << 16)) > 1 << 22
    assert set(compiled) <= {16, 32}


@pytest.mark.parametrize(
    ("batch", "accounts"), [(Batch(4, 4, 16), 5), (Batch(8, 2, 64), 2), (RoundedBatch(4, 1, 16), 2)]
)
def test_as_many_accounts_as_the_domain_has_room_for(batch, accounts):
    most = filled(batch)
    assert most == replace(batch, accounts=accounts)
    assert filled(most) == most
    domains = [domain_size(build(replace(batch, accounts=n)).r1cs) for n in (batch.accounts, accounts, accounts + 1)]
    assert domains[0] == domains[1] == domains[2] // 2
