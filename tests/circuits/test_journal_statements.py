"""Every requirement that `history` and `liquidation` add: a witness that it alone refuses; and no free wires.

What they share with `margin` (the account's rows, its path, the table) is refused in test_statements.py.
"""

import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import catalogue
from circuits.liquidation import LIQUIDATION_ENTRIES
from tests.circuits.nudge import broken_labels, free_wires
from tests.circuits.raw import RawRow, with_row
from tests.circuits.raw_journal import KINDS, QUIET, UNUSED, RawEntry, history, history_sums, two_epochs
from tests.circuits.test_statements import OF_ONE_EPOCH, TRADER
from zkstate.constraint import compile_statement
from zkstate.errors import WitnessError
from zkstate.kernels import FR_MODULUS

DEPOSIT, WITHDRAWAL, TRANSFER, FILL, FUNDING, LIQUIDATION = range(1, 7)
TIME, PRICE = 1_795_132_800, 10**11
MOMENT = TIME * 2**64 + PRICE
LIQUIDATED = RawEntry(LIQUIDATION, 9, -700, -(10**12), 10**10, MOMENT)
PAID = RawEntry(FUNDING, 9, 0, -(10**9), 5, MOMENT)
ADDED = RawEntry(DEPOSIT, 1, 10**6, 10**14, 7, MOMENT)
STATED = {"ratio_ppm": 10**6, "instrument": 9, "amount": FR_MODULUS - 700, "time": TIME, "price": PRICE}


@cache
def circuit_of(name):
    return compile_statement(catalogue.parse(name))


def required(circuit):
    return dict.fromkeys(circuit.labels[int(r[1])] for r in circuit.requirements)


def liquidation(entries, *, account=TRADER, before=None, **changes):
    """Inputs of `liquidation`; `before` says how many entries come before the liquidation."""
    first = next((i for i, e in enumerate(entries) if e.kind not in (FUNDING, DEPOSIT)), len(entries))
    padded = [*entries, *[UNUSED] * (LIQUIDATION_ENTRIES - len(entries))]
    flags = [int(i < (first if before is None else before)) for i in range(LIQUIDATION_ENTRIES - 1)]
    claim = STATED | {name: changes.pop(name) for name in list(changes) if name in STATED}
    return two_epochs(account, padded, main_is_later=False, **changes, **claim) | {"before": flags}


def numbers(label):
    return [int(n) for n in re.findall(r"\d+", label)]


OUT_OF_RANGE = {
    "entry_amounts": {"amount": 2**63},
    "entry_values": {"value": 2**127},
    "entry_fees": {"fee": 2**95},
}
# Entries that count nothing, of an instrument that no claim names.
IDLE = [RawEntry(TRANSFER, 5, moment=i) for i in range(4)]


def refusing_entries(label, make, idle):
    """Inputs that break a requirement on entries or on the other account, and nothing else: `make` makes inputs."""
    given, at = re.match(r"([a-z_]+)(\[\d+\])*( is |$)", label), numbers(label)
    i = at[0] if at else 0
    if given and given[1] in OUT_OF_RANGE:
        return make([*idle[:i], replace(idle[i], **OUT_OF_RANGE[given[1]]), *idle[i + 1 :]])
    if given and given[1] == "used":
        return make([*idle[:i], replace(UNUSED, kinds=(1, 1, 0, 0, 0, 0), used=2)])
    if given and given[1] == "kinds":  # three others make the sum right
        bits = [0] * 6
        bits[at[1]], bits[at[1] - 1], bits[at[1] - 2] = -1, 1, 1
        return make([*idle[:i], replace(UNUSED, kinds=tuple(bits), used=1)])
    if "one kind" in label:
        return make([*idle[:i], replace(UNUSED, used=1)])
    if "the instrument is" in label:
        return make([*idle[:i], replace(idle[i], instrument=4096), *idle[i + 1 :]])
    if "the place before is in use" in label:
        return make([*idle[: i - 1], UNUSED, idle[i]])
    return make(
        idle,
        **{
            "other_place": {"place": tuple(2 * int(place == i) for place in range(20))},
            "other account: the account is a leaf of the accounts tree": {"stray": 1},
            "the owner's other account lies under the other state root": {"other": {"other_meta": 3}, "root": 3},
            "the earlier length is an unsigned 64-bit integer": {"start": (77, 2**64)},
            "the entries lead to the later head": {"other": {"other_head": 78}},
            "the entries are as many as the later length says": {"more": 1},
        }[given[1] if given and given[1] == "other_place" else label],
    )


def refusing_history(label):
    """Inputs that break the requirement `label` of `history`, meant to break nothing else."""
    if label.endswith("add up"):
        name = "fees" if label == "the fees add up" else "_".join(re.match(r"the (\w+)s of (\w+)", label).group(2, 1))
        return history(IDLE, 9) | {name: 1}
    if label.startswith("instrument is"):
        return history(IDLE, 4096)

    def make(entries, root=None, **changes):
        return history(entries, 9, **({"earlier_root": root} if root else {}), **changes)

    return refusing_entries(label, make, IDLE)


def refusing_liquidation(label):
    """Inputs that break the requirement `label` of `liquidation`, meant to break nothing else."""
    at = numbers(label)
    if label in ("time is an unsigned 64-bit integer", "price is an unsigned 64-bit integer"):
        # time and price share an element, so one out of range is made up for by the other
        claim = {"time": TIME - 1, "price": PRICE + 2**64} if label.startswith("price") else {"time": 2**64, "price": 0}
        entry = replace(LIQUIDATED, moment=2**128) if label.startswith("time") else LIQUIDATED
        return liquidation([entry], **claim)
    if "is funding or a deposit" in label:
        return liquidation([PAID] * at[0] + [replace(IDLE[0], kind=FILL), LIQUIDATED], before=at[0] + 1)
    if "comes before the liquidation only if" in label:  # a flag after the liquidation, between two equal entries
        flags = [int(i == at[0]) for i in range(LIQUIDATION_ENTRIES - 1)]
        return liquidation([LIQUIDATED] + [PAID] * (LIQUIDATION_ENTRIES - 1)) | {"before": flags}
    if label.startswith("equity less"):
        return liquidation([replace(PAID, value=-(10**16 * 10**6)), LIQUIDATED])
    if label == "the first other entry is a liquidation":
        return liquidation([replace(LIQUIDATED, kind=FILL)])
    what = label.removeprefix("the liquidation has the stated ").split(" ")[0]
    return liquidation([LIQUIDATED], **{what: STATED[what] + 1})


@pytest.mark.parametrize(("name", "shared"), [("history", ["margin-4"]), ("liquidation", ["health-4", "history-16"])])
def test_every_requirement_that_is_added_has_a_witness_that_only_it_refuses(name, shared):
    circuit = circuit_of(f"{name}-4")
    known = {label for other in shared for label in circuit_of(other).labels}
    refusing = {"history": refusing_history, "liquidation": refusing_liquidation}[name]
    labels = [label for label in required(circuit) if label not in known]
    assert len(labels) > 30
    for label in labels:
        # Implied by the other rows on these bits, which leave 0 or 1 up to the liquidation and 0 behind it. They are
        # declared as bits all the same, so that what is multiplied by them has an interval.
        if not label.startswith("before["):
            assert broken_labels(circuit, refusing(label)) == {label}


NUDGED = ["history-4", "history-16", "liquidation-4"]
NUDGED += [pytest.param(name, marks=pytest.mark.slow) for name in ("history-64", "liquidation-64")]


@pytest.mark.parametrize("name", NUDGED)
@pytest.mark.parametrize("full", [True, False])
def test_no_wire_of_a_good_witness_is_free(name, full):
    circuit, size = circuit_of(name), int(name.split("-")[1])
    if name.startswith("history"):
        entries = [PAID, ADDED, LIQUIDATED, replace(IDLE[0], amount=-5, value=9)]
        inputs = history(entries * (size // 4) if full else entries[:3], places=size)
    else:
        rows = (*TRADER.rows, *[RawRow()] * (size - 4))
        entries = [ADDED, PAID, LIQUIDATED] + [PAID] * (LIQUIDATION_ENTRIES - 3 if full else 0)
        inputs = liquidation(entries, account=replace(TRADER, rows=rows))
    assert free_wires(circuit, circuit.solve(inputs)) == []


@st.composite
def raw_entries(draw, most):
    """Entries of two instruments, extremes included."""

    def edge(bits):
        return st.sampled_from((-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0, -1)) | st.integers(-(10**20), 10**20)

    made = []
    for _ in range(draw(st.integers(0, most))):
        amount = max(-(2**63), min(2**63 - 1, draw(edge(64))))
        moment = draw(st.integers(0, 2**128 - 1))
        kind, instrument = draw(st.integers(1, 6)), draw(st.sampled_from((3, 9)))
        made.append(RawEntry(kind, instrument, amount, draw(edge(128)), draw(edge(96)), moment))
    return made


@given(raw_entries(8), st.sampled_from((0, 3, 9, 77)), st.data())
@settings(max_examples=60)
def test_history_accepts_the_sums_and_no_others(entries, instrument, data):
    circuit = circuit_of("history-8")
    inputs = history(entries, instrument, places=8)
    assert broken_labels(circuit, inputs) == set()
    sums = history_sums(entries, instrument)
    name = data.draw(st.sampled_from(sorted(sums)))
    off = data.draw(st.sampled_from((1, -1, 2**64, 2**128)))
    assert broken_labels(circuit, {**inputs, name: (sums[name] + off) % FR_MODULUS}) != set()
    if entries:  # nor the sums of a list that lacks one
        short = history_sums(entries[:-1], instrument)
        changed = {key: value for key, value in short.items() if value != sums[key]}
        assert not changed or broken_labels(circuit, {**inputs, **short}) != set()


def stands(entries, ratio, account_excess):
    """Whether the claim about these entries is true, from the sentence in docs/spec.md: exact integers."""
    paid = 0
    for entry in entries:
        if entry.kind == LIQUIDATION:
            return account_excess(ratio, paid) >= 0
        if (entry.kind == DEPOSIT and entry.amount < 0) or entry.kind not in (DEPOSIT, FUNDING):
            return False
        paid += max(0, entry.fee) + (max(0, -entry.value) if entry.kind == FUNDING else 0)
    return False


def trader_excess(ratio, paid):
    """Equity of TRADER less what was paid, times 10^6, less ratio times maintenance; in 10^-28 quote."""
    held = 4 * 10**9 * 10**8 * 950_000 - 10**6 * 10**7 * 10**6
    pnl = 700 * 10**11 + 10**14 - 700 * (11 + 3)
    notional = 700 * 10**12
    need = notional * 30_000 - 50 * 20_000 * 10**12
    return (held + pnl * 10**6 - paid * 10**6) * 10**6 - ratio * need


@given(raw_entries(5), st.integers(0, 5), st.sampled_from((10**6, 0, 2**32 - 1, 10**10)), st.booleans())
@settings(max_examples=60)
def test_liquidation_agrees_with_integers(entries, mild, ratio, ends):
    ratio = min(ratio, 2**32 - 1)
    for i, e in enumerate(entries[:mild]):
        value, fee = (e.value if i % 2 else -abs(e.value) % 10**16), e.fee % 10**15
        entries[i] = replace([PAID, ADDED][i % 2], instrument=e.instrument, value=value, fee=fee)
    entries += [LIQUIDATED] * ends
    about = next((e for e in entries if e.kind not in (DEPOSIT, FUNDING)), LIQUIDATED)
    claim = {"ratio_ppm": ratio, "instrument": about.instrument, "amount": about.amount % FR_MODULUS}
    claim |= {"time": about.moment >> 64, "price": about.moment % 2**64}
    inputs = liquidation(entries, **claim)
    assert (broken_labels(circuit_of("liquidation-4"), inputs) == set()) == stands(entries, ratio, trader_excess)


def test_the_boundary_is_exact():
    circuit = circuit_of("liquidation-4")
    spare = trader_excess(10**6, 0) // 10**12
    for paid, accepted in ((spare, True), (spare + 1, False)):
        inputs = liquidation([replace(PAID, value=-paid, fee=0), LIQUIDATED])
        assert (broken_labels(circuit, inputs) == set()) == accepted
        inputs = liquidation([replace(ADDED, fee=paid), LIQUIDATED])
        assert (broken_labels(circuit, inputs) == set()) == accepted


def test_what_brings_something_in_is_not_added():
    poor = with_row(TRADER, 1, amount=-(10**14))
    inputs = liquidation([replace(PAID, value=2**126, fee=-(2**95)), LIQUIDATED], account=poor)
    with pytest.raises(WitnessError, match="equity less what was paid covers the maintenance requirement"):
        circuit_of("liquidation-4").solve(inputs)


def test_another_owner_does_not_fit():
    inputs = history(IDLE, 9)
    stranger = history(IDLE, 9, account=replace(QUIET, seed=2))
    mixed = {**inputs, **{name: stranger[name] for name in stranger if name.startswith(("other_", "earlier_root"))}}
    broken = broken_labels(circuit_of("history-4"), mixed)
    assert broken == {"other account: the account is a leaf of the accounts tree"}


def test_public_inputs_come_in_the_order_of_the_specification():
    sums = [f"{kind}_{what}" for kind in KINDS for what in ("amount", "value")]
    assert circuit_of("history-4").public_names == [
        "state_root",
        "context",
        "earlier_root",
        "instrument",
        *sums,
        "fees",
    ]
    assert circuit_of("liquidation-4").public_names == [
        "state_root", "context", "later_root", "ratio_ppm", "instrument", "amount", "time", "price",
    ]  # fmt: skip


def test_the_rest_of_this_file_speaks_of_every_statement():
    assert set(OF_ONE_EPOCH) | {"history", "liquidation", "exit"} == set(catalogue.STATEMENTS)
