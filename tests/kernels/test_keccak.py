"""Keccak-256 against an independent implementation, and its constants against their definition."""

import re
from pathlib import Path

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from zkstate.kernels import keccak256

SOURCE = Path(__file__).resolve().parents[2] / "native" / "src" / "keccak.c"


def test_known_digests():
    # The empty string (Ethereum Yellow Paper, appendix) and the RLP of nothing (the empty trie).
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"\x80").hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


@pytest.mark.parametrize("size", [0, 1, 135, 136, 137, 271, 272, 273, 5000])
def test_agrees_around_block_edges(size):
    message = bytes(i * 7 % 251 for i in range(size))
    assert keccak256(message) == keccak(message)


@given(st.binary(max_size=600))
def test_agrees_with_another_implementation(message):
    assert keccak256(bytearray(message)) == keccak256(memoryview(message)) == keccak(message)
    whole = message[: len(message) // 4 * 4]
    assert keccak256(memoryview(whole).cast("I")) == keccak(whole)


def constants(name):
    body = re.search(rf"{name}\[ROUNDS\] = \{{(.*?)\}}", SOURCE.read_text(), re.DOTALL).group(1)
    return [int(word, 0) for word in body.replace(",", " ").split()]


def test_round_constants_are_the_lfsr():
    register, expected = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << (2**j - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        expected.append(constant)
    assert constants("round_constants") == expected


def test_lane_order_is_the_cycle_of_pi():
    x, y, expected = 1, 0, []
    for _ in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        expected.append(x + 5 * y)
    assert constants("pi_lane") == expected
