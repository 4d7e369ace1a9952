"""RLP: the official vectors, valid and invalid, and the law that there is one spelling for a value."""

import json

import pytest
import rlp as pyrlp
from hypothesis import given
from hypothesis import strategies as st

from lightclient.execution import rlp
from tests.shared import shared_path
from zkstate.errors import EncodingError

items = st.recursive(st.binary(max_size=70), lambda children: st.lists(children, max_size=6), max_leaves=30)


def vectors(name):
    return json.loads(shared_path(f"vectors/mpt_rlp/{name}").read_text())


def hexadecimal(text):
    return bytes.fromhex(text.removeprefix("0x"))


def value(given):
    """The item that a vector's `in` stands for: numbers as integers, or in text behind a #."""
    if isinstance(given, list):
        return [value(child) for child in given]
    if isinstance(given, str) and given.startswith("#"):
        given = int(given[1:])
    return rlp.encode_uint(given) if isinstance(given, int) else given.encode("latin-1")


def test_official_encodings():
    cases = vectors("rlptest.json")
    assert len(cases) >= 19
    for name, case in cases.items():
        encoded = hexadecimal(case["out"])
        assert rlp.encode(value(case["in"])) == encoded, name
        assert rlp.decode(encoded) == value(case["in"]), name


def test_official_invalid_encodings():
    cases = vectors("invalidRLPTest.json")
    assert len(cases) >= 18
    for name, case in cases.items():
        assert case["in"] == "INVALID"
        with pytest.raises(EncodingError):
            pytest.fail(f"{name} decodes to {rlp.decode(hexadecimal(case['out']))!r}")


def test_official_valid_example():
    for case in vectors("example.json").values():
        assert case["in"] == "VALID"
        encoded = hexadecimal(case["out"])
        assert rlp.encode(rlp.decode(encoded)) == encoded


@given(items)
def test_round_trip_and_agreement(item):
    encoded = rlp.encode(item)
    assert encoded == pyrlp.encode(item)
    assert rlp.decode(encoded) == item


@given(st.binary(max_size=120))
def test_what_decodes_is_canonical(data):
    try:
        item = rlp.decode(data)
    except EncodingError:
        return
    assert rlp.encode(item) == data


@given(items, st.binary(min_size=1, max_size=3))
def test_trailing_bytes_are_refused(item, extra):
    with pytest.raises(EncodingError, match="ends at byte"):
        rlp.decode(rlp.encode(item) + extra)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "no item"),
        ("8100", "needs none"),
        ("b800", "leading zero"),
        ("f801c0", "long form"),
        ("b837" + "00" * 55, "long form"),
        ("b90038" + "00" * 56, "leading zero"),
        ("bfffffffffffffffff00", "are left"),
        ("bf", "passes the end"),
        ("c180c0", "ends at byte"),
        ("c281", "no item|are left"),
        ("f8", "passes the end"),
    ],
)
def test_each_flaw_is_named(data, message):
    with pytest.raises(EncodingError, match=message):
        rlp.decode(bytes.fromhex(data))


def test_nesting_is_bounded():
    nested = b"\xc0"
    for _ in range(5000):
        nested = _wrap(nested)
    with pytest.raises(EncodingError, match="nested deeper"):
        rlp.decode(nested)


def _wrap(payload):
    if len(payload) < 56:
        return bytes([0xC0 + len(payload)]) + payload
    size = len(payload).to_bytes((len(payload).bit_length() + 7) // 8, "big")
    return bytes([0xF7 + len(size)]) + size + payload


@pytest.mark.parametrize(
    ("item", "message"),
    [(b"\0", "leading zero"), (b"\0\x01", "leading zero"), (b"\x01\0\0", "not below"), ([], "list")],
)
def test_integers_are_minimal_and_in_range(item, message):
    with pytest.raises(EncodingError, match=message):
        rlp.decode_uint(item, 1 << 16, "a number")
    assert rlp.decode_uint(b"\xff\xff", 1 << 16, "a number") == 0xFFFF
    assert rlp.decode_uint(b"", 1, "a number") == 0


def test_items_are_counted_before_they_are_kept():
    assert len(rlp.decode(_wrap(b"\1" * (rlp.MAX_ITEMS - 1)))) == rlp.MAX_ITEMS - 1
    with pytest.raises(EncodingError, match=f"more than {rlp.MAX_ITEMS} items"):
        rlp.decode(_wrap(b"\1" * rlp.MAX_ITEMS))
