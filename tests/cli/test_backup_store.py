"""backup make, verify, restore and drill: what is checked with which key, what a loss leaves, and what leaks."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.cli.program import environment, tree, zkstate
from tests.cli.stored import CHEAP, OTHER, PASSPHRASE, secret_file
from zkstate.backup.rotation import Keep
from zkstate.backup.store import Contents, lay_out, locked, make, unlock
from zkstate.backup.store_files import object_path
from zkstate.backup.store_read import epoch_files, read_version
from zkstate.backup.store_use import check, chosen, elsewhere
from zkstate.backup.version import SEALED_CHUNK
from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, SourceError


def test_everything_comes_back_on_an_empty_machine_by_the_store_and_the_key(kept, recovered, tmp_path):
    back = tmp_path / "back"
    done = zkstate("backup", "restore", "--store", kept / "store", "--key", recovered.key, "--out", back)
    assert done.code == 0, done.err
    assert (back / "account.json").read_bytes() == recovered.bundle.read_bytes()
    assert (back / "note.txt").read_bytes() == (kept / "note.txt").read_bytes()
    assert (back / "sealed/1.bin").read_bytes() == (kept / "key.sealed").read_bytes()
    assert tree(back / "mirror") == tree(recovered.mirror)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (back, back / "account.json", back / "note.txt"))


def test_shares_are_enough(kept, recovered, tmp_path):
    assert zkstate("backup", "split", recovered.key, "--group", "3of5", "--out", tmp_path / "shares").code == 0
    shares = sorted((tmp_path / "shares").iterdir())[1:4]
    assert zkstate("backup", "join", *shares, "--out", tmp_path / "joined.key").code == 0
    done = zkstate("backup", "drill", "--store", kept / "store", "--key", tmp_path / "joined.key", "--header",
                   recovered.header, "--json")  # fmt: skip
    assert done.code == 0, done.err
    told = done.json
    assert (told["accepted"], told["epochs"], told["files"]) == (True, [1], ["account.json", "note.txt"])
    assert told["rpo_s"] >= 0 < told["rto_s"]


def test_without_any_key_integrity_is_checked_and_what_is_not_is_said(kept, recovered, tmp_path):
    told = zkstate("backup", "verify", "--store", kept / "store", "--header", recovered.header, "--json")
    assert told.code == 0, told.err
    assert (told.json["accepted"], told.json["epochs"], told.json["unneeded_objects"]) == (True, [1], 0)
    assert any("store's owner" in words for words in told.json["not_shown"])
    restored = zkstate("backup", "restore", "--store", kept / "store", "--out", tmp_path / "public")
    assert restored.code == 0
    assert sorted(path.name for path in (tmp_path / "public").iterdir()) == ["mirror", "sealed"]


def test_one_theft_opens_one(kept, recovered, tmp_path):
    """The store's passphrase gives neither the account's key nor its secret, the sealed key's passphrase no state."""
    by_passphrase = ("--store", kept / "store", "--passphrase", kept / "passphrase")
    one = zkstate("backup", "restore", *by_passphrase, "--out", tmp_path / "one", "--json")
    assert (one.code, one.json["files"]) == (0, ["account.json.stripped", "note.txt"])
    assert one.json["without_secret"] == ["account.json.stripped"]
    key = recovered.key.read_text().strip().encode()
    secret = re.search(rb'"owner_secret":"([0-9a-f]{64})"', recovered.bundle.read_bytes())[1]
    store = kept / "store"
    opened = unlock(store, PASSPHRASE)
    version = read_version(store, 1)
    cipher = opened.chunks()
    seen = [cipher.decrypt((store / object_path(name)).read_bytes(), [b"zkstate backup chunk v1"])
            for name in version.chunks]  # fmt: skip
    for piece in (*seen, *tree(store).values(), *tree(tmp_path / "one").values()):
        assert not any(
            form in piece for form in (key, bytes.fromhex(key.decode()), secret, bytes.fromhex(secret.decode()))
        )
    with pytest.raises(InputError, match="does not open with this passphrase"):
        unlock(store, OTHER)
    assert zkstate("backup", "unseal", kept / "key.sealed", "--unlock", kept / "passphrase", "--out",
                   tmp_path / "key").code == 2  # fmt: skip
    same = zkstate("backup", "make", *by_passphrase[:2], "--passphrase", kept / "other", "--sealed",
                   kept / "key.sealed")  # fmt: skip
    assert same.code == 2
    assert "seal it under another" in same.err


def test_what_is_no_published_epoch_is_told_where_it_is(kept, recovered, tmp_path):
    shutil.copytree(recovered.published, tmp_path / "snapshot/public")
    make = ("backup", "make", "--store", tmp_path / "store", "--passphrase", kept / "passphrase", "--epoch")
    outcome = zkstate(*make, tmp_path / "snapshot")
    assert (outcome.code, f"give {tmp_path / 'snapshot/public'}" in outcome.err) == (2, True)
    assert zkstate(*make, tmp_path).code == 2
    assert not (tmp_path / "store").exists()


def test_names_and_sizes_tell_nothing_of_private_files(plain):
    store, _ = plain
    version = read_version(store, 1)
    assert len(version.chunks) == 2  # 200,000 equal bytes are three whole pieces, which are one, and a padded one
    for name in version.chunks:
        data = (store / object_path(name)).read_bytes()
        assert len(data) == SEALED_CHUNK
        assert hashlib.sha256(data).hexdigest() == name
    assert b"note" not in b"".join(tree(store).values())
    assert len(version.index) % 4096 == 16


def test_what_is_there_already_is_not_stored_again(plain, recovered):
    store, key = plain
    before = tree(store)
    again = make(store, key, Contents((recovered.published,), (), (("note.txt", b"x" * 200_000),)), 1_800_000_100)
    assert again.added == 0
    assert set(tree(store)) - set(before) == {"versions/00000002.json"}


def test_every_single_change_of_the_store_is_found_without_a_key(plain):
    store, _ = plain
    assert check(store).sound
    files = [path for path in sorted(store.rglob("*")) if path.is_file() and path.parent != store]
    for path in [*files[::16], *files[-1:]]:
        good = path.read_bytes()
        changes = [good[:-1], good + b"x"]
        if path.suffix != ".json":  # the index of a version is held by the key alone
            changes.append(bytes([good[0] ^ 1]) + good[1:] if good else b"y")
        for bad in (bad for bad in changes if bad != good):
            path.write_bytes(bad)
            assert not check(store).sound, path
        path.unlink()
        if path.suffix != ".json":
            assert not check(store).sound, path
        path.write_bytes(good)
    assert check(store).sound


def test_a_version_put_together_by_another_is_found_with_the_key(plain, recovered, tmp_path):
    store, key = plain
    (tmp_path / "theirs").mkdir()
    theirs = lay_out(tmp_path / "theirs", PASSPHRASE, CHEAP)
    make(tmp_path / "theirs", theirs, Contents((recovered.published,)), 1_800_000_000)
    shutil.copytree(tmp_path / "theirs/objects", store / "objects", dirs_exist_ok=True)
    shutil.copy(tmp_path / "theirs/versions/00000001.json", store / "versions/00000001.json")
    assert check(store).sound
    report = check(store, key)
    assert report.findings == ("version 1: version 1 was changed after it was written, or is of another store",)


def test_an_epoch_that_is_not_the_chains_is_found(kept, published, tmp_path):
    made = zkstate("snapshot", "synthetic:200", "--operator", published.operator, "--time", "2026-01-01T00:00:00Z",
                   "--out", tmp_path / "other")  # fmt: skip
    assert made.code == 0, made.err
    header = tmp_path / "other/public/header.bin"
    told = zkstate("backup", "verify", "--store", kept / "store", "--header", header, "--json")
    assert told.code == 4
    assert "is believed" in told.json["reasons"][0]
    told = zkstate("backup", "drill", "--store", kept / "store", "--passphrase", kept / "passphrase", "--key",
                   published.key, "--header", header, "--json")  # fmt: skip
    assert told.code == 4
    assert "is believed" in told.json["reasons"][0]


def test_rotation_keeps_what_its_rules_keep_and_drops_what_nothing_needs(plain):
    store, key = plain
    day, start = 86400, 1_800_000_000
    for i in range(1, 60):
        make(store, key, Contents(files=(("note.txt", os.urandom(100)),)), start + i * day)
    made = make(store, key, Contents(files=(("note.txt", b"last"),)), start + 60 * day, Keep(2, 3, 2, 2))
    left = [int(path.name[:8]) for path in sorted((store / "versions").iterdir())]
    assert left == [45, 59, 60, 61]  # 28 February, Sunday 14 March, Monday 15 and Tuesday 16 March 2027
    assert len(made.removed) == 61 - len(left)
    report = check(store, key)
    assert report.sound
    assert report.unneeded == 0
    assert report.objects == len(left)


def test_a_version_that_was_changed_is_not_what_the_next_one_follows(plain):
    """Without a key, as long as the one after it is there."""
    store, key = plain
    for i in (1, 2):
        make(store, key, Contents(files=(("note.txt", bytes([i])),)), 1_800_000_000 + i)
    assert check(store).sound
    old = (store / "versions/00000002.json").read_bytes()
    (store / "versions/00000002.json").write_bytes(old.replace(b'"time":1800000001', b'"time":1800000000'))
    assert any("version 3 follows one with SHA-256" in words for words in check(store).findings)


def test_a_version_that_cannot_be_read_keeps_every_object(plain):
    store, key = plain
    objects = set(tree(store / "objects"))
    (store / "versions/00000001.json").write_bytes(b"{}")
    made = make(store, key, Contents(files=(("note.txt", b"new"),)), 1_800_000_100)
    assert made.dropped_objects == 0
    assert objects < set(tree(store / "objects"))


def test_a_damaged_object_is_put_right_by_the_next_version(plain, recovered):
    store, key = plain
    path = store / object_path(epoch_files(store, read_version(store, 1).epochs[0])[1].files[0].sha256)
    path.write_bytes(b"rot")
    make(store, key, Contents((recovered.published,)), 1_800_000_100)
    assert check(store, key).sound


def test_an_epoch_folder_that_differs_from_its_manifest_makes_no_version(recovered, tmp_path):
    (tmp_path / "store").mkdir()
    store, key = tmp_path / "store", lay_out(tmp_path / "store", PASSPHRASE, CHEAP)
    make(store, key, Contents(files=(("note.txt", b"x"),)), 1_800_000_000)
    shutil.copytree(recovered.published, tmp_path / "epoch")
    bad = tmp_path / "epoch/tables/totals.json"
    bad.write_bytes(bad.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(DisagreementError, match=r"totals\.json has SHA-256"):
        make(store, key, Contents((tmp_path / "epoch",)), 1_800_000_100)
    assert not (store / "versions/00000002.json").exists()
    assert check(store, key).sound


def test_of_two_writers_one_refuses(plain):
    store, _ = plain
    with locked(store, writing=True):
        for writing in (True, False):
            with pytest.raises(EnvironmentFailure, match="in use by another backup"), locked(store, writing=writing):
                pass
    with locked(store, writing=False), locked(store, writing=False):
        pass


@pytest.mark.parametrize("writes", [3, 20])
def test_a_killed_run_leaves_the_versions_that_were_there(plain, tmp_path, writes):
    """After some objects, and after the last of them, before the version; tests/faults does it at every system call."""
    store, key = plain
    before = tree(store)
    secret_file(tmp_path / "passphrase", PASSPHRASE)
    (tmp_path / "noise").write_bytes(os.urandom(20 << 16))
    script = (
        "import os, signal\n"
        "from zkstate.backup import store\n"
        "from zkstate.cli.main import main\n"
        "real, done = store.write_object, []\n"
        "def write(*args):\n"
        "    real(*args)\n"
        "    done.append(1)\n"
        f"    if len(done) == {writes}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store.write_object = write\n"
        f"main(['backup', 'make', '--store', {str(store)!r}, '--passphrase', {str(tmp_path / 'passphrase')!r},"
        f" '--file', {str(tmp_path / 'noise')!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(set(tree(store)) - set(before)) == writes
    assert tree(store / "versions") == {"00000001.json": before["versions/00000001.json"]}
    report = check(store, key)
    assert report.sound
    assert report.unneeded == writes
    assert make(store, key, Contents(files=(("note.txt", b"x"),)), 1_800_000_200).dropped_objects == writes


def test_settings_are_sealed_apart(tmp_path):
    (tmp_path / "settings.json").write_text('{"mirror":["https://one.example"]}')
    secret_file(tmp_path / "passphrase", PASSPHRASE)
    sealed, back = tmp_path / "settings.sealed", tmp_path / "back.json"
    assert zkstate("backup", "seal", tmp_path / "settings.json", "--settings", "--passphrase", tmp_path / "passphrase",
                   "--out", sealed).code == 0  # fmt: skip
    assert zkstate("backup", "unseal", sealed, "--unlock", tmp_path / "passphrase", "--out", back).code == 0
    assert back.read_bytes() == (tmp_path / "settings.json").read_bytes()
    assert back.stat().st_mode & 0o077 == 0
    refused = zkstate("recover", "--key", sealed, "--unlock", tmp_path / "passphrase", "--mirror", tmp_path, "--header",
                      tmp_path / "settings.json", "--out", tmp_path / "x")  # fmt: skip
    assert refused.code == 2


def test_passphrases_and_folders_that_cannot_be_are_refused_and_leave_nothing(recovered, tmp_path):
    short = secret_file(tmp_path / "short", b"short\n")
    for argv, words in (
        (("make", "--store", tmp_path / "s", "--passphrase", short, "--account", recovered.bundle), "has 5 bytes"),
        (("make", "--store", tmp_path / "s", "--account", recovered.bundle), "give --passphrase"),
        (("verify", "--store", tmp_path / "s"), "is not a backup store"),
        (("make", "--store", tmp_path, "--passphrase", short, "--file", short), "is not a backup store"),
        (("verify", "--store", tmp_path / "s", "--keep", "3"), "does not take --keep"),
        (
            ("seal", recovered.key, "--passphrase", short, "--out", tmp_path / "o", "--store", tmp_path),
            "not take --store",
        ),
    ):
        done = zkstate("backup", *argv)
        assert done.code in (2, 3, 5), (argv, done)
        assert words in done.err, done.err
    assert {path.name for path in tmp_path.iterdir()} == {"short"}


def test_what_is_carried_over_gives_way_to_what_is_given(plain, recovered, tmp_path):
    store, key = plain
    before = read_version(store, 1)
    files = {file.name for file in before.files(key)}
    name = next(iter(files))
    again = make(store, key, Contents((recovered.published,), (), ((name, b"new"), ("more", b"m"))), 2, carry=True)
    after = again.version
    assert after.epochs == before.epochs
    assert {file.name: file.size for file in after.files(key)}.items() >= {name: 3, "more": 1}.items()
    assert {file.name for file in after.files(key)} == files | {"more"}
    assert check(store, key).findings == ()
    (store / object_path(after.files(key)[0].chunks[0])).unlink()
    with pytest.raises(SourceError, match="objects"):
        make(store, key, Contents(files=(("other", b"o"),)), 3, carry=True)
    assert sorted(path.name for path in (store / "versions").iterdir()) == ["00000001.json", "00000002.json"]


def test_an_older_version_that_is_damaged_does_not_keep_the_newest_from_coming_back(plain, tmp_path):
    """Which private files and epochs it holds cannot be told, and that stops nothing."""
    store, key = plain
    make(store, key, Contents(files=(("note", b"n"),)), 2)
    (store / object_path(read_version(store, 1).epochs[0].header)).unlink()
    newest = chosen(store, None, key)
    assert (newest.number, elsewhere(store, newest, key)) == (2, [])
    secret_file(tmp_path / "passphrase", PASSPHRASE)
    done = zkstate("backup", "restore", "--store", store, "--passphrase", tmp_path / "passphrase", "--out",
                   tmp_path / "back")  # fmt: skip
    assert (done.code, (tmp_path / "back/note").read_bytes()) == (0, b"n")


def test_what_only_other_versions_hold_is_said(kept, recovered, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(kept / "store", store)
    opened = ("--store", store, "--passphrase", kept / "passphrase")
    assert zkstate("backup", "make", *opened, "--account", recovered.bundle).code == 0
    for done in (
        zkstate("backup", "restore", *opened, "--key", recovered.key, "--out", tmp_path / "back", "--json"),
        zkstate("backup", "drill", *opened, "--key", recovered.key, "--json"),
    ):
        assert (done.code, done.json["number"], done.json["elsewhere"]) == (0, 2, ["version 1: epoch 1, note.txt"])
    told = zkstate("backup", "drill", *opened, "--key", recovered.key)
    assert "version 1: epoch 1, note.txt" in told.out
