"""The instrument table: one commitment to every asset and market (docs/spec.md §3), and its published JSON form."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from zkstate import kernels
from zkstate.commitment import domain, poseidon
from zkstate.commitment.merkle import MerklePath
from zkstate.errors import EncodingError, LengthError
from zkstate.state.schema import (
    MAX_INSTRUMENTS,
    MAX_TIERS,
    NULL_INSTRUMENT,
    Instrument,
    ladder,
)
from zkstate.state.table_tree import TABLE_DEPTHS, TableTree, capacity

WORDS = 2 + MAX_TIERS
MAX_TABLE_BYTES = 16 << 20


def low248(digest: bytes) -> int:
    """The integer of the last 31 bytes of a 32-byte string."""
    return int.from_bytes(digest[1:])


def words(instrument: Instrument) -> tuple[int, ...]:
    """The head, the terms and the 13 tiers of an instrument: the field elements its digest hashes."""
    i = instrument
    head = (((i.id << 4 | i.flags) << 64 | i.price) << 64 | i.notional_price) << 64 | i.funding + (1 << 63)
    contract = (((i.decimals << 64 | i.expiry) << 64 | i.strike) << 16 | i.underlying) << 2 | i.option
    terms = poseidon.poseidon(domain.tag("terms"), [contract, low248(hashlib.sha256(i.symbol.encode()).digest())])
    tiers = [
        (((t.lower << 64 | t.upper) << 20 | t.rate) << 20 | t.initial_rate) << 85 | t.offset + (1 << 84)
        for t in i.tiers
    ]
    return (head, terms, *tiers, *[0] * (MAX_TIERS - len(tiers)))


def least_depth(count: int) -> int:
    """The least table depth that holds the null instrument and `count` others."""
    for depth in TABLE_DEPTHS:
        if count < capacity(depth):
            return depth
    raise LengthError(f"{count} instruments: a table holds at most {MAX_INSTRUMENTS}")


@dataclass(frozen=True, slots=True)
class InstrumentTable:
    """Instruments of ids 1, 2, 3, .. in order. `table[id]` is the instrument, `table[0]` the null one."""

    instruments: tuple[Instrument, ...]
    depth: int
    _built: list[TableTree] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.depth not in TABLE_DEPTHS:
            raise EncodingError(f"table depth is {self.depth}, not {TABLE_DEPTHS[0]} or {TABLE_DEPTHS[1]}")
        most = capacity(self.depth) - 1
        if len(self.instruments) > most:
            raise LengthError(f"{len(self.instruments)} instruments: a table of depth {self.depth} holds {most}")
        seen: dict[str, int] = {}
        for position, instrument in enumerate(self.instruments, start=1):
            if instrument.id != position:
                raise EncodingError(f"{instrument.symbol!r} has id {instrument.id} at place {position}")
            if instrument.symbol in seen:
                raise EncodingError(
                    f"instruments {seen[instrument.symbol]} and {position} are both {instrument.symbol!r}"
                )
            seen[instrument.symbol] = position
            if instrument.underlying > len(self.instruments):
                raise EncodingError(
                    f"instrument {position} ({instrument.symbol!r}) has underlying {instrument.underlying}, "
                    f"but the table ends at {len(self.instruments)}"
                )

    @classmethod
    def of(cls, instruments: Sequence[Instrument]) -> InstrumentTable:
        """A table of the least depth that fits."""
        return cls(tuple(instruments), least_depth(len(instruments)))

    def __len__(self) -> int:
        return len(self.instruments)

    def __getitem__(self, instrument: int) -> Instrument:
        if not 0 <= instrument <= len(self.instruments):
            raise EncodingError(f"instrument {instrument} is not in a table of {len(self.instruments)}")
        return self.instruments[instrument - 1] if instrument else NULL_INSTRUMENT

    def by_symbol(self, symbol: str) -> Instrument:
        """The instrument of a symbol; EncodingError if there is none."""
        for instrument in self.instruments:
            if instrument.symbol == symbol:
                return instrument
        raise EncodingError(f"no instrument has the symbol {symbol!r}; the table has {len(self.instruments)}")

    @property
    def tree(self) -> TableTree:
        """The tree over the digests, built on first use."""
        if not self._built:
            self._built.append(TableTree("table", digests(self), self.depth))
        return self._built[0]

    @property
    def top(self) -> tuple[int, ...]:
        """The nodes that the root is a chain over."""
        return self.tree.top

    @property
    def root(self) -> int:
        """`instruments_root` of the header."""
        return self.tree.root

    def digest(self, instrument: int) -> int:
        """The digest of one instrument."""
        self[instrument]
        return self.tree.digest(instrument)

    def path(self, instrument: int) -> MerklePath:
        """The path from an instrument's digest to its node of `top`."""
        self[instrument]
        return self.tree.path(instrument)


def digests(table: InstrumentTable) -> kernels.FrVec:
    """Digests of ids 0 .. len(table), P(T("instrument"); head, terms, 13 tiers) each."""
    elements = [word for i in range(len(table) + 1) for word in words(table[i])]
    return kernels.poseidon_many(domain.tag("instrument"), kernels.FrVec.from_ints(elements), WORDS)


# The JSON form: 64-bit quantities are decimal strings, since many readers hold numbers as doubles; narrower ones are
# integers. Bounds and offsets that follow from others are not stored.

_Unsigned = Annotated[str, msgspec.Meta(pattern=r"\A(0|[1-9][0-9]{0,19})\Z")]
_Signed = Annotated[str, msgspec.Meta(pattern=r"\A(0|-?[1-9][0-9]{0,18})\Z")]
_Small = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]


class _TierJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    lower: _Unsigned
    rate: _Small
    initial_rate: _Small


class _InstrumentJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    id: _Small
    symbol: str
    flags: _Small
    decimals: _Small
    price: _Unsigned
    notional_price: _Unsigned
    funding: _Signed
    expiry: _Unsigned
    strike: _Unsigned
    underlying: _Small
    option: _Small
    tiers: Annotated[list[_TierJson], msgspec.Meta(min_length=1, max_length=MAX_TIERS)]


class _TableJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    version: Literal[1]
    depth: _Small
    instruments: Annotated[list[_InstrumentJson], msgspec.Meta(max_length=MAX_INSTRUMENTS)]


_DECODER = msgspec.json.Decoder(_TableJson)


def encode_table(table: InstrumentTable) -> bytes:
    """`tables/instruments.json` (docs/spec.md §6): compact JSON, members in their one order."""
    return msgspec.json.encode(_TableJson(1, table.depth, [_to_json(instrument) for instrument in table.instruments]))


def decode_table(data: bytes) -> InstrumentTable:
    """The table of `tables/instruments.json`; EncodingError unless `data` is its one canonical encoding."""
    if len(data) > MAX_TABLE_BYTES:
        raise LengthError(f"instrument table of {len(data)} bytes; at most {MAX_TABLE_BYTES}")
    try:
        form = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EncodingError(f"instrument table: {error}") from None
    table = InstrumentTable(tuple(_from_json(instrument) for instrument in form.instruments), form.depth)
    if encode_table(table) != data:
        raise EncodingError("instrument table is not in its one canonical form (spaces, order, repetition)")
    return table


def _to_json(i: Instrument) -> _InstrumentJson:
    tiers = [_TierJson(str(tier.lower), tier.rate, tier.initial_rate) for tier in i.tiers]
    return _InstrumentJson(
        i.id, i.symbol, i.flags, i.decimals, str(i.price), str(i.notional_price), str(i.funding),
        str(i.expiry), str(i.strike), i.underlying, i.option, tiers,
    )  # fmt: skip


def _from_json(form: _InstrumentJson) -> Instrument:
    return Instrument(
        id=form.id,
        symbol=form.symbol,
        flags=form.flags,
        decimals=form.decimals,
        price=int(form.price),
        notional_price=int(form.notional_price),
        funding=int(form.funding),
        tiers=ladder([(int(tier.lower), tier.rate, tier.initial_rate) for tier in form.tiers]),
        expiry=int(form.expiry),
        strike=int(form.strike),
        underlying=form.underlying,
        option=form.option,
    )
