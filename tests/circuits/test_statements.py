"""Every requirement of every statement: a witness that it alone refuses; and no wire of a good witness is free."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from circuits import catalogue
from tests.circuits.nudge import free_wires
from tests.circuits.raw import FLAT, UNBOUNDED, RawAccount, RawRow, with_row
from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.constraint import compile_statement
from zkstate.errors import WitnessError
from zkstate.kernels import FR_MODULUS

ROWS = 4
COMMITTED = "the account lies under the committed state root"
ANY_BALANCE = {"instrument": 9, "lo": -(2**63), "hi": 2**63 - 1}
ANY_POSITION = {**ANY_BALANCE, "entry_lo": -(2**127), "entry_hi": 2**127 - 1}
ANY_MARGIN = {"ratio_ppm": 10**6, "initial": 0}
ANY = {"balance": ANY_BALANCE, "position": ANY_POSITION, "margin": ANY_MARGIN}

# Rows worth nothing, so that a broken number in one of them breaks no other rule.
QUIET = RawAccount(tuple(RawRow(instrument=3 * i + 16, terms=5 + i) for i in range(ROWS)))
STEPS = ((0, 50, 10_000, 20_000, 0), (50, UNBOUNDED, 30_000, 40_000, 50 * 20_000))
TRADER = RawAccount(
    (
        RawRow(1, 4 * 10**9, price=10**8, notional_price=10**8, tiers=((0, UNBOUNDED, 950_000, 0, 0),)),
        RawRow(2, -(10**6), price=10**7, notional_price=10**7, tiers=((0, UNBOUNDED, 900_000, 0, 0),)),
        RawRow(9, 700, -(10**14), -3, is_asset=0, price=10**11, notional_price=10**12, funding=11, tiers=STEPS, tier=1),
        RawRow(0),
    )
)
HEALTHY = {"balance": {"instrument": 1, "lo": 1, "hi": 10**10}, "position": {**ANY_POSITION, "lo": 700, "hi": 700}}
HEALTHY["margin"] = ANY_MARGIN


@cache
def circuit_of(name, rows=ROWS):
    return compile_statement(catalogue.get(name, rows))


def committed(circuit, inputs):
    """The inputs with the state root that they make."""
    broken = circuit.violations(circuit.evaluate(inputs))
    root = next((v.values[0] for v in broken if v.label == COMMITTED), None)
    return inputs if root is None else {**inputs, "state_root": root % FR_MODULUS}


def refusing(name, label):
    """A witness that breaks the requirement `label` of a statement, meant to break nothing else."""
    circuit = circuit_of(name)
    claim = ANY[name]
    row = int(re.search(r"\d+", label).group()) if re.search(r"\d+", label) else 0
    out_of_range = {
        "amounts": {"amount": 2**63},
        "entries": {"entry": 2**127},
        "fundings_at_entry": {"funding_at_entry": 2**63},
        "isolated": {"isolated": 2},
        "is_asset": {"is_asset": 2},
        "rounded": {"rounded": 2},
        "by_tier": {"tiers": ((0, UNBOUNDED, 0, 0, 1),), "is_asset": 0},
        "short_only": {"short_only": 2},
        "prices": {"price": 2**64},
        "notional_prices": {"notional_price": 2**64},
        "fundings": {"funding": 2**63},
        "lowers": {"tiers": ((-1, UNBOUNDED, 0, 0, 0),)},
        "uppers": {"tiers": ((0, 2**64, 0, 0, 0),)},
        "rates": {"tiers": ((0, UNBOUNDED, 2**20, 0, 0),)},
        "initial_rates": {"tiers": ((0, UNBOUNDED, 0, 2**20, 0),)},
        "offsets": {"tiers": ((0, UNBOUNDED, 0, 0, -(2**84) - 1),)},
    }
    kind = re.match(r"([a-z_]+)(\[\d+\])* is ", label)
    if kind and kind[1] == "instruments":  # ids rise by one up to the limit, so those of the rows below are past it too
        limit = 256 if name == "margin" else 4096
        rising = (replace(r, instrument=limit - row + i) for i, r in enumerate(QUIET.rows))
        inputs = replace(QUIET, rows=tuple(rising)).inputs(**claim)
    elif label.startswith("by_tier_rest") or "the counted value is" in label or "the rest of the counted" in label:
        counted, split = (10**6, (0, 10**6)) if "less than" in label else (999_999, (1, -1) if kind else (0, 999_998))
        inputs = with_row(QUIET, row, amount=1, notional_price=counted, tiers=((0, UNBOUNDED, 1, 0, 0),)).inputs(
            **claim
        )
        inputs["by_tier"][row], inputs["by_tier_rest"][row] = split
    elif kind and kind[1] in out_of_range:
        account = with_row(QUIET, row, **out_of_range[kind[1]])
        inputs = account.inputs(**claim)
    elif kind and kind[1] == "place":
        inputs = replace(QUIET, place=tuple(2 * int(i == row) for i in range(20))).inputs(**claim)
    elif kind and kind[1] == "tier":
        inputs = with_row(QUIET, row, tiers=FLAT * 13).inputs(**claim)
        inputs["tier"][row][int(label.split("]")[1][1:])] = 2
    elif kind:  # a public input
        inputs = QUIET.inputs(**claim)
        bad = {"instrument": 4096, "lo": -(2**63) - 1, "hi": 2**63, "ratio_ppm": 2**32, "initial": 2}
        bad |= {"entry_lo": -(2**127) - 1, "entry_hi": 2**127}
        inputs[kind[1]] = bad[kind[1]]
    elif "higher instrument id" in label:
        before = QUIET.rows[row - 1]
        account = replace(QUIET, rows=(*QUIET.rows[:row], before, *[RawRow()] * (ROWS - row - 1)))
        inputs = account.inputs(**claim)
    elif "is padding because" in label:
        rows = [RawRow()] * ROWS
        rows[row] = QUIET.rows[row]
        inputs = replace(QUIET, rows=tuple(rows)).inputs(**claim)
        if row + 1 < ROWS:
            assert rows[row + 1].instrument == 0
    elif label == COMMITTED:
        inputs = QUIET.inputs(**claim)
        return circuit, circuit.evaluate({**inputs, "state_root": inputs["state_root"] + 1})
    elif label == "the instrument table is the committed one":
        inputs = replace(QUIET, overrides={"instruments_root": 12}).inputs(**claim)
    elif "if isolated" in label:
        inputs = with_row(QUIET, row, is_asset=0, isolated=1, entry=1).inputs(**claim)
    elif label == "equity covers the margin requirement":
        inputs = with_row(TRADER, 1, amount=-(10**14)).inputs(**claim)
    elif "the tier is one" in label:
        inputs = with_row(QUIET, row, tiers=FLAT).inputs(**claim)
        inputs["initial_rates"][row] = 1
    elif "lower bound" in label and name == "margin":
        inputs = with_row(QUIET, row, tiers=((0, 5, 0, 0, 0), (5, UNBOUNDED, 0, 0, 0)), tier=1).inputs(**claim)
    elif "upper bound" in label and name == "margin":
        tiers = ((0, 5, 0, 0, 0), (5, UNBOUNDED, 0, 0, 0))
        inputs = with_row(QUIET, row, tiers=tiers, amount=5, notional_price=10**12).inputs(**claim)
    else:
        inputs = TRADER.inputs(**{**claim, **{
            "the balance is at least the lower bound": {"instrument": 1, "lo": 4 * 10**9 + 1},
            "the balance is at most the upper bound": {"instrument": 2, "hi": -(10**6) - 1},
            "the size is at least the lower bound": {"lo": 701},
            "the size is at most the upper bound": {"hi": 699},
            "the entry value is at least the lower bound": {"entry_lo": -(10**14) + 1},
            "the entry value is at most the upper bound": {"entry_hi": -(10**14) - 1},
        }[label]})  # fmt: skip
    return circuit, circuit.evaluate(committed(circuit, inputs))


def labels(name):
    circuit = circuit_of(name)
    return list(dict.fromkeys(circuit.labels[int(r[1])] for r in circuit.requirements))


def tree_labels(name):
    """Requirements of paths, said once for all levels of one: each level is refused alone further below."""
    return [label for label in labels(name) if "accounts tree" in label or "committed table" in label]


@pytest.mark.parametrize("name", catalogue.STATEMENTS)
def test_every_requirement_has_a_witness_that_only_it_refuses(name):
    for label in labels(name):
        if label in tree_labels(name):
            continue
        circuit, witness = refusing(name, label)
        broken = {violation.label for violation in circuit.violations(witness)}
        assert label in broken
        if label.startswith("instruments["):  # the one rule, said of each row
            broken = {other for other in broken if not other.startswith("instruments[")} | {label}
        assert broken == {label}


@pytest.mark.parametrize("height", range(10))
def test_every_level_of_the_accounts_tree_has_a_witness_that_only_it_refuses(height):
    circuit = circuit_of("balance")
    inputs = committed(circuit, QUIET.inputs(**ANY_BALANCE))
    levels = [list(children) for children in inputs["accounts_nodes"]]
    low, high = inputs["place"][2 * height : 2 * height + 2]
    levels[height][low + 2 * high] += 1
    for above in range(height, 9):  # every node above is the hash of its children again, and only one has a child less
        low, high = inputs["place"][2 * above + 2 : 2 * above + 4]
        levels[above + 1][low + 2 * high] = poseidon(tag("node"), levels[above])
    broken = circuit.violations(circuit.evaluate(committed(circuit, {**inputs, "accounts_nodes": levels})))
    assert [violation.label for violation in broken] == ["account: the account is a leaf of the accounts tree"]


@pytest.mark.parametrize("row", range(ROWS))
def test_every_level_of_the_table_path_has_a_witness_that_only_it_refuses(row):
    circuit = circuit_of("margin")
    inputs = committed(circuit, QUIET.inputs(**ANY_MARGIN))
    level = f"row {row}: the instrument is the one of the committed table"
    # table words of another instrument: their digest is not among the children
    words = circuit.violations(circuit.evaluate({**inputs, "terms": _with(inputs["terms"], row, 77)}))
    # a child beside the digest changed: the node above is not among the root's children
    beside = [list(children) for children in inputs["table_nodes"][row]]
    beside[0][(QUIET.rows[row].instrument + 1) % 8] += 1
    nodes = _with(inputs["table_nodes"], row, beside)
    above = circuit.violations(circuit.evaluate({**inputs, "table_nodes": nodes}))
    assert [v.label for v in words] == [v.label for v in above] == [level]
    assert words[0].row < above[0].row


def _with(values, i, value):
    return [*values[:i], value, *values[i + 1 :]]


@pytest.mark.parametrize("name", catalogue.STATEMENTS)
@pytest.mark.parametrize("rows", [4, 8, 16, pytest.param(64, marks=pytest.mark.slow)])
def test_no_wire_of_a_good_witness_is_free(name, rows):
    circuit = circuit_of(name, rows)
    padded = replace(TRADER, rows=(*TRADER.rows, *[RawRow()] * (rows - ROWS)))
    witness = circuit.solve(padded.inputs(**HEALTHY[name]))
    assert free_wires(circuit, witness) == []


@pytest.mark.parametrize("name", catalogue.STATEMENTS)
def test_a_false_claim_is_refused_by_name_and_values(name):
    circuit = circuit_of(name)
    claim, message = {
        "balance": ({"instrument": 1, "lo": 5 * 10**9}, r"at least the lower bound: 4000000000 >= 50"),
        "position": ({"hi": 1}, r"the size is at most the upper bound: 700 <= 1 does not hold"),
        "margin": ({"ratio_ppm": 2**32 - 1, "initial": 1}, r"equity covers the margin requirement"),
    }[name]  # fmt: skip
    poor = with_row(TRADER, 1, amount=-(10**14)) if name == "margin" else TRADER
    with pytest.raises(WitnessError, match=message):
        circuit.solve(poor.inputs(**{**ANY[name], **claim}))


def test_an_instrument_without_a_row_counts_as_zero():
    for name in ("balance", "position"):
        circuit = circuit_of(name)
        for lo, hi, accepted in ((0, 0, True), (-5, 5, True), (1, 5, False), (-5, -1, False)):
            inputs = TRADER.inputs(**{**ANY[name], "instrument": 44, "lo": lo, "hi": hi})
            assert (circuit.violations(circuit.evaluate(inputs)) == []) == accepted


def test_public_inputs_come_in_the_order_of_the_specification():
    assert circuit_of("balance").public_names == ["state_root", "context", "instrument", "lo", "hi"]
    assert circuit_of("position").public_names == [
        "state_root", "context", "instrument", "lo", "hi", "entry_lo", "entry_hi",
    ]  # fmt: skip
    assert circuit_of("margin").public_names == ["state_root", "context", "ratio_ppm", "initial"]
