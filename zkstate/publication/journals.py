"""Encrypted journal entries: what happened to an account in one epoch, for its owner alone.

    entry = tag[16] ‖ class u8 ‖ AES-256-GCM(segment), associated data: tag ‖ class

As records (`records.py`), with tags and keys of their own, so that the two cannot be linked by what stands in the
files. An account to which nothing happened has no entry; its record says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.publication.header import Header
from zkstate.publication.layout import journal_path
from zkstate.publication.records import Family, NoRecordError, agree, bucket_of, find, parse_bucket, tag_and_key
from zkstate.state import journal
from zkstate.state.identity import AccountKey
from zkstate.state.journal import Segment
from zkstate.state.schema import Account

MAX_BUCKET_BYTES = 64 << 20

JOURNALS = Family(b"zkstate journal v2", journal_path, 0, journal.plaintext_bytes, MAX_BUCKET_BYTES)


@dataclass(frozen=True, slots=True)
class JournalKey:
    """What an account's owner looks for in one epoch: the bucket, the tag, and the key to open the segment."""

    header: Header
    tag: bytes
    _aes: bytes

    def __repr__(self) -> str:
        return f"JournalKey(epoch={self.header.epoch}, hidden)"

    @classmethod
    def derive(cls, key: AccountKey, header: Header) -> JournalKey:
        """Of one account key for the epoch of a header. EncodingError if its record key is unusable."""
        shared = agree(key.view_private(), header.record_key)
        return cls(header, *tag_and_key(shared, header.state_root, JOURNALS))

    @property
    def path(self) -> str:
        """The bucket file, relative to the epoch's folder."""
        return journal_path(bucket_of(self.tag, self.header.record_bits))

    def open(self, data: bytes, account: Account) -> Segment:
        """Find, open and check the entries that this epoch added to the account's history.

        Errors: EncodingError, LengthError for a malformed bucket; NoRecordError if no entry has the tag;
        DisagreementError if the entries do not open, or do not lead to the head in the account's leaf.
        """
        bits = self.header.record_bits
        entries = parse_bucket(data, bucket_of(self.tag, bits), bits, JOURNALS)
        entry = find(entries, self.tag)
        if entry is None:
            raise NoRecordError(
                f"{self.path} of epoch {self.header.epoch} has {len(entries)} journals, none for this key, and the "
                f"account's record speaks of {account.new_entries} new entries"
            )
        where = f"journal {entry.tag.hex()} in {self.path}"
        try:
            segment = journal.decode_segment(entry.open(self._aes, where), entry.size_class)
        except (EncodingError, LengthError) as error:
            raise DisagreementError(f"{where} holds no entries: {error}") from error
        if len(segment.entries) != account.new_entries:
            raise DisagreementError(
                f"{where} holds {len(segment.entries)} entries, and the record speaks of {account.new_entries}"
            )
        segment.check_end(account.history_head, account.history_length)
        return segment
