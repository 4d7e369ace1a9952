"""Epochs in blobs: packed and unpacked, kept whole or as cells over folders, and nothing false taken out of them."""

import hashlib
import random
import shutil
import threading
from dataclasses import dataclass

import pytest

import lightclient.blobs
from lightclient.blobs import ArchiveSource, BlobMirror
from lightclient.recover import recover
from tests.cli.program import tree
from zkstate.cli.keys import read_key
from zkstate.commitment.kzg import BLOB_BYTES, blob_to_commitment, compute_cells_and_proofs
from zkstate.errors import DisagreementError, EncodingError, LengthError, MissingError, SourceError
from zkstate.publication import blobs
from zkstate.publication.blob_archive import keep_blobs
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.regular import read_below
from zkstate.publication.trust import Trust

PREFIX = "epochs/00000001/"


@dataclass
class Said:
    """A registry that says this of one header's blobs."""

    header: bytes
    root: bytes | None

    def epoch_hash(self, epoch):
        return self.header

    def blobs_root(self, header_hash):
        assert header_hash == self.header
        return self.root


@pytest.fixture(scope="module")
def packed(published):
    """The scene's epoch in blobs, kept in one archive and as cells in three folders."""
    place = published.root / "blobs"
    made = blobs.pack_epoch(published.published)
    folders = [place / name for name in ("whole", "a", "b", "c")]
    root = keep_blobs(made, folders[:1], folders[1:])
    header = SignedHeader.decode(read_below(published.published, "header.bin", SIGNED_BYTES)).header
    return made, Said(header.hash, root), place


def mirror(packed, *places):
    return BlobMirror(packed[1], [ArchiveSource(FolderMirror(place)) for place in places])


def taken(found, published):
    """All files of the epoch out of the blobs; they are those published."""
    files = tree(published.published)
    assert {path: found.get(PREFIX + path, max_bytes=1 << 30, timeout_s=5) for path in files} == files


@pytest.mark.parametrize("size", [0, 1, 31, blobs.BLOB_CONTENT - 24, blobs.BLOB_CONTENT - 23, 2 * blobs.BLOB_CONTENT])
def test_what_is_packed_comes_out(size):
    content = random.Random(size).randbytes(size)
    made = blobs.pack(content)
    assert len(made) == -(-(size + 24) // blobs.BLOB_CONTENT)
    assert all(len(blob) == BLOB_BYTES and not any(blob[::32]) for blob in made)
    assert blobs.unpack(made) == content


def test_the_packing_is_that_of_the_specification():
    (blob,) = blobs.pack(bytes(range(1, 40)))
    stream = b"zkstate blobs v1" + (39).to_bytes(8, "big") + bytes(range(1, 40))
    stream = stream.ljust(31 * 4096, b"\0")
    assert blob == b"".join(b"\0" + stream[31 * i : 31 * i + 31] for i in range(4096))


def test_blobs_that_hold_nothing_of_ours():
    (good,) = blobs.pack(b"content")
    for at, what in ((0, "zero byte"), (32, "zero byte"), (1, "do not hold"), (20, "do not hold"), (40, "behind")):
        bad = bytearray(good)
        bad[at] ^= 1
        with pytest.raises(EncodingError, match=what):
            blobs.unpack([bytes(bad)])
    for wrong in ([good, good], [good] * 7, [], [good[:-1]]):
        with pytest.raises((EncodingError, LengthError)):
            blobs.unpack(wrong)


def test_lists():
    hashes = [b"\1" + bytes([i]) * 31 for i in range(6)]
    data = blobs.encode_list(hashes)
    assert blobs.decode_list(data) == tuple(hashes)
    assert blobs.blobs_root(hashes) == hashlib.sha256((6).to_bytes(32, "big") + b"".join(hashes)).digest()
    for bad in (b"", data[:-1], data[:-32], data[:32], b"\0" * 64, (7).to_bytes(32, "big") + b"\1" * 224):
        with pytest.raises(EncodingError):
            blobs.decode_list(bad)
    with pytest.raises(EncodingError, match="version 2"):
        blobs.decode_list(blobs.encode_list([b"\2" * 32]))


def test_an_epoch_that_is_too_large(published, tmp_path, monkeypatch):
    monkeypatch.setattr(blobs, "MAX_BLOBS", 0)
    with pytest.raises(LengthError, match="0 blobs hold"):
        blobs.pack_epoch(published.published)


def test_the_versioned_hash_is_that_of_another_implementation(packed):
    ckzg = pytest.importorskip("ckzg")
    from zkstate.commitment.kzg import trusted_setup

    settings = ckzg.load_trusted_setup(str(trusted_setup.source()), 0)
    commitment = ckzg.blob_to_kzg_commitment(packed[0][0], settings)
    assert blobs.blob_hash(packed[0][0]) == b"\1" + hashlib.sha256(commitment).digest()[1:]


def test_an_epoch_out_of_an_archive(packed, published):
    found = mirror(packed, packed[2] / "nothing", packed[2] / "whole")
    taken(found, published)
    assert found.faults == []
    with pytest.raises(MissingError, match="has no other"):
        found.get(PREFIX + "other", max_bytes=1, timeout_s=1)
    with pytest.raises(SourceError, match="more than 10"):
        found.get(PREFIX + "header.bin", max_bytes=10, timeout_s=1)


def test_an_epoch_out_of_cells_of_several_mirrors(packed, published, tmp_path):
    """Any two of three folders have 64 cells; false ones are named and left out; 63 are not enough."""
    a, b, c = (shutil.copytree(packed[2] / name, tmp_path / name) for name in "abc")
    taken(mirror(packed, a, c), published)
    bent = sorted((b / blobs.blob_path(blobs.blob_hash(packed[0][0]))).parent.glob("cells/*.bin"))
    for place in bent[:3]:
        data = bytearray(place.read_bytes())
        data[40] ^= 1
        place.write_bytes(data)
    bent[3].write_bytes(bent[4].read_bytes())
    found = mirror(packed, b, c, a)
    taken(found, published)
    assert len(found.faults) == 1
    assert f"{b}: cells {', '.join(place.stem.lstrip('0') for place in bent[:4])} of blob" in found.faults[0]
    with pytest.raises(MissingError, match=r"43 cells of blob .* were found, and 64 are needed"):
        mirror(packed, a).get(PREFIX + "header.bin", max_bytes=1 << 20, timeout_s=5)
    for place in sorted(c.rglob("cells/*.bin")):
        if int(place.stem) >= 66:
            place.unlink()
    with pytest.raises(DisagreementError, match="64 are needed") as caught:
        mirror(packed, b, c).get(PREFIX + "header.bin", max_bytes=1 << 20, timeout_s=5)
    assert "are false" in str(caught.value)


class Flaky(FolderMirror):
    """A place whose every answer takes a tenth of a second of `clock`, and that fails where `fails` says so."""

    def __init__(self, root, clock, fails=lambda asked, cell: False):
        super().__init__(root)
        self.clock, self.fails, self.asked = clock, fails, 0

    def get(self, path, *, max_bytes, timeout_s):
        self.asked += "/cells/" in path
        self.clock[0] += 0.1
        if "/cells/" in path and self.fails(self.asked, int(path[-7:-4])):
            raise SourceError(f"{self.name}: {path}: nobody listens")
        return super().get(path, max_bytes=max_bytes, timeout_s=timeout_s)


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(lightclient.blobs.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture(scope="module")
def all_cells(packed):
    place = packed[2] / "every"
    keep_blobs(packed[0], [], [place])
    return place


def of(packed, *places):
    return BlobMirror(packed[1], list(map(ArchiveSource, places)))


def test_cells_of_slow_places_are_kept_and_no_more_than_enough_are_asked_for(packed, published, all_cells, clock):
    """Sixty-four of them take longer than one request may."""
    places = [Flaky(all_cells, clock) for _ in range(2)]
    found = of(packed, *places)
    taken(found, published)
    assert (found.faults, [place.asked for place in places]) == ([], [64 * len(packed[0]), 0])


def test_a_place_that_stops_answering_loses_nothing_that_came(packed, published, all_cells, clock):
    """One failure is passed over, three end it; what two places had between them is enough, and 40 are silence."""
    once = Flaky(all_cells, clock, lambda asked, cell: asked == 10)
    found = of(packed, once)
    taken(found, published)
    assert ["nobody listens" in fault for fault in found.faults] == [True]
    stops = [Flaky(all_cells, clock, lambda asked, cell, end=end: cell >= end) for end in (40, 40, 80)]
    alone = of(packed, stops[0])
    with pytest.raises(SourceError, match=r"40 cells of blob .* were found, and 64 are needed: .* nobody") as caught:
        alone.get(PREFIX + "header.bin", max_bytes=1 << 20, timeout_s=5)
    assert (type(caught.value), stops[0].asked) == (SourceError, 43)
    taken(of(packed, *stops[1:]), published)
    assert [place.asked for place in stops[1:]] == [43 * len(packed[0]), 24 * len(packed[0])]


def test_a_place_is_not_waited_for_without_end(packed, all_cells, clock):
    slow = Flaky(all_cells, clock)
    found = of(packed, slow)
    with pytest.raises(SourceError, match=r"40 cells of blob .* 4 s are over"):
        found.get(PREFIX + "header.bin", max_bytes=1 << 20, timeout_s=0.5)


def test_blobs_of_older_epochs_are_fetched_by_the_thread_that_asks_the_registry(packed, published):
    """A registry reader is not for several threads, and an abandoned thread would fetch on for nobody."""
    threads = set()

    class Newer(Said):
        def latest_epoch(self):
            return 3, b"\3" * 32, Trust("d", "a registry of this test")

        def epoch_hash(self, epoch):
            threads.add(threading.current_thread())
            return self.header if epoch == 1 else bytes([epoch]) * 32

        def blobs_root(self, header_hash):
            threads.add(threading.current_thread())
            return self.root if header_hash == self.header else None

    registry = Newer(packed[1].header, packed[1].root)
    found = BlobMirror(registry, [ArchiveSource(FolderMirror(packed[2] / "whole"))])
    recovery = recover(read_key(published.key, None), [found], registry)
    assert (recovery.bundle.header.epoch, len(recovery.skipped)) == (1, 2)
    assert threads == {threading.current_thread()}


def test_places_that_lie(packed, published, tmp_path):
    """A list, blob or commitment that is another one is named, and the next place is asked."""
    for place, what in (("list.bin", "a list of blobs hashes to"), ("blob.bin", "a blob has versioned hash")):
        liar = shutil.copytree(packed[2] / "whole", tmp_path / place)
        path = min(liar.rglob(place))
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        found = mirror(packed, liar, packed[2] / "whole")
        taken(found, published)
        assert any(fault.startswith(str(liar)) and what in fault for fault in found.faults)
        with pytest.raises(DisagreementError, match=what if place == "list.bin" else "64 are needed: .*" + what):
            mirror(packed, liar).get(PREFIX + "header.bin", max_bytes=1 << 20, timeout_s=5)
    other = tmp_path / "other"
    shutil.copytree(packed[2] / "a", other)
    place = min(other.rglob("commitment.bin"))
    place.write_bytes(blob_to_commitment(blobs.pack(b"another")[0]))
    found = mirror(packed, other, packed[2] / "b", packed[2] / "c")
    taken(found, published)
    assert "a commitment has versioned hash" in found.faults[0]


def test_a_registry_that_knows_of_no_blobs(packed):
    silent = BlobMirror(Said(packed[1].header, None), [])
    with pytest.raises(MissingError, match="the registry has no blobs of epoch 1"):
        silent.get(PREFIX + "header.bin", max_bytes=1, timeout_s=1)
    with pytest.raises(MissingError, match="no source has the list"):
        mirror(packed).get(PREFIX + "header.bin", max_bytes=1, timeout_s=1)


def test_true_blobs_of_something_else(packed, tmp_path):
    """What the chain committed to need not be an epoch: a manifest of another header is refused."""
    made = blobs.unpack(packed[0])
    bent = blobs.pack(made[:600] + bytes([made[600] ^ 1]) + made[601:])
    root = keep_blobs(bent, [tmp_path], [])
    with pytest.raises((DisagreementError, EncodingError)):
        BlobMirror(Said(packed[1].header, root), [ArchiveSource(FolderMirror(tmp_path))]).get(
            PREFIX + "header.bin", max_bytes=1 << 20, timeout_s=5
        )


def test_cells_in_an_archive_are_those_of_the_blob(packed):
    cells, proofs = compute_cells_and_proofs(packed[0][0])
    found = blobs.blob_hash(packed[0][0])
    for i in (0, 1, 64, 127):
        kept = (packed[2] / "abc"[i % 3] / blobs.cell_path(found, i)).read_bytes()
        assert kept == cells[i] + proofs[i]
