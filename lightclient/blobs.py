"""An epoch out of the blobs that its registry commits to: a mirror like others, whose bytes the chain vouches for.

    registry word of the header ── list of versioned hashes ── blobs, or 64 cells of each ── files

A list is right if it hashes to the word, a blob if its commitment hashes to its versioned hash, a cell if its proof
verifies under a commitment that does. Who serves them does not matter; each that is wrong or missing is named.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, TypeVar, runtime_checkable

from zkstate.commitment.kzg import (
    BLOB_BYTES,
    CELL_BYTES,
    CELLS,
    recover_cells_and_proofs,
    verify_cell_proof_batch,
)
from zkstate.errors import DisagreementError, EncodingError, InputError, MissingError, SourceError, ZkstateError
from zkstate.publication.blobs import (
    MAX_BLOBS,
    blob_hash,
    blob_path,
    cell_path,
    commitment_path,
    decode_list,
    list_path,
    unpack_epoch,
    versioned_hash,
)
from zkstate.publication.mirrors import Mirror

T = TypeVar("T")
Cell = tuple[int, bytes, bytes]  # its number, its bytes, its proof

POINT_BYTES = 48
MAX_CELL_FAILURES = 3  # of one place and blob: more are not waited for
CELLS_TIMEOUTS = 8  # all cells of one place and blob together may take so many times the limit of one request
_LIST_BYTES = 32 * (1 + MAX_BLOBS)
_PATH = re.compile(r"epochs/([0-9]{8})/(.+)", re.ASCII)


@runtime_checkable
class BlobRegistry(Protocol):
    """A trust root that knows what its registry says of blobs."""

    def epoch_hash(self, epoch: int) -> bytes:
        """The header hash of an epoch."""
        ...

    def blobs_root(self, header_hash: bytes) -> bytes | None:
        """What the registry holds of the blobs of a header, None if it came without any."""
        ...


class BlobSource(Protocol):
    """A place that may have lists and blobs. Errors: MissingError or SourceError; what it hands out may be wrong."""

    @property
    def name(self) -> str: ...

    @property
    def bytes_read(self) -> int: ...

    def list(self, header_hash: bytes, root: bytes, timeout_s: float) -> bytes:
        """What hashes to `root`."""
        ...

    def blob(self, found: bytes, header_hash: bytes, timeout_s: float) -> bytes:
        """The blob of a versioned hash, in the transaction that published a header."""
        ...


@dataclass(slots=True)
class ArchiveSource:
    """A folder or web server with whole blobs, or some of their cells."""

    mirror: Mirror

    @property
    def name(self) -> str:
        return self.mirror.name

    @property
    def bytes_read(self) -> int:
        return self.mirror.bytes_read

    def list(self, header_hash: bytes, root: bytes, timeout_s: float) -> bytes:  # noqa: ARG002 (BlobSource's shape)
        return self.mirror.get(list_path(root), max_bytes=_LIST_BYTES, timeout_s=timeout_s)

    def blob(self, found: bytes, header_hash: bytes, timeout_s: float) -> bytes:  # noqa: ARG002 (BlobSource's shape)
        return self.mirror.get(blob_path(found), max_bytes=BLOB_BYTES, timeout_s=timeout_s)

    def commitment(self, found: bytes, timeout_s: float) -> bytes:
        """Of a blob, checked against its versioned hash."""
        commitment = self.mirror.get(commitment_path(found), max_bytes=POINT_BYTES, timeout_s=timeout_s)
        if versioned_hash(commitment) != found:
            raise DisagreementError(
                f"{self.name}: a commitment has versioned hash {versioned_hash(commitment).hex()}, "
                f"and {found.hex()} was asked for"
            )
        return commitment

    def cells(
        self, found: bytes, wanted: Sequence[int], timeout_s: float, fail: Callable[[ZkstateError], object]
    ) -> Iterator[Cell]:
        """Those of the cells wanted that are here, each with its proof, unchecked, asked for as they are taken.

        `fail` hears of each that did not come: three, or too long for all together, end it, and lose none before.
        """
        deadline, failures = time.monotonic() + CELLS_TIMEOUTS * timeout_s, 0
        for cell in wanted:
            path, left = cell_path(found, cell), deadline - time.monotonic()
            if left <= 0:
                fail(SourceError(f"{self.name}: {path} not asked for: {CELLS_TIMEOUTS * timeout_s:g} s are over"))
                return
            try:
                data = self.mirror.get(path, max_bytes=CELL_BYTES + POINT_BYTES, timeout_s=min(timeout_s, left))
                if len(data) != CELL_BYTES + POINT_BYTES:
                    raise EncodingError(f"{self.name}: {path} has {len(data)} bytes, not {CELL_BYTES + POINT_BYTES}")
            except MissingError:
                continue
            except ZkstateError as error:
                fail(error)
                failures += 1
                if failures == MAX_CELL_FAILURES:
                    return
            else:
                yield cell, data[:CELL_BYTES], data[CELL_BYTES:]


@dataclass(slots=True)
class BlobMirror:
    """The published files of epochs that travelled in blobs, as a mirror. `faults` says what was wrong and where."""

    registry: BlobRegistry
    sources: Sequence[BlobSource]
    faults: list[str] = field(default_factory=list, init=False)
    _epochs: dict[int, Mapping[str, bytes] | ZkstateError] = field(default_factory=dict, init=False)
    _blobs: dict[int, tuple[bytes, ...]] = field(default_factory=dict, init=False)

    @property
    def name(self) -> str:
        return f"blobs ({', '.join(source.name for source in self.sources)})"

    @property
    def bytes_read(self) -> int:
        return sum(source.bytes_read for source in self.sources)

    def get(self, path: str, *, max_bytes: int, timeout_s: float) -> bytes:
        """One file of an epoch; all of them are fetched when the first is asked for."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise MissingError(f"{self.name}: there is no {path}: blobs hold epochs")
        epoch = int(match[1])
        self.fetch(epoch, timeout_s)
        files = self._epochs[epoch]
        if isinstance(files, ZkstateError):
            raise files
        if match[2] not in files:
            raise MissingError(f"{self.name}: epoch {epoch} has no {match[2]}")
        if len(files[match[2]]) > max_bytes:
            raise SourceError(f"{self.name}: {path} has {len(files[match[2]])} bytes, more than {max_bytes}")
        return files[match[2]]

    def blobs(self, epoch: int) -> tuple[bytes, ...]:
        """Those that an epoch was read from, for evidence of it; none if it was not."""
        return self._blobs.get(epoch, ())

    def fetch(self, epoch: int, timeout_s: float) -> None:
        """Have the files of an epoch, or why not, at hand: blobs take longer than a mirror is waited for."""
        if epoch in self._epochs:
            return
        try:
            self._epochs[epoch] = self._fetched(epoch, timeout_s)
        except ZkstateError as error:
            self._epochs[epoch] = error

    def _fetched(self, epoch: int, timeout_s: float) -> Mapping[str, bytes]:
        header_hash = self.registry.epoch_hash(epoch)
        root = self.registry.blobs_root(header_hash)
        if root is None:
            raise MissingError(f"{self.name}: the registry has no blobs of epoch {epoch}")

        def listed(source: BlobSource) -> tuple[bytes, ...]:
            data = source.list(header_hash, root, timeout_s)
            digest = hashlib.sha256(data).digest()
            if digest != root:
                raise DisagreementError(f"a list of blobs hashes to {digest.hex()}, the registry has {root.hex()}")
            return decode_list(data)

        hashes = self._first(f"list of the blobs of epoch {epoch}", listed)
        blobs = tuple(self._blob(found, header_hash, timeout_s) for found in hashes)
        files = unpack_epoch(blobs)
        self._blobs[epoch] = blobs
        return files

    def _blob(self, found: bytes, header_hash: bytes, timeout_s: float) -> bytes:
        def whole(source: BlobSource) -> bytes:
            blob = source.blob(found, header_hash, timeout_s)
            if blob_hash(blob) != found:
                raise DisagreementError(f"a blob has versioned hash {blob_hash(blob).hex()}, wanted {found.hex()}")
            return blob

        archives = [source for source in self.sources if isinstance(source, ArchiveSource)]
        try:
            return self._first(f"blob {found.hex()}", whole)
        except (SourceError, DisagreementError) as error:
            if not archives:
                raise
            return self._from_cells(found, archives, timeout_s, error)

    def _from_cells(
        self, found: bytes, archives: Sequence[ArchiveSource], timeout_s: float, whole: ZkstateError
    ) -> bytes:
        """The blob from any 64 of its cells; no more are asked for. `whole` is why it is not to be had otherwise."""
        good: dict[int, tuple[bytes, bytes]] = {}
        errors = [whole]
        for source in archives:
            good |= self._cells(found, source, [cell for cell in range(CELLS) if cell not in good], timeout_s, errors)
            if len(good) >= CELLS // 2:
                indices = sorted(good)[: CELLS // 2]
                blob = b"".join(recover_cells_and_proofs(indices, [good[i][0] for i in indices])[0][: CELLS // 2])
                if blob_hash(blob) == found:
                    return blob
                raise DisagreementError(f"{self.name}: 64 verified cells are not of blob {found.hex()}")
        words = f"{self.name}: {len(good)} cells of blob {found.hex()} were found, and 64 are needed"
        raise _joint(f"{words}: {'; '.join(self.faults)}" if self.faults else words, errors)

    def _cells(
        self, found: bytes, source: ArchiveSource, wanted: Sequence[int], timeout_s: float, errors: list[ZkstateError]
    ) -> dict[int, tuple[bytes, bytes]]:
        """Those of one place that verify, until they are enough: together, and singly if that fails."""
        good: dict[int, tuple[bytes, bytes]] = {}

        def fail(error: ZkstateError) -> None:
            errors.append(error)
            self._note(source, error)

        try:
            commitment = source.commitment(found, timeout_s)
        except ZkstateError as error:
            fail(error)
            return good
        enough = len(wanted) - CELLS // 2
        cells = source.cells(found, wanted, timeout_s, fail)
        bad: list[int] = []
        while offered := list(islice(cells, max(0, enough - len(good)))):
            true = _verified(commitment, offered)
            checked = [(true or _verified(commitment, [one]), one) for one in offered]
            bad += [cell for held, (cell, _, _) in checked if not held]
            good |= {cell: (data, proof) for held, (cell, data, proof) in checked if held}
        if bad:
            numbers = ", ".join(map(str, bad))
            fail(DisagreementError(f"cells {numbers} of blob {found.hex()} are false"))
        return good

    def _first(self, what: str, ask: Callable[[BlobSource], T]) -> T:
        """The first answer that passes its checks. Errors: those of `_joint`."""
        told: list[str] = []
        errors: list[ZkstateError] = []
        for source in self.sources:
            try:
                return ask(source)
            except ZkstateError as error:
                told.append(self._note(source, error))
                errors.append(error)
        raise _joint(f"{self.name}: no source has the {what}: {'; '.join(told)}", errors)

    def _note(self, source: BlobSource, error: ZkstateError) -> str:
        words = str(error)
        words = words if words.startswith(source.name) else f"{source.name}: {words}"
        if not isinstance(error, MissingError):
            self.faults.append(words)
        return words


def _joint(words: str, errors: Sequence[ZkstateError]) -> ZkstateError:
    """DisagreementError if one answer was wrong; SourceError if one did not come; MissingError otherwise."""
    if any(isinstance(error, InputError | DisagreementError) for error in errors):
        return DisagreementError(words)
    return MissingError(words) if all(isinstance(error, MissingError) for error in errors) else SourceError(words)


def _verified(commitment: bytes, offered: Sequence[tuple[int, bytes, bytes]]) -> bool:
    """Whether all cells are the commitment's; malformed ones are not."""
    try:
        return verify_cell_proof_batch(
            [commitment] * len(offered),
            [cell for cell, _, _ in offered],
            [data for _, data, _ in offered],
            [proof for _, _, proof in offered],
        )
    except InputError:
        return False
