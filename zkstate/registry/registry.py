"""StateRegistry as its users call it: the venue publishes and deploys, governance halts and rolls back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.errors import DisagreementError, InputError, LengthError, RefusedError
from zkstate.publication.blobs import blob_hash, blobs_root
from zkstate.publication.header import HEADER_BYTES
from zkstate.registry.artefacts import artefact
from zkstate.registry.calls import deploy, read_words, word
from zkstate.registry.chain import BlobChain, Chain, Receipt, address_text

CONTRACT = "StateRegistry"
DEFAULT_STALENESS_LIMIT_S = 7 * 86400
DEFAULT_ROLLBACK_DELAY_S = 2 * 86400
MAX_MIRRORS_BYTES = 512


@dataclass(frozen=True, slots=True)
class PublishedEpoch:
    """One EpochPublished event: all that a reader needs to look for the files of an epoch."""

    epoch: int
    header_hash: bytes
    state_root: int
    header: bytes
    mirrors: str
    block_number: int


@dataclass(frozen=True, slots=True)
class Registry:
    """A deployed StateRegistry. Reads here believe the chain; lightclient proves them.

    Errors: RefusedError with the rule that a transaction breaks; SourceError where a node does not deliver.
    """

    chain: Chain
    address: bytes

    @classmethod
    def deploy(
        cls,
        chain: Chain,
        venue: int,
        *,
        publisher: bytes | None = None,
        governance: bytes | None = None,
        staleness_limit_s: int = DEFAULT_STALENESS_LIMIT_S,
        rollback_delay_s: int = DEFAULT_ROLLBACK_DELAY_S,
    ) -> tuple[Registry, Receipt]:
        """A new registry for a venue id (docs/spec.md, section 5). Both roles default to the sender."""
        address, receipt = deploy(
            chain,
            CONTRACT,
            (word(venue), publisher or chain.sender, governance or chain.sender, staleness_limit_s, rollback_delay_s),
            {
                "VENUE": word(venue),
                "STALENESS_LIMIT": word(staleness_limit_s),
                "ROLLBACK_DELAY": word(rollback_delay_s),
                "DEPLOYED_AT": None,
            },
        )
        return cls(chain, address), receipt

    def publish(self, header: bytes, mirrors: str = "", blobs: Sequence[bytes] = ()) -> Receipt | None:
        """Append an epoch from its 480-byte header; None if it is there already, so a repeat is harmless.

        `blobs` travel with the transaction, and the registry keeps what they are; only some chains carry any.

        That includes a repeat while the transaction of a first attempt, killed or given up, is still on its way.
        Errors: DisagreementError if the registry holds another header for that epoch, or does not have these blobs on
        record in the end.
        """
        if len(mirrors.encode()) > MAX_MIRRORS_BYTES:
            raise LengthError(f"the mirrors hint has {len(mirrors.encode())} bytes, more than {MAX_MIRRORS_BYTES}")
        if blobs:
            self._check_records_blobs()
        receipt = None if self.holds(header) else self._publish(header, mirrors, blobs)
        if blobs:
            self._check_blobs(header, blobs)
        return receipt

    def holds(self, header: bytes) -> bool:
        """Whether the epoch of this header is published. DisagreementError if it is with another header."""
        if len(header) != HEADER_BYTES:
            raise LengthError(f"a header has {HEADER_BYTES} bytes, not {len(header)}")
        epoch, digest = header_epoch(header), hashlib.sha256(header).digest()
        held = self.header_hash(epoch)
        if held is not None and held != digest:
            raise DisagreementError(
                f"{self.chain.name}: epoch {epoch} is published with header hash {held.hex()}, "
                f"and this header has {digest.hex()}"
            )
        return held == digest

    def header_hash(self, epoch: int) -> bytes | None:
        """The header hash of an epoch, or None."""
        word = self._word("header_hash", epoch)
        return word if any(word) else None

    def blobs_root(self, header_hash: bytes) -> bytes | None:
        """What is committed about the blobs that a header came with, or None."""
        word = self._word("blobs", header_hash)
        return word if any(word) else None

    def latest_epoch(self) -> int:
        """The newest epoch, 0 before the first."""
        return self._number("latest_epoch")

    def latest_state_root(self) -> int:
        return self._number("latest_state_root")

    def latest_time(self) -> int:
        """The time that the newest header states."""
        return self._number("latest_time")

    def venue(self) -> int:
        return self._number("VENUE")

    def rollback_delay(self) -> int:
        """Seconds between the proposal of a rollback and the first moment it can take effect."""
        return self._number("ROLLBACK_DELAY")

    def is_stale(self) -> bool:
        return bool(self._number("is_stale"))

    def is_halted(self) -> bool:
        return bool(self._number("halted"))

    def pending_rollback(self) -> tuple[int, int] | None:
        """The epoch that is to become the latest again, and from when on; None if none is proposed."""
        ready_at = self._number("rollback_ready_at")
        return (self._number("rollback_epoch"), ready_at) if ready_at else None

    def published(self) -> tuple[PublishedEpoch, ...]:
        """Every publication, oldest first; an epoch that was rolled back may occur twice."""
        contract = artefact(CONTRACT)
        epochs = []
        for log in self.chain.logs(self.address, (contract.topic("EpochPublished"),)):
            event = contract.event("EpochPublished", log)
            if hashlib.sha256(event["header"]).digest() != event["header_hash"]:
                raise DisagreementError(f"{self.chain.name}: event of epoch {event['epoch']}: header and hash differ")
            epochs.append(
                PublishedEpoch(
                    event["epoch"],
                    event["header_hash"],
                    int.from_bytes(event["state_root"], "big"),
                    event["header"],
                    event["mirrors"],
                    log.block_number,
                )
            )
        return tuple(epochs)

    def halt(self) -> Receipt:
        return self._send("halt")

    def unhalt(self) -> Receipt:
        return self._send("unhalt")

    def propose_rollback(self, epoch: int) -> Receipt:
        """Announce a rollback; nothing can be published until it is executed or cancelled."""
        return self._send("propose_rollback", epoch)

    def cancel_rollback(self) -> Receipt:
        return self._send("cancel_rollback")

    def execute_rollback(self, header: bytes) -> Receipt:
        """Carry out the proposed rollback, with the header of the epoch that becomes the latest."""
        return self._send("execute_rollback", header)

    def set_publisher(self, publisher: bytes) -> Receipt:
        return self._send("set_publisher", publisher)

    def propose_governance(self, governance: bytes) -> Receipt:
        return self._send("propose_governance", governance)

    def accept_governance(self) -> Receipt:
        return self._send("accept_governance")

    def _publish(self, header: bytes, mirrors: str, blobs: Sequence[bytes]) -> Receipt | None:
        try:
            if blobs:
                return self._send_blobs(header, mirrors, blobs)
            return self._send("publish", header, mirrors)
        except RefusedError:
            if self.holds(header):
                return None
            raise

    def _check_records_blobs(self) -> None:
        try:
            self.blobs_root(bytes(32))
        except RefusedError as error:
            raise DisagreementError(
                f"{self.chain.name}: registry {address_text(self.address)} keeps no record of blobs, so readers could "
                "not hold any to it: it is of an earlier version, or another contract"
            ) from error

    def _check_blobs(self, header: bytes, blobs: Sequence[bytes]) -> None:
        root = blobs_root([blob_hash(blob) for blob in blobs])
        held = self.blobs_root(hashlib.sha256(header).digest())
        if held != root:
            raise DisagreementError(
                f"{self.chain.name}: epoch {header_epoch(header)} is published "
                f"{'without blobs' if held is None else f'with blobs root {held.hex()}'}, and these have {root.hex()}; "
                "an epoch is published once, so this cannot be repaired: send the blobs of the next one"
            )

    def _send_blobs(self, header: bytes, mirrors: str, blobs: Sequence[bytes]) -> Receipt:
        if not isinstance(self.chain, BlobChain):
            raise InputError(f"{self.chain.name} carries no blobs")
        data = artefact(CONTRACT).call_data("publish", header, mirrors)
        return self.chain.transact_with_blobs(self.address, data, blobs)

    def _send(self, function: str, *arguments: object) -> Receipt:
        return self.chain.transact(self.address, artefact(CONTRACT).call_data(function, *arguments))

    def _number(self, function: str) -> int:
        return int.from_bytes(self._word(function), "big")

    def _word(self, function: str, *arguments: object) -> bytes:
        return read_words(self.chain, self.address, CONTRACT, function, *arguments)


def header_epoch(header: bytes) -> int:
    """The epoch that an encoded header states (docs/spec.md, section 5)."""
    return int.from_bytes(header[104:112], "big")
