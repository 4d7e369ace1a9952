import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commitment import oracle as hashes
from tests.state import oracle
from tests.state.strategies import built, built_table, tables
from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.state.schema import ASSET, NULL_INSTRUMENT, Instrument, ladder
from zkstate.state.table import InstrumentTable, decode_table, encode_table, least_depth, words


def asset(number, symbol=None, underlying=0):
    return Instrument(number, symbol or f"A{number}", ASSET, 8, 5, 5, 0, ladder([(0, 1, 0)]), underlying=underlying)


@given(tables())
def test_words_are_those_of_the_specification(plain):
    for i in plain:
        made = words(built(i))
        assert list(made) == oracle.instrument_words(i)
        assert all(0 <= word < hashes.R for word in made)
    assert list(words(NULL_INSTRUMENT)) == oracle.instrument_words(oracle.NULL)


@given(tables(), st.sampled_from([2, 3]))
@settings(max_examples=8)
def test_root_is_that_of_the_specification(plain, depth):
    table = built_table(plain, depth)
    assert table.root == oracle.table_root(plain, depth)
    for number in range(len(plain) + 1):
        above = table.top[number // 8 ** (depth - 1)]
        assert table.path(number).verify(above, table.digest(number))
        assert not table.path(number).verify(above, table.digest(number) + 1)


@given(tables())
def test_json_round_trip(plain):
    table = built_table(plain)
    data = encode_table(table)
    assert decode_table(data) == table
    assert "offset" not in data.decode()


def test_json_form_is_as_documented():
    form = json.loads(encode_table(InstrumentTable.of([asset(1, "BTC")])))
    assert form == {
        "version": 1,
        "depth": 2,
        "instruments": [
            {
                "id": 1, "symbol": "BTC", "flags": 1, "decimals": 8, "price": "5", "notional_price": "5",
                "funding": "0",
                "expiry": "0", "strike": "0", "underlying": 0, "option": 0,
                "tiers": [{"lower": "0", "rate": 1, "initial_rate": 0}],
            }
        ],
    }  # fmt: skip


GOOD = encode_table(InstrumentTable.of([asset(1), asset(2, underlying=1)]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":2'),
        (b'"version":1', b'"version":1.0'),
        (b'"depth":2', b'"depth":4'),
        (b'"depth":2', b'"depth": 2'),
        (b'"price":"5"', b'"price":5'),
        (b'"price":"5"', b'"price":"05"'),
        (b'"price":"5"', b'"price":"5.0"'),
        (b'"price":"5"', b'"price":"-5"'),
        (b'"price":"5"', b'"price":"18446744073709551616"'),
        (b'"price":"5"', b'"price":"\\u0035"'),
        (b'"price":"5"', b'"price":"6","price":"5"'),
        (b'"id":2', b'"id":3'),
        (b'"id":2', b'"id":1'),
        (b'"id":2', b'"id":2e0'),
        (b'"symbol":"A2"', b'"symbol":"A1"'),
        (b'"symbol":"A2"', b'"symbol":"A\xff"'),
        (b'"underlying":1', b'"underlying":3'),
        (b'"funding":"0"', b'"funding":"-0"'),
        (b'"funding":"0"', b'"funding":"NaN"'),
        (b'"flags":1', b'"flags":1,"more":0'),
        (b'"flags":1,', b""),
        (b'"rate":1', b'"rate":1000001'),
        (b'"tiers":[{', b'"tiers":[{},{'),
        (b"}]}", b"}]} "),
        (b'{"version"', b'{"depth":2,"version"'),
    ],
)
def test_every_other_form_is_refused(old, new):
    assert decode_table(GOOD)
    assert old in GOOD
    with pytest.raises(InputError):
        decode_table(GOOD.replace(old, new, 1))


@given(st.data())
def test_no_byte_can_change_unseen(data):
    place = data.draw(st.integers(0, len(GOOD) - 1))
    changed = bytearray(GOOD)
    changed[place] = data.draw(st.integers(0, 255).filter(lambda b: b != GOOD[place]))
    try:
        table = decode_table(bytes(changed))
    except InputError:
        return
    assert encode_table(table) == bytes(changed)
    assert table != decode_table(GOOD)


def test_a_table_too_large_to_be_one_is_refused_before_parsing():
    with pytest.raises(LengthError, match="at most"):
        decode_table(b"[" * ((16 << 20) + 1))


@pytest.mark.parametrize(("count", "depth"), [(0, 2), (255, 2), (256, 3), (4095, 3)])
def test_the_least_depth_that_fits(count, depth):
    assert least_depth(count) == depth


def test_tables_that_are_refused():
    with pytest.raises(LengthError, match="4096 instruments"):
        least_depth(4096)
    with pytest.raises(LengthError, match="a table of depth 2 holds 255"):
        InstrumentTable(tuple(asset(i) for i in range(1, 257)), 2)
    with pytest.raises(EncodingError, match="has id 2 at place 1"):
        InstrumentTable.of([asset(2)])
    with pytest.raises(EncodingError, match="instruments 1 and 2 are both 'X'"):
        InstrumentTable.of([asset(1, "X"), asset(2, "X")])
    with pytest.raises(EncodingError, match="underlying 2, but the table ends at 1"):
        InstrumentTable.of([asset(1, underlying=2)])
    with pytest.raises(EncodingError, match="table depth is 1"):
        InstrumentTable((), 1)
    table = InstrumentTable.of([asset(1)])
    for number in (-1, 2):
        with pytest.raises(EncodingError, match=f"instrument {number} is not in a table of 1"):
            table[number]
    with pytest.raises(EncodingError, match="no instrument has the symbol 'ETH'"):
        table.by_symbol("ETH")
    assert table.by_symbol("A1").id == 1
