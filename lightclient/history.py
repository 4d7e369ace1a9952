"""An account's journal out of published files: the entries of one epoch, and of epochs before it.

Every list of entries is checked against the head in the account's leaf, and the lists of older epochs against the
head from which the next one goes on; so it does not matter who served them, or what a header says besides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol, TypeVar

from zkstate.errors import DisagreementError, InputError, MissingError, SourceError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.journals import MAX_BUCKET_BYTES as MAX_JOURNALS_BYTES
from zkstate.publication.journals import JournalKey
from zkstate.publication.layout import HEADER, MANIFEST, epoch_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Manifest
from zkstate.publication.records import MAX_BUCKET_BYTES, Record, RecordKey
from zkstate.publication.tiles import Fetch
from zkstate.state.identity import AccountKey
from zkstate.state.journal import Segment
from zkstate.state.schema import Account

T = TypeVar("T")

MAX_ENTRIES = 1 << 17


class Source(Protocol):
    """Where files come from, by their path on a mirror."""

    def fetch(self, path: str, max_bytes: int, check: Callable[[bytes], T]) -> T: ...


def in_epoch(source: Source, header: Header) -> Fetch:
    """A source of the files of one epoch."""

    def fetch(path: str, max_bytes: int, check: Callable[[bytes], T]) -> T:
        return source.fetch(f"{epoch_folder(header.epoch)}/{path}", max_bytes, check)

    return fetch


def find_record(key: RecordKey, fetch: Fetch) -> Record:
    """The record of a key. Errors: as `_opened`."""
    return _opened(key.path, MAX_BUCKET_BYTES, key.open, key.header, fetch)


def new_entries(key: AccountKey, header: Header, account: Account, fetch: Fetch) -> Segment:
    """What the epoch of a header added to an account's history. Errors: as `_opened`."""
    if not account.new_entries:
        return Segment(account.history_head, account.history_length, ())
    sealed = JournalKey.derive(key, header)
    return _opened(sealed.path, MAX_JOURNALS_BYTES, lambda data: sealed.open(data, account), header, fetch)


def extended(key: AccountKey, header: Header, segment: Segment, since: int, source: Source) -> Segment:
    """The segment of an epoch with the entries of the epochs before it, down to the one after `since`.

    Errors: SourceError if a file of theirs is not to be had; DisagreementError for one that does not lead here;
    InputError for more entries than a bundle holds.
    """
    while header.epoch > since + 1 and segment.length:
        if len(segment.entries) > MAX_ENTRIES:
            raise InputError(
                f"epoch {header.epoch} and later ones have {len(segment.entries)} entries; a bundle has at most "
                f"{MAX_ENTRIES}: ask for fewer epochs"
            )
        later = header

        def check(data: bytes, later: Header = later) -> Header:
            found = SignedHeader.decode(data).header
            if (found.state_root, found.venue) != (later.previous_state_root, later.venue):
                raise DisagreementError(
                    f"the header of epoch {found.epoch} has state root {found.state_root:#066x}, and epoch "
                    f"{later.epoch} goes on from {later.previous_state_root:#066x}"
                )
            return found

        header = source.fetch(f"{epoch_folder(header.epoch - 1)}/{HEADER}", SIGNED_BYTES, check)
        fetch = in_epoch(source, header)
        record = find_record(RecordKey.derive(key, header), fetch)
        segment = segment.after(new_entries(key, header, record.account, fetch))
    return segment


def _opened(path: str, limit: int, open_: Callable[[bytes], T], header: Header, fetch: Fetch) -> T:
    """What is sealed for a key in a bucket. When no mirror shows it, the manifest tells what the venue published.

    A bucket has no hash of its own below the header but in the manifest, which is larger than all the rest
    of a recovery. The bucket is taken as it comes, since what is in it proves itself; a failure is looked into.
    """
    try:
        return fetch(path, limit, open_)
    except (MissingError, DisagreementError) as failure:
        try:
            bucket = _published(path, limit, header, fetch)
        except SourceError:
            raise failure from None
        try:
            return open_(bucket)
        except InputError as error:
            raise DisagreementError(f"{path} is what {MANIFEST} lists, and malformed: {error}") from error


def _published(path: str, limit: int, header: Header, fetch: Fetch) -> bytes:
    """The bytes of a bucket as the venue published them, by the manifest that the header names."""
    manifest = fetch(MANIFEST, MAX_MANIFEST_BYTES, lambda data: Manifest.decode_under(data, header.data_root))
    entry = manifest.find(path)
    if entry is None:
        raise DisagreementError(f"{MANIFEST} of epoch {header.epoch} does not list {path}")

    def check(data: bytes) -> bytes:
        if (found := hashlib.sha256(data).hexdigest()) != entry.sha256:
            raise DisagreementError(f"{path} has SHA-256 {found}, and {MANIFEST} lists {entry.sha256}")
        return data

    return fetch(path, limit, check)
