"""Links, pipes and folders in the place of files: refused in words, and nobody waits for them."""

import os
import shutil
import signal

import pytest

from tests.cli.program import zkstate


def place_link(path, elsewhere):
    path.symlink_to(elsewhere)


def place_fifo(path, elsewhere):
    os.mkfifo(path)


def place_folder(path, elsewhere):
    path.mkdir()


@pytest.fixture
def impatient():
    """Nothing below waits for a writer that never comes."""
    previous = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize("placed", [place_link, place_fifo, place_folder])
def test_what_is_no_file_in_the_place_of_one_is_refused(placed, proved, tmp_path, impatient):
    """Epochs, proofs, mirrors and stores; a link leads to the very file that was there."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(b"six words that nobody has said")
    passphrase.chmod(0o600)
    made = zkstate("backup", "make", "--store", tmp_path / "store", "--passphrase", passphrase, "--epoch",
                   proved.published)  # fmt: skip
    assert made.code == 0, made.err
    shutil.copytree(proved.published, tmp_path / "epoch")
    shutil.copytree(proved.proof, tmp_path / "proof")
    shutil.copytree(proved.mirror, tmp_path / "mirror")
    recover = ("recover", "--key", proved.key, "--mirror", tmp_path / "mirror", "--header", proved.header, "--out",
               tmp_path / "account.json")  # fmt: skip
    cases = [
        (tmp_path / "epoch", ("verify", tmp_path / "epoch")),
        (tmp_path / "proof", ("verify", tmp_path / "proof")),
        (tmp_path / "mirror/epochs/00000001", recover),
        (tmp_path / "store", ("backup", "verify", "--store", tmp_path / "store")),
    ]
    for folder, argv in cases:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
        for path in [*files[:: max(1, len(files) // 5)], files[-1]]:
            aside = tmp_path / "aside"
            path.rename(aside)
            placed(path, aside)
            outcome = zkstate(*argv)
            assert outcome.code in (0, 1, 2, 3, 4, 5), (path, outcome.err)
            assert "internal error" not in outcome.err
            needed = argv is not recover and path.name not in ("account.bin", "passphrase.bin")
            assert outcome.code != 0 or not needed, (path, outcome.out)
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            aside.rename(path)
        assert zkstate(*argv).code == 0
