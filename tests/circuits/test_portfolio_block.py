"""The account block of the portfolio rule against exact integers, and a rejecting witness for each rule it adds."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.account_block import RATES
from tests.circuits.raw_batch import (
    COIN,
    COIN_2,
    ENDS_OF_RANGES,
    NOTHING,
    OPTION,
    PERP,
    PPM,
    QUOTE,
    ROUNDS,
    Held,
    RawAccount,
)
from tests.circuits.raw_portfolio import (
    CHANGES,
    FIRST,
    GOOD,
    RICH,
    RISKS,
    ROUNDED,
    SECOND,
    RawRisks,
    of_rows,
    raw,
)
from tests.circuits.test_account_block import loose_wires
from zkstate.constraint import compile_blocks, solve_blocks
from zkstate.constraint.block_check import broken_blocks
from zkstate.errors import WitnessError

compiled = cache(compile_blocks)


def findings(blocks):
    """What does not hold, in words."""
    block = compiled(blocks.statement)
    try:
        return list(broken_blocks(block, solve_blocks(block, 1 << blocks.log_blocks, **blocks.inputs())))
    except WitnessError as error:
        return [str(error)]


class TestTrue:
    def test_a_good_batch_with_an_unhealthy_account(self):
        lacking = [account.shortfalls() for account in GOOD.batch.accounts]
        assert not any(lacking[0])
        assert all(lacking[1])
        assert findings(GOOD) == []
        assert findings(ROUNDED) == []

    @pytest.mark.parametrize("accounts", [(FIRST, SECOND, FIRST), (SECOND,)])
    def test_padding_behind_accounts(self, accounts):
        assert findings(raw(*accounts, log_blocks=3)) == []

    @pytest.mark.parametrize("row", ENDS_OF_RANGES)
    def test_the_ends_of_every_range(self, row):
        assert findings(of_rows(row)) == []
        widest = RawRisks(
            dict.fromkeys(range(5), (-(2**63), 2**63 - 1, 0)), dict.fromkeys(range(5), (10**6, 10**6)), 2**32 - 1
        )
        assert findings(of_rows(row, risks=widest)) == []

    def test_the_largest_loss_there_can_be(self):
        rows = [Held(e, -(2**63)) for e in (QUOTE, OPTION)]
        rows[1:1] = [Held(COIN_2, -(2**63)), Held(PERP, 0)]
        risks = RawRisks(dict.fromkeys(range(6), (2**63 - 1, 0, -5)), factor=2**32 - 1)
        assert findings(of_rows(*rows, risks=risks)) == []
        long = [replace(row, amount=2**63 - 1) for row in rows[:2]]
        falls = RawRisks(dict.fromkeys(range(6), (-(2**63), 0, 5)), factor=2**32 - 1)
        assert findings(of_rows(*long, risks=falls)) == []

    def test_no_scenario_that_loses(self):
        assert max(RISKS.losses((Held(COIN, 5),))) > 0
        gains = replace(RISKS, changes={2: (5, 1, 2)})
        assert max(gains.losses((Held(COIN, 5),))) < 0
        assert findings(of_rows(Held(COIN, 5), risks=gains)) == []

    @pytest.mark.parametrize("amount", [7, 10**12 + 1, -3])
    def test_rounding(self, amount):
        rows = (Held(QUOTE, 10**6), Held(ROUNDS, amount), NOTHING, NOTHING)
        made = raw(replace(FIRST, rows=rows), SECOND, table=ROUNDED.batch.table, rounded=True)
        assert findings(made) == []

    @pytest.mark.parametrize("scenarios", [1, 15, 16, 20, 32])
    def test_every_number_of_scenarios(self, scenarios):
        changes = {i: tuple((-1) ** s * (s + i) * 10**8 for s in range(scenarios)) for i in range(6)}
        risks = RawRisks(changes, RISKS.rates, scenarios=scenarios, room=32)
        assert findings(raw(FIRST, SECOND, risks=risks)) == []
        last = ("changes", 1, 2, scenarios - 1)
        lied = raw(FIRST, SECOND, risks=risks, secret={last: 10**9})
        assert "row 2: the row reads the changes of its instrument" in findings(lied)[0]

    @pytest.mark.parametrize("made", [GOOD, ROUNDED], ids=["plain", "rounded"])
    def test_no_wire_can_move_alone(self, made):
        block = compiled(made.statement)
        assert loose_wires(block, solve_blocks(block, 4, **made.inputs())) == []


# a unit of it is worth nothing, and requires its contingency rate times 10^-22 quote
TINY = replace(OPTION, price=0, notional_price=1)


@pytest.mark.parametrize(("rate", "gained", "short"), [(0, 0, 0), (1, 0, 1), (2, 0, 2), (10**6 - 1, 1, 0)])
def test_exactly_enough_and_one_unit_short(rate, gained, short):
    """Equity is what the worst loss needs, and `gained` units of 10^-16 quote more."""
    risks = RawRisks({2: (-7, 3, 0)}, {4: (rate, 0)}, factor=PPM)
    counted = 10 * QUOTE.price + COIN.notional_price * COIN.rate // PPM
    rows = (Held(QUOTE, 10), Held(COIN, 1), Held(PERP, 0, counted - 7 - gained), Held(TINY, 1))
    account = replace(FIRST, rows=rows, risks=risks)
    assert account.shortfalls() == [short]
    made = raw(account, account, risks=risks, table=tuple(TINY if e == OPTION else e for e in GOOD.batch.table))
    assert findings(made) == []
    if short:
        for lie in ((0, -1, 0, 0), (0, 0, -1, 0), (0, 0, 0, 1)):
            assert findings(replace(made, batch=replace(made.batch, sums_after=lie)))


WORST = max(RISKS.losses(RICH))
LOSES = RISKS.losses(RICH).index(WORST)
ATLEAST = f"the worst loss is at least that of scenario {LOSES}"
ONE_OF = "the worst loss is that of a scenario, or none"
GAINED = sum(row.profit() for row in (*RICH, *SECOND.rows))
CHANGED = "row 1: the row reads the changes of its instrument"
lied = {(name, 1, 3): value for name, value in zip(RATES, (10**5, 10**5), strict=True)}

FALSE = {
    "a scenario changed": (raw(FIRST, SECOND, secret={("changes", 1, 1, 0): -1}), CHANGED),
    "changes of another instrument": (
        raw(FIRST, SECOND, secret={("changes", 1, 1, s): CHANGES[5][s] for s in range(3)}),
        CHANGED,
    ),
    "scenarios in another order": (
        raw(FIRST, SECOND, secret={("changes", 1, 1, s): CHANGES[2][2 - s] for s in range(3)}),
        CHANGED,
    ),
    "a worst loss that is too small": (raw(FIRST, SECOND, secret={("worst", 1): WORST - 1}), ATLEAST),
    "the worst scenario left out": (
        raw(FIRST, SECOND, secret={("worst", 1): max(0, *sorted(RISKS.losses(RICH))[:-1])}),
        ATLEAST,
    ),
    "no loss at all": (raw(FIRST, SECOND, secret={("worst", 1): 0}), ATLEAST),
    "a worst loss below none": (
        of_rows(Held(COIN, 5), risks=replace(RISKS, changes={2: (5, 1, 2)}), secret={("worst", 1): -5}),
        "the worst loss is not negative",
    ),
    "a worst loss that no scenario has": (raw(FIRST, SECOND, secret={("worst", 1): WORST + 1}), ONE_OF),
    "a contingency of the prover's own": (
        raw(FIRST, SECOND, secret=lied),
        "row 3: the row reads an entry of the table",
    ),
    "an account called healthy": (raw(FIRST, SECOND, sums_after=(0, -1, 0, 0)), "unhealthy ends at the sum after"),
    "a shortfall not counted": (raw(FIRST, SECOND, sums_after=(0, 0, -1, 0)), "shortfall ends at the sum after"),
    "totals that are not the sums": (raw(FIRST, SECOND, sums_after=(1, 0, 0, 0)), "held ends at the sum after"),
    "a profit left out": (raw(FIRST, SECOND, sums_after=(0, 0, 0, -GAINED)), "profit ends at the sum after"),
    "a profit of one row": (
        raw(FIRST, SECOND, sums_after=(0, 0, 0, SECOND.rows[1].profit() - GAINED)),
        "profit ends at the sum after",
    ),
    "another factor": (
        raw(FIRST, SECOND, columns={("factor", 0): RISKS.factor + 1}),
        "shortfall ends at the sum after",
    ),
    "an isolated asset": (
        of_rows(Held(QUOTE, 5, isolated=1)),
        "row 0: isolated is 0 or 1, and 0 for an asset",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_every_rule_refuses(name):
    made, label = FALSE[name]
    found = findings(made)
    assert any(label in each for each in found), found


def test_an_account_held_to_tiers_is_not_one_held_to_the_portfolio_rule():
    """Sums by tiers do not fit the block of the portfolio rule: what each account lacks differs."""
    by_tiers = [RawAccount(account.rows, account.id).shortfalls() for account in (FIRST, SECOND)]
    by_portfolio = [account.shortfalls() for account in GOOD.batch.accounts]
    assert by_tiers != by_portfolio
    lie = sum(map(sum, by_tiers)) - sum(map(sum, by_portfolio))
    unhealthy = sum(map(any, by_tiers)) - sum(map(any, by_portfolio))
    assert findings(raw(FIRST, SECOND, sums_after=(0, unhealthy, lie, 0)))


amounts = st.one_of(st.integers(-(10**9), 10**9), st.integers(-(2**63), 2**63 - 1))
changes = st.one_of(st.integers(-(10**10), 10**10), st.integers(-(2**63), 2**63 - 1))


@st.composite
def books(draw):
    """Risks, and two accounts of rows whose notional value is in their entry's tier."""
    three = st.tuples(changes, changes, changes)
    rates = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))
    risks = RawRisks(
        {i: draw(three) for i in range(1, 6)}, {i: draw(rates) for i in range(1, 5)}, draw(st.integers(0, 2**32 - 1))
    )
    accounts = []
    for at in range(2):
        rows = []
        for entry in (QUOTE, COIN, PERP, OPTION):
            if not draw(st.booleans()):
                continue
            most = 2**63 - 1 if entry.upper == 2**64 - 1 else (entry.upper * 10**12 - 1) // entry.notional_price
            amount = max(-most, min(most, draw(amounts)))
            if entry.asset:
                rows.append(Held(entry, amount))
            else:
                entry_value = draw(st.integers(-(2**127), 2**127 - 1)) if draw(st.booleans()) else amount * entry.price
                isolated = draw(st.integers(0, 1))
                rows.append(Held(entry, amount, entry_value, draw(st.integers(-100, 100)), isolated))
        rows += [NOTHING] * (4 - len(rows))
        accounts.append(replace(FIRST, rows=tuple(rows), id=10**70 + at))
    return risks, accounts


@given(books())
@settings(max_examples=25, deadline=None)
def test_random_books_are_judged_as_integers_say(made):
    risks, accounts = made
    assert findings(raw(*accounts, risks=risks)) == []
