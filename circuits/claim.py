"""What every claim has: parameters in range, a sentence with units, and what its statement leaves open."""

from __future__ import annotations

from typing import ClassVar, Protocol

from zkstate.errors import EncodingError, InputError
from zkstate.state.decimals import render
from zkstate.state.schema import I64, I128
from zkstate.state.table import InstrumentTable

from .account import INSTRUMENT_BITS

SIZES = range(-I64, I64)
ENTRIES = range(-I128, I128)
INSTRUMENTS = range(1, 1 << INSTRUMENT_BITS)
RATIOS = range(1 << 32)
FLAGS = range(2)


class Claim(Protocol):
    """Parameters of one statement; immutable and in range once constructed."""

    statement: ClassVar[str]
    other_root: ClassVar[str | None]  # the public input that is another epoch's state root
    not_shown: ClassVar[tuple[str, ...]]  # what a reader might take this statement to show

    @property
    def parameters(self) -> dict[str, int]:
        """Public inputs after `state_root` and `context`, in the statement's order."""
        ...

    def sentence(self, table: InstrumentTable | None) -> str:
        """What is shown, in words; with symbols and units if the table is at hand."""
        ...


def within(what: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise EncodingError(f"{what} is {value}, outside {allowed.start}..{allowed.stop - 1}")


def not_crossed(what: str, lo: int, hi: int) -> None:
    if lo > hi:
        raise InputError(f"{what}: the lower bound {lo} is above the upper bound {hi}, so nothing can satisfy it")


def interval(lo: int, hi: int, allowed: range, decimals: int | None, unit: str) -> str:
    """lo..hi in words; a bound at the end of the allowed range goes unsaid."""

    def amount(value: int) -> str:
        return f"{value} {unit}" if decimals is None else f"{render(value, decimals)} {unit}"

    if lo == hi:
        return f"exactly {amount(lo)}"
    if lo == allowed.start and hi == allowed.stop - 1:
        return "of any size"
    if hi == allowed.stop - 1:
        return f"at least {amount(lo)}"
    if lo == allowed.start:
        return f"at most {amount(hi)}"
    return f"between {amount(lo)} and {amount(hi)}"
