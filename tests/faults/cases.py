"""What is interrupted: each verb's start, its command, and how its old and its new state are known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from circuits.attestation import Expectation, examine
from lightclient.bundle import Bundle
from tests.cli.program import tree, zkstate
from zkstate.backup.sealed import Cost
from zkstate.backup.store import Contents, lay_out, make, unlock
from zkstate.backup.store_files import version_numbers
from zkstate.backup.store_use import check
from zkstate.cli.verify import read_attestation
from zkstate.publication.header import SignedHeader
from zkstate.publication.manifest import check_folder

ACCOUNTS, TRADER = 8, "user-00000001"
PASSPHRASE = b"six words that nobody has said"
EPOCH = "epochs/00000001"


@dataclass(frozen=True)
class Case:
    """`state` is 'old' or 'new', or raises: nothing else may be found below the folder after a run.

    `again` is what a run may end with where the new state is there already.
    """

    argv: Callable[[Path], tuple[object, ...]]
    state: Callable[[Path], str]
    needs: tuple[str, ...] = ()
    again: tuple[int, ...] = (0,)


def scene(root: Path) -> Path:
    """Everything that some case starts from."""
    issue = f"{TRADER}={root / 'trader.key'}"
    steps = (
        ("snapshot", f"synthetic:{ACCOUNTS}", "--operator", root / "operator", "--issue-key", issue, "--shards", "2of3",
         "--out", root / "epoch"),
        ("publish", root / "epoch", "--mirror", root / "mirror", "--shard-mirror", root / "s1", "--shard-mirror",
         root / "s2", "--shard-mirror", root / "s3"),
        ("recover", "--key", root / "trader.key", "--mirror", root / "mirror", "--header",
         root / "mirror" / EPOCH / "header.bin", "--out", root / "account.json"),
    )  # fmt: skip
    for argv in steps:
        done = zkstate(*argv)
        assert done.code == 0, done.err
    (root / "passphrase").write_bytes(PASSPHRASE)
    (root / "passphrase").chmod(0o600)
    (root / "note.txt").write_bytes(b"note" * 40_000)
    (root / "store").mkdir()
    key = lay_out(root / "store", PASSPHRASE, Cost(1, 8, 1))
    make(root / "store", key, Contents(files=(("note.txt", b"first"),)), 1_800_000_000)
    return root


def _there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _epoch(folder: Path, wanted: frozenset[str] | None = None) -> None:
    signed = SignedHeader.decode((folder / "header.bin").read_bytes())
    assert check_folder(folder, signed) == []
    assert wanted is None or wanted == set(tree(folder))


def _snapshot(root: Path) -> str:
    if not _there(root / "made"):
        return "old"
    _epoch(root / "made/public")
    assert {"header.bin", "heads.bin"} & {path.name for path in (root / "made/private").iterdir()}
    return "new"


def _published(root: Path) -> str:
    if not _there(root / "out" / EPOCH):
        return "old"
    _epoch(root / "out" / EPOCH)
    return "new"


def _sharded(root: Path) -> str:
    """Each mirror has its whole shard or none of it."""
    there = [_there(root / f"o{i}" / EPOCH) for i in (1, 2, 3)]
    for i, found in enumerate(there, 1):
        if found:
            assert tree(root / f"o{i}" / EPOCH) == tree(root / f"s{i}" / EPOCH)
    return "new" if all(there) else "old"


def _rebuilt(root: Path) -> str:
    if not _there(root / "rebuilt/public"):
        return "old"
    _epoch(root / "rebuilt/public")
    return "new"


def _proved(root: Path) -> str:
    if not _there(root / "proof"):
        return "old"
    assert examine(read_attestation(root / "proof"), Expectation(), 0).accepted
    return "new"


def _recovered(root: Path) -> str:
    """A bundle that was there gives way to another one of the same account, and never to less."""
    bundle = Bundle.read(root / "account.json")
    return "old" if bundle.recovered_at == 1 else "new"


def _older(root: Path) -> None:
    data = (root / "account.json").read_bytes()
    at = f'"recovered_at":{Bundle.decode(data).recovered_at},'.encode()
    (root / "account.json").write_bytes(data.replace(at, b'"recovered_at":1,'))


def _new_key(root: Path) -> str:
    if not _there(root / "new.key"):
        return "old"
    assert len((root / "new.key").read_bytes()) == 65
    return "new"


def _split(root: Path) -> str:
    if not _there(root / "shares"):
        return "old"
    assert len(tree(root / "shares")) == 3
    return "new"


def _stored(root: Path) -> str:
    """The store is whole, with the version it had or one more, and every file of each."""
    key = unlock(root / "store", PASSPHRASE)
    assert check(root / "store", key).findings == ()
    numbers = version_numbers(root / "store")
    assert numbers in ([1], [1, 2], [2], [3])  # 3 where a version more is made after all was done
    return "new" if numbers[0] > 1 else "old"


def _fresh_store(root: Path) -> str:
    if not _there(root / "new-store"):
        return "old"
    assert check(root / "new-store").findings == ()
    return "new"


def _restored(root: Path) -> str:
    if not _there(root / "back"):
        return "old"
    assert (root / "back/note.txt").read_bytes() == b"first"
    return "new"


EXISTS = (5,)
CASES: dict[str, Case] = {
    "snapshot": Case(
        lambda r: ("snapshot", f"synthetic:{ACCOUNTS}", "--operator", r / "operator", "--out", r / "made"),
        _snapshot, ("operator",), EXISTS,
    ),
    "snapshot of a new operator": Case(
        lambda r: ("snapshot", f"synthetic:{ACCOUNTS}", "--operator", r / "other", "--issue-key",
                   f"{TRADER}={r / 'issued.key'}", "--shards", "2of3", "--out", r / "made"),
        _snapshot, (), EXISTS,
    ),
    "publish": Case(lambda r: ("publish", r / "epoch", "--mirror", r / "out"), _published, ("epoch",)),
    "publish shards": Case(
        lambda r: ("publish", r / "epoch", *(w for i in (1, 2, 3) for w in ("--shard-mirror", r / f"o{i}"))),
        _sharded, ("epoch", "s1", "s2", "s3"),
    ),
    "rebuild": Case(
        lambda r: ("recover", "--files", "--mirror", r / "s1", "--mirror", r / "s3", "--header",
                   r / "s1" / EPOCH / "header.bin", "--out", r / "rebuilt"),
        _rebuilt, ("s1", "s3"), EXISTS,
    ),
    "recover": Case(
        lambda r: ("recover", "--key", r / "trader.key", "--mirror", r / "mirror", "--header",
                   r / "mirror" / EPOCH / "header.bin", "--out", r / "account.json"),
        _recovered, ("trader.key", "mirror", "account.json"),
    ),
    "new key": Case(lambda r: ("recover", "--new-key", r / "new.key"), _new_key, (), EXISTS),
    "prove": Case(
        lambda r: ("prove", "balance", "--account", r / "account.json", "--asset", "USDT", "--at-most", "1e12",
                   "--out", r / "proof"),
        _proved, ("account.json",), EXISTS,
    ),
    "split": Case(
        lambda r: ("backup", "split", r / "trader.key", "--group", "2of3", "--out", r / "shares"),
        _split, ("trader.key",), EXISTS,
    ),
    "backup": Case(
        lambda r: ("backup", "make", "--store", r / "store", "--passphrase", r / "passphrase", "--epoch",
                   r / "mirror" / EPOCH, "--file", r / "note.txt", "--keep", "1"),
        _stored, ("store", "passphrase", "mirror", "note.txt"),
    ),
    "backup of a new store": Case(
        lambda r: ("backup", "make", "--store", r / "new-store", "--passphrase", r / "passphrase", "--file",
                   r / "note.txt"),
        _fresh_store, ("passphrase", "note.txt"),
    ),
    "restore": Case(
        lambda r: ("backup", "restore", "--store", r / "store", "--passphrase", r / "passphrase", "--out", r / "back"),
        _restored, ("store", "passphrase"), EXISTS,
    ),
}  # fmt: skip


def start(case: Case, name: str, scene_root: Path, folder: Path) -> None:
    """What the case needs, in a fresh folder."""
    folder.mkdir()
    for item in case.needs:
        source = scene_root / item
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / item)
    if name == "recover":
        _older(folder)
