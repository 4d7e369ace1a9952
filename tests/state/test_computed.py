"""What one epoch computed serves the next: digests and keys as if all were computed, and only what changed anew."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tests.state.ledgers import changes
from tests.state.ledgers import named_ledger as ledger
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.state import columnar, tree
from zkstate.state.computed import NOTHING, Computed, Known, Memory
from zkstate.state.ledger import issue_keys
from zkstate.state.schema import SIZE_CLASSES

VENUE, SECRET, MASTER = 2**240 + 5, bytes(range(32)), bytes(range(7, 39))


def size_class(held):
    return next(n for n in SIZE_CLASSES if max(map(len, held)) <= n)


def epoch(made, memory):
    made = memory.issue_keys(made, MASTER)
    digests = memory.digests(made)
    return made, digests


@given(changes())
@settings(max_examples=15, deadline=None)
def test_the_next_epoch_is_that_of_computing_everything(plain):
    table, before, after = plain
    first = Memory.of(None)
    epoch(ledger(table, before), first)
    assert first.reused == {"keys": 0, "rows": 0, "orders": 0}
    memory = Memory.of(Computed.decode(b"".join(first.after.encode())))
    made, (row_digests, order_digests) = epoch(ledger(table, after), memory)

    whole = issue_keys(ledger(table, after), MASTER)
    assert (made.owners == whole.owners).all()
    assert (made.view_keys == whole.view_keys).all()
    for found, wanted in zip((row_digests, order_digests), columnar.digests(whole), strict=True):
        assert (found == wanted).all()
    root = tree.build(made, VENUE, 2, SECRET, digests=(row_digests, order_digests)).root
    assert root == tree.build(whole, VENUE, 2, SECRET).root

    known_rows = {(size_class(held), tuple(held[0])) for held in before.values()}
    known_books = {(size_class(held), tuple(held[1])) for held in before.values()}
    assert memory.reused == {
        "keys": len(before.keys() & after.keys()),
        "rows": sum((size_class(held), tuple(held[0])) in known_rows for held in after.values()),
        "orders": sum((size_class(held), tuple(held[1])) in known_books for held in after.values() if held[1]),
    }
    anew = Memory.of(None)
    epoch(ledger(table, after), anew)
    assert b"".join(memory.after.encode()) == b"".join(anew.after.encode())


def small():
    asset = {
        "symbol": "A", "flags": 1, "decimals": 2, "price": 5, "notional_price": 5, "funding": 0, "expiry": 0,
        "strike": 0, "option": 0, "underlying": 0, "tiers": [(0, 10**6, 0)],
    }  # fmt: skip
    table = [asset | {"id": i, "symbol": f"A{i}"} for i in range(1, 6)]
    return ledger(table, {f"user {i}": ([(1 + i % 5, i + 1, 0, 0, 0)], [(1 + i % 5, 0, 7, i + 1)]) for i in range(20)})


def computed():
    memory = Memory.of(None)
    epoch(small(), memory)
    return memory.after


def test_keys_of_another_master_are_not_found():
    memory = Memory.of(computed())
    assert (memory.issue_keys(small(), SECRET).owners == issue_keys(small(), SECRET).owners).all()
    assert memory.reused == {"keys": 0}


def test_a_wrong_value_is_noticed_where_it_is_looked_at():
    """A file of another version, say, whose checksum is right: the first known value is computed again."""
    found = computed()
    for name in ("rows", "orders"):
        known = getattr(found, name)
        wrong = replace(found, **{name: Known(known.keys, known.values ^ 1)})
        with pytest.raises(DisagreementError, match="not what this version computes"):
            Memory.of(wrong).digests(issue_keys(small(), MASTER))
    wrong = replace(found, issued=Known(found.issued.keys, found.issued.values ^ 1))
    with pytest.raises(DisagreementError, match="not what this version computes"):
        Memory.of(wrong).issue_keys(small(), MASTER)


def test_every_damaged_file_is_refused():
    data = b"".join(computed().encode())
    assert b"".join(Computed.decode(data).encode()) == data
    assert b"".join(Computed.decode(b"".join(NOTHING.encode())).encode()) == b"".join(NOTHING.encode())
    for size in (0, 18, 19, 50, 51, 74, 75, 76, len(data) // 2, len(data) - 1):
        with pytest.raises(InputError):
            Computed.decode(data[:size])
    with pytest.raises(EncodingError, match="damaged"):
        Computed.decode(data + b"\0")
    for at in range(0, len(data), 97):
        with pytest.raises(InputError):
            Computed.decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@pytest.mark.parametrize(
    ("counts", "more", "says"),
    [((2**63, 0, 0), 0, "do not fit"), ((1, 0, 0), 63, "do not fit"), ((0, 0, 0), 1, "the entries end at")],
)
def test_counts_that_are_not_those_of_the_file_are_refused(counts, more, says):
    """With a checksum that fits: nothing is taken on its word, nor allocated."""
    body = b"".join(count.to_bytes(8) for count in counts) + bytes(more)
    with pytest.raises(LengthError, match=says):
        Computed.decode(b"zkstate computed v1" + hashlib.sha256(body).digest() + body)


def test_keys_that_share_their_beginning_are_kept_apart():
    keys = np.zeros((4, 32), np.uint8)
    keys[1:, 31] = [1, 2, 1]
    values = np.arange(4, dtype=np.uint8).repeat(32).reshape(4, 32)
    values[3] = values[1]
    known = Known.of(keys, values)
    found, _ = known.values_of(keys, lambda places: values[places])
    assert (found == values).all()


def test_nothing_secret_is_shown():
    found = computed()
    assert found.rows.values[0].tobytes().hex() not in repr(found)
    assert repr(found) == "Computed(20 rows, 20 orders, 20 keys)"
