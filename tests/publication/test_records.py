import hashlib
import hmac
import random
from dataclasses import replace
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.publication.venue import OPERATOR, TABLE, ledger
from zkstate.errors import DisagreementError, EncodingError, InputError, LedgerError, LengthError, ZkstateError
from zkstate.publication.header import Header
from zkstate.publication.journals import JOURNALS
from zkstate.publication.records import (
    BUCKET_BYTES,
    MAX_BUCKET_BYTES,
    RECORDS,
    NoRecordError,
    RecordKey,
    Sealer,
    agree,
    bucket_of,
    record_bits_for,
    tag_and_key,
    write_buckets,
)
from zkstate.publication.sealing import agree_all, seal_records
from zkstate.state import commit, tree
from zkstate.state.computed import Known
from zkstate.state.identity import AccountKey

RECORD_KEY = X25519PrivateKey.from_private_bytes(b"\x05" * 32)
BITS = 2


@cache
def sealed():
    """The venue's accounts, their sorted entries, and the header that goes with them."""
    venue = commit.venue_id(OPERATOR.public_key, "Test venue")
    accounts = tree.build(ledger(), venue, 3, b"\x11" * 32)
    header = Header(
        operator_key=OPERATOR.public_key,
        record_key=RECORD_KEY.public_key().public_bytes_raw(),
        venue_name="Test venue",
        epoch=3,
        time=1,
        previous_state_root=1,
        accounts_root=accounts.root,
        instruments_root=TABLE.root,
        totals_root=0,
        data_root=bytes(32),
        account_count=len(accounts),
        table_depth=TABLE.depth,
        record_bits=BITS,
    )
    shared, _ = agree_all(ledger(), RECORD_KEY, Known.nothing(32))
    return accounts, seal_records(ledger(), accounts, shared, Sealer(header.state_root)), header


def bucket(number):
    return b"".join(entry for entry in sealed()[1] if bucket_of(entry[:16], BITS) == number)


def key_of(name):
    return RecordKey.derive(OPERATOR.account_key(name), sealed()[2])


@pytest.mark.parametrize("place", [0, 1, 7, 20, 39])
def test_each_owner_opens_their_own_record(place):
    accounts, _, _ = sealed()
    key = key_of(f"trader-{place}")
    record = key.open(bucket(key.bucket))
    leaf = accounts.leaf_of(place)
    assert record.account == accounts.account(ledger(), leaf)
    assert record.leaf == accounts.leaves[leaf]
    assert record.account.rows == ledger().rows_of(place)


def test_tag_key_and_entry_follow_the_specification():
    """By RFC 5869 and docs/spec.md, sections 5 and 6, from HMAC, AES-GCM, the header's bytes and the user's half."""
    _, entries, header = sealed()
    user = OPERATOR.account_key("trader-3")
    secret = user.view_private().exchange(X25519PublicKey.from_public_bytes(header.record_key))
    info = b"zkstate record v2" + header.encode()[152:184]
    prk = hmac.digest(b"", secret, hashlib.sha256)
    first = hmac.digest(prk, info + b"\x01", hashlib.sha256)
    okm = first + hmac.digest(prk, first + info + b"\x02", hashlib.sha256)
    tag, aes = okm[:16], okm[16:48]
    (entry,) = (entry for entry in entries if entry.startswith(tag))
    plaintext = AESGCM(aes).decrypt(bytes(12), entry[49:], entry[:49])
    assert len(entry) == RECORDS.entry_bytes(entry[16])
    assert len(plaintext) == 150 + 54 * entry[16]
    accounts, _, _ = sealed()
    index = int.from_bytes(plaintext[:4], "big")
    assert accounts.accounts[index] == 3
    assert entry[17:49] == accounts.leaves[index].to_bytes(32, "big")
    assert plaintext[36:68] == user.owner.to_bytes(32, "big")


def test_both_sides_derive_the_same_secrets():
    user = AccountKey(b"\x21" * 32)
    shared = agree(RECORD_KEY, user.view_public)
    assert agree(user.view_private(), RECORD_KEY.public_key().public_bytes_raw()) == shared
    made = [tag_and_key(shared, 7), tag_and_key(shared, 8), tag_and_key(shared, 7, JOURNALS)]
    assert len({part for pair in made for part in pair}) == 6


def test_another_key_finds_nothing():
    stranger = RecordKey.derive(AccountKey(b"\x77" * 32), sealed()[2])
    with pytest.raises(NoRecordError, match=r"records/00000\d.bin of epoch 3 has \d+ records, none for this key"):
        stranger.open(bucket(stranger.bucket))


def test_every_changed_byte_of_a_record_is_an_error():
    key = key_of("trader-5")
    good = bucket(key.bucket)
    start = good.index(key.tag)
    for at in range(start, start + RECORDS.entry_bytes(good[start + 16])):
        bad = bytearray(good)
        bad[at] ^= 0x41
        with pytest.raises(ZkstateError) as caught:
            key.open(bytes(bad))
        if at >= start + 17:
            assert caught.type is DisagreementError
            assert key.tag.hex() in str(caught.value)
            assert key.path in str(caught.value)


def test_a_bucket_is_read_strictly():
    key = key_of("trader-5")
    good = bucket(key.bucket)
    first = RECORDS.entry_bytes(good[16])
    second = RECORDS.entry_bytes(good[first + 16])
    for bad in (
        good[:-1],
        good + b"\0",
        good + good[:first],
        good[first : first + second] + good[:first] + good[first + second :],
        good[:first] + good[:first] + good[first:],
        good[:40],
    ):
        with pytest.raises(EncodingError, match=key.path):
            key.open(bad)
    foreign = bucket((key.bucket + 1) % 4)
    with pytest.raises(EncodingError, match="another bucket"):
        key.open(foreign)
    with pytest.raises(LengthError, match=str(MAX_BUCKET_BYTES)):
        key.open(bytes(MAX_BUCKET_BYTES + 1))
    with pytest.raises(NoRecordError, match="has 0 records"):
        key.open(b"")


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (lambda a: replace(a, salt=a.salt ^ 1), "leaf"),
        (lambda a: replace(a, rows=(replace(a.rows[0], amount=a.rows[0].amount + 1), *a.rows[1:])), "leaf"),
        (lambda a: replace(a, history_length=1), "leaf"),
    ],
)
def test_a_venue_that_seals_another_account_than_its_leaf_is_caught(forge, words):
    from zkstate.state import codec

    accounts, _, header = sealed()
    leaf = accounts.leaf_of(5)
    account = forge(accounts.account(ledger(), leaf))
    entry = Sealer(header.state_root).seal(
        agree(RECORD_KEY, OPERATOR.account_key("trader-5").view_public),
        account.size_class,
        accounts.leaves[leaf].to_bytes(32, "big"),
        codec.encode_record(account),
    )
    with pytest.raises(DisagreementError, match=words):
        key_of("trader-5").open(entry)


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (lambda a: replace(a, owner=a.owner ^ 1), "owner"),
        (lambda a: replace(a, id=a.id ^ 1), "id"),
        (lambda a: replace(a, index=40), "leaf 40 of 40"),
    ],
)
def test_a_leaf_that_is_not_the_owners_is_caught(forge, words):
    from zkstate.state import codec

    accounts, _, header = sealed()
    account = forge(accounts.account(ledger(), accounts.leaf_of(5)))
    entry = Sealer(header.state_root).seal(
        agree(RECORD_KEY, OPERATOR.account_key("trader-5").view_public),
        account.size_class,
        codec.leaf(account).to_bytes(32, "big"),
        codec.encode_record(account),
    )
    with pytest.raises(DisagreementError, match=words):
        key_of("trader-5").open(entry)


def test_plaintext_that_is_no_account_is_caught():
    _, _, header = sealed()
    entry = Sealer(header.state_root).seal(
        agree(RECORD_KEY, OPERATOR.account_key("trader-5").view_public), 4, bytes(32), b"\xff" * (150 + 54 * 4)
    )
    with pytest.raises(DisagreementError, match="does not hold an account"):
        key_of("trader-5").open(entry)


def test_two_accounts_with_one_view_key_are_refused(tmp_path):
    """One AES key with one nonce must not seal two records, so the venue may not publish them."""
    view_keys = ledger().view_keys.copy()
    view_keys[9] = view_keys[4]
    same = replace(ledger(), view_keys=view_keys)
    accounts, _, header = sealed()
    shared, _ = agree_all(same, RECORD_KEY, Known.nothing(32))
    entries = seal_records(same, accounts, shared, Sealer(header.state_root))
    with pytest.raises(LedgerError, match="same view key"):
        write_buckets(entries, BITS, tmp_path)


def test_a_view_key_of_small_order_is_refused_by_name():
    view_keys = ledger().view_keys.copy()
    view_keys[9] = 0
    _, _, header = sealed()
    with pytest.raises(LedgerError, match="trader-9"):
        agree_all(replace(ledger(), view_keys=view_keys), RECORD_KEY, Known.nothing(32))
    with pytest.raises(InputError):
        RecordKey.derive(AccountKey(bytes(32)), replace(header, record_key=bytes(32)))


@pytest.mark.parametrize("bits", [0, 1, 5])
def test_buckets_hold_every_entry_once_in_order(tmp_path, bits):
    entries = sealed()[1]
    write_buckets(entries, bits, tmp_path)
    files = sorted(tmp_path.glob("records/*.bin"))
    assert [file.name for file in files] == [f"{i:06x}.bin" for i in range(1 << bits)]
    assert b"".join(file.read_bytes() for file in files) == b"".join(entries)
    for number, file in enumerate(files):
        content = file.read_bytes()
        assert not content or bucket_of(content[:16], bits) == number


def test_a_bucket_is_about_16_kib():
    rng = random.Random(2)
    for total in [0, 1, 100, 16_384, 24_576, 24_577, *(rng.randrange(1 << 40) for _ in range(200))]:
        bits = record_bits_for(total)
        mean = total / (1 << bits)
        assert bits in (0, 24) or 0.7 * BUCKET_BYTES < mean <= 1.5 * BUCKET_BYTES
    assert record_bits_for(0) == 0


def test_a_record_key_shows_no_secret():
    key = key_of("trader-5")
    assert key.tag.hex() not in repr(key)
    assert "hidden" in repr(key)
