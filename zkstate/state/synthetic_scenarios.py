"""The scenario table of the synthetic venue: moves of prices and volatilities as options venues shock them."""

from __future__ import annotations

from functools import lru_cache

from zkstate.state.revaluation import scenario_table
from zkstate.state.scenarios import ScenarioTable, Shock
from zkstate.state.synthetic_market import TIME
from zkstate.state.table import InstrumentTable

_CALM, _UP, _DOWN = 1_000_000, 1_400_000, 700_000
_SHOCKS = tuple(
    Shock(1_000_000 + 50_000 * step, volatility)
    for step in (-3, -2, -1, 0, 1, 2, 3)
    for volatility in (_DOWN, _CALM, _UP)
    if (step, volatility) != (0, _CALM)
)
_FACTORS = 1_300_000, 1_000_000
_OPTION = 0, 5_000, 0, 10_000  # contingencies: shorts alone
_LINEAR = 20_000, 20_000, 40_000, 40_000


@lru_cache(maxsize=4)
def scenarios(table: InstrumentTable) -> ScenarioTable:
    """Twenty scenarios valued at the venue's time, with contingencies on markets."""
    rates = {i.id: _OPTION if i.option else _LINEAR for i in table.instruments if not i.is_asset}
    return scenario_table(table, TIME, _SHOCKS, _FACTORS, rates)
