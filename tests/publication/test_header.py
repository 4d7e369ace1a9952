import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.commitment.oracle import hash_of
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, ZkstateError
from zkstate.kernels import FR_MODULUS
from zkstate.publication.header import Header, SignedHeader, equivocation, sign, verify_signature
from zkstate.state.text import is_plain

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()

elements = st.integers(0, FR_MODULUS - 1)
names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda name: len(name.encode()) <= 60 and is_plain(name)
)


@st.composite
def headers(draw, key=PUBLIC):
    count = draw(st.integers(1, 1 << 22))
    return Header(
        operator_key=key,
        record_key=draw(st.binary(min_size=32, max_size=32)),
        venue_name=draw(names),
        epoch=draw(st.integers(1, 99_999_999)),
        time=draw(st.integers(0, 2**64 - 1)),
        previous_state_root=draw(elements),
        accounts_root=draw(elements),
        instruments_root=draw(elements),
        totals_root=draw(elements),
        data_root=draw(st.binary(min_size=32, max_size=32)),
        account_count=count,
        table_depth=draw(st.integers(2, 3)),
        record_bits=draw(st.integers(0, 24)),
        order_book_root=draw(st.integers(0, 2**248 - 1)),
        flags=draw(st.integers(0, 1)),
    )


def example(**changes):
    fields = {
        "operator_key": PUBLIC,
        "record_key": b"\x01" * 32,
        "venue_name": "Venue é",
        "epoch": 7,
        "time": 1_790_000_000,
        "previous_state_root": 11,
        "accounts_root": 22,
        "instruments_root": 33,
        "totals_root": 44,
        "data_root": b"\x02" * 32,
        "account_count": 5,
        "table_depth": 2,
        "record_bits": 3,
        "order_book_root": 55,
        "scenarios_root": 66,
        "journal_head": 77,
        "flags": 1,
    }
    return Header(**(fields | changes))


def test_the_bytes_are_those_of_the_specification():
    """Laid out by hand from the table of docs/spec.md, section 5, and hashed by the plain Poseidon of the oracle."""

    def domain(name):
        return int.from_bytes(b"zkstate:" + name)

    def word(value):
        return value.to_bytes(32, "big")

    name = "Venue é".encode()
    venue = int.from_bytes(hashlib.sha256(b"zkstate venue v1" + PUBLIC + name).digest()[1:], "big")
    meta = hash_of(domain(b"meta"), [venue, 7, 1_790_000_000, 11, 5, 55, 66, 77, 44, 10 * 256 + 2])
    state_root = hash_of(domain(b"state"), [22, 33, meta])
    by_hand = b"".join(
        [
            b"zkstate\x01",
            PUBLIC,
            b"\x01" * 32,
            word(venue),
            struct.pack(">QQ", 7, 1_790_000_000),
            *(word(x) for x in (11, state_root, 22, 33, 55, 66, 77, 44)),
            b"\x02" * 32,
            struct.pack(">QBBBB", 5, 10, 2, 3, 1),
            name.ljust(60, b"\0"),
        ]
    )
    assert len(by_hand) == 480
    header = example()
    assert header.encode() == by_hand
    assert (header.venue, header.state_root, header.accounts_depth) == (venue, state_root, 10)
    assert header.hash == hashlib.sha256(by_hand).digest()
    KEY.public_key().verify(sign(header, KEY).signature, b"zkstate header v1" + header.hash)


@given(headers())
def test_decode_reads_what_encode_writes(header):
    signed = sign(header, KEY)
    assert Header.decode(header.encode()) == header
    assert SignedHeader.decode(signed.encode()) == signed
    assert len(signed.encode()) == 544


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_every_flipped_byte_is_an_error(bit):
    good = sign(example(), KEY).encode()
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << bit
        with pytest.raises(ZkstateError):
            SignedHeader.decode(bytes(bad))


@pytest.mark.parametrize("size", [0, 1, 479, 480, 543, 545, 1000])
def test_a_wrong_length_is_refused(size):
    with pytest.raises(LengthError, match=str(size)):
        SignedHeader.decode(bytes(size))


@pytest.mark.parametrize(("field", "offset", "size"), [("venue", 72, 32), ("state_root", 152, 32)])
def test_parts_that_disagree_are_named_with_both_values(field, offset, size):
    header = example()
    data = bytearray(header.encode())
    data[offset : offset + size] = (1234).to_bytes(size, "big")
    with pytest.raises(DisagreementError) as caught:
        Header.decode(bytes(data))
    assert field in str(caught.value)
    assert hex(1234) in str(caught.value)
    assert hex(getattr(header, field)) in str(caught.value)


def test_a_depth_that_does_not_fit_the_count_is_refused():
    data = bytearray(example().encode())
    data[416] = 11
    with pytest.raises(DisagreementError, match=r"accounts_depth.*0xb.*0xa"):
        Header.decode(bytes(data))


@pytest.mark.parametrize(("count", "depth"), [(0, 10), (1, 10), (1 << 20, 10), ((1 << 20) + 1, 11), (1 << 24, 12)])
def test_the_accounts_tree_is_as_deep_as_it_must_be(count, depth):
    assert example(account_count=count).accounts_depth == depth


@pytest.mark.parametrize("offset", [120, 152, 184, 216, 248, 280, 312, 344])
def test_a_root_that_is_no_field_element_is_refused(offset):
    data = bytearray(example().encode())
    value = int.from_bytes(data[offset : offset + 32], "big")
    data[offset : offset + 32] = (value + FR_MODULUS).to_bytes(32, "big")
    with pytest.raises(ZkstateError):
        Header.decode(bytes(data))


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": 0},
        {"epoch": 100_000_000},
        {"time": -1},
        {"time": 1 << 64},
        {"table_depth": 1},
        {"table_depth": 4},
        {"record_bits": 25},
        {"flags": 2},
        {"flags": 255},
        {"venue_name": ""},
        {"venue_name": "x" * 61},
        {"venue_name": "é" * 31},
        {"venue_name": "a\0b"},
        {"venue_name": "a\x1b[31mb"},
        {"venue_name": "a\u202eb"},
        {"venue_name": "\ud800"},
        {"record_key": b"short"},
        {"accounts_root": FR_MODULUS},
        {"order_book_root": 1 << 248},
    ],
)
def test_a_value_out_of_range_is_refused(changes):
    with pytest.raises(InputError, match=r"header field|order_book_root"):
        example(**changes)


def test_a_name_that_is_not_utf8_is_refused():
    data = bytearray(example().encode())
    data[420] = 0xFF
    with pytest.raises(EncodingError, match="venue_name"):
        Header.decode(bytes(data))


def test_only_the_named_operator_can_sign():
    other = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    with pytest.raises(DisagreementError, match=PUBLIC.hex()):
        sign(example(), other)
    header = example()
    assert verify_signature(header, sign(header, KEY).signature)
    assert not verify_signature(example(time=1), sign(header, KEY).signature)


def test_equivocation_is_two_signed_headers_of_one_epoch():
    one, same, two = sign(example(), KEY), sign(example(), KEY), sign(example(accounts_root=23), KEY)
    assert equivocation(one, two)
    assert equivocation(two, one)
    assert not equivocation(one, same)
    assert not equivocation(one, sign(example(epoch=8, accounts_root=23), KEY))
    assert not equivocation(one, sign(example(venue_name="Other", accounts_root=23), KEY))
    other = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    theirs = sign(example(operator_key=other.public_key().public_bytes_raw(), accounts_root=23), other)
    assert not equivocation(one, theirs)
