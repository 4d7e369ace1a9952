"""A record key that serves the epochs of an hour: the records of keys agreed anew, and no AES key used twice."""

import hashlib
import hmac
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tests.publication.test_epoch import tree_files
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.publication import sealing
from zkstate.publication.epoch import PRIVATE, write_epoch
from zkstate.publication.record_secrets import SECRETS_FILE, RecordSecrets, same_hour
from zkstate.publication.records import RecordKey, agree, parse_bucket
from zkstate.state.computed import Known
from zkstate.state.identity import AccountKey

HOUR = TIME - TIME % 3600 + 3600


def at(time, made=None):
    return replace(made or ledger(), time=time)


def written(folder, made, previous=None, *, given=True, **more):
    """An epoch that keeps its record key, given what the one before it kept."""
    secrets = None
    if previous is not None:
        more["previous"] = previous.signed.header
        secrets = kept(previous) if given else None
    return write_epoch(made, OPERATOR, folder, record_secrets=secrets, keep_record_key=True, **more)


def kept(snapshot):
    return RecordSecrets.decode((snapshot.folder / PRIVATE / SECRETS_FILE).read_bytes())


def entries(snapshot):
    bits = snapshot.signed.header.record_bits
    files = sorted((snapshot.public / "records").iterdir())
    return [one for number, path in enumerate(files) for one in parse_bucket(path.read_bytes(), number, bits)]


def opened(snapshot, key):
    record = RecordKey.derive(key, snapshot.signed.header)
    return record.open((snapshot.public / record.path).read_bytes()).account


@pytest.fixture(scope="module")
def hour(tmp_path_factory):
    """Three epochs of an hour, and the first of the next."""
    root, made = tmp_path_factory.mktemp("hour"), []
    for number, time in enumerate([HOUR, HOUR + 60, HOUR + 3599, HOUR + 3600]):
        made.append(written(root / str(number), at(time), made[-1] if made else None))
    return made


def test_one_record_key_serves_an_hour_and_no_more(hour):
    keys = [each.signed.header.record_key for each in hour]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert [each.reused["secrets"] for each in hour] == [0, 40, 40, 0]
    assert [same_hour(HOUR, HOUR + more) for more in (-1, 0, 3599, 3600)] == [False, True, True, False]


def test_every_owner_opens_their_record_in_every_epoch(hour):
    for each in hour:
        for place in range(0, 40, 7):
            account = opened(each, OPERATOR.account_key(f"trader-{place}"))
            assert account.rows == ledger().rows_of(place)


def test_what_is_kept_is_x25519_of_each_view_key(hour):
    """By the users' halves; and the file is as its docstring says, for its owner alone."""
    path = hour[1].folder / PRIVATE / SECRETS_FILE
    data, secrets = path.read_bytes(), kept(hour[1])
    assert path.stat().st_mode & 0o777 == 0o600
    assert data[:25] == b"zkstate record secrets v1"
    assert data[25:57] == hashlib.sha256(data[57:]).digest()
    assert data[57:89] == secrets.private
    assert int.from_bytes(data[89:97]) == 40
    assert len(data) == 97 + 40 * 64
    public = hour[1].signed.header.record_key
    assert X25519PrivateKey.from_private_bytes(secrets.private).public_key().public_bytes_raw() == public
    by_key = {
        key.tobytes(): value.tobytes() for key, value in zip(secrets.shared.keys, secrets.shared.values, strict=True)
    }
    for place in (0, 13, 39):
        user = OPERATOR.account_key(f"trader-{place}")
        secret = user.view_private().exchange(X25519PublicKey.from_public_bytes(public))
        assert by_key[user.view_public] == hmac.digest(b"", secret, "sha256")
    assert b"".join(secrets.encode()) == data
    assert secrets.private.hex() not in repr(secrets)


def test_epochs_of_one_record_key_share_no_tag_no_leaf_and_no_ciphertext(hour):
    """Nothing an outsider sees in two of them belongs together, though no account changed."""
    for i in range(3):
        for j in range(i):
            one, other = entries(hour[i]), entries(hour[j])
            for part in ("tag", "stated", "sealed"):
                assert not {getattr(e, part) for e in one} & {getattr(e, part) for e in other}


def test_a_snapshot_repeated_under_one_key_seals_with_other_keys(hour, tmp_path):
    """A run that was cut off, and repeated with another ledger: the epoch's number is the same, no AES key is."""
    amount = ledger().rows.amount.copy()
    amount[ledger().rows.start[3]] += 1
    changed = replace(ledger(), rows=replace(ledger().rows, amount=amount))
    again = [written(tmp_path / str(i), at(HOUR + 60, made), hour[0]) for i, made in enumerate((ledger(), changed))]
    header = hour[1].signed.header
    for other in (each.signed.header for each in again):
        assert (other.epoch, other.record_key, other.time) == (header.epoch, header.record_key, header.time)
    for place in range(40):
        user = OPERATOR.account_key(f"trader-{place}")
        found = {RecordKey.derive(user, each.signed.header)._aes for each in (hour[1], *again)}
        assert len(found) == 3
        assert opened(again[1], user).rows == changed.rows_of(place)


def test_reuse_changes_no_byte_of_what_is_published(hour, tmp_path):
    """With the randomness of the salts fixed, against an epoch that agrees on every key again."""
    secrets = kept(hour[0])
    bare = RecordSecrets(secrets.private, Known.nothing(32))
    made = [
        write_epoch(
            at(HOUR + 60), OPERATOR, tmp_path / name, previous=hour[0].signed.header, record_secrets=given,
            keep_record_key=True, entropy=lambda size: b"\x31" * size, jobs=jobs,
        )
        for name, given, jobs in (("known", secrets, 1), ("anew", bare, 1))
    ]  # fmt: skip
    assert [each.reused["secrets"] for each in made] == [40, 0]
    assert tree_files(made[0].folder) == tree_files(made[1].folder)


def test_keys_agreed_by_two_processes_are_those_of_one(monkeypatch):
    private = X25519PrivateKey.from_private_bytes(b"\x05" * 32)
    monkeypatch.setattr(sealing, "_SHARE", 7)
    alone, two = (sealing.agree_all(ledger(), private, Known.nothing(32), jobs=jobs)[0] for jobs in (1, 2))
    assert (alone == two).all()
    assert two[3].tobytes() == agree(private, OPERATOR.account_key("trader-3").view_public)


def test_new_accounts_and_rotated_view_keys_are_agreed_anew(hour, tmp_path):
    whole = ledger(60, seed=1)
    rotated, view_keys = AccountKey(b"\x21" * 32), whole.view_keys.copy()
    view_keys[5] = np.frombuffer(rotated.view_public, np.uint8)
    made = written(tmp_path / "next", at(HOUR + 60, replace(whole, view_keys=view_keys)), hour[0])
    assert made.signed.header.record_key == hour[0].signed.header.record_key
    assert made.reused["secrets"] == 39
    tags = {one.tag for one in entries(made)}
    assert RecordKey.derive(rotated, made.signed.header).tag in tags
    assert RecordKey.derive(OPERATOR.account_key("trader-5"), made.signed.header).tag not in tags
    assert opened(made, OPERATOR.account_key("trader-59")).rows == whole.rows_of(59)
    assert len(kept(made).shared.keys) == 60


def test_a_venue_that_does_not_keep_its_key_leaves_none(hour, tmp_path):
    made = write_epoch(
        at(HOUR + 60), OPERATOR, tmp_path / "next", previous=hour[0].signed.header, record_secrets=kept(hour[0])
    )
    assert made.signed.header.record_key != hour[0].signed.header.record_key
    assert made.reused["secrets"] == 0
    assert not (made.folder / PRIVATE / SECRETS_FILE).exists()


def test_the_secrets_before_go_when_all_is_written_and_nothing_is_visible(hour, tmp_path):
    seen = []
    out = tmp_path / "next"
    written(out, at(HOUR + 60), hour[0], retire=lambda: seen.append((out.exists(), len(list(tmp_path.iterdir())))))
    assert seen == [(False, 1)]


def test_what_may_not_be_reused_is_refused(hour, tmp_path):
    other = write_epoch(at(HOUR), OPERATOR, tmp_path / "other", keep_record_key=True)
    with pytest.raises(DisagreementError, match=other.signed.header.record_key.hex()):
        write_epoch(
            at(HOUR + 60), OPERATOR, tmp_path / "out", previous=hour[0].signed.header, record_secrets=kept(other),
            keep_record_key=True,
        )  # fmt: skip
    with pytest.raises(DisagreementError, match=hour[0].signed.header.record_key.hex()):
        RecordSecrets.decode((other.folder / PRIVATE / SECRETS_FILE).read_bytes(), hour[0].signed.header)
    with pytest.raises(InputError, match="salts"):
        written(tmp_path / "out", at(HOUR + 60), hour[0], salt_secret=bytes(32))
    wrong = kept(hour[0])
    wrong = replace(wrong, shared=Known(wrong.shared.keys, wrong.shared.values ^ 1))
    with pytest.raises(DisagreementError, match=r"record-secrets\.bin .* not what this version computes"):
        write_epoch(
            at(HOUR + 60), OPERATOR, tmp_path / "out", previous=hour[0].signed.header, record_secrets=wrong,
            keep_record_key=True,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_every_damaged_file_is_refused(hour):
    data = (hour[0].folder / PRIVATE / SECRETS_FILE).read_bytes()
    for size in (0, 24, 25, 57, 88, 96, 97, len(data) // 2, len(data) - 1):
        with pytest.raises(InputError):
            RecordSecrets.decode(data[:size])
    for place in range(0, len(data), 61):
        with pytest.raises(InputError):
            RecordSecrets.decode(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    body = bytes(32) + (2**63).to_bytes(8)
    with pytest.raises(LengthError, match="do not fit"):
        RecordSecrets.decode(data[:25] + hashlib.sha256(body).digest() + body)
    with pytest.raises(EncodingError, match="damaged"):
        RecordSecrets.decode(data + b"\0")
