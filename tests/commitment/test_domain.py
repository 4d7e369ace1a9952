import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkstate.commitment.domain import tag
from zkstate.errors import EncodingError
from zkstate.kernels import FR_MODULUS

NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=23)


def test_tag_is_the_integer_of_its_ascii_bytes():
    assert tag("leaf") == 0x7A6B73746174653A6C656166


@given(NAMES, NAMES)
def test_tags_are_canonical_and_distinct(first, second):
    assert 0 < tag(first) < 1 << 248 < FR_MODULUS
    assert (tag(first) == tag(second)) == (first == second)


@pytest.mark.parametrize("name", ["", "a" * 24, "å", "a\0", "a\n"])
def test_names_that_could_collide_are_refused(name):
    with pytest.raises(EncodingError, match="domain name"):
        tag(name)
