"""Stores behind fsspec, on its memory and local filesystems."""

import shutil
import threading
import time
import uuid

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lightclient.recover import recover
from lightclient.shards import rebuild
from lightclient.source import Fleet
from lightclient.trust import PinnedHeader
from tests.lightclient.venues import HOUR, publish_chain
from tests.publication.sharded import EPOCH, sharded
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, MissingError, SourceError
from zkstate.publication.layout import HEADER, epoch_folder
from zkstate.publication.mirrors import FolderMirror, mirror_at, target_at
from zkstate.publication.publish import publish_shards, publish_some_shards, publish_whole
from zkstate.publication.stores import MAX_STUCK, Store


@pytest.fixture(scope="module")
def epoch(tmp_path_factory):
    """(public folder, signed header) of one epoch."""
    folder = tmp_path_factory.mktemp("venue")
    (signed,) = publish_chain(folder, 1)
    return folder / "epoch-1/public", signed


@pytest.fixture(params=["memory", "file"])
def place(request, tmp_path):
    """A fresh place of a real filesystem of fsspec."""
    name = f"zk-{uuid.uuid4().hex}"
    yield f"memory://{name}" if request.param == "memory" else f"file://{tmp_path}/{name}"
    for path in [path for path in MemoryFileSystem.store if path.startswith(f"/{name}")]:
        del MemoryFileSystem.store[path]


def objects(place):
    """Every object below a place, as fsspec itself reads it."""
    fs, base = fsspec.url_to_fs(place)
    return {path.removeprefix(base).strip("/"): fs.cat_file(path) for path in fs.find(base)}


class TestPublishing:
    def test_an_account_comes_back_from_what_was_published(self, epoch, place):
        public, signed = epoch
        store = Store(place)
        first = publish_whole(public, store)
        assert (first.already, first.folder) == (False, f"{place}/epochs/00000001")
        files = {str(p.relative_to(public)): p.read_bytes() for p in public.rglob("*") if p.is_file()}
        assert objects(place) == {f"epochs/00000001/{path}": data for path, data in files.items()}
        assert first.copied_bytes == sum(map(len, files.values()))
        again = publish_whole(public, Store(place))
        assert (again.already, again.copied_bytes) == (True, 0)
        found = recover(
            OPERATOR.account_key("trader-7"), [Store(place)], PinnedHeader(signed), clock=lambda: TIME + HOUR
        )
        assert found.bundle.account.rows == ledger(300).rows_of(7)
        assert found.sources[0].bytes_read == found.bytes_read > 0

    def test_the_header_comes_last(self, epoch, place, monkeypatch):
        put = []
        inner = Store.put
        monkeypatch.setattr(Store, "put", lambda self, path, content: put.append(path) or inner(self, path, content))
        publish_whole(epoch[0], Store(place))
        assert put[-2:] == ["epochs/00000001/manifest.json", "epochs/00000001/header.bin"]

    def test_no_header_stands_over_an_object_that_arrived_damaged(self, epoch, place, monkeypatch):
        """Once damaged, never believed; and what went bad later is put again."""
        inner, bent = Store.put, []

        def damaging(self, path, content):
            if path.endswith("instruments.json") and not bent:
                bent.append(path)
                return inner(self, path, b"{}")
            return inner(self, path, content)

        monkeypatch.setattr(Store, "put", damaging)
        with pytest.raises(DisagreementError, match=r"instruments\.json is not there as it was sent"):
            publish_whole(epoch[0], Store(place))
        assert f"epochs/00000001/{HEADER}" not in objects(place)
        assert not publish_whole(epoch[0], Store(place)).already
        whole = objects(place)
        inner(Store(place), "epochs/00000001/tables/totals.json", b"rot")
        repaired = publish_whole(epoch[0], Store(place))
        assert (repaired.already, objects(place)) == (False, whole)

    def test_an_upload_that_is_cut_off_shows_no_epoch_and_is_repeated(self, epoch, place, monkeypatch):
        inner, left = Store.put, [5]

        def failing(self, path, content):
            left[0] -= 1
            if left[0] < 0:
                raise SourceError("the line is down")
            return inner(self, path, content)

        monkeypatch.setattr(Store, "put", failing)
        with pytest.raises(SourceError, match="line is down"):
            publish_whole(epoch[0], Store(place))
        with pytest.raises(MissingError):
            Store(place).get(f"epochs/00000001/{HEADER}", max_bytes=1000, timeout_s=5)
        monkeypatch.undo()
        assert not publish_whole(epoch[0], Store(place)).already

    def test_what_is_there_is_never_replaced(self, epoch, place):
        public, _ = epoch
        store = Store(place)
        store.put(f"epochs/00000001/{HEADER}", bytes(544))
        with pytest.raises(DisagreementError, match="never replaced"):
            publish_whole(public, store)
        assert objects(place) == {f"epochs/00000001/{HEADER}": bytes(544)}

    def test_a_damaged_folder_is_not_published(self, epoch, place, tmp_path):
        shutil.copytree(epoch[0], tmp_path / "public")
        (tmp_path / "public/tables/totals.json").write_bytes(b"other")
        with pytest.raises(DisagreementError, match=r"totals\.json"):
            publish_whole(tmp_path / "public", Store(place))
        assert objects(place) == {}

    def test_shards_on_stores_and_folders_and_a_lost_one_given_back(self, tmp_path):
        made = sharded(tmp_path / "made", 2, 3)
        public = tmp_path / "made/public"
        names = [f"memory://zk-{uuid.uuid4().hex}" for _ in range(2)]
        targets = [Store(names[0]), tmp_path / "disk", Store(names[1])]
        assert [one.already for one in publish_shards(public, targets)] == [False] * 3
        assert [one.already for one in publish_shards(public, targets)] == [True] * 3
        mirrors = [Store(names[0]), Store(names[1])]
        rebuild(Fleet(mirrors, request_s=10, grace_s=0.1), EPOCH, made.signed.header.hash, tmp_path / "rebuilt")
        assert {path: (tmp_path / "rebuilt" / path).read_bytes() for path in made.files} == made.files
        shutil.rmtree(tmp_path / "disk")
        (back,) = publish_some_shards(tmp_path / "rebuilt", {1: tmp_path / "disk"})
        assert not back.already
        there, planned = tmp_path / "disk" / epoch_folder(EPOCH), made.mirrors[1] / epoch_folder(EPOCH)
        assert objects(f"file://{there}") == objects(f"file://{planned}")
        with pytest.raises(DisagreementError, match="does not hold shard 0"):
            publish_some_shards(public, {0: tmp_path / "disk"})
        with pytest.raises(InputError, match="shards 0 to 2"):
            publish_some_shards(public, {3: tmp_path / "more"})
        Store(names[0]).put(f"{epoch_folder(EPOCH)}/shards/00/00000000.bin", b"other")
        with pytest.raises(DisagreementError, match="does not hold shard 0"):
            publish_some_shards(public, {0: Store(names[0])})


class TestReading:
    def test_limits_come_before_reading(self, place):
        store = Store(place)
        store.put("a/b", b"x" * 11)
        store.put("empty", b"")
        assert store.get("a/b", max_bytes=11, timeout_s=5) == b"x" * 11
        assert store.get("empty", max_bytes=0, timeout_s=5) == b""
        assert store.bytes_read == 11
        with pytest.raises(SourceError, match="11 bytes; the limit is 10"):
            store.get("a/b", max_bytes=10, timeout_s=5)
        with pytest.raises(SourceError, match="not a file of known size"):
            store.get("a", max_bytes=10, timeout_s=5)
        for path in ("gone", "a/gone", "a/b/c"):
            with pytest.raises(MissingError, match=path):
                store.get(path, max_bytes=10, timeout_s=5)
        for path in ("../a", "/etc/hostname", "a?b", "a//b"):
            with pytest.raises(InputError):
                store.get(path, max_bytes=10, timeout_s=5)

    def test_a_driver_that_lies_stalls_or_breaks(self, monkeypatch):
        store = Store("memory://zk-bad")
        store.put("a", b"12345")
        release = threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr(MemoryFileSystem, "cat_file", lambda *_, **__: b"x" * 100)
            with pytest.raises(SourceError, match="came with 100 bytes"):
                store.get("a", max_bytes=10, timeout_s=5)
            patch.setattr(MemoryFileSystem, "info", lambda *_: {"type": "file", "size": None})
            with pytest.raises(SourceError, match="known size"):
                store.get("a", max_bytes=10, timeout_s=5)
            patch.setattr(MemoryFileSystem, "info", _raise(RuntimeError("see https://x/?signature=hunter2 \n twice")))
            with pytest.raises(SourceError, match=r"RuntimeError see \(address\) twice") as caught:
                store.get("a", max_bytes=10, timeout_s=5)
            assert "hunter2" not in str(caught.value)
            patch.setattr(MemoryFileSystem, "info", lambda *_: release.wait(30))
            for _ in range(MAX_STUCK):
                start = time.monotonic()
                with pytest.raises(SourceError, match=r"not finished within 0\.05 s"):
                    store.get("a", max_bytes=10, timeout_s=0.05)
                assert time.monotonic() - start < 4
            with pytest.raises(SourceError, match="have not come back"):
                store.get("a", max_bytes=10, timeout_s=5)
            release.set()
        deadline = time.monotonic() + 10
        while store._stuck and time.monotonic() < deadline:
            time.sleep(0.01)
        assert store.get("a", max_bytes=10, timeout_s=5) == b"12345"


def _raise(error):
    def call(*_):
        raise error

    return call


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nosuch://x/y", "none that fsspec knows"),
        ("sftp://anna:hunter2@host/x", "password"),
        ("ftp://me@corp.example:hunter2@ftp.example/venue", "password"),
        ("s3://bucket/x?password=hunter2", "a query"),
        ("s3://bucket/x#hunter2", "a fragment"),
        ("simplecache::memory://x", "URL of one store"),
        ("memory://a b", "URL of one store"),
        ("MEMORY://a", "URL of one store"),
        ("memory://", "URL of one store"),
        ("file://host/x", "from the root"),
    ],
)
def test_places_that_are_none(url, words):
    for parse in (mirror_at, target_at):
        with pytest.raises(InputError, match=words) as caught:
            parse(url)
        assert "hunter2" not in str(caught.value)


def test_a_drivers_words_name_no_user_and_no_key(monkeypatch):
    store = Store("memory://venue")
    told = "Login of anna:hunter2@host refused at ftp://anna:hunter2@host/x AWSSecretAccessKey=hunter2 today"
    monkeypatch.setattr(Store, "_store", _raise(OSError(told)))
    with pytest.raises(SourceError, match=r"refused at .* today") as caught:
        store.get("a", max_bytes=1, timeout_s=5)
    assert not any(word in str(caught.value) for word in ("hunter2", "anna"))


def test_two_urls_of_one_place_take_no_two_shards(tmp_path):
    sharded(tmp_path / "made", 2, 3)
    for again in ("memory://venue/", "memory://VENUE", "memory://venue/."):
        with pytest.raises(InputError, match="named twice"):
            publish_some_shards(tmp_path / "made/public", {0: Store("memory://venue"), 1: Store(again)})


def test_a_driver_that_is_not_installed_is_named(monkeypatch):
    def missing(_):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(EnvironmentFailure, match="Install s3fs"):
        mirror_at("s3://bucket/x")


def test_without_fsspec_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(EnvironmentFailure, match=r"zkstate\[backup\]"):
        mirror_at("memory://x")


def test_a_file_url_is_a_folder(tmp_path):
    assert mirror_at(f"file://{tmp_path}") == FolderMirror(tmp_path)
    assert target_at(f"file://{tmp_path}") == tmp_path
    assert isinstance(mirror_at("memory://x"), Store)
