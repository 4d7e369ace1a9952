"""The reasons why rows may go, checked: over a small prime nothing more is accepted without such a row.

Every assignment of the inputs is tried, and every value of every other wire. The claims are said by the functions that
the statements use, or in their words; a row is one that a reason of tests/soundness/deletion.py names there.
"""

from __future__ import annotations

import re

import pytest

from circuits import account, priced
from circuits.gadgets import comparison, lookup
from tests.constraint.saying import saying
from tests.soundness import deletion, exhaustion
from tests.soundness.field import field_of
from tests.soundness.gadgets import BY_NAME
from tests.soundness.system import System
from zkstate.constraint.circuit import Circuit
from zkstate.constraint.statement import BOOL, FELT, uint


def in_order(c, ids):
    account.require_order(c, [c.require_uint(each, 2, f"instruments[{i}] is in range") for i, each in enumerate(ids)])


def in_tier(c, notional, lower, uppers):
    priced.require_tier(c, notional, lower, uppers, uppers == priced.UNBOUNDED)


def taken(c, held, amount, instruments, instrument, is_asset):
    """What `exit` says of the amount and the instrument."""
    amount = c.require_uint(amount, 2, "amount is in range")
    instrument = c.require_uint(instrument, 1, "instrument is in range")
    of_asset = account.rows_of(c, instruments, instrument)
    c.require(amount >= 1, "something is taken out")
    c.require(lookup.select_by(c, of_asset, is_asset) == 1, "the account holds the asset")
    c.require(lookup.select_by(c, of_asset, held) >= amount, "the account holds as much as is taken out")


def ordered(c, ids, place):
    """What `initial` says of the row of an order."""
    row = lookup.one_hot(c, place, len(ids) + 1)
    instrument = lookup.select_by(c, row, [*ids, 0])
    c.require((instrument == 0) == row[-1], "where there is no order there is no row")


def struck(c, before, liquidates, free):
    """What `liquidation` says of the flags that entries come before the liquidation; no entry is of two kinds."""
    for i, (flag, is_free) in enumerate(zip(before, free, strict=True)):
        c.require((is_free & liquidates[i]) == 0, f"entry {i} is of one kind")
        if i:
            c.require(~flag | before[i - 1], f"entry {i} comes before the liquidation only if {i - 1} does")
        c.require(~flag | is_free, f"entry {i} is free if it comes before the liquidation")
    chosen = [a - b for a, b in zip([c.const(1), *before], [*before, c.const(0)], strict=True)]
    c.require(c.linear((1, at * of) for at, of in zip(chosen, liquidates, strict=True)) == 1, "a liquidation follows")


def rising(c, x):
    comparison.require_strictly_increasing(c, x, "they rise")


def zero(c, x):
    c.require(comparison.is_zero(c, x - 3) == 1, "x is 3")


CLAIMS = {
    "order": (13, in_order, {"ids": (FELT, 3)}),
    "tier": (97, in_tier, {"notional": uint(3), "lower": uint(2), "uppers": uint(2)}),
    "exit": (
        11, taken,
        {"held": (uint(2), 1), "amount": FELT, "instruments": (uint(1), 1), "instrument": FELT, "is_asset": (BOOL, 1)},
    ),
    "row": (13, ordered, {"ids": (uint(2), 2), "place": FELT}),
    "struck": (7, struck, {"before": (BOOL, 2), "liquidates": (BOOL, 3), "free": (BOOL, 2)}),
    "rise": (13, rising, {"x": (uint(2), 3)}),
    "zero": (11, zero, {"x": FELT}),
}  # fmt: skip
# reason -> the claim in which it is given, and what `described` says of the rows that it is given for
GIVEN = {
    deletion.FIRST: ("order", r"^is zero \(of ids\[0\]\)"),
    deletion.STRUCK: ("struck", r"^before\[\d+\] is 0 or 1"),
    deletion.EMPTY: ("order", r"is zero \(definition\) of ids\[[12]\]"),
    deletion.ORDERED: ("order", r"^comparison: digit 2 of 3"),
    deletion.BETWEEN: ("order", r"^instruments\[1\] is"),
    deletion.OPEN: ("tier", r"is zero \(definition\) of uppers"),
    deletion.TAKEN: ("exit", "^amount is"),
    deletion.HELD: ("exit", "^instrument is"),
    deletion.NO_ROW: ("row", r"^is zero(?! \(definition)"),
    **{why: ("rise", label) for label, why in BY_NAME["strictly increasing"].redundant.items()},
    deletion.INVERSE: ("zero", ""),
}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(priced, "BOUND_SCALE", 2)
    monkeypatch.setattr(priced, "UNBOUNDED", 3)


def accepted(circuit: Circuit, p: int, without: int | None = None) -> set[tuple[int, ...]]:
    """All inputs that some witness goes with, one row left out."""
    system = System(circuit, p)
    rows = [k for k in range(len(system.rows)) if k != without]
    system.rows = [system.rows[k] for k in rows]
    system.assertions = [[k for k, row in enumerate(system.rows) if _speaks(row, w)] for w in range(system.n_wires)]
    inputs = sorted(system.inputs)
    found = exhaustion.solutions(system, exhaustion.every(p, len(inputs)), inputs)
    return {tuple(row[inputs].tolist()) for row in found}


def _speaks(row, wire):
    return any(wire == own for terms in row for own, _ in terms)


@pytest.mark.parametrize("reason", GIVEN)
def test_a_row_that_may_go_refuses_nothing(reason):
    claim, pattern = GIVEN[reason]
    p, define, kinds = CLAIMS[claim]
    with field_of(p):
        circuit = saying(define, **kinds)
    system = System(circuit, p)
    named = [k for k in range(len(system.rows)) if _named(system, k, pattern)]
    assert named
    whole = accepted(circuit, p)
    assert 0 < len(whole) < p ** len(system.inputs)
    for k in named:
        assert accepted(circuit, p, k) == whole, deletion.described(system, k)


def _named(system, k, pattern):
    if not pattern:
        return deletion.structural(system, k) == deletion.INVERSE
    return re.search(pattern, deletion.described(system, k)) is not None


def test_a_row_that_refuses_is_no_such_row():
    """The same question of a row that is attacked: the highest id's range."""
    p, define, kinds = CLAIMS["order"]
    with field_of(p):
        circuit = saying(define, **kinds)
    system = System(circuit, p)
    last = [k for k in range(len(system.rows)) if system.circuit.label(k) == "instruments[2] is in range"]
    assert any(accepted(circuit, p, k) > accepted(circuit, p) for k in last)


@pytest.mark.parametrize("shifted", [False, True])
def test_the_highest_limb_of_a_bounded_number_may_be_looked_up_once(shifted):
    """Numbers of 3 bits in limbs of 2, required to be below 6 as well, for p = 97: as circuits.limbs says it."""
    p, size, bits, bound = 97, 2, 3, 6
    shift = -bits % size

    def below(value, *, highest):
        """Whether some limbs make it, the highest of them by these lookups."""
        return any(
            (value - (limb << size)) % p < 1 << size and all((limb << by) % p < 1 << size for by in highest)
            for limb in range(p)
        )

    both = [x for x in range(p) if below(x, highest=(0, shift)) and below(bound - 1 - x, highest=(0,))]
    once = [x for x in range(p) if below(x, highest=(shift if shifted else 0,)) and below(bound - 1 - x, highest=(0,))]
    assert both == once == list(range(bound))
    assert [x for x in range(p) if below(x, highest=()) and below(bound - 1 - x, highest=(0,))] != both


@pytest.mark.parametrize("shifted", [False, True])
def test_the_highest_limb_of_a_worst_loss_may_be_looked_up_once(shifted):
    """Two losses and a worst one for p = 97, said as circuits.portfolio_block does: 3 bits in limbs of 2."""
    p, size, bits = 97, 2, 3
    shift = -bits % size

    def below(value, *, highest):
        """Whether some limbs make it, the highest of them by these lookups."""
        return any(
            (value - (limb << size)) % p < 1 << size and all((limb << by) % p < 1 << size for by in highest)
            for limb in range(p)
        )

    def taken(*highest):
        ranged = [worst for worst in range(p) if below(worst, highest=highest)]
        covers = {gap for gap in range(p) if below(gap, highest=(0,))}  # of a loss, in whole limbs
        return {
            (worst, one, other)
            for one in range(-4, 5)
            for other in range(-4, 5)
            for worst in ranged
            if (worst * (worst - one) * (worst - other)) % p == 0 and {(worst - one) % p, (worst - other) % p} <= covers
        }

    whole = taken(0, shift)
    assert {(max(0, one, other), one, other) for one in range(-4, 5) for other in range(-4, 5)} == whole
    assert taken(shift if shifted else 0) == whole
    assert taken() > whole
