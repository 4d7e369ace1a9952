"""The instrument and tier lines of a ledger, as an instrument table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zkstate.errors import InputError, LedgerError
from zkstate.state import decimals
from zkstate.state.ledger_chunk import Chunk, Place
from zkstate.state.schema import (
    ASSET,
    CALL,
    MAX_INSTRUMENTS,
    MAX_TIERS,
    PUT,
    ROUNDED,
    SHORT_ONLY,
    VALUE_DECIMALS,
    Instrument,
    ladder,
)
from zkstate.state.table import InstrumentTable

BOUND_DECIMALS = 4
RATE_DECIMALS = 6
KINDS = ("asset", "perpetual", "future", "option")
_OPTIONS = {"": 0, "call": CALL, "put": PUT}
_MARGINS = {"both": 0, "short": SHORT_ONLY}
_ROUNDINGS = {"none": 0, "down": ROUNDED}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line with its place."""

    place: Place
    number: int
    fields: Mapping[str, str]

    def fail(self, field: str, what: str) -> InputError:
        return LedgerError(f"{self.place.of(self.number, field)}: {what}")

    def decimal(self, field: str, scale: int, default: str | None = None) -> int:
        text = self.fields[field] or default
        if text is None:
            raise self.fail(field, "empty, but a value is needed")
        try:
            return decimals.parse(text, scale)
        except InputError as error:
            raise self.fail(field, str(error)) from None

    def choice(self, field: str, known: Mapping[str, int], default: str) -> int:
        text = self.fields[field] or default
        if text not in known:
            raise self.fail(field, f"{text!r} is none of {', '.join(filter(None, known))}")
        return known[text]


class InstrumentLines:
    """Collects the lines and makes the table of them."""

    __slots__ = ("_instruments", "_tiers")

    def __init__(self) -> None:
        self._instruments: dict[str, _Line] = {}
        self._tiers: dict[str, list[_Line]] = {}

    def add_instruments(self, chunk: Chunk) -> None:
        """Keep instrument lines; LedgerError for a symbol declared before or one too many."""
        for line in _lines(chunk, "instrument"):
            symbol = line.fields["instrument"]
            if symbol in self._instruments:
                raise line.fail("instrument", f"{symbol!r} was declared before")
            if len(self._instruments) == MAX_INSTRUMENTS:
                raise line.fail("instrument", f"more than {MAX_INSTRUMENTS} instruments")
            self._instruments[symbol] = line
            self._tiers[symbol] = []

    def add_tiers(self, chunk: Chunk) -> None:
        """Keep tier lines, which follow all instrument lines."""
        for line in _lines(chunk, "instrument"):
            symbol = line.fields["instrument"]
            tiers = self._tiers.get(symbol)
            if tiers is None:
                raise line.fail("instrument", f"{symbol!r} is not among the {len(self._tiers)} instruments")
            if len(tiers) == MAX_TIERS:
                raise line.fail("instrument", f"{symbol!r} has more than {MAX_TIERS} tiers")
            tiers.append(line)

    def table(self) -> InstrumentTable:
        """The table of the lines kept, ids in their order."""
        ids = {symbol: place for place, symbol in enumerate(self._instruments, start=1)}
        return InstrumentTable.of([self._instrument(line, ids) for line in self._instruments.values()])

    def _instrument(self, line: _Line, ids: Mapping[str, int]) -> Instrument:
        symbol, kind = line.fields["instrument"], line.fields["kind"]
        if kind not in KINDS:
            raise line.fail("kind", f"{kind!r} is none of {', '.join(KINDS)}")
        scale = line.decimal("decimals", 0)
        if not 0 <= scale <= VALUE_DECIMALS:
            raise line.fail("decimals", f"{scale} is outside 0..{VALUE_DECIMALS}")
        price_scale = VALUE_DECIMALS - scale
        underlying = line.fields["underlying"]
        if underlying and underlying not in ids:
            raise line.fail("underlying", f"{underlying!r} is not among the {len(ids)} instruments")
        margin = line.choice("margin", _MARGINS, "both")
        flags = margin | line.choice("rounding", _ROUNDINGS, "none") | (ASSET if kind == "asset" else 0)
        instrument = _built(
            line,
            lambda: Instrument(
                id=ids[symbol],
                symbol=symbol,
                flags=flags,
                decimals=scale,
                price=line.decimal("price", price_scale),
                notional_price=line.decimal("notional_price", price_scale, line.fields["price"]),
                funding=line.decimal("funding", price_scale, "0"),
                tiers=ladder([self._step(tier, kind) for tier in self._tiers[symbol]]),
                expiry=line.decimal("expiry", 0, "0"),
                strike=line.decimal("strike", price_scale, "0"),
                underlying=ids.get(underlying, 0),
                option=line.choice("option", _OPTIONS, ""),
            ),
        )
        if instrument.kind != kind:
            raise line.fail("kind", f"{kind}, but expiry, strike and option make it {instrument.kind}")
        return instrument

    @staticmethod
    def _step(tier: _Line, kind: str) -> tuple[int, int, int]:
        initial = tier.decimal("initial", RATE_DECIMALS, "0" if kind == "asset" else None)
        return tier.decimal("from", BOUND_DECIMALS), tier.decimal("rate", RATE_DECIMALS), initial


def _built(line: _Line, make: Callable[[], Instrument]) -> Instrument:
    """What `make` makes; errors of the schema name the instrument's line."""
    try:
        return make()
    except LedgerError:
        raise
    except InputError as error:
        raise LedgerError(f"{line.place.source}, {line.place.unit} {line.place.first + line.number}: {error}") from None


def _lines(chunk: Chunk, key: str) -> list[_Line]:
    chunk.required(key)
    fields = {name: chunk.text(name) for name in _FIELDS}
    return [
        _Line(chunk.place, number, {name: column[number] or "" for name, column in fields.items()})
        for number in range(chunk.count)
    ]


_FIELDS = (
    "instrument", "kind", "decimals", "price", "notional_price", "funding", "margin", "expiry", "strike",
    "underlying", "option", "rounding", "from", "rate", "initial",
)  # fmt: skip
