"""What the witness of a batch has beside what is hashed, against plain integers, account by account."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.solvency.venue import RISKS, SCENARIOS, TABLE, published
from tests.state.ledgers import ledger_of, plain_ledgers
from tests.state.strategies import built_table
from zkstate.kernels import FR_MODULUS
from zkstate.solvency.plan import LAYOUTS, Plan
from zkstate.solvency.risks import Risks
from zkstate.solvency.witness import Accounts
from zkstate.state.margin import BOUND_SCALE
from zkstate.state.schema import PPM


def counted_of(instrument, amount):
    """Whole 10^-16 quote and the rest, in 10^-22; nothing of what is no asset."""
    if not instrument.is_asset:
        return 0, 0
    notional = abs(amount) * instrument.notional_price
    tier = [each for each in instrument.tiers if notional >= each.lower * BOUND_SCALE][-1]
    return divmod(notional * tier.rate - tier.offset * BOUND_SCALE, PPM)


@given(plain_ledgers())
@settings(deadline=None)
def test_counted_values_are_those_of_exact_integers(tmp_path_factory, plain):
    table, rows, _ = plain
    made = built_table(table)
    of = ledger_of(made, [[row for row in each if row[1]] for each in rows])
    public, holdings = published(tmp_path_factory.mktemp("books") / "holdings", of)
    for part in Plan.of(np.asarray(holdings.parts.classes), 32, LAYOUTS["transparent"]).parts():
        accounts = Accounts.of(public, part, holdings)
        held = accounts.holdings.rows
        wanted = [(0, 0)] * accounts.places
        for place, instrument, amount in zip(accounts.at, held.instrument, held.amount, strict=True):
            wanted[place] = counted_of(made[int(instrument)], int(amount))
        found = accounts.counted()
        assert list(zip(found["counted_units"].to_ints(), found["counted_rest"].to_ints(), strict=True)) == wanted


@given(st.lists(st.integers(0, len(TABLE)), max_size=20))
def test_rows_read_the_changes_of_their_instruments(instruments):
    risks = Risks(SCENARIOS)
    nothing = (0,) * risks.scenarios
    wanted = [change % FR_MODULUS for i in instruments for change in (RISKS[i - 1].changes if i else nothing)]
    for _ in range(2):
        assert risks.read(np.array(instruments, np.int64)).to_ints() == wanted
