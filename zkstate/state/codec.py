"""One account as field elements, as its leaf, and as record plaintext (docs/spec.md §4, §6).

`columnar.py` does the same for all accounts of a ledger at once.
"""

from __future__ import annotations

import struct

from zkstate.commitment import domain, poseidon
from zkstate.errors import EncodingError, LengthError
from zkstate.state.schema import I64, I128, SIZE_CLASSES, Account, Order, Row

PADDING_ROW = (I64 << 64 | I64, I128)
PADDING_ORDER = 0

_HEAD = struct.Struct(">I32s32s32s32sQQBB")
_ROW = struct.Struct(">HBq16sq")
_ORDER = struct.Struct(">HBQQ")
HEAD_BYTES, ROW_BYTES, ORDER_BYTES = _HEAD.size, _ROW.size, _ORDER.size


def row_elements(row: Row) -> tuple[int, int]:
    """The two field elements of a row."""
    first = ((row.instrument << 1 | row.isolated) << 64 | row.amount + I64) << 64 | row.funding_at_entry + I64
    return first, row.entry + I128


def order_element(order: Order) -> int:
    """The field element of an order."""
    return ((order.instrument << 1 | order.side) << 64 | order.price) << 64 | order.size


def row_inputs(account: Account) -> list[int]:
    """The 2n elements that `rows_n` hashes."""
    elements = [element for row in account.rows for element in row_elements(row)]
    return elements + list(PADDING_ROW) * (account.size_class - len(account.rows))


def order_inputs(account: Account) -> list[int]:
    """The n elements that `orders_n` hashes."""
    elements = [order_element(order) for order in account.orders]
    return elements + [PADDING_ORDER] * (account.size_class - len(account.orders))


def rows_digest(account: Account) -> int:
    """rows_n = C(T("rows:n"); 2n elements)."""
    return poseidon.chain(domain.tag(f"rows:{account.size_class}"), row_inputs(account))


def orders_digest(account: Account) -> int:
    """orders_n = C(T("orders:n"); n elements)."""
    return poseidon.chain(domain.tag(f"orders:{account.size_class}"), order_inputs(account))


def leaf(account: Account) -> int:
    """The account's leaf in the accounts tree."""
    return poseidon.poseidon(
        domain.tag("leaf"),
        [
            account.id,
            account.owner,
            account.salt,
            rows_digest(account),
            orders_digest(account),
            account.history_head,
            account.history_length,
        ],
    )


def plaintext_bytes(n: int) -> int:
    """The length of a record's plaintext in size class n."""
    if n not in SIZE_CLASSES:
        raise EncodingError(f"size class {n} is none of {SIZE_CLASSES}")
    return HEAD_BYTES + n * (ROW_BYTES + ORDER_BYTES)


def encode_record(account: Account) -> bytes:
    """The record plaintext, padded with zero bytes to the account's size class."""
    n = account.size_class
    head = _HEAD.pack(
        account.index,
        account.id.to_bytes(32),
        account.owner.to_bytes(32),
        account.salt.to_bytes(32),
        account.history_head.to_bytes(32),
        account.history_length,
        account.new_entries,
        len(account.rows),
        len(account.orders),
    )
    rows = b"".join(
        _ROW.pack(row.instrument, row.isolated, row.amount, row.entry.to_bytes(16, signed=True), row.funding_at_entry)
        for row in account.rows
    )
    orders = b"".join(_ORDER.pack(o.instrument, o.side, o.price, o.size) for o in account.orders)
    return head + rows.ljust(n * ROW_BYTES, b"\0") + orders.ljust(n * ORDER_BYTES, b"\0")


def decode_record(data: bytes, n: int) -> Account:
    """The account of a record plaintext of size class n.

    LengthError or EncodingError unless `data` is the one encoding of a valid account of exactly that class.
    """
    if len(data) != plaintext_bytes(n):
        raise LengthError(f"record plaintext has {len(data)} bytes; class {n} has {plaintext_bytes(n)}")
    index, id_, owner, salt, history_head, history_length, new_entries, row_count, order_count = _HEAD.unpack_from(data)
    if row_count > n or order_count > n:
        raise EncodingError(f"record of class {n} claims {row_count} rows and {order_count} orders")
    orders_at = HEAD_BYTES + n * ROW_BYTES
    flags = data[HEAD_BYTES + 2 : HEAD_BYTES + row_count * ROW_BYTES : ROW_BYTES]
    if any(flag > 1 for flag in flags):
        raise EncodingError(f"record of class {n} has a row whose isolated flag is {max(flags)}, not 0 or 1")
    rows = [
        Row(instrument, amount, int.from_bytes(entry, signed=True), funding, isolated=bool(isolated))
        for instrument, isolated, amount, entry, funding in _ROW.iter_unpack(
            data[HEAD_BYTES : HEAD_BYTES + row_count * ROW_BYTES]
        )
    ]
    orders = [Order(*fields) for fields in _ORDER.iter_unpack(data[orders_at : orders_at + order_count * ORDER_BYTES])]
    account = Account(
        index=index,
        id=int.from_bytes(id_),
        owner=int.from_bytes(owner),
        salt=int.from_bytes(salt),
        rows=tuple(rows),
        orders=tuple(orders),
        history_head=int.from_bytes(history_head),
        history_length=history_length,
        new_entries=new_entries,
    )
    if account.size_class != n:
        raise EncodingError(f"record of class {n} holds an account of class {account.size_class}")
    if encode_record(account) != data:
        raise EncodingError(f"record of class {n} has non-zero padding")
    return account
