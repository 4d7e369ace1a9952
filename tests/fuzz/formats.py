"""Our own file formats, fuzzed: what is read is what was written, byte for byte, or a typed error.

A file that a header commits to is accepted as it was and in no other form; one that stands for itself is accepted in
its one encoding.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from circuits import portable
from circuits.attestation import Attestation
from circuits.migration import Export
from lightclient.bundle import Bundle
from tests.cli.program import zkstate
from tests.fuzz.target import Target
from zkstate.backup.sealed import Cost, Kind, outline, seal, unseal
from zkstate.backup.shares import Group, join, split
from zkstate.backup.store import Contents, lay_out, make
from zkstate.backup.store_keys import StoreKey, open_slot, slot_of
from zkstate.backup.version import Version
from zkstate.errors import EncodingError
from zkstate.publication.header import SignedHeader
from zkstate.publication.layout import INSTRUMENTS, TOTALS, tile_path
from zkstate.publication.manifest import Manifest
from zkstate.publication.record_secrets import RecordSecrets
from zkstate.publication.records import RecordKey
from zkstate.publication.shards import ShardPlan, slice_path
from zkstate.publication.tables import check_instruments, check_totals
from zkstate.publication.tiles import path_from_tiles
from zkstate.solvency.files import MAGIC, BatchFile, Claim
from zkstate.state.computed import Known
from zkstate.state.identity import AccountKey
from zkstate.state.valuation_files import PARQUET, READERS, WRITERS

TRADER, PASSPHRASE, CHEAP = "user-00000003", b"six words that nobody has said", Cost(1, 8, 1)
EPOCH = "mirror/epochs/00000001"


@functools.cache
def scene() -> dict[str, bytes]:
    """One small venue's files by path, and those of a trader of it."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        header = root / EPOCH / "header.bin"
        asked = ("--challenge", "ab" * 32, "--expiry", "2099-01-01T00:00:00Z")
        for argv in (
            ("snapshot", "synthetic:12", "--operator", root / "operator", "--issue-key", f"{TRADER}={root / 'key'}",
             "--shards", "2of3", "--out", root / "epoch"),
            ("publish", root / "epoch", "--mirror", root / "mirror", "--shard-mirror", root / "s1", "--shard-mirror",
             root / "s2", "--shard-mirror", root / "s3"),
            ("recover", "--key", root / "key", "--mirror", root / "mirror", "--header", header, "--out",
             root / "account.json", "--export", root / "export", *asked),
            ("prove", "balance", "--account", root / "account.json", "--asset", "USDT", "--at-most", "1e12", *asked,
             "--attestation", root / "attestation.json"),
        ):  # fmt: skip
            done = zkstate(*argv)
            assert done.code == 0, done.err
        (root / "store").mkdir()
        store_key = lay_out(root / "store", PASSPHRASE, CHEAP)
        make(root / "store", store_key, Contents((root / EPOCH,), (), (("note.txt", b"note"),)), 1_800_000_000)
        found = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        return found | {"store key": store_key.seed}


def account_key() -> AccountKey:
    return AccountKey(bytes.fromhex(scene()["key"].decode().strip()))


def signed() -> SignedHeader:
    return SignedHeader.decode(scene()[f"{EPOCH}/header.bin"])


def canonical(path: str, decode: Callable[[bytes], object], encode: Callable[[object], bytes]) -> Target:
    """A format with one encoding for each value."""

    def run(data: bytes) -> None:
        assert encode(decode(data)) == data

    return Target((scene()[path],), run)


def committed(good: bytes, read: Callable[[bytes], object]) -> Target:
    """A file that something believed already commits to: it is read as it was, or refused."""
    expected = read(good)

    def run(data: bytes) -> None:
        assert read(data) == expected
        assert data == good

    return Target((good,), run)


def header() -> Target:
    return canonical(f"{EPOCH}/header.bin", SignedHeader.decode, SignedHeader.encode)


def manifest() -> Target:
    return canonical(f"{EPOCH}/manifest.json", Manifest.decode, Manifest.encode)


def instruments() -> Target:
    return committed(scene()[f"{EPOCH}/{INSTRUMENTS}"], lambda data: check_instruments(data, signed().header))


def totals() -> Target:
    return committed(scene()[f"{EPOCH}/{TOTALS}"], lambda data: check_totals(data, signed().header))


def tiles() -> Target:
    header_ = signed().header
    index = Bundle.decode(scene()["account.json"]).index

    def read(data: bytes) -> object:
        def fetch(path, max_bytes, check):
            return check(data if path == tile_path(0, 0) else scene()[f"{EPOCH}/{path}"])

        return path_from_tiles(
            index,
            count=header_.account_count,
            depth=header_.accounts_depth,
            root=header_.accounts_root,
            fetch=fetch,
        )

    return committed(scene()[f"{EPOCH}/{tile_path(0, 0)}"], read)


def records() -> Target:
    """A bucket is held by the manifest; what opens in one that is not is the trader's own record or nothing."""
    key = RecordKey.derive(account_key(), signed().header)
    good = scene()[f"{EPOCH}/{key.path}"]
    expected = key.open(good)

    def run(data: bytes) -> None:
        assert key.open(data) == expected

    return Target((good,), run)


def record_secrets() -> Target:
    """Its checksum is no secret: the second seed is a body, and the target states its SHA-256 for it."""
    keys = np.arange(192, dtype=np.uint8).reshape(6, 32)
    good = b"".join(RecordSecrets(bytes(32), Known.of(keys[::2], keys[1::2])).encode())

    def run(data: bytes) -> None:
        whole = good[:25] + hashlib.sha256(data[1:]).digest() + data[1:] if data[:1] == b"b" else data[1:]
        assert b"".join(RecordSecrets.decode(whole).encode()) == whole

    return Target((b"w" + good, b"b" + good[57:]), run, fixed=1)


def plan() -> Target:
    return canonical(f"{EPOCH}/shards.json", ShardPlan.decode, ShardPlan.encode)


def slices() -> Target:
    shards = ShardPlan.decode(scene()[f"{EPOCH}/shards.json"])
    path = next(p for p in scene() if p.endswith(slice_path(1, 0)))
    return committed(scene()[path], lambda data: shards.open_slice(1, 0, data))


def bundle() -> Target:
    return canonical("account.json", Bundle.decode, Bundle.encode)


def attestation() -> Target:
    return canonical("attestation.json", portable.decode, portable.encode)


def statement() -> Target:
    """The files of a proof directory, one of them changed."""
    files = {path.removeprefix("export/"): data for path, data in scene().items() if path.startswith("export/")}
    names = [name for name in sorted(Attestation.decode(files).encode()) if name != "proof.bin"]

    def run(data: bytes) -> None:
        name = names[data[0] % len(names)] if data else names[0]
        Attestation.decode({**files, name: data[1:]})

    return Target(tuple(bytes([i]) + files[name] for i, name in enumerate(names)), run, fixed=1)


def export() -> Target:
    return canonical("export/export.json", Export.decode, Export.encode)


def parquet() -> Target:
    """The form that another process reads, at half a second each."""

    def run(data: bytes) -> None:
        lines = READERS[PARQUET](data)
        assert list(READERS[PARQUET](WRITERS[PARQUET](lines))) == list(lines)

    return Target((scene()[f"export/{PARQUET}"],), run, share=0.05)


def tables() -> Target:
    """The other forms of a book: text that comes back as it is."""
    names = sorted(READERS.keys() - {PARQUET})

    def run(data: bytes) -> None:
        name = names[data[0] % len(names)] if data else names[0]
        lines = READERS[name](data[1:])
        assert list(READERS[name](WRITERS[name](lines))) == list(lines)

    return Target(tuple(bytes([i]) + scene()[f"export/{name}"] for i, name in enumerate(names)), run, fixed=1)


def sealed() -> Target:
    """Opens as it was sealed or not at all. Work that the file may ask for (section 12) is not spent here."""
    good = seal(Kind.ACCOUNT_KEY, bytes(range(32)), PASSPHRASE, CHEAP)

    def run(data: bytes) -> None:
        _, cost = outline(data)
        if cost.passes * cost.memory_kib > 1 << 14:
            return
        assert unseal(Kind.ACCOUNT_KEY, data, PASSPHRASE) == bytes(range(32))
        assert data == good

    return Target((good,), run)


def shares() -> Target:
    key = account_key()
    first, second, _ = split(key, [Group(2, 3)], 1)[0]

    def run(data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise EncodingError("the command line says so") from None
        assert join({"first": first, "second": text}) == key

    return Target((second.encode(),), run)


def versions() -> Target:
    return canonical("store/versions/00000001.json", Version.decode, Version.encode)


def version_index() -> Target:
    """With the store's key no version is read but one that was written with it."""
    key = StoreKey(scene()["store key"])
    good = scene()["store/versions/00000001.json"]
    return committed(good, lambda data: Version.decode(data).files(key))


def slot() -> Target:
    key, account = StoreKey(scene()["store key"]), account_key()
    return committed(slot_of(key, account), lambda data: open_slot(data, account, "a slot"))


def solvency() -> Target:
    claim = Claim.of(signed().header, "transparent", {4: 8, 16: 4}, 1, 10**20, -(10**19))
    batch = BatchFile.decode(MAGIC + bytes(96) + b"proof", "batch")

    def run(data: bytes) -> None:
        if data[:1] == b"c":
            assert Claim.decode(data[1:]).encode() == data[1:]
        else:
            assert BatchFile.decode(data[1:], "batch").encode() == data[1:]

    return Target((b"c" + claim.encode(), b"b" + batch.encode()), run, fixed=1)


FORMATS: dict[str, Callable[[], Target]] = {
    made.__name__: made
    for made in (
        header, manifest, instruments, totals, tiles, records, record_secrets, plan, slices, bundle, attestation,
        statement, export, tables, parquet, sealed, shares, versions, version_index, slot, solvency,
    )
}  # fmt: skip
