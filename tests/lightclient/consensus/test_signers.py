"""The key that a set of members signs under: the sum of their keys, however few of them are decoded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightclient.consensus.signers import signers_key
from lightclient.consensus.types import KEY_BYTES, SyncCommittee
from tests.lightclient.consensus.committees import SIZE, committee
from zkstate.algebra.bls12_381 import G1, PublicKeys
from zkstate.errors import EncodingError, LengthError

INFINITY = b"\xc0" + bytes(47)
NO_POINT = bytes(48)


def stray():
    """A point of the curve outside the subgroup."""
    for x in range(1, 100):
        key = bytes([0x80]) + x.to_bytes(47, "big")
        try:
            PublicKeys.decode(key, check_subgroup=False)
        except EncodingError:
            continue
        with pytest.raises(EncodingError):
            PublicKeys.decode(key)
        return key
    raise AssertionError


def with_key(index, key):
    """The committee of period 0 with one member's key exchanged and the sum left."""
    keys = bytearray(committee(0).pubkeys)
    keys[KEY_BYTES * index : KEY_BYTES * (index + 1)] = key
    return replace(committee(0), pubkeys=bytes(keys))


@settings(max_examples=30)
@given(st.lists(st.booleans(), min_size=SIZE, max_size=SIZE))
def test_it_is_the_sum_of_the_signers_keys(chosen):
    assert signers_key(committee(0), chosen) == PublicKeys.decode(committee(0).pubkeys).sum(chosen)


def test_nobody_and_everybody():
    assert signers_key(committee(0), [False] * SIZE).is_infinity
    assert signers_key(committee(0), [True] * SIZE).encode() == committee(0).aggregate_pubkey


@pytest.mark.parametrize("signers", [1, SIZE // 2, SIZE - 1])
@pytest.mark.parametrize("key", [INFINITY, NO_POINT, stray()], ids=["infinity", "no point", "outside the subgroup"])
def test_a_bad_key_among_those_decoded_is_refused(signers, key):
    """The fewer are decoded: signers while they are at most half, those who did not sign otherwise."""
    chosen = [i < signers for i in range(SIZE)]
    with pytest.raises(EncodingError):
        signers_key(with_key(0 if 2 * signers <= SIZE else SIZE - 1, key), chosen)


@pytest.mark.parametrize("key", [INFINITY, NO_POINT, stray()], ids=["infinity", "no point", "outside the subgroup"])
def test_a_bad_sum_is_refused_where_it_is_used(key):
    bad = replace(committee(0), aggregate_pubkey=key)
    with pytest.raises(EncodingError):
        signers_key(bad, [True] * SIZE)
    assert signers_key(bad, [i < 2 for i in range(SIZE)]) == signers_key(committee(0), [i < 2 for i in range(SIZE)])


def test_a_committee_of_equal_keys():
    """A small network draws one validator several times."""
    key = G1.decode(committee(0).pubkeys[:KEY_BYTES])
    same = SyncCommittee(key.encode() * SIZE, (key * SIZE).encode())
    for n in (1, SIZE // 2, SIZE - 1):
        assert signers_key(same, [i < n for i in range(SIZE)]) == key * n


@pytest.mark.parametrize("size", [0, SIZE - 1, SIZE + 1])
def test_as_many_bits_as_members(size):
    with pytest.raises(LengthError, match=f"{size} bits for a committee of {SIZE}"):
        signers_key(committee(0), [True] * size)
