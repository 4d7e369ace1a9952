"""The scenario and risk lines of a ledger, as a scenario table, and back."""

from __future__ import annotations

from collections.abc import Iterator

from zkstate.errors import InputError, LedgerError
from zkstate.state import decimals
from zkstate.state.ledger_chunk import Chunk, Place
from zkstate.state.scenarios import MAX_SCENARIOS, Risk, ScenarioTable, Shock
from zkstate.state.table import InstrumentTable

RATE_DECIMALS = 6
FACTORS = ("initial_factor", "maintenance_factor")
RATES = ("maintenance_long", "maintenance_short", "initial_long", "initial_short")


class ScenarioLines:
    """Collects the lines and makes the table of them; no lines, no table."""

    __slots__ = ("_factors", "_risks", "_shocks")

    def __init__(self) -> None:
        self._factors: tuple[Place, list[int | None]] | None = None
        self._shocks: list[Shock] = []
        self._risks: dict[str, tuple[Place, int, str, list[int]]] = {}

    def add_ledger(self, chunk: Chunk) -> None:
        """Keep the factors of the ledger line."""
        texts = [chunk.text(name)[0] for name in FACTORS]
        self._factors = (
            chunk.place,
            [_decimal(chunk.place, 0, name, text) if text else None for name, text in zip(FACTORS, texts, strict=True)],
        )

    def add_scenarios(self, chunk: Chunk) -> None:
        """Keep scenario lines."""
        for line, texts in enumerate(zip(chunk.required("price"), chunk.required("volatility"), strict=True)):
            if len(self._shocks) == MAX_SCENARIOS:
                chunk.place.fail(line, "price", f"more than {MAX_SCENARIOS} scenarios")
            parts = (
                _decimal(chunk.place, line, name, text)
                for name, text in zip(("price", "volatility"), texts, strict=True)
            )
            try:
                self._shocks.append(Shock(*parts))
            except InputError as error:
                chunk.place.fail(line, "price", str(error))

    def add_risks(self, chunk: Chunk, table: InstrumentTable) -> None:
        """Keep risk lines, which follow all scenario lines."""
        symbols = {i.symbol for i in table.instruments}
        names, changes = chunk.required("instrument"), chunk.required("changes")
        rates = [[text or "0" for text in chunk.text(name)] for name in RATES]
        for line, symbol in enumerate(names):
            if symbol not in symbols:
                chunk.place.fail(line, "instrument", f"{symbol!r} is not among the {len(symbols)} instruments")
            if symbol in self._risks:
                chunk.place.fail(line, "instrument", f"the risk of {symbol!r} was stated before")
            own = [_decimal(chunk.place, line, name, rates[k][line]) for k, name in enumerate(RATES)]
            self._risks[symbol] = (chunk.place, line, changes[line], own)

    @property
    def stated(self) -> bool:
        """Whether there is a scenario so far."""
        return bool(self._shocks)

    def table(self, instruments: InstrumentTable) -> ScenarioTable | None:
        """The table of the lines kept. An instrument without a risk line changes in no scenario."""
        if self._factors is None:
            raise LedgerError("the ledger table is missing: the factors of the scenarios are not stated")
        place, factors = self._factors
        if not self._shocks:
            if self._risks or factors != [None, None]:
                place.fail(0, FACTORS[0], "there are risks or factors, and no scenarios")
            return None
        if factors[0] is None or factors[1] is None:
            place.fail(0, FACTORS[0], f"there are scenarios, which need {' and '.join(FACTORS)}")
        nothing = Risk((0,) * len(self._shocks))
        risks = []
        for i in instruments.instruments:
            kept = self._risks.get(i.symbol)
            risks.append(nothing if kept is None else self._risk(*kept, scale=i.price_decimals))
        try:
            return ScenarioTable(tuple(self._shocks), factors[0], factors[1], tuple(risks), instruments.depth)
        except InputError as error:
            place.fail(0, FACTORS[0], str(error))

    def _risk(self, place: Place, line: int, changes: str, rates: list[int], *, scale: int) -> Risk:
        texts = changes.split(" ")
        if len(texts) != len(self._shocks):
            place.fail(line, "changes", f"{len(texts)} changes, but there are {len(self._shocks)} scenarios")
        try:
            return Risk(tuple(decimals.parse(text, scale) for text in texts), *rates)
        except InputError as error:
            place.fail(line, "changes", str(error))


def _decimal(place: Place, line: int, field: str, text: str) -> int:
    try:
        return decimals.parse(text, RATE_DECIMALS)
    except InputError as error:
        place.fail(line, field, str(error))


def scenario_lines(table: ScenarioTable) -> Iterator[tuple[str, str]]:
    """The lines of the `scenarios` table."""
    for shock in table.shocks:
        yield decimals.render(shock.price_ppm, RATE_DECIMALS), decimals.render(shock.volatility_ppm, RATE_DECIMALS)


def risk_lines(table: ScenarioTable, instruments: InstrumentTable) -> Iterator[tuple[str | None, ...]]:
    """The lines of the `risks` table."""
    for i, risk in zip(instruments.instruments, table.risks, strict=True):
        changes = " ".join(decimals.render(change, i.price_decimals) for change in risk.changes)
        rates = (getattr(risk, name) for name in RATES)
        yield (i.symbol, changes, *(decimals.render(rate, RATE_DECIMALS) if rate else None for rate in rates))
