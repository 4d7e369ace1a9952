"""The claims about entries between two epochs: `history` and `liquidation`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import ClassVar

from zkstate.errors import InputError
from zkstate.state.decimals import render
from zkstate.state.journal import DEPOSIT, FUNDING, I96, KINDS, LIQUIDATION, Entry
from zkstate.state.schema import I64, I128, PPM, U64, VALUE_DECIMALS, Instrument
from zkstate.state.table import InstrumentTable

from .account import INSTRUMENT_BITS
from .claim import INSTRUMENTS, RATIOS, SIZES, within

_MOST = 64  # entries
_AMOUNTS, _VALUES, _FEES = (range(-_MOST * bound, _MOST * bound + 1) for bound in (I64, I128, I96))


@dataclass(frozen=True, slots=True)
class HistoryClaim:
    """Sums over the entries between two epochs: of one instrument, or values and fees of all if `instrument` is 0.

    Amounts in 10^-d of the instrument, values and fees in 10^-16 quote.
    """

    statement: ClassVar[str] = "history"
    other_root: ClassVar[str | None] = "earlier_root"
    not_shown: ClassVar[tuple[str, ...]] = (
        "any single entry, or how many there are",
        "that the venue labelled and valued the entries rightly, or that what the account holds follows from them",
        "anything that happened outside this account",
    )
    instrument: int
    deposit_amount: int
    deposit_value: int
    withdrawal_amount: int
    withdrawal_value: int
    transfer_amount: int
    transfer_value: int
    fill_amount: int
    fill_value: int
    funding_amount: int
    funding_value: int
    liquidation_amount: int
    liquidation_value: int
    fees: int

    def __post_init__(self) -> None:
        within("claim instrument", self.instrument, range(1 << INSTRUMENT_BITS))
        for field in fields(self)[1:]:
            allowed = _AMOUNTS if field.name.endswith("amount") else _VALUES if field.name.endswith("value") else _FEES
            within(f"claim {field.name}", getattr(self, field.name), allowed)

    @classmethod
    def of(cls, entries: Sequence[Entry], instrument: int = 0) -> HistoryClaim:
        """What these entries add up to."""
        amounts, values, fees = [0] * len(KINDS), [0] * len(KINDS), 0
        for entry in entries:
            if instrument in (0, entry.instrument):
                values[entry.kind - 1] += entry.value
                fees += entry.fee
            if instrument == entry.instrument:
                amounts[entry.kind - 1] += entry.amount
        named = [field.name for field in fields(cls)[1:-1]]
        sums = [total for pair in zip(amounts, values, strict=True) for total in pair]
        return cls(instrument=instrument, fees=fees, **dict(zip(named, sums, strict=True)))

    @property
    def parameters(self) -> dict[str, int]:
        return dict(zip((field.name for field in fields(self)), astuple(self), strict=True))

    def sentence(self, table: InstrumentTable | None) -> str:
        named = _named(table, self.instrument) if self.instrument else None
        parts = []
        for kind in KINDS:
            amount, value = getattr(self, f"{kind}_amount"), getattr(self, f"{kind}_value")
            if amount or value:
                moved = f"{_amount(amount, named)}, " if named is not None and amount else ""
                parts.append(f"{kind} {moved}value {render(value, VALUE_DECIMALS)} quote")
        parts.append(f"fees {render(self.fees, VALUE_DECIMALS)} quote")
        of = "" if not self.instrument else f" of {named.symbol}" if named else f" of instrument {self.instrument}"
        return f"the entries{of} between the two epochs add up to: {'; '.join(parts)}; every other kind to 0"


@dataclass(frozen=True, slots=True)
class LiquidationClaim:
    """Equity, less what was paid since, was ratio_ppm / 10^6 of maintenance or more, and this liquidation came next.

    `amount` in 10^-d of the instrument, `price` in its price unit, `time` in seconds since 1970.
    """

    statement: ClassVar[str] = "liquidation"
    other_root: ClassVar[str | None] = "later_root"
    not_shown: ClassVar[tuple[str, ...]] = (
        "how prices moved between the epoch and the liquidation: the account may have fallen short in between",
        "what the account held or owed but for the stated liquidation, and what came after it",
    )
    ratio_ppm: int
    instrument: int
    amount: int
    time: int
    price: int

    def __post_init__(self) -> None:
        within("claim ratio_ppm", self.ratio_ppm, RATIOS)
        within("claim instrument", self.instrument, INSTRUMENTS)
        within("claim amount", self.amount, SIZES)
        within("claim time", self.time, range(U64))
        within("claim price", self.price, range(U64))

    @classmethod
    def of(cls, entries: Sequence[Entry], ratio_ppm: int = PPM) -> LiquidationClaim:
        """About the liquidation that follows funding and deposits alone. InputError if none does."""
        for place, entry in enumerate(entries):
            if entry.kind == LIQUIDATION:
                return cls(ratio_ppm, entry.instrument, entry.amount, entry.time, entry.price)
            if entry.kind not in (FUNDING, DEPOSIT):
                raise InputError(
                    f"entry {place} after the epoch is a {entry.name}, before any liquidation: what was liquidated is "
                    "not the account that the epoch shows; take an epoch after that entry"
                )
        raise InputError(f"there is no liquidation among the {len(entries)} entries between the two epochs")

    @property
    def parameters(self) -> dict[str, int]:
        return dict(zip((field.name for field in fields(self)), astuple(self), strict=True))

    def sentence(self, table: InstrumentTable | None) -> str:
        named = _named(table, self.instrument)
        price = f"{self.price} units" if named is None else f"{render(self.price, named.price_decimals)} quote"
        size = f"{self.amount} units of instrument {self.instrument}" if named is None else _amount(self.amount, named)
        return (
            f"equity at the first epoch, less funding and fees paid since, was at least {render(self.ratio_ppm, 6)} "
            f"times the maintenance requirement; then, after nothing but funding and deposits, the account was "
            f"liquidated by {size} at {price}, at time {self.time}"
        )


def _named(table: InstrumentTable | None, instrument: int) -> Instrument | None:
    return None if table is None else table[instrument]


def _amount(amount: int, instrument: Instrument) -> str:
    return f"{render(amount, instrument.decimals)} {instrument.symbol}"
