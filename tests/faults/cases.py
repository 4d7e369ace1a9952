"""What is interrupted: each verb's start, its command, and how its old and its new state are known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from circuits.attestation import Expectation, examine
from lightclient.bundle import Bundle
from lightclient.watch.folder import WatchFolder
from tests.cli.program import tree, zkstate
from tests.solvency import venue
from zkstate.backup.sealed import Cost
from zkstate.backup.store import Contents, lay_out, make, unlock
from zkstate.backup.store_files import version_numbers
from zkstate.backup.store_use import check
from zkstate.cli.snapshot_journal import journal_key
from zkstate.cli.verify import read_attestation
from zkstate.publication.header import SignedHeader
from zkstate.publication.manifest import check_folder
from zkstate.publication.venue_journal import check_chain, replay_folder
from zkstate.solvency.files import CLAIM
from zkstate.state.synthetic_market import TIME

ACCOUNTS, TRADER = 8, "user-00000002"
PASSPHRASE = b"six words that nobody has said"
EPOCH = "epochs/00000001"
CHALLENGE = "ab" * 32
EVENTS = "synthetic:20"


@dataclass(frozen=True)
class Case:
    """`state` is 'old' or 'new', or raises: nothing else may be found below the folder after a run.

    `again` is what a run may end with where the new state is there already, `fails` with a disk that refuses.
    `unflushed` are ends of names that a power cut may take from a run that ended well.
    """

    argv: Callable[[Path], tuple[object, ...]]
    state: Callable[[Path], str]
    needs: tuple[str, ...] = ()
    again: tuple[int, ...] = (0,)
    fails: tuple[int, ...] = (5,)
    unflushed: tuple[str, ...] = ()


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
        ("snapshot", f"synthetic:{ACCOUNTS}", "--operator", root / "operator", "--journal", root / "journal", "--out",
         root / "journaled"),
        ("publish", root / "journaled", "--mirror", root / "venue"),
        ("publish", root / "journal", "--mirror", root / "venue"),
    )  # fmt: skip
    venue.commit(root / "solvent", venue.ledger(small=3, large=0))
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
    """The store is whole, with the version it had or one more, and every file of each.

    An old version that cannot be removed is a warning of a run that ends well, and the next one removes it.
    """
    key = unlock(root / "store", PASSPHRASE)
    assert check(root / "store", key).findings == ()
    numbers = version_numbers(root / "store")
    assert numbers in ([1], [1, 2], [2], [3])  # 3 where a version more is made after all was done
    return "new" if numbers[-1] > 1 else "old"


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


def _added(root: Path) -> str:
    """A journal that still leads somewhere, with its first state alone or with events."""
    heads = check_chain(root / "journal")
    replay_folder(root / "journal", journal_key(root / "operator"))
    return "old" if len(heads) == 1 else "new"


def _begun(root: Path) -> str:
    """The first state may be there without the epoch's files."""
    folder = root / "deep/begun"
    if _there(folder) and check_chain(folder):
        replay_folder(folder, journal_key(root / "operator"))
    return _snapshot(root)


def _segments(root: Path) -> str:
    if not _there(root / "out/journal/00000001.bin"):
        return "old"
    assert check_chain(root / "out/journal") == check_chain(root / "journal")
    return "new"


def _closed(root: Path) -> str:
    """Events may have been added, or the epoch closed in the journal, where its files are not there yet."""
    _added(root)
    return _snapshot(root)


def _exported(root: Path) -> str:
    if not _there(root / "book"):
        return "old"
    Bundle.read(root / "account.json")
    judged = zkstate("verify", root / "book", "--challenge", CHALLENGE)
    assert judged.code == 0, judged.out + judged.err
    return "new"


def _venue(root: Path) -> str:
    if not _there(root / "whole"):
        return "old"
    names = {path.name for path in (root / "whole").iterdir()}
    assert names == {"ledger.jsonl", "orderbook.json", "orders.csv", "venue.json"}
    return "new"


def _solvent(root: Path) -> str:
    """A claim stands only with all that shows it."""
    if not _there(root / "solvent/solvency" / CLAIM):
        return "old"
    judged = zkstate("verify", root / "solvent")
    assert judged.code == 0, judged.out + judged.err
    return "new"


def _watched(root: Path) -> str:
    """A folder that the next watch can open, with the account in it or not yet."""
    if not _there(root / "watched"):
        return "old"
    with WatchFolder(root / "watched", 8).opened():
        pass
    if not _there(root / "watched/account.json"):
        return "old"
    Bundle.read(root / "watched/account.json")
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
    "journal": Case(
        lambda r: ("snapshot", "--operator", r / "operator", "--journal", r / "journal", "--events", EVENTS),
        _added, ("operator", "journal"),
    ),
    "beginning of a journal": Case(
        lambda r: ("snapshot", f"synthetic:{ACCOUNTS}", "--operator", r / "operator", "--journal", r / "deep/begun",
                   "--out", r / "made"),
        _begun, ("operator",), EXISTS,
    ),
    "publish a journal": Case(lambda r: ("publish", r / "journal", "--mirror", r / "out"), _segments, ("journal",)),
    "epoch of a journal": Case(
        lambda r: ("snapshot", "--operator", r / "operator", "--journal", r / "journal", "--events", EVENTS,
                   "--previous", r / "journaled/public/header.bin", "--time", TIME + 3600, "--out", r / "made"),
        _closed, ("operator", "journal", "journaled"), EXISTS,
    ),
    "venue": Case(
        lambda r: ("recover", "--venue", "--journal-key", r / "operator/journal.key", "--mirror", r / "venue",
                   "--header", r / "venue" / EPOCH / "header.bin", "--out", r / "whole"),
        _venue, ("operator", "venue"), EXISTS,
    ),
    "export": Case(
        lambda r: ("recover", "--key", r / "trader.key", "--mirror", r / "mirror", "--header",
                   r / "mirror" / EPOCH / "header.bin", "--out", r / "account.json", "--export", r / "book",
                   "--challenge", CHALLENGE, "--expiry", "2099-01-01T00:00:00Z"),
        _exported, ("trader.key", "mirror", "account.json"), EXISTS,
    ),
    "solvency": Case(
        lambda r: ("prove", "solvency", r / "solvent", "--jobs", "1", "--batch-rows", "64"), _solvent, ("solvent",),
        unflushed=("/solvent/private", "/solvency-bounds.npy"),  # written again by each run
    ),
    "watch": Case(
        lambda r: ("watch", "--folder", r / "watched", "--mirror", r / "mirror", "--header",
                   r / "mirror" / EPOCH / "header.bin", "--key", r / "trader.key", "--once", "--sample", "2"),
        _watched, ("trader.key", "mirror"),
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
