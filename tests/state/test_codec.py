import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state import oracle
from tests.state.strategies import accounts, plain
from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.state import codec
from zkstate.state.schema import SIZE_CLASSES, Account, Order, Row


@given(accounts())
def test_elements_are_those_of_the_specification(account):
    _, _, _, rows, orders, _ = plain(account)
    n = oracle.size_class(rows, orders)
    assert account.size_class == n
    assert codec.row_inputs(account) == oracle.row_elements(rows, n)
    assert codec.order_inputs(account) == oracle.order_elements(orders, n)


@given(accounts(most=70))
@settings(max_examples=10)
def test_leaf_is_that_of_the_specification(account):
    assert codec.leaf(account) == oracle.leaf(*plain(account))


def test_leaf_of_a_full_account():
    account = Account(
        0, 1, 2, 3, tuple(Row(i, 2**63 - 1, -(2**127), -1) for i in range(1, 65)), (Order(1, 1, 1, 1),) * 64
    )
    assert account.size_class == 64
    assert codec.leaf(account) == oracle.leaf(*plain(account))


@given(accounts(most=30))
def test_records_are_those_of_the_specification_and_round_trip(account):
    data = codec.encode_record(account)
    assert data == oracle.record(account.index, *plain(account))
    assert len(data) == codec.plaintext_bytes(account.size_class) == 150 + 54 * account.size_class
    assert codec.decode_record(data, account.size_class) == account


@given(accounts(), st.data())
def test_every_changed_byte_is_refused_or_another_account(account, data):
    good = codec.encode_record(account)
    changed = bytearray(good)
    place = data.draw(st.integers(0, len(good) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        decoded = codec.decode_record(bytes(changed), account.size_class)
    except InputError:
        return
    assert decoded != account
    assert codec.encode_record(decoded) == bytes(changed)


@given(accounts())
def test_lengths_and_classes_must_agree(account):
    data = codec.encode_record(account)
    n = account.size_class
    for wrong in (data[:-1], data + b"\0", b""):
        with pytest.raises(LengthError, match=f"class {n} has {len(data)}"):
            codec.decode_record(wrong, n)
    for other in set(SIZE_CLASSES) - {n}:
        with pytest.raises(LengthError):
            codec.decode_record(data, other)
    with pytest.raises(EncodingError, match="size class 5"):
        codec.decode_record(data, 5)


GOOD = Account(7, 1, 2, 3, (Row(1, 5), Row(9, -5, 3, 3)), (Order(1, 0, 5, 5), Order(1, 1, 4, 5)))
HEAD, ROW = 150, 35


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (148, b"\x05", "claims 5 rows"),
        (149, b"\x05", "and 5 orders"),
        (148, b"\x01", "non-zero padding"),
        (149, b"\x01", "non-zero padding"),
        (148, b"\x03", "row instrument is 0"),
        (HEAD, b"\x00\x09", "ids strictly increase"),
        (HEAD + ROW + 3, bytes(8), "instrument 9 has amount 0, and no order"),
        (HEAD + 2, b"\x02", "isolated flag is 2"),
        (HEAD + 4 * ROW + 19, b"\x00\x02", "an order of instrument 2, and no row of it"),
        (HEAD + 4 * ROW + 2, b"\x02", "order side is 2"),
        (HEAD + 4 * ROW + 2, b"\x01", "follows"),
        (HEAD + 4 * ROW + 19 - 8, bytes(8), "order size is 0"),
        (HEAD + 4 * 54 - 1, b"\x01", "non-zero padding"),
        (HEAD + 4 * ROW - 1, b"\x01", "non-zero padding"),
        (4, b"\x01", "account id"),
        (36, b"\xff" * 32, "account owner"),
        (68, b"\x01", "account salt"),
        (100, b"\xff" * 32, "history head"),
        (147, b"\x01", "new entries is 1"),
    ],
)
def test_records_that_are_refused(place, value, message):
    data = bytearray(codec.encode_record(GOOD))
    data[place : place + len(value)] = value
    with pytest.raises(EncodingError, match=message):
        codec.decode_record(bytes(data), 4)


def test_a_record_in_too_large_a_class_is_refused():
    small = codec.encode_record(GOOD)
    rows, orders = small[HEAD : HEAD + 4 * ROW], small[HEAD + 4 * ROW :]
    large = small[:HEAD] + rows + bytes(4 * ROW) + orders + bytes(4 * 19)
    with pytest.raises(EncodingError, match="holds an account of class 4"):
        codec.decode_record(large, 8)
