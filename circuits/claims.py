"""Claims: what a trader wants shown, as the parameters of a statement and as a sentence with units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from zkstate.errors import InputError
from zkstate.state.decimals import render
from zkstate.state.schema import I128, PPM, VALUE_DECIMALS
from zkstate.state.table import InstrumentTable

from .claim import ENTRIES, FLAGS, INSTRUMENTS, RATIOS, SIZES, Claim, interval, not_crossed, within
from .exit_claim import ExitClaim
from .journal_claims import HistoryClaim, LiquidationClaim


@dataclass(frozen=True, slots=True)
class BalanceClaim:
    """The amount held of an asset lies in [lo, hi], in 10^-d units of the asset."""

    statement: ClassVar[str] = "balance"
    other_root: ClassVar[str | None] = None
    not_shown: ClassVar[tuple[str, ...]] = ()
    instrument: int
    lo: int
    hi: int

    def __post_init__(self) -> None:
        within("claim instrument", self.instrument, INSTRUMENTS)
        within("claim lower bound", self.lo, SIZES)
        within("claim upper bound", self.hi, SIZES)
        not_crossed("balance claim", self.lo, self.hi)

    @property
    def parameters(self) -> dict[str, int]:
        return {"instrument": self.instrument, "lo": self.lo, "hi": self.hi}

    def sentence(self, table: InstrumentTable | None) -> str:
        if table is None:
            return f"the balance of instrument {self.instrument} is {interval(self.lo, self.hi, SIZES, None, 'units')}"
        asset = table[self.instrument]
        if not asset.is_asset:
            raise InputError(f"instrument {asset.id} ({asset.symbol}) is a {asset.kind}: claim a position instead")
        return f"the balance is {interval(self.lo, self.hi, SIZES, asset.decimals, asset.symbol)}"


@dataclass(frozen=True, slots=True)
class PositionClaim:
    """The size in a market lies in [lo, hi], in 10^-d contracts, the entry value in [entry_lo, entry_hi].

    Entry values are in 10^-16 quote; their full range claims nothing.
    """

    statement: ClassVar[str] = "position"
    other_root: ClassVar[str | None] = None
    not_shown: ClassVar[tuple[str, ...]] = ("that the position still stands, or was not shown or opened elsewhere too",)
    instrument: int
    lo: int
    hi: int
    entry_lo: int = -I128
    entry_hi: int = I128 - 1

    def __post_init__(self) -> None:
        within("claim instrument", self.instrument, INSTRUMENTS)
        within("claim lower bound", self.lo, SIZES)
        within("claim upper bound", self.hi, SIZES)
        within("claim lower entry value", self.entry_lo, ENTRIES)
        within("claim upper entry value", self.entry_hi, ENTRIES)
        not_crossed("position claim", self.lo, self.hi)
        not_crossed("position claim, entry value", self.entry_lo, self.entry_hi)

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
        entry = interval(self.entry_lo, self.entry_hi, ENTRIES, VALUE_DECIMALS, "quote")
        if table is None:
            size = interval(self.lo, self.hi, SIZES, None, "units")
            return f"the position in instrument {self.instrument} is {size}, its entry value {entry}"
        market = table[self.instrument]
        if market.is_asset:
            raise InputError(f"instrument {market.id} ({market.symbol}) is an asset: claim a balance instead")
        size = interval(self.lo, self.hi, SIZES, market.decimals, market.symbol)
        return f"the position is {size}, its entry value {entry}"


@dataclass(frozen=True, slots=True)
class MarginClaim:
    """Equity of the cross pot >= ratio_ppm / 10^6 times its maintenance requirement, or its initial one."""

    statement: ClassVar[str] = "margin"
    other_root: ClassVar[str | None] = None
    not_shown: ClassVar[tuple[str, ...]] = (
        "anything of isolated positions, for or against",
        "that open orders are reserved",
    )
    ratio_ppm: int = PPM
    initial: int = 0

    def __post_init__(self) -> None:
        within("claim ratio_ppm", self.ratio_ppm, RATIOS)
        within("claim initial", self.initial, FLAGS)

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
    other_root: ClassVar[str | None] = None
    not_shown: ClassVar[tuple[str, ...]] = ("that open orders are reserved",)
    ratio_ppm: int = PPM

    def __post_init__(self) -> None:
        within("claim ratio_ppm", self.ratio_ppm, RATIOS)

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
    other_root: ClassVar[str | None] = None
    not_shown: ClassVar[tuple[str, ...]] = ()
    ratio_ppm: int = PPM

    def __post_init__(self) -> None:
        within("claim ratio_ppm", self.ratio_ppm, RATIOS)

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
    other_root: ClassVar[str | None] = None
    not_shown: ClassVar[tuple[str, ...]] = (
        "that the scenarios are severe enough: only that the venue committed to them",
        "that open orders are reserved",
    )
    ratio_ppm: int = PPM
    initial: int = 0

    def __post_init__(self) -> None:
        within("claim ratio_ppm", self.ratio_ppm, RATIOS)
        within("claim initial", self.initial, FLAGS)

    @property
    def parameters(self) -> dict[str, int]:
        return {"ratio_ppm": self.ratio_ppm, "initial": self.initial}

    def sentence(self, table: InstrumentTable | None) -> str:  # noqa: ARG002  # one signature for all claims
        kind = "initial" if self.initial else "maintenance"
        return (
            f"equity is at least {render(self.ratio_ppm, 6)} times what the worst of the venue's scenarios requires as "
            f"{kind} margin, and each isolated position covers its own"
        )


_CLASSES = (
    BalanceClaim,
    PositionClaim,
    MarginClaim,
    HealthClaim,
    InitialClaim,
    PortfolioClaim,
    HistoryClaim,
    LiquidationClaim,
    ExitClaim,
)
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
