"""The account bundle: one file with all that its owner needs to prove things about one epoch, offline.

It holds the account's secret, so the file has mode 0600 and `repr` shows none of it. Reading one repeats
every check that recovery made, down from the header's signature, so an instance is right whoever wrote
the file; only the trust description is taken as the recovery left it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from zkstate import nesting
from zkstate.atomic import PRIVATE_FILE, replace_file
from zkstate.commitment.merkle import ACCOUNTS_ARITY, ACCOUNTS_NODE, MerklePath
from zkstate.errors import DisagreementError, EncodingError
from zkstate.kernels import FR_BYTES, FR_MODULUS
from zkstate.publication.header import Header, SignedHeader
from zkstate.publication.tables import check_instruments, check_scenarios
from zkstate.publication.trust import Finality, Trust
from zkstate.state import codec
from zkstate.state.commit import account_id, owner_commitment
from zkstate.state.identity import read_private
from zkstate.state.journal import Segment, decode_entries, encode_entries
from zkstate.state.scenarios import ScenarioTable, encode_scenarios
from zkstate.state.schema import Account, Instrument
from zkstate.state.table import InstrumentTable, encode_table

MAX_BUNDLE_BYTES = 32 << 20

_Hex = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2})*\Z")]
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_U64 = Annotated[int, msgspec.Meta(ge=0)]


class _FinalityForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slot: _U64
    time: _U64
    checkpoint: _Hex32


class _TrustForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: str
    text: str
    block_number: _U64 | None
    block_hash: _Hex32 | None
    block_time: _U64 | None
    finality: _FinalityForm | None


class _HistoryForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    head: _Hex32
    length: _U64
    entries: _Hex


class _BundleForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["zkstate account bundle"]
    version: Literal[1]
    header: _Hex
    trust: _TrustForm
    recovered_at: _U64
    owner_secret: _Hex32
    size_class: int
    account: _Hex
    path: list[_Hex32]
    history: _HistoryForm | None
    instruments: msgspec.Raw
    scenarios: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Bundle:
    """One account of one epoch with its secret, its path to the accounts root, and the tables that price it.

    Every instance is proved by its own content. Errors: DisagreementError naming the parts that contradict
    each other. `history` holds the last entries of the account's journal, None if they were not to be had;
    `recovered_at` is in seconds since 1970.
    """

    signed: SignedHeader
    account: Account
    path: MerklePath
    table: InstrumentTable
    scenarios: ScenarioTable | None
    history: Segment | None
    trust: Trust
    recovered_at: int
    owner_secret: int = field(repr=False)

    def __post_init__(self) -> None:
        header, account = self.header, self.account
        if not 0 <= self.owner_secret < FR_MODULUS:
            raise EncodingError("bundle: the owner secret is not below the field modulus")
        if not 0 <= self.recovered_at < 1 << 64:
            raise EncodingError(f"bundle: recovered_at {self.recovered_at} is outside 64 bits")
        if account.owner != owner_commitment(self.owner_secret):
            raise DisagreementError("bundle: the account's owner is not the commitment of the owner secret")
        _agree("account id", account.id, account_id(account.owner, header.venue, header.epoch))
        _agree("path index", self.path.index, account.index)
        _agree("path length", self.path.depth, header.accounts_depth)
        _agree("path arity", self.path.arity, ACCOUNTS_ARITY)
        _agree("path tag", self.path.tag, ACCOUNTS_NODE)
        _agree("accounts root", self.path.root_from(self.leaf), header.accounts_root)
        _agree("table depth", self.table.depth, header.table_depth)
        _agree("instruments root", self.table.root, header.instruments_root)
        _agree("scenarios root", 0 if self.scenarios is None else self.scenarios.root, header.scenarios_root)
        if self.scenarios is not None:
            self.scenarios.check_beside(self.table)
        if self.history is not None:
            self.history.check_end(account.history_head, account.history_length)

    @property
    def header(self) -> Header:
        """The epoch the account stands in."""
        return self.signed.header

    @property
    def signature(self) -> bytes:
        """The operator's signature of the header."""
        return self.signed.signature

    @property
    def index(self) -> int:
        """The leaf's place in the accounts tree."""
        return self.account.index

    @property
    def leaf(self) -> int:
        """The account's leaf, recomputed."""
        return codec.leaf(self.account)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Every asset and market of the venue, from id 1."""
        return self.table.instruments

    def encode(self) -> bytes:
        """The canonical JSON of the file. It contains the secret."""
        block_hash, finality = self.trust.block_hash, self.trust.finality
        form = _BundleForm(
            kind="zkstate account bundle",
            version=1,
            header=self.signed.encode().hex(),
            trust=_TrustForm(
                self.trust.level,
                self.trust.text,
                self.trust.block_number,
                None if block_hash is None else block_hash.hex(),
                self.trust.block_time,
                None if finality is None else _FinalityForm(finality.slot, finality.time, finality.checkpoint.hex()),
            ),
            recovered_at=self.recovered_at,
            owner_secret=_word(self.owner_secret),
            size_class=self.account.size_class,
            account=codec.encode_record(self.account).hex(),
            path=[_word(sibling) for level in self.path.siblings for sibling in level],
            history=None
            if self.history is None
            else _HistoryForm(
                _word(self.history.head), self.history.length, encode_entries(self.history.entries).hex()
            ),
            instruments=msgspec.Raw(encode_table(self.table)),
            scenarios=msgspec.Raw(b"null" if self.scenarios is None else encode_scenarios(self.scenarios)),
        )
        return msgspec.json.encode(form)

    @classmethod
    def decode(cls, data: bytes) -> Bundle:
        """Read the JSON of a bundle and repeat every check.

        Errors: EncodingError for anything but canonical bytes; DisagreementError for parts that contradict.
        """
        if len(data) > MAX_BUNDLE_BYTES:
            raise EncodingError(f"bundle of {len(data)} bytes; the limit is {MAX_BUNDLE_BYTES}")
        nesting.check(data, "bundle")
        try:
            form = msgspec.json.decode(data, type=_BundleForm)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"not an account bundle: {error}") from error
        signed = SignedHeader.decode(bytes.fromhex(form.header))
        account = codec.decode_record(bytes.fromhex(form.account), form.size_class)
        block_hash, finality, history = form.trust.block_hash, form.trust.finality, form.history
        table = check_instruments(bytes(form.instruments), signed.header)
        bundle = cls(
            signed=signed,
            account=account,
            path=MerklePath(account.index, _levels(form.path)),
            table=table,
            scenarios=_scenarios(bytes(form.scenarios), signed.header, table),
            history=None
            if history is None
            else Segment(int(history.head, 16), history.length, decode_entries(bytes.fromhex(history.entries))),
            trust=Trust(
                form.trust.level,
                form.trust.text,
                form.trust.block_number,
                None if block_hash is None else bytes.fromhex(block_hash),
                None
                if finality is None
                else Finality(finality.slot, finality.time, bytes.fromhex(finality.checkpoint)),
                form.trust.block_time,
            ),
            recovered_at=form.recovered_at,
            owner_secret=int(form.owner_secret, 16),
        )
        if bundle.encode() != data:
            raise EncodingError("the account bundle is not in its canonical form")
        return bundle

    def write(self, path: Path) -> None:
        """Write or replace the file, mode 0600, in one step. EnvironmentFailure if the disk refuses."""
        replace_file(path, self.encode(), PRIVATE_FILE)

    @classmethod
    def read(cls, path: Path) -> Bundle:
        """Read a bundle file. MissingError if there is none, EnvironmentFailure if others may read it."""
        return cls.decode(read_private(path, MAX_BUNDLE_BYTES, "account bundle"))


def _scenarios(data: bytes, header: Header, table: InstrumentTable) -> ScenarioTable | None:
    return None if data == b"null" else check_scenarios(data, header, table)


def _word(value: int) -> str:
    return value.to_bytes(FR_BYTES).hex()


def _element(word: str) -> int:
    value = int(word, 16)
    if value >= FR_MODULUS:
        raise EncodingError(f"bundle: path element {word} is not below the field modulus")
    return value


def _levels(path: list[str]) -> tuple[tuple[int, ...], ...]:
    beside = ACCOUNTS_ARITY - 1
    return tuple(tuple(map(_element, path[i : i + beside])) for i in range(0, len(path), beside))


def _agree(what: str, stated: int, computed: int) -> None:
    if stated != computed:
        raise DisagreementError(f"bundle: {what}: {stated:#x} on one side, {computed:#x} on the other")
