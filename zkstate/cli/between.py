"""What `prove` says about two epochs, and about leaving: claims that follow from the account bundles."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from circuits.claim import Claim
from circuits.exit_claim import ExitClaim, nullifier
from circuits.journal_claims import HistoryClaim, LiquidationClaim
from circuits.opening import Between, Opening
from lightclient.bundle import Bundle
from zkstate.errors import InputError
from zkstate.publication.header import SignedHeader
from zkstate.state import decimals
from zkstate.state.journal import Segment
from zkstate.state.schema import Instrument
from zkstate.state.withdrawal import withdrawable


@dataclass(frozen=True, slots=True)
class TwoEpochs:
    """A claim, the header of the other epoch, and what lies between; the last two are None where there is one epoch."""

    claim: Claim
    other: SignedHeader | None = None
    between: Between | None = None


def opening_of(bundle: Bundle) -> Opening:
    """What a circuit is shown of a recovered account."""
    return Opening(bundle.header, bundle.account, bundle.path, bundle.table, bundle.owner_secret, bundle.scenarios)


def history_claim(bundle: Bundle, earlier: Bundle, instrument: Instrument | None) -> TwoEpochs:
    """What the entries since an earlier epoch add up to."""
    entries = _entries(earlier, bundle).entries
    claim = HistoryClaim.of(entries, 0 if instrument is None else instrument.id)
    return TwoEpochs(claim, earlier.signed, Between(opening_of(earlier), entries))


def liquidation_claim(bundle: Bundle, later: Bundle, ratio_ppm: int) -> TwoEpochs:
    """The liquidation that came next after the epoch of `bundle`."""
    entries = _entries(bundle, later).entries
    claim = LiquidationClaim.of(entries, ratio_ppm)
    return TwoEpochs(claim, later.signed, Between(opening_of(later), entries))


def exit_claim(bundle: Bundle, asset: Instrument, amount: Decimal | None) -> TwoEpochs:
    """An exit of an amount, or of the most that can leave. InputError if nothing can, or not so much."""
    most = withdrawable(bundle.account.rows, bundle.table, asset.id)
    wanted = most if amount is None else decimals.parse(f"{amount:f}", asset.decimals)
    if not 0 < wanted <= most:
        raise InputError(
            f"{decimals.render(wanted, asset.decimals)} {asset.symbol} cannot leave the account: at most "
            f"{decimals.render(most, asset.decimals)} can"
        )
    header = bundle.header
    return TwoEpochs(ExitClaim(asset.id, wanted, nullifier(bundle.owner_secret, header.venue, header.epoch, asset.id)))


def _entries(earlier: Bundle, later: Bundle) -> Segment:
    """The entries between two bundles of one account. InputError if they are not such, or the later lacks entries."""
    if (earlier.account.owner, earlier.header.venue) != (later.account.owner, later.header.venue):
        raise InputError("the two bundles are of different accounts or venues")
    if earlier.header.epoch >= later.header.epoch:
        raise InputError(f"the earlier bundle is of epoch {earlier.header.epoch}, the later of {later.header.epoch}")
    epoch, length = earlier.header.epoch, earlier.account.history_length
    if later.history is None or later.history.length > length:
        raise InputError(
            f"the bundle of epoch {later.header.epoch} lacks entries after epoch {epoch}: recover it again with "
            f"--history-since {epoch}"
        )
    return later.history.since(earlier.account.history_head, length)
