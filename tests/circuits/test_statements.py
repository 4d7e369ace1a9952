"""Every requirement of every statement: a witness that it alone refuses; and no wire of a good witness is free."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from circuits import catalogue
from tests.circuits.nudge import free_wires
from tests.circuits.raw import FLAT, PRICED, RATES, UNBOUNDED, RawAccount, RawOrder, RawRow, RawScenarios, with_row
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
ANY = {"balance": ANY_BALANCE, "position": ANY_POSITION, "margin": ANY_MARGIN, "portfolio": ANY_MARGIN}
ANY |= {name: {"ratio_ppm": 10**6} for name in ("health", "initial")}

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
# The same with a position apart that is short of nothing, an asset that rounds, orders, and scenarios that lose.
BUSY = replace(
    TRADER,
    rows=(
        replace(TRADER.rows[0], rounded=1, amount=4 * 10**9 + 1, risk=(1, 2, 3, 4), changes=(-7, 5) + (0,) * 31),
        TRADER.rows[1],
        replace(TRADER.rows[2], margined=705, risk=(10, 20, 30, 40), changes=(-(10**9), 10**9, 3) + (0,) * 30),
        RawRow(
            11, -3, -(10**15), is_asset=0, isolated=1, price=10**12, notional_price=10**12, tiers=STEPS,
            risk=(5, 6, 7, 8), changes=(2**62, -(2**62)) + (1,) * 31,
        ),
    ),
    orders=(RawOrder(0, 0, 5, 6), RawOrder(2, 0, 10**11 + 1, 5), RawOrder(2, 1, 10**11 - 1, 4), RawOrder(3, 1, 1, 1)),
    scenarios=RawScenarios(3, 1_100_000, 1_000_000),
)  # fmt: skip
BUSY = with_row(BUSY, 3, margined=4)
GOOD = {"balance": TRADER, "position": TRADER, "margin": TRADER, "initial": BUSY}
GOOD |= {name: with_row(with_row(BUSY, 2, margined=None), 3, margined=None) for name in ("health", "portfolio")}
HEALTHY = {
    **ANY,
    "balance": {"instrument": 1, "lo": 1, "hi": 10**10},
    "position": {**ANY_POSITION, "lo": 700, "hi": 700},
}
OF_ONE_EPOCH = [name for name in catalogue.STATEMENTS if name not in ("history", "liquidation", "exit")]


@cache
def circuit_of(name, rows=ROWS):
    return compile_statement(catalogue.get(name, rows))


def committed(circuit, inputs):
    """The inputs with the state root that they make."""
    broken = circuit.violations(circuit.evaluate(inputs))
    root = next((v.values[0] for v in broken if v.label == COMMITTED), None)
    return inputs if root is None else {**inputs, "state_root": root % FR_MODULUS}


OUT_OF_RANGE = {
    "amounts": {"amount": 2**63},
    "entries": {"entry": 2**127},
    "fundings_at_entry": {"funding_at_entry": 2**63},
    "isolated": {"isolated": 2, "is_asset": 0},
    "is_asset": {"is_asset": 2},
    "short_only": {"short_only": 2},
    "rounded": {"rounded": 2},
    "prices": {"price": 2**64},
    "notional_prices": {"notional_price": 2**64},
    "fundings": {"funding": 2**63},
    "lowers": {"tiers": ((-1, UNBOUNDED, 0, 0, 0),)},
    "uppers": {"tiers": ((0, 2**64, 0, 0, 0),)},
    "rates": {"tiers": ((0, UNBOUNDED, 2**20, 0, 0),)},
    "initial_rates": {"tiers": ((0, UNBOUNDED, 0, 2**20, 0),)},
    "offsets": {"tiers": ((0, UNBOUNDED, 0, 0, -(2**84) - 1),)},
    **{rate: {"risk": tuple(2**20 * (k == i) for k in range(4))} for i, rate in enumerate(RATES)},
}
ORDER_OUT_OF_RANGE = {"order_sells": {"sells": 2}, "order_prices": {"price": -1}, "order_sizes": {"size": 2**64}}
PUBLIC_OUT_OF_RANGE = {
    "instrument": 4096, "lo": -(2**63) - 1, "hi": 2**63, "ratio_ppm": 2**32, "initial": 2,
    "entry_lo": -(2**127) - 1, "entry_hi": 2**127,
}  # fmt: skip
TWO_TIERS = ((0, 5, 0, 0, 0), (5, UNBOUNDED, 0, 0, 0))
MILLIONTH = ((0, UNBOUNDED, 1, 0, 0),)


def out_of_kind(name, item, row, place):
    """Inputs with one declared input outside its kind, and nothing else wrong."""
    claim, limit = ANY[name], 256 if name in PRICED else 4096
    if item == "instruments":  # ids rise by one up to the limit, so those of the rows below are past it too
        rising = (replace(r, instrument=limit - row + i) for i, r in enumerate(QUIET.rows))
        return replace(QUIET, rows=tuple(rising)).inputs(name, **claim)
    if item in OUT_OF_RANGE:
        return with_row(QUIET, row, **OUT_OF_RANGE[item]).inputs(name, **claim)
    if item == "place":
        return replace(QUIET, place=tuple(2 * int(i == row) for i in range(20))).inputs(name, **claim)
    if item == "changes":
        changes = tuple(2**63 * (s == place) for s in range(33))
        return with_row(QUIET, row, changes=changes).inputs(name, **claim)
    if item in ORDER_OUT_OF_RANGE:
        orders = [RawOrder(0)] * row + [RawOrder(0, **ORDER_OUT_OF_RANGE[item])]
        return replace(QUIET, orders=tuple(orders)).inputs(name, **claim)
    if item in {"scenario_count", "initial_factor", "maintenance_factor"}:
        scenarios = RawScenarios(**{item.removeprefix("scenario_"): 2**32})
        return replace(QUIET, scenarios=scenarios).inputs(name, **claim)
    if item == "worst":  # all scenarios gain 5: without a range, the worst loss could be -5
        return {**with_row(QUIET, 0, amount=1, changes=(5,) * 33).inputs(name, **claim), "worst": -5}
    if item == "counted_rests":
        inputs = with_row(QUIET, row, amount=1, notional_price=999_999, tiers=MILLIONTH).inputs(name, **claim)
        return {**inputs, **divided(inputs, row, 1, -1)}
    inputs = QUIET.inputs(name, **claim)
    if item == "tier":
        inputs = with_row(QUIET, row, tiers=FLAT * 13).inputs(name, **claim)
        inputs["tier"][row][place] = 2
        return inputs
    if item == "counted_units":  # 0 = q·10^6 + 1 mod r
        return {**inputs, **divided(inputs, row, -pow(10**6, -1, FR_MODULUS), 1)}
    return {**inputs, item: PUBLIC_OUT_OF_RANGE[item]}


def divided(inputs, row, quotient, rest):
    return {
        "counted_units": _with(inputs["counted_units"], row, quotient),
        "counted_rests": _with(inputs["counted_rests"], row, rest),
    }


def false_rule(name, label, row):
    """Inputs of an account, or of a venue, that breaks the rule `label`."""
    claim = ANY[name]
    inputs = QUIET.inputs(name, **claim)
    if "higher instrument id" in label:
        rows = (*QUIET.rows[:row], QUIET.rows[row - 1], *[RawRow()] * (ROWS - row - 1))
        return replace(QUIET, rows=rows).inputs(name, **claim)
    if "is padding because" in label:
        rows = [RawRow()] * ROWS
        rows[row] = QUIET.rows[row]
        return replace(QUIET, rows=tuple(rows)).inputs(name, **claim)
    if label == "the instrument table is the committed one":
        return replace(QUIET, overrides={"instruments_root": 12}).inputs(name, **claim)
    if label == "the epoch's tables and totals are the committed ones":
        return replace(QUIET, overrides={"meta": 12}).inputs(name, **claim)
    if label == "the scenario table is the committed one":
        return replace(QUIET, scenarios=RawScenarios(root=12)).inputs(name, **claim)
    if label.startswith("equity covers"):
        return with_row(TRADER, 1, amount=-(10**14)).inputs(name, **claim)
    if "if isolated" in label:
        return with_row(QUIET, row, is_asset=0, isolated=1, entry=1).inputs(name, **claim)
    if "an asset is not isolated" in label:
        return with_row(QUIET, row, isolated=1).inputs(name, **claim)
    if "the tier is one" in label:
        inputs["initial_rates"][row] = 1
        return inputs
    if "tier's lower bound" in label:
        return with_row(QUIET, row, tiers=TWO_TIERS, tier=1).inputs(name, **claim)
    if "tier's upper bound" in label:
        return with_row(QUIET, row, tiers=TWO_TIERS, amount=5, notional_price=10**12).inputs(name, **claim)
    if "counted value" in label:
        counted, split = (10**6, (0, 10**6)) if "less than" in label else (999_999, (0, 999_998))
        inputs = with_row(QUIET, row, amount=1, notional_price=counted, tiers=MILLIONTH).inputs(name, **claim)
        return {**inputs, **divided(inputs, row, *split)}
    if "no order there is no row" in label:  # a row that is padding has the id that no order has
        orders = [RawOrder(0)] * row + [RawOrder(ROWS - 1)]
        padded = replace(QUIET, rows=(*QUIET.rows[:-1], RawRow()), orders=tuple(orders))
        return padded.inputs(name, **claim)
    if "one of the account's rows" in label:  # no flag at all: the order is read as one of row 0 and counts for none
        orders = [RawOrder(0)] * row + [RawOrder(0, 0, 10, 10)]
        inputs = replace(QUIET, orders=tuple(orders)).inputs(name, **claim)
        return {**inputs, "order_rows": _with(inputs["order_rows"], row, ROWS + 1)}
    if label == "the orders are those of the account":
        return {**inputs, "order_sizes": [1, 0, 0, 0]}
    if "at least that of scenario" in label:
        changes = tuple(-5 * (s == row) for s in range(33))
        return {**with_row(QUIET, 0, amount=1, changes=changes).inputs(name, **claim), "worst": 0}
    if label == "the worst loss is that of a scenario, or none":
        return {**inputs, "worst": 1}
    return TRADER.inputs(name, **{**claim, **{
        "the balance is at least the lower bound": {"instrument": 1, "lo": 4 * 10**9 + 1},
        "the balance is at most the upper bound": {"instrument": 2, "hi": -(10**6) - 1},
        "the size is at least the lower bound": {"lo": 701},
        "the size is at most the upper bound": {"hi": 699},
        "the entry value is at least the lower bound": {"entry_lo": -(10**14) + 1},
        "the entry value is at most the upper bound": {"entry_hi": -(10**14) - 1},
    }[label]})  # fmt: skip


def refusing(name, label):
    """A witness that breaks the requirement `label` of a statement, meant to break nothing else."""
    circuit = circuit_of(name)
    numbers = [int(number) for number in re.findall(r"\d+", label)]
    kind = re.match(r"([a-z_]+)((?:\[\d+\])*) is (a|an|0) ", label)
    if kind:
        inputs = out_of_kind(name, kind[1], *[*map(int, re.findall(r"\d+", kind[2])), 0, 0][:2])
    elif label == COMMITTED:
        inputs = QUIET.inputs(name, **ANY[name])
        return circuit, circuit.evaluate({**inputs, "state_root": inputs["state_root"] + 1})
    else:
        inputs = false_rule(name, label, numbers[0] if numbers else 0)
    return circuit, circuit.evaluate(committed(circuit, inputs))


def labels(name):
    circuit = circuit_of(name)
    return list(dict.fromkeys(circuit.labels[int(r[1])] for r in circuit.requirements))


def tree_labels(name):
    """Requirements of paths, said once for all levels of one: each level is refused alone further below."""
    paths = ("accounts tree", "committed table", "of the scenario table")
    return [label for label in labels(name) if any(path in label for path in paths)]


@pytest.mark.parametrize("name", OF_ONE_EPOCH)
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
@pytest.mark.parametrize(
    ("name", "nodes", "word", "rule"),
    [(name, "table_nodes", "terms", "the instrument is the one of the committed table") for name in PRICED]
    + [("portfolio", "risk_nodes", "maintenance_long", "the risk is the one of the scenario table")],
)
def test_every_level_of_a_table_has_a_witness_that_only_it_refuses(name, nodes, word, rule, row):
    circuit = circuit_of(name)
    inputs = committed(circuit, QUIET.inputs(name, **ANY[name]))
    # words of another instrument: their digest is not among the children
    words = circuit.violations(circuit.evaluate({**inputs, word: _with(inputs[word], row, 77)}))
    # a child beside the digest changed: the node above is not among those that the root is over
    beside = [list(children) for children in inputs[nodes][row]]
    beside[0][(QUIET.rows[row].instrument + 1) % 8] += 1
    above = circuit.violations(circuit.evaluate({**inputs, nodes: _with(inputs[nodes], row, beside)}))
    assert [v.label for v in words] == [v.label for v in above] == [f"row {row}: {rule}"]
    assert words[0].row < above[0].row


def _with(values, i, value):
    return [*values[:i], value, *values[i + 1 :]]


@pytest.mark.parametrize("name", OF_ONE_EPOCH)
@pytest.mark.parametrize("rows", [4, 8, 16, pytest.param(64, marks=pytest.mark.slow)])
def test_no_wire_of_a_good_witness_is_free(name, rows):
    circuit = circuit_of(name, rows)
    good = GOOD[name]
    padded = replace(good, rows=(*good.rows, *[RawRow()] * (rows - ROWS)))
    witness = circuit.solve(padded.inputs(name, **HEALTHY[name]))
    assert free_wires(circuit, witness) == []


@pytest.mark.parametrize("name", OF_ONE_EPOCH)
def test_a_false_claim_is_refused_by_name_and_values(name):
    circuit = circuit_of(name)
    claim, message = {
        "balance": ({"instrument": 1, "lo": 5 * 10**9}, r"at least the lower bound: 4000000000 >= 50"),
        "position": ({"hi": 1}, r"the size is at most the upper bound: 700 <= 1 does not hold"),
    }.get(name, ({"ratio_ppm": 2**32 - 1}, r"equity covers the .* requirement"))  # fmt: skip
    poor = with_row(TRADER, 1, amount=-(10**14)) if name in PRICED else TRADER
    with pytest.raises(WitnessError, match=message):
        circuit.solve(poor.inputs(name, **{**ANY[name], **claim}))


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
    for name in ("margin", "portfolio"):
        assert circuit_of(name).public_names == ["state_root", "context", "ratio_ppm", "initial"]
    for name in ("health", "initial"):
        assert circuit_of(name).public_names == ["state_root", "context", "ratio_ppm"]
