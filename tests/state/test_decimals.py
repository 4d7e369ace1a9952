import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkstate.errors import EncodingError
from zkstate.state import decimals, wide

MALFORMED = [
    "", "-", ".", "1.", "-.5", ".5", "00", "01", "-01", "1e5", "1E5", "+1", "1.2.3", " 1", "1 ", "1\0", "\0",
    "NaN", "nan",
    "Infinity", "-inf", "0x1", "1_000", "1,5", "\u0663", "\uff11", "--1", "1-", "-0.", "0.1.", "1" * 61, "9" * 5000,
]  # fmt: skip
texts = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?", fullmatch=True)


def exact(text):
    return Fraction(text)


@pytest.mark.parametrize("text", MALFORMED)
def test_only_plain_decimals_are_read(text):
    with pytest.raises(EncodingError):
        decimals.parse(text, 60)
    _, bad = decimals.parse_column(["1.5", text, "-2"])
    assert bad.tolist() == [False, True, False]


@given(st.lists(texts, max_size=20))
def test_columns_hold_exactly_what_the_texts_say(column):
    parsed, bad = decimals.parse_column(column)
    assert not bad.any()
    assert len(parsed) == len(column)
    for text, size, negative, scale in zip(
        column, wide.to_ints(parsed.magnitude), parsed.negative, parsed.scale, strict=True
    ):
        assert Fraction(size, 10 ** int(scale)) * (-1 if negative else 1) == exact(text)


@given(texts, st.integers(0, 25))
def test_scaling_is_exact_or_refused(text, places):
    value = exact(text) * 10**places
    parsed, _ = decimals.parse_column([text])
    scaled, inexact = decimals.rescale(parsed, np.array([places]))
    if value.denominator == 1:
        assert decimals.parse(text, places) == value
        assert wide.to_ints(scaled) == [value]
        assert not inexact[0]
    else:
        assert inexact[0]
        with pytest.raises(EncodingError, match=f"decimals, but {places} are allowed"):
            decimals.parse(text, places)


@given(st.integers(-(10**40), 10**40), st.integers(0, 16))
def test_render_is_read_back(value, places):
    text = decimals.render(value, places)
    assert decimals.parse(text, places) == value
    assert not re.search(r"\.\d*0$|\.$", text)


def test_trailing_zeros_are_no_decimals():
    assert decimals.parse("0.50000000000000000000", 1) == 5
    column, _ = decimals.parse_column(["12.3400", "5.0", "0.000"])
    assert decimals.least_scale(column) == 2


@given(st.lists(texts, min_size=1, max_size=10))
def test_least_scale(column):
    parsed, _ = decimals.parse_column(column)
    least = decimals.least_scale(parsed)
    assert all((exact(text) * 10**least).denominator == 1 for text in column)
    assert least == 0 or any((exact(text) * 10 ** (least - 1)).denominator != 1 for text in column)


def test_an_empty_column():
    parsed, bad = decimals.parse_column([])
    values, inexact = decimals.rescale(parsed, np.zeros(0, np.int64))
    assert (len(parsed), len(bad), values.shape[1], len(inexact)) == (0, 0, 0, 0)
