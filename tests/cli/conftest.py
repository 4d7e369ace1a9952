"""One small venue for all tests of the command: committed, published, and one trader's account recovered."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.program import zkstate
from tests.cli.stored import CHEAP, OTHER, PASSPHRASE, secret_file
from zkstate.backup.store import Contents, lay_out, make

ACCOUNTS = 200
TRADER = "user-00000072"
ASSET, MARKET = "USDT", "BTC-PERP"


@dataclass(frozen=True)
class Scene:
    """Paths of what the verbs before left. Tests copy what they damage."""

    root: Path

    @property
    def operator(self):
        return self.root / "operator"

    @property
    def epoch(self):
        return self.root / "epoch-1"

    @property
    def mirror(self):
        return self.root / "mirror"

    @property
    def published(self):
        return self.mirror / "epochs/00000001"

    @property
    def header(self):
        return self.published / "header.bin"

    @property
    def key(self):
        return self.root / "trader.key"

    @property
    def bundle(self):
        return self.root / "account.json"

    @property
    def proof(self):
        return self.root / "proof"

    def copy(self, name: str, to: Path) -> Path:
        """A copy of a file or folder of the scene, to damage."""
        source, target = self.root / name, to / Path(name).name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
        return target


def succeed(*argv):
    outcome = zkstate(*argv)
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Scene:
    """A snapshot on a mirror, and the key issued to a trader."""
    scene = Scene(tmp_path_factory.mktemp("scene"))
    issue = f"{TRADER}={scene.key}"
    succeed(
        "snapshot", f"synthetic:{ACCOUNTS}", "--operator", scene.operator, "--issue-key", issue, "--out", scene.epoch
    )
    succeed("publish", scene.epoch, "--mirror", scene.mirror)
    return scene


@pytest.fixture(scope="session")
def recovered(published) -> Scene:
    """The trader's account bundle."""
    succeed(
        "recover", "--key", published.key, "--mirror", published.mirror, "--header", published.header,
        "--out", published.bundle,
    )  # fmt: skip
    return published


@pytest.fixture(scope="session")
def proved(recovered) -> Scene:
    """A margin proof of the trader."""
    succeed("prove", "margin", "--account", recovered.bundle, "--out", recovered.proof)
    return recovered


@pytest.fixture(scope="session")
def kept(recovered, tmp_path_factory):
    """A store with an epoch, the trader's account, a private file and a sealed key; and what opens it."""
    root = tmp_path_factory.mktemp("kept")
    (root / "note.txt").write_bytes(b"the mirrors I trust\n" * 5000)
    secret_file(root / "passphrase", PASSPHRASE + b"\n")
    secret_file(root / "other", OTHER + b"\n")
    sealed = zkstate("backup", "seal", recovered.key, "--passphrase", root / "other", "--out", root / "key.sealed")
    assert sealed.code == 0, sealed.err
    made = zkstate(
        "backup", "make", "--store", root / "store", "--passphrase", root / "passphrase", "--account",
        recovered.bundle, "--epoch", recovered.published, "--file", root / "note.txt", "--sealed", root / "key.sealed",
        "--key", recovered.key, "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    return root


@pytest.fixture
def plain(recovered, tmp_path):
    """A store that costs nothing to open, with one version, and its key."""
    store = tmp_path / "store"
    store.mkdir()
    key = lay_out(store, PASSPHRASE, CHEAP)
    make(store, key, Contents((recovered.published,), (), (("note.txt", b"x" * 200_000),)), 1_800_000_000)
    return store, key
