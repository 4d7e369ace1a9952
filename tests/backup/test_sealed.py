"""Sealed files: what opens them, what does not, and what is said. Argon2id itself is judged by RFC 9106."""

import struct

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st

from zkstate.backup.sealed import CONTENT_LIMIT, Cost, Kind, seal, unseal
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, ZkstateError

PASSPHRASE = b"correct horse battery"
CHEAP = Cost(passes=1, memory_kib=64, lanes=1)
HEAD_BYTES = 32 + 4 * 5 + 16 + 12 + 32


def test_argon2id_is_that_of_the_rfc():
    """RFC 9106, section 5.3."""
    kdf = Argon2id(
        salt=b"\x02" * 16, length=32, iterations=3, lanes=4, memory_cost=32, ad=b"\x04" * 12, secret=b"\x03" * 8
    )
    tag = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    assert kdf.derive(b"\x01" * 32).hex() == tag


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(Kind))
def test_what_was_sealed_comes_out(content, kind):
    sealed = seal(kind, content, PASSPHRASE, CHEAP)
    assert unseal(kind, sealed, PASSPHRASE) == content
    assert sealed != seal(kind, content, PASSPHRASE, CHEAP)


def test_every_bit_counts():
    """Each byte of a sealed file changed: refused, and what was in it never comes out changed."""
    content = bytes(range(40))
    sealed = seal(Kind.ACCOUNT_KEY, content, PASSPHRASE, CHEAP)
    for i in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[i] ^= 1
        with pytest.raises(ZkstateError):
            unseal(Kind.ACCOUNT_KEY, bytes(damaged), PASSPHRASE)


@pytest.mark.parametrize("cut", [0, 1, 31, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 15])
def test_cut_short(cut):
    with pytest.raises(EncodingError):
        unseal(Kind.STATE, seal(Kind.STATE, b"x" * 50, PASSPHRASE, CHEAP)[:cut], PASSPHRASE)


def test_damage_and_a_wrong_passphrase_are_told_apart():
    sealed = seal(Kind.SETTINGS, b"settings", PASSPHRASE, CHEAP)
    with pytest.raises(InputError, match="passphrase"):
        unseal(Kind.SETTINGS, sealed, b"another passphrase")
    with pytest.raises(DisagreementError, match="another copy"):
        unseal(Kind.SETTINGS, sealed[:-1] + bytes([sealed[-1] ^ 1]), PASSPHRASE)
    with pytest.raises(EncodingError, match="holds settings, not account key"):
        unseal(Kind.ACCOUNT_KEY, sealed, PASSPHRASE)


@pytest.mark.parametrize(
    ("passes", "memory", "lanes"), [(0, 64, 1), (17, 64, 1), (1, 7, 1), (1, 1 << 30, 1), (1, 64, 17), (2**32 - 1,) * 3]
)
def test_a_file_that_asks_for_too_much_is_refused_before_any_work(passes, memory, lanes):
    sealed = bytearray(seal(Kind.STATE, b"", PASSPHRASE, CHEAP))
    struct.pack_into(">III", sealed, 40, passes, memory, lanes)
    with pytest.raises(InputError, match="passes"):
        unseal(Kind.STATE, bytes(sealed), PASSPHRASE)


@pytest.mark.parametrize("passphrase", [b"", b"short", b"x" * 1025])
def test_passphrases_out_of_bounds(passphrase):
    with pytest.raises(LengthError, match="passphrase"):
        seal(Kind.STATE, b"", passphrase, CHEAP)


def test_content_out_of_bounds():
    class Long(bytes):
        def __len__(self):
            return CONTENT_LIMIT + 1

    with pytest.raises(LengthError):
        seal(Kind.STATE, Long(), PASSPHRASE, CHEAP)
