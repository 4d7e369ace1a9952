"""A backup store in a folder that others keep, and what its owner gives it by mistake."""

import contextlib
import json
import os
import shutil
import tempfile

import pytest

from tests.cli.program import tree, zkstate
from tests.cli.stored import CHEAP, OTHER, PASSPHRASE, secret_file
from zkstate.backup import store as stores
from zkstate.backup.rotation import Keep
from zkstate.backup.sealed import Kind, seal
from zkstate.backup.store import Contents, lay_out, lets_in, make, unlock_by_account
from zkstate.backup.store_files import object_path, version_numbers
from zkstate.backup.store_read import epoch_files, read_version
from zkstate.backup.store_use import check, chosen, private_files, restore
from zkstate.backup.stripped import keepable
from zkstate.backup.version import MAX_NUMBER, StoredFile, Version
from zkstate.errors import DisagreementError, EncodingError, InputError, SourceError
from zkstate.publication.manifest import Entry, Manifest
from zkstate.state.identity import AccountKey

NOW = 1_800_000_000


def note(content):
    return Contents(files=(("note.txt", content),))


@pytest.fixture
def bare(tmp_path):
    """A store without an epoch, three versions of one note, and its key."""
    store = tmp_path / "store"
    store.mkdir()
    key = lay_out(store, PASSPHRASE, CHEAP)
    for i in range(3):
        make(store, key, note(b"%d" % i), NOW + i)
    return store, key


@pytest.fixture
def by_passphrase(bare, tmp_path):
    return ("--store", bare[0], "--passphrase", secret_file(tmp_path / "passphrase", PASSPHRASE))


def plant(store, number, **changes):
    """A version that whoever keeps the folder made out of another."""
    form = json.loads((store / "versions/00000001.json").read_bytes()) | {"number": number} | changes
    (store / f"versions/{number:08d}.json").write_bytes(json.dumps(form, separators=(",", ":")).encode())


@pytest.mark.parametrize("place", ["objects", "versions", "objects/*"])
def test_nothing_is_written_or_removed_through_a_link(bare, tmp_path, place):
    store, key = bare
    home = tmp_path / "home"
    names = {"note", "0" * 64, "00000001.json"}
    (home / "00").mkdir(parents=True)
    for name in names:
        (home / name).write_bytes(b"mine")
        (home / "00" / name).write_bytes(b"mine")
    before = tree(home)
    for path in sorted(store.glob(place)):
        shutil.rmtree(path)
        path.symlink_to(home)
    with contextlib.suppress(SourceError):
        for i in range(40):  # some of them go to every second shard
            make(store, key, note(b"new %d" % i), NOW + 9 + i, Keep(1))
    assert tree(home) == before


def test_what_is_none_of_the_stores_is_left_where_it_is(bare):
    store, key = bare
    (store / "objects/zz/sub").mkdir(parents=True)
    shard = next(path for path in sorted((store / "objects").iterdir()) if path.name != "zz")
    other = "0" * 64 if shard.name != "00" else "1" * 64
    theirs = [store / "objects/zz/thesis.txt", shard / "thesis.txt", shard / other]
    for path in theirs:
        path.write_bytes(b"mine")
    (shard / f"{shard.name}{'0' * 62}").mkdir()
    (shard / f".{shard.name}{'1' * 62}.partial-{'2' * 16}").write_bytes(b"left by a killed run")
    (shard / f"{shard.name}{'3' * 62}").symlink_to(theirs[0])
    made = make(store, key, note(b"new"), NOW + 9)
    assert made.dropped_objects == 1
    assert made.warnings == ()
    assert all(path.read_bytes() == b"mine" for path in theirs)


def test_damage_stops_no_later_version_and_is_said(bare):
    store, key = bare
    (store / "versions/00000001.json").write_bytes(b"{}")
    objects = set(tree(store / "objects"))
    for number in (4, 5):
        made = make(store, key, note(b"new %d" % number), NOW + number, Keep(1))
        assert made.version.number == number
        assert "versions/00000001.json" in made.warnings[0]
        assert "nothing that it may need is removed" in made.warnings[0]
    assert version_numbers(store) == [1, 5]
    assert objects < set(tree(store / "objects"))
    (store / "versions/00000001.json").unlink()
    made = make(store, key, note(b"new 6"), NOW + 6, Keep(1))
    assert made.warnings == ()
    report = check(store, key)
    assert (report.sound, report.objects, report.unneeded) == (True, 1, 0)


def test_a_disk_that_refuses_a_removal_is_a_warning(bare, monkeypatch):
    store, key = bare

    def refuse(*_):
        raise PermissionError(1, "not allowed")

    monkeypatch.setattr(stores, "remove_version", refuse)
    made = make(store, key, note(b"new"), NOW + 9, Keep(1))
    assert (made.removed, len(made.warnings)) == ((), 3)
    assert check(store, key).sound


def test_a_planted_version_takes_nothing_from_the_owners(bare):
    store, key = bare
    plant(store, 50, chunks=[], time=NOW * 2)
    made = make(store, key, note(b"important"), NOW + 9, Keep(2))
    assert made.version.number == 51
    assert "version 50 was changed after it was written, or is of another store" in made.warnings[0]
    assert (made.removed, made.dropped_objects) == ((1, 2), 0)
    assert version_numbers(store) == [3, 50, 51]
    assert any(words.startswith("version 50: ") for words in check(store, key).findings)
    plant_last = store / f"versions/{MAX_NUMBER}.json"
    shutil.copy(store / "versions/00000003.json", plant_last)
    before = tree(store)
    with pytest.raises(DisagreementError, match=r"99999999\.json is of the last number"):
        make(store, key, note(b"more"), NOW + 10, Keep(1))
    assert tree(store) == before


def test_names_of_versions_are_eight_ascii_digits(bare):
    store, _ = bare
    shutil.copy(store / "versions/00000003.json", store / "versions/0000000\N{ARABIC-INDIC DIGIT FOUR}.json")
    assert version_numbers(store) == [1, 2, 3]


def test_a_version_that_lost_a_conflict_of_synchronising_is_found_and_keeps_its_objects(bare):
    """Two machines made version 3; the service kept one of them under another name."""
    store, key = bare
    (store / "versions/00000003.json").rename(store / "versions/00000003 (conflicted copy).json")
    (store / "versions/.DS_Store").write_bytes(b"")
    objects = set(tree(store / "objects"))
    made = make(store, key, note(b"new"), NOW + 9)
    assert "'00000003 (conflicted copy).json', which is no version" in made.warnings[0]
    assert len(made.warnings) == 1
    assert objects < set(tree(store / "objects"))
    assert any("conflicted copy" in words for words in check(store).findings)


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_a_version_that_was_removed_is_missed_with_the_key(bare, gone):
    store, key = bare
    make(store, key, note(b"newest"), NOW + 9)
    (store / f"versions/{gone:08d}.json").unlink()
    assert check(store).sound
    assert check(store, key).findings == (f"version {gone} is gone, and no rule of rotation removed it",)


def test_a_version_that_was_removed_is_said_by_the_next_and_its_objects_stay_until_then(bare):
    store, key = bare
    (store / "versions/00000002.json").unlink()
    made = make(store, key, note(b"newest"), NOW + 9)
    assert made.warnings == ("version 2 is gone, and no rule of rotation removed it",)
    assert made.dropped_objects == 0
    assert make(store, key, note(b"newest"), NOW + 10).dropped_objects == 1


def test_a_store_whose_key_was_exchanged_takes_no_version(bare, tmp_path):
    """For the one of another store of the same owner, whose passphrase may be the same."""
    store, _ = bare
    (tmp_path / "theirs").mkdir()
    other = lay_out(tmp_path / "theirs", PASSPHRASE, CHEAP)
    before = tree(store)
    with pytest.raises(DisagreementError, match=r"wrote none of the 3 versions there"):
        make(store, other, note(b"x"), NOW + 9)
    assert tree(store) == before


def test_planted_names_are_told_in_printable_letters_and_not_without_end(bare):
    store, key = bare
    for name in ("\x1b[2Jx", "\udcff", *(f"n{i}" for i in range(50))):
        (store / "versions" / name).write_bytes(b"")
    for said in (check(store).findings, make(store, key, note(b"x"), NOW + 9).warnings):
        assert len(said) == 6
        assert all(words.isprintable() and words.isascii() for words in said)
    done = zkstate("backup", "verify", "--store", store)
    assert done.code == 4, done.err
    assert "and 47 more names like these" in done.out


def test_what_rotation_removed_is_not_missed_and_the_newest_cannot_be(bare):
    store, key = bare
    assert make(store, key, note(b"newest"), NOW + 9, Keep(2)).removed == (1, 2)
    assert check(store, key).sound
    (store / "versions/00000004.json").unlink()
    report = check(store, key)  # what version 3 left, rotation removed later: nothing there says so
    assert report.findings == (
        "version 1 is gone, and no rule of rotation removed it",
        "version 2 is gone, and no rule of rotation removed it",
    )
    assert "whether a newer version was there" in report.unchecked


def test_another_version_of_the_same_number_is_found_without_a_key(bare):
    store, key = bare
    kept = (store / "versions/00000003.json").read_bytes()
    (store / "versions/00000003.json").unlink()
    make(store, key, note(b"of another machine"), NOW + 7)
    make(store, key, note(b"newest"), NOW + 9)
    (store / "versions/00000003.json").write_bytes(kept)
    assert any("version 4 follows one with SHA-256" in words for words in check(store).findings)


def test_what_would_not_come_back_makes_no_version(plain, recovered, tmp_path):
    store, key = plain
    for contents, words in (
        (Contents((recovered.published, recovered.published)), "two epochs 1"),
        (Contents(files=(("mirror", b"x"),)), "mirror: another file has this name, or a folder"),
        (Contents(files=(("Sealed", b"x"),)), "Sealed: another file"),
        (Contents(files=(("account.json.stripped", b"x"),)), "another file"),
        (Contents(files=(("a", b"x"), ("A", b"y"))), "two files of one name"),
        (Contents(files=(("my notes.txt", b"x"),)), "'my notes.txt' is no name that a backup keeps"),
        (Contents(sealed=(b"no sealed file",)), "a sealed file is none"),
        (Contents(files=(("../x", b"x"),)), "no name that a backup keeps"),
    ):
        with pytest.raises(InputError, match=words):
            make(store, key, contents, NOW)
    assert version_numbers(store) == [1]
    assert check(store, key).sound


def test_a_version_too_large_to_be_read_is_not_written(bare, monkeypatch):
    store, key = bare
    monkeypatch.setattr("zkstate.backup.version.MAX_VERSION_BYTES", 1 << 12)
    with pytest.raises(EncodingError, match="the limit is 4096"):
        make(store, key, note(b"x"), NOW + 9)
    monkeypatch.undo()
    assert version_numbers(store) == [1, 2, 3]


@pytest.mark.parametrize("change", [-1, 1])
def test_a_manifest_that_lies_about_a_size_makes_no_version(bare, recovered, tmp_path, monkeypatch, change):
    """As an operator could sign it. Whether or not the object is there already."""
    store, key = bare
    decode = Manifest.decode_under

    def lying(data, root):
        files = list(decode(data, root).files)
        at = max(range(len(files)), key=lambda i: files[i].size)  # many a bucket is empty
        files[at] = Entry(files[at].path, files[at].size + change, files[at].sha256)
        return Manifest(tuple(files))

    for there_already in (False, True):
        if there_already:
            make(store, key, Contents((recovered.published,)), NOW + 9)
        monkeypatch.setattr(Manifest, "decode_under", staticmethod(lying))
        with pytest.raises(DisagreementError, match="and its manifest says"):
            make(store, key, Contents((recovered.published,)), NOW + 10)
        if there_already:
            assert any("bytes, not" in words for words in check(store).findings)
        monkeypatch.undo()
    assert version_numbers(store) == [1, 2, 3, 4]


def test_a_larger_object_is_refused_before_it_is_read(plain, tmp_path):
    """A petabyte of nothing costs nothing to plant."""
    store, key = plain
    version = read_version(store, 1)
    largest = max(epoch_files(store, version.epochs[0])[1].files, key=lambda file: file.size)
    for name in (version.chunks[0], largest.sha256):
        os.truncate(store / object_path(name), 1 << 43)
    assert len([words for words in check(store, key).findings if "bytes, not" in words]) == 2
    with pytest.raises(DisagreementError, match="bytes, not"):
        restore(store, version, tmp_path)
    with pytest.raises(DisagreementError, match="bytes, not"):
        list(private_files(store, version.files(key), key))


@pytest.fixture(scope="module")
def foreign(recovered, tmp_path_factory):
    """Things that open more than a state, by name."""
    root = tmp_path_factory.mktemp("foreign")
    assert zkstate("backup", "split", recovered.key, "--group", "2of3", "--out", root / "shares").code == 0
    bundle = recovered.bundle.read_bytes()
    return {
        "key": recovered.key.read_bytes(),
        "key in hex": b"0x" + recovered.key.read_bytes(),
        "share": (root / "shares/group-1-share-1.txt").read_bytes(),
        "signature": b"0x" + os.urandom(65).hex().encode() + b"\n",
        "wallet's words": b" ".join([b"abandon"] * 11 + [b"about"]) + b"\n",
        "PEM": b"-----BEGIN PRIVATE KEY-----\nAAAA\n",
        "sealed": seal(Kind.STATE, b"x", OTHER, CHEAP),
        "bundle in other bytes": json.dumps(json.loads(bundle)).encode(),
        "bundle cut short": bundle[:-1],
    }


@pytest.mark.parametrize(
    "name",
    [
        "key", "key in hex", "share", "signature", "wallet's words", "PEM", "sealed", "bundle in other bytes",
        "bundle cut short",
    ],
)  # fmt: skip
def test_what_opens_more_than_a_state_is_refused_as_a_file(foreign, by_passphrase, tmp_path, name):
    (tmp_path / "given").write_bytes(foreign[name])
    done = zkstate("backup", "make", *by_passphrase, "--file", tmp_path / "given")
    assert done.code == 2, done.err
    assert version_numbers(by_passphrase[1]) == [1, 2, 3]


def test_other_files_are_kept_as_they_are(recovered):
    for data in (b"", b"the mirrors I trust\n", os.urandom(64), recovered.header.read_bytes(), b"0" * 63, b"a" * 5000):
        assert keepable(data, "x") == data


def test_a_bundle_given_as_a_file_is_kept_without_its_secret(by_passphrase, recovered, tmp_path):
    shutil.copy(recovered.bundle, tmp_path / "before.json")
    secret = json.loads(recovered.bundle.read_bytes())["owner_secret"].encode()
    store = by_passphrase[:2]
    made = zkstate("backup", "make", *by_passphrase, "--file", tmp_path / "before.json", "--account", recovered.bundle,
                   "--file", tmp_path / "passphrase", "--key", recovered.key)  # fmt: skip
    assert made.code == 0, made.err
    stolen = zkstate("backup", "restore", *by_passphrase, "--out", tmp_path / "stolen", "--json")
    assert stolen.json["without_secret"] == ["account.json.stripped", "before.json.stripped"]
    assert not any(secret in data for data in tree(tmp_path / "stolen").values())
    back = zkstate("backup", "restore", *store, "--key", recovered.key, "--out", tmp_path / "back")
    assert back.code == 0, back.err
    assert (tmp_path / "back/before.json").read_bytes() == recovered.bundle.read_bytes()
    drill = zkstate("backup", "drill", *by_passphrase, "--json")
    assert drill.code == 4
    assert drill.json["reasons"][0] == "account.json.stripped: give --key, the key of that account"
    AccountKey.generate().write(tmp_path / "other.key")
    other = zkstate("backup", "restore", *by_passphrase, "--key", tmp_path / "other.key", "--out", tmp_path / "o",
                    "--json")  # fmt: skip
    assert other.json["without_secret"] == ["account.json.stripped", "before.json.stripped"]


def test_a_sealed_file_is_kept_whole_or_refused(by_passphrase, recovered, tmp_path):
    sealed = secret_file(tmp_path / "sealed.bin", seal(Kind.STATE, bytes(1 << 24), OTHER, CHEAP))
    done = zkstate("backup", "make", *by_passphrase, "--sealed", sealed)
    assert (done.code, "has more than 16777216 bytes" in done.err) == (2, True)
    assert zkstate("backup", "make", *by_passphrase, "--file", recovered.header, "--key", recovered.key).code == 0
    secret_file(sealed, seal(Kind.STATE, b"x", OTHER, CHEAP))
    done = zkstate("backup", "make", *by_passphrase[:2], "--key", recovered.key, "--sealed", sealed)
    assert (done.code, "--sealed needs --passphrase" in done.err) == (2, True)


def test_who_may_open_changes_only_when_told_and_after_the_version_is_there(bare, by_passphrase, recovered, tmp_path):
    store, key = bare
    AccountKey.generate().write(tmp_path / "other.key")
    give = ("backup", "make", *by_passphrase, "--file", recovered.header, "--key")
    assert zkstate(*give, recovered.key).code == 0
    slot = (store / "account.bin").read_bytes()
    refused = zkstate(*give, tmp_path / "other.key")
    assert (refused.code, "does not open with this account key" in refused.err) == (2, True)
    failing = zkstate("backup", "make", *by_passphrase, "--key", tmp_path / "other.key", "--replace-key")
    assert (failing.code, "nothing to back up" in failing.err) == (2, True)
    assert (store / "account.bin").read_bytes() == slot
    assert version_numbers(store) == [1, 2, 3, 4]
    assert zkstate(*give, tmp_path / "other.key", "--replace-key").code == 0
    assert unlock_by_account(store, AccountKey.read(tmp_path / "other.key")) == key
    assert zkstate("backup", "make", "--store", store, "--key", tmp_path / "other.key", "--replace-key").code == 2


def test_a_slot_of_another_store_is_refused(bare, tmp_path):
    store, key = bare
    account = AccountKey.generate()
    (tmp_path / "theirs").mkdir()
    stores.let_in(tmp_path / "theirs", lay_out(tmp_path / "theirs", PASSPHRASE, CHEAP), account)
    shutil.copy(tmp_path / "theirs/account.bin", store / "account.bin")
    with pytest.raises(DisagreementError, match="one is of another store"):
        lets_in(store, key, account)


def test_something_believed_that_the_store_does_not_hold_is_a_finding(bare, by_passphrase, recovered):
    told = zkstate("backup", "verify", "--store", bare[0], "--header", recovered.header, "--json")
    assert told.code == 4
    assert told.json["reasons"] == ["epoch 1 is the newest that is believed, and the backup holds none"]
    drill = zkstate("backup", "drill", *by_passphrase, "--header", recovered.header, "--json")
    assert (drill.code, drill.json["reasons"]) == (4, told.json["reasons"])
    assert drill.json["trust"]["level"] == "d"
    made = zkstate("backup", "make", *by_passphrase, "--epoch", recovered.published)
    assert made.code == 0, made.err
    told = zkstate("backup", "verify", "--store", bare[0], "--header", recovered.header)
    assert told.code == 0
    assert "(d) header of epoch 1 pinned by the reader" in told.out


def test_a_drill_needs_a_key_and_leaves_no_private_byte(kept, recovered, tmp_path, monkeypatch):
    assert zkstate("backup", "drill", "--store", kept / "store").code == 2
    written = []
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    remove = shutil.rmtree

    def watch(path, *args, **kwargs):
        written.append(tree(path))
        remove(path, *args, **kwargs)

    monkeypatch.setattr(shutil, "rmtree", watch)
    done = zkstate("backup", "drill", "--store", kept / "store", "--key", recovered.key)
    assert done.code == 0, done.err
    assert {name.split("/")[0] for name in written[-1]} == {"mirror", "sealed"}
    assert list(tmp_path.iterdir()) == []

    def refuse(path, *_, **__):
        raise PermissionError(1, "not allowed", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    done = zkstate("backup", "drill", "--store", kept / "store", "--key", recovered.key)
    assert done.code == 5
    assert f"it is in {tmp_path}" in done.err


def test_an_index_whose_versions_are_not_in_order_is_refused(bare):
    _, key = bare
    for kept in ([], [1], [3], [1, 1, 2]):
        version = Version.make(key, 2, NOW, "0" * 64, epochs=(), sealed=(), files=(), kept=kept)
        with pytest.raises(EncodingError, match="the versions it keeps are not in order"):
            version.opened(key)
    good = Version.make(key, 9, NOW, "0" * 64, epochs=(), sealed=(), files=(), kept=[9, 2, 3, 5])
    assert good.opened(key).kept == ((2, 3), (5, 5), (9, 9))


def test_a_file_whose_pieces_are_too_short_is_refused(bare):
    store, key = bare
    (file,) = chosen(store).files(key)
    assert list(private_files(store, [file], key)) == [("note.txt", b"2")]
    with pytest.raises(DisagreementError, match=r"the pieces of note\.txt have 65536 bytes"):
        stores.read_file(store, StoredFile("note.txt", 70_000, file.chunks), key)


def test_a_newest_version_that_cannot_be_had_says_which_can(bare, by_passphrase, tmp_path):
    store, _ = bare
    plant(store, 4)
    for number, content in ((4, None), (5, b"{}")):
        if content is not None:
            (store / f"versions/{number:08d}.json").write_bytes(content)
        told = zkstate("backup", "restore", *by_passphrase, "--out", tmp_path / "back")
        assert told.code in (2, 4)
        assert "versions that can be had, with --number: 1, 2, 3" in told.err
    done = zkstate("backup", "restore", *by_passphrase, "--out", tmp_path / "back", "--number", "3")
    assert (done.code, (tmp_path / "back/note.txt").read_bytes()) == (0, b"2")


def test_without_a_key_nobody_vouches_for_a_version_and_that_is_said(bare, tmp_path):
    told = zkstate("backup", "restore", "--store", bare[0], "--out", tmp_path / "back")
    assert (told.code, "who wrote this version" in told.out) == (0, True)
