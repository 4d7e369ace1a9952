"""A trust root that goes on from a signed header: the next one is believed if the same operator signed it on top.

Level d: no chain says that these are the newest or the only headers, so a venue can show some readers others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from zkstate.errors import DisagreementError, MissingError, SourceError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader, equivocation
from zkstate.publication.layout import HEADER, MAX_EPOCH, epoch_folder
from zkstate.publication.trust import Trust

from ..source import Fleet

MAX_STEPS = 64


@dataclass(slots=True)
class FollowedHeaders:
    """The chain of headers from a pinned one on. `kept` gives those that were believed before."""

    pinned: SignedHeader
    newest: SignedHeader
    kept: Callable[[int], SignedHeader | None]
    believed: list[SignedHeader] = field(default_factory=list)
    """Of the last `advance`: the headers that it came to believe, in order."""
    contradicting: list[tuple[SignedHeader, SignedHeader]] = field(default_factory=list)
    """Of the last `advance`: pairs of headers that the operator signed for one epoch."""
    broken: list[tuple[SignedHeader, SignedHeader]] = field(default_factory=list)
    """Of the last `advance`: the newest header and one that the same operator signed for the next epoch not on top."""

    def advance(self, fleet: Fleet) -> None:
        """Take the next headers that mirrors show, at most MAX_STEPS. Where they show two, the first one to come."""
        self.believed, self.contradicting, self.broken = [], [], []
        while len(self.believed) < MAX_STEPS and self.newest.header.epoch < MAX_EPOCH:
            last, seen, wrong = self.newest.header, dict[bytes, SignedHeader](), dict[bytes, SignedHeader]()

            def check(
                data: bytes,
                last: SignedHeader = self.newest,
                seen: dict[bytes, SignedHeader] = seen,
                wrong: dict[bytes, SignedHeader] = wrong,
            ) -> bytes:
                signed = SignedHeader.decode(data)
                if _same_operator(last, signed):
                    wrong[signed.header.hash] = signed
                _require_next(last, signed)
                seen[signed.header.hash] = signed
                return signed.header.hash

            try:
                first = fleet.poll(f"{epoch_folder(last.epoch + 1)}/{HEADER}", SIGNED_BYTES, check)
            except (SourceError, DisagreementError):
                self.broken = [(self.newest, signed) for signed in list(wrong.values())]
                return
            found = list((wrong | seen).values())
            self.newest = seen[first]
            self.contradicting += [(self.newest, other) for other in found if equivocation(self.newest, other)]
            self.believed.append(self.newest)

    def latest_epoch(self) -> tuple[int, bytes, Trust]:
        """The newest header that was followed."""
        header, first = self.newest.header, self.pinned.header
        text = (
            f"header of epoch {header.epoch}, followed from that of epoch {first.epoch} pinned by the reader, all "
            f"signed by {header.operator_key.hex()}; no chain was asked whether it is the newest or the only one"
        )
        return header.epoch, header.hash, Trust("d", text)

    def epoch_hash(self, epoch: int) -> bytes:
        """The hash of a header that was believed; MissingError for any other epoch."""
        for signed in (self.newest, self.pinned, self.kept(epoch)):
            if signed is not None and signed.header.epoch == epoch:
                return signed.header.hash
        raise MissingError(f"no header of epoch {epoch} was followed")


def _same_operator(last: SignedHeader, signed: SignedHeader) -> bool:
    """Whether a header is for the next epoch of the same venue, by the same operator."""
    old, new = last.header, signed.header
    return (new.epoch, new.venue, new.operator_key) == (old.epoch + 1, old.venue, old.operator_key)


def _require_next(last: SignedHeader, signed: SignedHeader) -> None:
    """DisagreementError unless a header stands on top of another, by the same operator."""
    old, new = last.header, signed.header
    for name, stated, expected in (
        ("epoch", new.epoch, old.epoch + 1),
        ("venue", new.venue, old.venue),
        ("previous_state_root", new.previous_state_root, old.state_root),
    ):
        if stated != expected:
            raise DisagreementError(f"header on top of epoch {old.epoch}: {name} is {stated:#x}, not {expected:#x}")
    if new.operator_key != old.operator_key or new.time <= old.time:
        raise DisagreementError(
            f"header on top of epoch {old.epoch}: of operator {new.operator_key.hex()} at {new.time}, and that is of "
            f"{old.operator_key.hex()} at {old.time}"
        )
