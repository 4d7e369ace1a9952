"""What an epoch computed and the next one needs again: digests of rows and of orders, and the keys issued to names.

None depends on the epoch, unlike ids, salts, leaves and records, which are fresh in each (docs/spec.md, section 4).
Each is kept by the SHA-256 of all that it is a function of, so that of a changed account is never found, whoever came
or went:

    "zkstate computed v1" ‖ SHA-256 of what follows ‖ 3 × count u64
    ‖ for rows, orders, issued keys: count × key[32] ‖ count × value[32, 32, 64]
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.state import columnar, identity
from zkstate.state.ledger import MAX_ACCOUNTS, Ledger
from zkstate.state.limbs import ByteMatrix, Limbs, byte_limbs, limb_bytes

_MAGIC = b"zkstate computed v1"
_KEY = 32
_WIDTHS = (32, 32, 64)
_CHECKED = 1024
MAX_COMPUTED_BYTES = len(_MAGIC) + 32 + 8 * len(_WIDTHS) + MAX_ACCOUNTS * sum(_KEY + width for width in _WIDTHS)

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Known:
    """Values by keys of 32 bytes, which rise in their first eight; both as rows of bytes."""

    keys: ByteMatrix
    values: ByteMatrix

    @classmethod
    def of(cls, keys: ByteMatrix, values: ByteMatrix) -> Known:
        """Of keys in any order, repeated or not."""
        order = np.argsort(_first(keys), kind="stable")
        keys = keys[order]
        fresh = np.ones(len(keys), np.bool_)
        fresh[1:] = (keys[1:] != keys[:-1]).any(axis=1)
        return cls(keys[fresh], values[order[fresh]])

    @classmethod
    def nothing(cls, width: int) -> Known:
        return cls(np.zeros((0, _KEY), np.uint8), np.zeros((0, width), np.uint8))

    def values_of(
        self, keys: ByteMatrix, compute: Callable[[Index], ByteMatrix], file: str = "computed.bin"
    ) -> tuple[ByteMatrix, int]:
        """The values of these keys, and how many were known; `compute` gives those of the others, by their places.

        One in 1,024 of those known is computed again: DisagreementError, which names the file, if it is another.
        """
        values, found = np.empty((len(keys), self.values.shape[1]), np.uint8), np.zeros(len(keys), np.bool_)
        if len(self.keys):
            at = np.minimum(np.searchsorted(_first(self.keys), _first(keys)), len(self.keys) - 1)
            found = (self.keys[at] == keys).all(axis=1)
            values[found] = self.values[at[found]]
        missing, checked = np.flatnonzero(~found), np.flatnonzero(found)[::_CHECKED]
        again = compute(np.concatenate([missing, checked]))
        values[missing] = again[: len(missing)]
        if (again[len(missing) :] != values[checked]).any():
            raise DisagreementError(f"{file} of the epoch before is not what this version computes: remove it")
        return values, len(keys) - len(missing)


@dataclass(frozen=True, slots=True)
class Computed:
    """Digests of rows and of orders, and issued owners and view keys. Private: digests have no salt."""

    rows: Known
    orders: Known
    issued: Known

    def __repr__(self) -> str:
        return f"Computed({len(self.rows.keys)} rows, {len(self.orders.keys)} orders, {len(self.issued.keys)} keys)"

    def encode(self) -> Iterator[bytes | memoryview]:
        """The file, in pieces."""
        return encode_tables(_MAGIC, b"", (self.rows, self.orders, self.issued))

    @classmethod
    def decode(cls, data: bytes) -> Computed:
        """Read a file. LengthError, EncodingError unless it is whole."""
        return cls(*decode_tables(data, _MAGIC, 0, _WIDTHS, "computed digests")[1])


def encode_tables(magic: bytes, stated: bytes, tables: Sequence[Known]) -> Iterator[bytes | memoryview]:
    """magic ‖ SHA-256 of what follows ‖ stated ‖ a count u64 for each table ‖ each table's keys ‖ values, in pieces."""
    head = stated + b"".join(len(table.keys).to_bytes(8) for table in tables)
    parts = [np.ascontiguousarray(part).reshape(-1).data for table in tables for part in (table.keys, table.values)]
    whole = hashlib.sha256(head)
    for part in parts:
        whole.update(part)
    yield magic + whole.digest() + head
    yield from parts


def decode_tables(
    data: bytes, magic: bytes, stated: int, widths: Sequence[int], what: str
) -> tuple[bytes, list[Known]]:
    """The `stated` bytes and the tables of a file of `encode_tables`, without a copy of these.

    LengthError, EncodingError unless it is whole; they say `what` it is.
    """
    head = len(magic) + 32 + stated
    at = head + 8 * len(widths)
    if not data.startswith(magic) or len(data) < at:
        raise LengthError(f"{what}: {len(data)} bytes that are no file of {magic.decode()!r}")
    if hashlib.sha256(memoryview(data)[len(magic) + 32 :]).digest() != data[len(magic) : len(magic) + 32]:
        raise EncodingError(f"{what}: the file is damaged: it has another SHA-256 than it states")
    tables = []
    for i, width in enumerate(widths):
        count = int.from_bytes(data[head + 8 * i : head + 8 * i + 8])
        if count > MAX_ACCOUNTS or at + count * (_KEY + width) > len(data):
            raise LengthError(f"{what}: {count} entries of {_KEY + width} bytes do not fit {len(data)}")
        keys = np.frombuffer(data, np.uint8, count * _KEY, at).reshape(count, _KEY)
        at += keys.size
        values = np.frombuffer(data, np.uint8, count * width, at).reshape(count, width)
        at += values.size
        tables.append(Known(keys, values))
    if at != len(data):
        raise LengthError(f"{what}: {len(data)} bytes, and the entries end at {at}")
    return data[head - stated : head], tables


NOTHING = Computed(*map(Known.nothing, _WIDTHS))


@dataclass(slots=True)
class Memory:
    """What the epoch before computed, and what this one adds; `reused` counts what was not computed again."""

    before: Computed
    after: Computed
    reused: dict[str, int]

    @classmethod
    def of(cls, before: Computed | None) -> Memory:
        return cls(before or NOTHING, NOTHING, {})

    def release(self) -> None:
        """Let go of both, once they are written."""
        self.before = self.after = NOTHING

    def issue_keys(self, ledger: Ledger, master: bytes) -> Ledger:
        """As `ledger.issue_keys`."""
        issuer = identity.issuer_id(master)
        keys = _hashes(issuer + name.encode() for name in ledger.names)

        def compute(places: Index) -> ByteMatrix:
            owners, view_keys = identity.issue_public_keys(master, [ledger.names[i] for i in places.tolist()])
            return np.concatenate([owners, view_keys], axis=1)

        pairs, self.reused["keys"] = self.before.issued.values_of(keys, compute)
        self.after = replace(self.after, issued=Known.of(keys, pairs))
        return replace(ledger, owners=pairs[:, :32].copy(), view_keys=pairs[:, 32:].copy())

    def digests(self, ledger: Ledger) -> tuple[Limbs, Limbs]:
        """As `columnar.digests`."""
        r, o = ledger.rows, ledger.orders
        everybody, busy = np.arange(len(ledger)), np.flatnonzero(o.counts)
        keys = _contents(b"rows", ledger, everybody, r.start, columnar.packed_rows(r))
        found, self.reused["rows"] = self.before.rows.values_of(
            keys, lambda places: limb_bytes(columnar.row_digests(ledger, places))
        )
        self.after = replace(self.after, rows=Known.of(keys, found))
        rows, orders = byte_limbs(found), columnar.no_order_digests(ledger)
        keys = _contents(b"orders", ledger, busy, o.start, columnar.packed_orders(o))
        found, self.reused["orders"] = self.before.orders.values_of(
            keys, lambda places: limb_bytes(columnar.order_digests(ledger, busy[places]))
        )
        self.after = replace(self.after, orders=Known.of(keys, found))
        orders[busy] = byte_limbs(found)
        return rows, orders


def _contents(what: bytes, ledger: Ledger, accounts: Index, start: Index, packed: ByteMatrix) -> ByteMatrix:
    """The key of what each of these accounts has of some entries, in its class."""
    data, edges = packed.reshape(-1).data, start * packed.shape[1]
    places = (ledger.size_classes[accounts].tolist(), edges[accounts].tolist(), edges[accounts + 1].tolist())
    return _hashes(what + bytes([n]) + data[i:j] for n, i, j in zip(*places, strict=True))


def _hashes(texts: Iterable[bytes]) -> ByteMatrix:
    return np.frombuffer(b"".join(hashlib.sha256(text).digest() for text in texts), np.uint8).reshape(-1, _KEY)


def _first(keys: ByteMatrix) -> NDArray[np.uint64]:
    return np.ascontiguousarray(keys[:, :8]).view(">u8").astype(np.uint64).reshape(-1)
