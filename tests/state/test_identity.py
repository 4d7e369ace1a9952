import hashlib
import hmac
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commitment import oracle as hashes
from tests.state.oracle import tag
from zkstate.errors import EncodingError, EnvironmentFailure, LengthError, MissingError
from zkstate.state.identity import AccountKey, issue_public_keys, issued_key, kept_secret, write_secret

seeds = st.binary(min_size=32, max_size=32)


def hkdf(secret, info, length):
    """RFC 5869 with the empty salt, from HMAC alone."""
    key = hmac.digest(bytes(32), secret, "sha256")
    out, block = b"", b""
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


def x25519_public(private):
    """RFC 7748, section 5: the Montgomery ladder from u = 9."""
    p = 2**255 - 19
    k = int.from_bytes(private, "little") & ~7 & ~(128 << 8 * 31) | (64 << 8 * 31)
    x2, z2, x3, z3 = 1, 0, 9, 1
    for bit in reversed(range(255)):
        if k >> bit & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % p, c * b % p
        aa, bb = a * a % p, b * b % p
        x3, z3 = (da + cb) ** 2 % p, 9 * (da - cb) ** 2 % p
        e = aa - bb
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
        if k >> bit & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def test_the_ladder_agrees_with_rfc_7748():
    """Section 5.2: one iteration from k = u = 9."""
    assert x25519_public(bytes([9]) + bytes(31)).hex() == (
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    )


@given(seeds)
@settings(max_examples=10)
def test_everything_follows_from_the_seed_as_specified(seed):
    key = AccountKey(seed)
    secret = int.from_bytes(hkdf(seed, b"zkstate owner v1", 48), "big") % hashes.R
    assert key.owner_secret == secret
    assert key.owner == hashes.hash_of(tag("owner"), [secret])
    view = hkdf(seed, b"zkstate view v1", 32)
    assert key.view_private().private_bytes_raw() == view
    assert key.view_public == x25519_public(view)


@given(seeds, st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
@settings(max_examples=10)
def test_issued_keys_follow_from_master_and_name(master, name):
    assert issued_key(master, name).seed == hkdf(master, b"zkstate issued key v1" + name.encode(), 32)


def test_issuing_many_is_issuing_each():
    master = bytes(range(32))
    names = [f"user-{i}" for i in range(50)]
    owners, views = issue_public_keys(master, names)
    for name, owner, view in zip(names, owners, views, strict=True):
        key = issued_key(master, name)
        assert owner.tobytes() == key.owner.to_bytes(32, "big")
        assert view.tobytes() == key.view_public


def test_nothing_shows_a_key():
    key = AccountKey(hashlib.sha256(b"secret").digest())
    for text in (repr(key), str(key), f"{key}", repr([key]), repr({"key": key})):
        assert "hidden" in text
        assert key.seed.hex() not in text
        assert repr(key.seed) not in text


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_has_32_bytes(size):
    with pytest.raises(LengthError, match=f"{size} bytes, not 32") as caught:
        AccountKey(b"\xab" * size)
    assert "ab" * 8 not in str(caught.value)
    with pytest.raises(LengthError, match="operator master key"):
        issued_key(b"\xab" * size, "x")
    with pytest.raises(LengthError, match="operator master key"):
        issue_public_keys(b"\xab" * size, [])


def test_key_file_round_trip(tmp_path):
    path = tmp_path / "trader.key"
    key = AccountKey.generate()
    key.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == key.seed.hex().encode() + b"\n"
    assert AccountKey.read(path) == key
    assert [file.name for file in tmp_path.iterdir()] == ["trader.key"]


def test_a_key_file_is_never_overwritten(tmp_path):
    path = tmp_path / "trader.key"
    first = AccountKey.generate()
    first.write(path)
    with pytest.raises(EnvironmentFailure, match="exists already"):
        AccountKey.generate().write(path)
    assert AccountKey.read(path) == first
    assert [file.name for file in tmp_path.iterdir()] == ["trader.key"]


def test_two_generated_keys_differ():
    assert AccountKey.generate() != AccountKey.generate()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "trader.key"
    AccountKey.generate().write(path)
    path.chmod(mode)
    with pytest.raises(EnvironmentFailure, match=f"mode {mode:04o}: others can read it; run chmod 600"):
        AccountKey.read(path)


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"0" * 63, b"0" * 65, b"g" * 64, b"0" * 64 + b"\n\n", b" " + b"0" * 63, b"0x" + b"0" * 62, b"0" * 999],
)
def test_a_key_file_is_one_hex_line(tmp_path, text):
    path = tmp_path / "trader.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(EncodingError, match="not one line of 64 hex digits"):
        AccountKey.read(path)


def test_key_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(MissingError, match="does not exist"):
        AccountKey.read(tmp_path / "none")
    with pytest.raises(EnvironmentFailure, match="not a regular file"):
        AccountKey.read(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(EnvironmentFailure, match="not a regular file"):
        AccountKey.read(tmp_path / "pipe")
    with pytest.raises(EnvironmentFailure, match="cannot be written"):
        AccountKey.generate().write(tmp_path / "no folder" / "key")


def test_a_kept_secret_is_made_once_and_what_a_killed_writer_left_of_it_goes(tmp_path, monkeypatch):
    path = tmp_path / "secret.key"
    made = kept_secret(path, "a secret", lambda: bytes(range(32)))
    assert made == bytes(range(32)) == kept_secret(path, "a secret", lambda: pytest.fail("made twice"))

    def killed(*_, **__):
        raise KeyboardInterrupt

    other = tmp_path / "other.key"
    with monkeypatch.context() as patch:  # dies between giving the file its name and taking the hidden one
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            write_secret(other, bytes(32), "a secret")
    assert len(list(tmp_path.glob(".other.key.partial-*"))) == 1
    assert kept_secret(other, "a secret", lambda: pytest.fail("made twice")) == bytes(32)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.key", "secret.key"]
