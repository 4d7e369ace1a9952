"""The claim of `exit`: so much of an asset can be paid out, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.errors import InputError
from zkstate.kernels import FR_MODULUS
from zkstate.state.decimals import render
from zkstate.state.schema import I64
from zkstate.state.table import InstrumentTable

from .claim import INSTRUMENTS, within


@dataclass(frozen=True, slots=True)
class ExitClaim:
    """`amount`, in 10^-d of the asset, can leave the account; `nullifier` is spent when it does."""

    statement: ClassVar[str] = "exit"
    other_root: ClassVar[str | None] = None
    not_shown: ClassVar[tuple[str, ...]] = (
        "that it was not paid yet: whoever pays keeps the nullifiers it has seen",
        "that this epoch is the last one, and that the venue has halted: whoever pays asks the registry",
    )
    instrument: int
    amount: int
    nullifier: int

    def __post_init__(self) -> None:
        within("claim instrument", self.instrument, INSTRUMENTS)
        within("claim amount", self.amount, range(1, I64))
        within("claim nullifier", self.nullifier, range(FR_MODULUS))

    @property
    def parameters(self) -> dict[str, int]:
        return {"instrument": self.instrument, "amount": self.amount, "nullifier": self.nullifier}

    def sentence(self, table: InstrumentTable | None) -> str:
        once = f"once, under nullifier {self.nullifier:#066x}"
        if table is None:
            return f"{self.amount} units of instrument {self.instrument} can leave the account, {once}"
        asset = table[self.instrument]
        if not asset.is_asset:
            raise InputError(f"instrument {asset.id} ({asset.symbol}) is a {asset.kind}: only assets can leave")
        return f"{render(self.amount, asset.decimals)} {asset.symbol} can leave the account, {once}"


def nullifier(owner_secret: int, venue: int, epoch: int, instrument: int) -> int:
    """P(T("exit"); owner_secret, venue, epoch, instrument): one for each asset of an owner in an epoch."""
    return poseidon(tag("exit"), [owner_secret, venue, epoch, instrument])
