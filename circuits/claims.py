"""Claims: what a trader wants shown, as the parameters of a statement and as a sentence with units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from zkstate.errors import EncodingError, InputError
from zkstate.state.decimals import render
from zkstate.state.schema import I64, I128, PPM, VALUE_DECIMALS
from zkstate.state.table import InstrumentTable

from .account import INSTRUMENT_BITS

_SIZE = range(-I64, I64)
_ENTRY = range(-I128, I128)
_INSTRUMENT = range(1, 1 << INSTRUMENT_BITS)
_RATIO = range(1 << 32)
_FLAG = range(2)


class Claim(Protocol):
    """Parameters of one statement; immutable and in range once constructed."""

    statement: ClassVar[str]
    not_shown: ClassVar[tuple[str, ...]]  # what a reader of the sentence might take for shown, and is not

    @property
    def parameters(self) -> dict[str, int]:
        """Public inputs after `state_root` and `context`, in the statement's order."""
        ...

    def sentence(self, table: InstrumentTable | None) -> str:
        """What is shown, in words; with symbols and units if the table is at hand."""
        ...


def _within(what: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise EncodingError(f"{what} is {value}, outside {allowed.start}..{allowed.stop - 1}")


def _not_crossed(what: str, lo: int, hi: int) -> None:
    if lo > hi:
        raise InputError(f"{what}: the lower bound {lo} is above the upper bound {hi}, so nothing can satisfy it")


def _interval(lo: int, hi: int, allowed: range, decimals: int | None, unit: str) -> str:
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


@dataclass(frozen=True, slots=True)
class BalanceClaim:
    """The amount held of an asset lies in [lo, hi], in 10^-d units of the asset."""

    statement: ClassVar[str] = "balance"
    not_shown: ClassVar[tuple[str, ...]] = ()
    instrument: int
    lo: int
    hi: int

    def __post_init__(self) -> None:
        _within("claim instrument", self.instrument, _INSTRUMENT)
        _within("claim lower bound", self.lo, _SIZE)
        _within("claim upper bound", self.hi, _SIZE)
        _not_crossed("balance claim", self.lo, self.hi)

    @property
    def parameters(self) -> dict[str, int]:
        return {"instrument": self.instrument, "lo": self.lo, "hi": self.hi}

    def sentence(self, table: InstrumentTable | None) -> str:
        if table is None:
            return f"the balance of instrument {self.instrument} is {_interval(self.lo, self.hi, _SIZE, None, 'units')}"
        asset = table[self.instrument]
        if not asset.is_asset:
            raise InputError(f"instrument {asset.id} ({asset.symbol}) is a {asset.kind}: claim a position instead")
        return f"the balance is {_interval(self.lo, self.hi, _SIZE, asset.decimals, asset.symbol)}"


@dataclass(frozen=True, slots=True)
class PositionClaim:
    """The size in a market lies in [lo, hi], in 10^-d contracts, the entry value in [entry_lo, entry_hi].

    Entry values are in 10^-16 quote; their full range claims nothing.
    """

    statement: ClassVar[str] = "position"
    not_shown: ClassVar[tuple[str, ...]] = ()
    instrument: int
    lo: int
    hi: int
    entry_lo: int = -I128
    entry_hi: int = I128 - 1

    def __post_init__(self) -> None:
        _within("claim instrument", self.instrument, _INSTRUMENT)
        _within("claim lower bound", self.lo, _SIZE)
        _within("claim upper bound", self.hi, _SIZE)
        _within("claim lower entry value", self.entry_lo, _ENTRY)
        _within("claim upper entry value", self.entry_hi, _ENTRY)
        _not_crossed("position claim", self.lo, self.hi)
        _not_crossed("position claim, entry value", self.entry_lo, self.entry_hi)

    @property
    def parameters(self) -> dict[str, int]:
        return {
            "instrument": self.instrument,
            "lo": self.lo,
            "hi": self.hi,
            "entry_lo": self.entry_lo,
            "entry_hi": self.entry_hi,
        }

    def sentence(self, table: InstrumentTable | None) -> str:
        entry = _interval(self.entry_lo, self.entry_hi, _ENTRY, VALUE_DECIMALS, "quote")
        if table is None:
            size = _interval(self.lo, self.hi, _SIZE, None, "units")
            return f"the position in instrument {self.instrument} is {size}, its entry value {entry}"
        market = table[self.instrument]
        if market.is_asset:
            raise InputError(f"instrument {market.id} ({market.symbol}) is an asset: claim a balance instead")
        size = _interval(self.lo, self.hi, _SIZE, market.decimals, market.symbol)
        return f"the position is {size}, its entry value {entry}"


@dataclass(frozen=True, slots=True)
class MarginClaim:
    """Equity of the cross pot >= ratio_ppm / 10^6 times its maintenance requirement, or its initial one."""

    statement: ClassVar[str] = "margin"
    not_shown: ClassVar[tuple[str, ...]] = (
        "anything of isolated positions, for or against",
        "that open orders are reserved",
    )
    ratio_ppm: int = PPM
    initial: int = 0

    def __post_init__(self) -> None:
        _within("claim ratio_ppm", self.ratio_ppm, _RATIO)
        _within("claim initial", self.initial, _FLAG)

    @property
    def parameters(self) -> dict[str, int]:
        return {"ratio_ppm": self.ratio_ppm, "initial": self.initial}

    def sentence(self, table: InstrumentTable | None) -> str:  # noqa: ARG002  # one signature for all claims
        kind = "initial" if self.initial else "maintenance"
        return f"equity is at least {render(self.ratio_ppm, 6)} times the {kind} margin requirement"


@dataclass(frozen=True, slots=True)
class HealthClaim:
    """Every pot of the account has equity >= ratio_ppm / 10^6 times its maintenance requirement."""

    statement: ClassVar[str] = "health"
    not_shown: ClassVar[tuple[str, ...]] = ("that open orders are reserved",)
    ratio_ppm: int = PPM

    def __post_init__(self) -> None:
        _within("claim ratio_ppm", self.ratio_ppm, _RATIO)

    @property
    def parameters(self) -> dict[str, int]:
        return {"ratio_ppm": self.ratio_ppm}

    def sentence(self, table: InstrumentTable | None) -> str:  # noqa: ARG002  # one signature for all claims
        return (
            f"equity is at least {render(self.ratio_ppm, 6)} times the maintenance margin requirement, "
            "of the cross rows together and of each isolated position"
        )


@dataclass(frozen=True, slots=True)
class InitialClaim:
    """Every pot has equity >= ratio_ppm / 10^6 times its initial requirement with all open orders reserved."""

    statement: ClassVar[str] = "initial"
    not_shown: ClassVar[tuple[str, ...]] = ()
    ratio_ppm: int = PPM

    def __post_init__(self) -> None:
        _within("claim ratio_ppm", self.ratio_ppm, _RATIO)

    @property
    def parameters(self) -> dict[str, int]:
        return {"ratio_ppm": self.ratio_ppm}

    def sentence(self, table: InstrumentTable | None) -> str:  # noqa: ARG002  # one signature for all claims
        return (
            f"equity is at least {render(self.ratio_ppm, 6)} times the initial margin requirement with all open orders "
            "reserved, of the cross rows together and of each isolated position"
        )


@dataclass(frozen=True, slots=True)
class PortfolioClaim:
    """equity >= ratio_ppm / 10^6 times the portfolio rule's maintenance requirement, or its initial one."""

    statement: ClassVar[str] = "portfolio"
    not_shown: ClassVar[tuple[str, ...]] = (
        "that the scenarios are severe enough: only that the venue committed to them",
        "that open orders are reserved",
    )
    ratio_ppm: int = PPM
    initial: int = 0

    def __post_init__(self) -> None:
        _within("claim ratio_ppm", self.ratio_ppm, _RATIO)
        _within("claim initial", self.initial, _FLAG)

    @property
    def parameters(self) -> dict[str, int]:
        return {"ratio_ppm": self.ratio_ppm, "initial": self.initial}

    def sentence(self, table: InstrumentTable | None) -> str:  # noqa: ARG002  # one signature for all claims
        kind = "initial" if self.initial else "maintenance"
        return (
            f"equity is at least {render(self.ratio_ppm, 6)} times what the worst of the venue's scenarios requires as "
            f"{kind} margin, and each isolated position covers its own"
        )


_CLASSES = (BalanceClaim, PositionClaim, MarginClaim, HealthClaim, InitialClaim, PortfolioClaim)
CLAIMS: dict[str, Callable[..., Claim]] = {claim.statement: claim for claim in _CLASSES}


def claim_of(statement: str, parameters: Mapping[str, int]) -> Claim:
    """The claim of a statement's name and parameters. InputError for another name or other parameters."""
    if statement not in CLAIMS:
        raise InputError(f"no statement is called {statement!r}: choose from {', '.join(CLAIMS)}")
    try:
        claim = CLAIMS[statement](**parameters)
    except TypeError as error:
        raise InputError(f"parameters of {statement}: {error}") from None
    if list(claim.parameters) != list(parameters):
        raise InputError(f"parameters of {statement} are {', '.join(parameters)}; wanted {', '.join(claim.parameters)}")
    return claim
