"""An export: a whole account opened to another venue, with a proof that answers that venue's challenge.

The opening (leaf, path) shows every row and order of one account under the accounts root, by hashing alone. The proof
shows that who made the export knows the secret of an account with that size and entry value, and is bound to the
export by its challenge. See docs/spec.md, section 18.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import msgspec

from zkstate import nesting
from zkstate.commitment.merkle import ACCOUNTS_ARITY, MerklePath
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.kernels import FR_BYTES, FR_MODULUS
from zkstate.publication.header import Header
from zkstate.state import codec
from zkstate.state.commit import account_id
from zkstate.state.schema import SIZE_CLASSES, Account
from zkstate.state.table import InstrumentTable
from zkstate.state.valuation import COLUMNS, lines
from zkstate.state.valuation_files import Lines

from .claim import Claim
from .claims import BalanceClaim, PositionClaim
from .context import Context

EXPORT_FILE = "export.json"
MAX_EXPORT_BYTES = 1 << 20
_KIND: Literal["zkstate export"] = "zkstate export"
_LABEL = b"zkstate export v1"

_Hex = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2})*\Z")]
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form of the table: plain name, and SHA-256 of its bytes."""

    path: str
    sha256: _Hex32


class _Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    source: str


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["zkstate export"]
    version: Literal[1]
    challenge: _Hex32
    header_hash: _Hex32
    size_class: int
    account: _Hex
    path: tuple[_Hex32, ...]
    columns: tuple[_Column, ...]
    files: tuple[File, ...]


_COLUMNS = tuple(_Column(column.name, column.source) for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class Export:
    """An opened account, the recipient's challenge (32 bytes), and the files that go with it."""

    challenge: bytes
    header_hash: bytes
    account: Account
    path: MerklePath
    files: tuple[File, ...]

    def encode(self) -> bytes:
        """The canonical bytes of `export.json`."""
        return msgspec.json.encode(
            _Document(
                _KIND,
                1,
                self.challenge.hex(),
                self.header_hash.hex(),
                self.account.size_class,
                codec.encode_record(self.account).hex(),
                tuple(word.to_bytes(FR_BYTES).hex() for level in self.path.siblings for word in level),
                _COLUMNS,
                self.files,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Export:
        """Read the file. EncodingError or LengthError for anything but the canonical bytes of one."""
        if len(data) > MAX_EXPORT_BYTES:
            raise LengthError(f"{EXPORT_FILE} has {len(data)} bytes; the limit is {MAX_EXPORT_BYTES}")
        nesting.check(data, EXPORT_FILE)
        try:
            form = msgspec.json.decode(data, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"{EXPORT_FILE} is not an export: {error}") from None
        words = tuple(int(word, 16) for word in form.path)
        beside = ACCOUNTS_ARITY - 1
        if form.size_class not in SIZE_CLASSES or any(word >= FR_MODULUS for word in words) or len(words) % beside:
            raise EncodingError(f"{EXPORT_FILE}: size class {form.size_class} or its path is none")
        account = codec.decode_record(bytes.fromhex(form.account), form.size_class)
        levels = tuple(words[i : i + beside] for i in range(0, len(words), beside))
        if account.index >> 2 * len(levels):
            raise EncodingError(f"{EXPORT_FILE}: index {account.index} is no place in a tree of depth {len(levels)}")
        export = cls(
            bytes.fromhex(form.challenge),
            bytes.fromhex(form.header_hash),
            account,
            MerklePath(account.index, levels),
            form.files,
        )
        if export.encode() != data:
            raise EncodingError(f"{EXPORT_FILE} is not in its canonical form")
        return export

    @property
    def bound_challenge(self) -> bytes:
        """The challenge that the proof answers: a hash of all of this, the recipient's own challenge among it."""
        return hashlib.sha256(_LABEL + self.encode()).digest()

    def addressed(self, context: Context) -> Context:
        """A context with that challenge."""
        return replace(context, challenge=self.bound_challenge)

    def check_opening(self, header: Header) -> None:
        """DisagreementError unless this account stands under the accounts root of this header, with its own id."""
        if self.header_hash != header.hash:
            raise DisagreementError(
                f"{EXPORT_FILE} is of header {self.header_hash.hex()}, and the proof of {header.hash.hex()}"
            )
        if self.path.depth != header.accounts_depth:
            raise DisagreementError(
                f"{EXPORT_FILE}: a path of depth {self.path.depth}, and the header has {header.accounts_depth}"
            )
        found = self.path.root_from(codec.leaf(self.account))
        if found != header.accounts_root:
            raise DisagreementError(
                f"{EXPORT_FILE}: the account leads to root {found:#066x}; the header has {header.accounts_root:#066x}"
            )
        expected = account_id(self.account.owner, header.venue, header.epoch)
        if self.account.id != expected:
            raise DisagreementError(
                f"{EXPORT_FILE}: the account's id is {self.account.id:#x}, its owner's {expected:#x}"
            )

    def lines(self, header: Header, table: InstrumentTable) -> Lines:
        """The table of the book, computed again."""
        return lines(self.account.rows, table, header.time)


def claim_of_account(account: Account, table: InstrumentTable) -> Claim:
    """What the proof of an export claims: the first position exactly, with its entry value, or else the first balance.

    InputError for an account without rows.
    """
    markets = [row for row in account.rows if not table[row.instrument].is_asset and row.amount]
    if markets:
        row = markets[0]
        return PositionClaim(row.instrument, row.amount, row.amount, row.entry, row.entry)
    assets = [row for row in account.rows if table[row.instrument].is_asset]
    if not assets:
        raise InputError("the account holds nothing that could be exported")
    return BalanceClaim(assets[0].instrument, assets[0].amount, assets[0].amount)


def unlike(export: Export, expected: Lines, files: Mapping[str, bytes], readers: Mapping[str, object]) -> list[str]:
    """In which files the table is not the one that the opening gives, one sentence each.

    Errors: EncodingError for a file that cannot be read.
    """
    reasons = []
    for listed in export.files:
        if listed.path not in readers:
            raise EncodingError(f"{EXPORT_FILE} lists {listed.path[:80]!r}, which is no form of the table")
        data = files.get(listed.path)
        if data is None:
            continue
        found = hashlib.sha256(data).hexdigest()
        if found != listed.sha256:
            reasons.append(f"{listed.path} has SHA-256 {found}, and {EXPORT_FILE} says {listed.sha256}")
            continue
        read = readers[listed.path]
        if not callable(read) or list(read(data)) != list(expected):
            reasons.append(f"{listed.path} is not the table that the opened account and the venue's prices give")
    return reasons
