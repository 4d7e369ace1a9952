"""The key of an account, kept and found again by the command, and recovered with."""

import json
import stat
import subprocess

import pytest
from eth_account import Account

from tests.cli.program import command, environment, process, zkstate
from zkstate.state.identity import AccountKey

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "my.key"
    AccountKey(bytes(range(32))).write(path)
    return path


class Keyboard:
    def isatty(self):
        return True


def private(path, text):
    path.touch(0o600)
    path.write_text(text)
    return path


def seed(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return AccountKey.read(path).seed


def test_split_and_join(tmp_path, key):
    done = zkstate(
        "backup", "split", key, "--group", "2of3", "--group", "1of1", "--groups-needed", "1", "--out", tmp_path / "s"
    )
    assert done.code == 0, done.err
    shares = sorted((tmp_path / "s").iterdir())
    assert [path.name for path in shares] == [*(f"group-1-share-{i}.txt" for i in (1, 2, 3)), "group-2-share-1.txt"]
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in shares} == {0o600}
    owner = f"{AccountKey.read(key).owner:064x}"
    for i, chosen in enumerate((shares[:2], shares[1:3], shares[3:], shares)):
        done = zkstate("backup", "join", *chosen, "--owner", owner, "--out", tmp_path / f"{i}.key", "--json")
        assert done.code == 0, done.err
        assert done.json["owner"] == owner
        assert seed(tmp_path / f"{i}.key") == seed(key)
    few = zkstate("backup", "join", shares[0], "--out", tmp_path / "few.key")
    assert (few.code, (tmp_path / "few.key").exists()) == (2, False)
    assert "1 of the 2 shares" in few.err


def test_a_wrong_passphrase_of_shares_is_noticed_by_the_owner(tmp_path, key):
    right, wrong = private(tmp_path / "right", PASSPHRASE), private(tmp_path / "wrong", "something else again")
    assert zkstate("backup", "split", key, "--group", "1of1", "--passphrase", right, "--out", tmp_path / "s").code == 0
    share = tmp_path / "s/group-1-share-1.txt"
    owner = f"{AccountKey.read(key).owner:064x}"
    done = zkstate("backup", "join", share, "--passphrase", wrong, "--owner", owner, "--out", tmp_path / "out")
    assert (done.code, (tmp_path / "out").exists()) == (4, False)
    assert (
        zkstate("backup", "join", share, "--passphrase", right, "--owner", owner, "--out", tmp_path / "out").code == 0
    )


def test_seal_and_unseal(tmp_path, key):
    right, wrong = private(tmp_path / "right", PASSPHRASE + "\n"), private(tmp_path / "wrong", "x" * 20)
    sealed = tmp_path / "my.sealed"
    assert zkstate("backup", "seal", key, "--passphrase", right, "--out", sealed).code == 0
    assert AccountKey.read(key).seed.hex().encode() not in sealed.read_bytes()
    done = zkstate("backup", "unseal", sealed, "--unlock", wrong, "--out", tmp_path / "out")
    assert (done.code, (tmp_path / "out").exists()) == (2, False)
    assert zkstate("backup", "unseal", sealed, "--unlock", right, "--out", tmp_path / "out").code == 0
    assert seed(tmp_path / "out") == seed(key)
    again = zkstate("backup", "unseal", sealed, "--unlock", right, "--out", tmp_path / "out")
    assert again.code == 5
    assert (
        zkstate("backup", "seal", key, "--passphrase", private(tmp_path / "no", "short"), "--out", tmp_path / "n").code
        == 2
    )


def test_recover_takes_a_sealed_key(tmp_path, published):
    passphrase, sealed, bundle = private(tmp_path / "p", PASSPHRASE), tmp_path / "sealed", tmp_path / "account.json"
    assert zkstate("backup", "seal", published.key, "--passphrase", passphrase, "--out", sealed).code == 0
    arguments = (
        "recover",
        "--key",
        sealed,
        "--mirror",
        published.mirror,
        "--header",
        published.header,
        "--out",
        bundle,
    )
    locked = zkstate(*arguments)
    assert (locked.code, bundle.exists()) == (2, False)
    assert "--unlock" in locked.err
    assert zkstate(*arguments, "--unlock", passphrase).code == 0
    assert zkstate("recover", "--key", published.key, "--unlock", passphrase, *arguments[3:]).code == 2


def test_a_key_from_a_wallet(tmp_path, published):
    message = tmp_path / "message.json"
    assert zkstate("backup", "wallet", "--header", published.header, "--out", message).code == 0
    wallet = Account.from_key(b"\x07" * 32)
    signature = "0x" + wallet.sign_typed_data(full_message=json.loads(message.read_text())).signature.hex()
    first, again = private(tmp_path / "first", signature), private(tmp_path / "again", signature + "\n")
    arguments = ("backup", "wallet", "--header", published.header, "--signature", first, "--again", again)
    done = zkstate(*arguments, "--address", wallet.address, "--out", tmp_path / "key", "--json")
    assert done.code == 0, done.err
    assert done.json["owner"] == f"{AccountKey.read(tmp_path / 'key').owner:064x}"
    other = zkstate(*arguments, "--address", "0x" + "22" * 20, "--out", tmp_path / "other")
    assert (other.code, (tmp_path / "other").exists()) == (4, False)
    assert signature[2:20] not in done.out + done.err + other.out + other.err


def test_files_that_others_can_read_are_refused(tmp_path, key):
    open_file = private(tmp_path / "open", PASSPHRASE)
    open_file.chmod(0o644)
    done = zkstate("backup", "seal", key, "--passphrase", open_file, "--out", tmp_path / "sealed")
    assert done.code == 5
    assert "chmod 600" in done.err
    assert zkstate("backup", "join", open_file, "--out", tmp_path / "k").code == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("seal", "KEY", "--out", "x"), "give --passphrase"),
        (("seal", "--passphrase", "KEY", "--out", "x"), "does not take 0 files"),
        (("split", "KEY", "--out", "x"), "give --group"),
        (("split", "KEY", "--group", "4of3", "--out", "x"), "4 of 3"),
        (("split", "KEY", "--group", "2of3", "--groups-needed", "2", "--out", "x"), "2 of 1 groups"),
        (("join", "KEY", "--header", "KEY", "--out", "x"), "does not take --header"),
        (("join", "KEY", "--out", "x"), "not a SLIP-39 mnemonic"),
        (("unseal", "KEY", "--unlock", "KEY", "--out", "x"), "is not sealed"),
        (("wallet", "--header", "KEY", "--signature", "KEY", "--out", "x"), "give --address"),
        (("melt", "KEY", "--out", "x"), "invalid choice"),
    ],
)
def test_usage(tmp_path, key, arguments, words):
    filled = [key if one == "KEY" else tmp_path / one if one == "x" else one for one in arguments]
    done = zkstate("backup", *filled)
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "x").exists()


def test_an_empty_passphrase_splits_nothing(tmp_path, key):
    empty = private(tmp_path / "empty", "\n")
    done = zkstate("backup", "split", key, "--group", "2of3", "--passphrase", empty, "--out", tmp_path / "s")
    assert (done.code, (tmp_path / "s").exists()) == (2, False)


@pytest.mark.parametrize(("second", "code"), [(PASSPHRASE, 0), (PASSPHRASE + "r", 2)])
def test_a_new_passphrase_is_typed_twice(tmp_path, key, monkeypatch, second, code):
    typed, prompts = iter([PASSPHRASE, second]), []

    def ask(prompt):
        prompts.append(prompt)
        return next(typed)

    monkeypatch.setattr("zkstate.cli.keys.getpass", ask)
    monkeypatch.setattr("sys.stdin", Keyboard())
    done = zkstate("backup", "seal", key, "--passphrase", "-", "--out", tmp_path / "sealed")
    assert (done.code, (tmp_path / "sealed").exists()) == (code, code == 0)
    assert prompts == ["new passphrase: ", "new passphrase again: "]


def test_a_passphrase_from_standard_input(tmp_path, key):
    argv = command("backup", "seal", key, "--passphrase", "-", "--out", tmp_path / "sealed")
    done = subprocess.run(argv, input=f"{PASSPHRASE}\n", text=True, env=environment(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert PASSPHRASE not in done.stdout + done.stderr
    right = private(tmp_path / "right", PASSPHRASE)
    assert process("backup", "unseal", tmp_path / "sealed", "--unlock", right, "--out", tmp_path / "k").code == 0
