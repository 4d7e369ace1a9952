"""A watch on a disk that is full for a while: nothing is told wrongly or lost, and it goes on where it was."""

import contextlib
import resource
import signal
from dataclasses import replace

import pytest

from lightclient.watch import folder as folder_module
from lightclient.watch.cycle import Opened, Settings, Watcher
from lightclient.watch.events import Event
from lightclient.watch.folder import TOLD, WatchFolder
from lightclient.watch.followed import FollowedHeaders
from tests.lightclient.test_watch import logged
from tests.lightclient.venues import Chain
from tests.lightclient.watched import Venue, Watch, folders, kinds
from tests.publication.venue import TIME
from zkstate.errors import EnvironmentFailure
from zkstate.publication.publish import publish_folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three epochs, and a first one that the same operator signed too."""
    venue = Venue(tmp_path_factory.mktemp("venue"))
    venue.snapshots = venue.make(3)
    return venue, venue.make(1, fork_at=1, name="fork")


def refused(*_args, **_more):
    raise EnvironmentFailure("No space left on device")


@contextlib.contextmanager
def file_size_limit(size):
    """No file grows beyond `size`: a write is cut there, as on a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@contextlib.contextmanager
def following(venue, root, first=1):
    """A watch that follows the headers of one mirror from epoch `first` on."""
    venue.publish(first, root / "mirror")
    pinned = venue.snapshots[first - 1].signed
    with WatchFolder(root / "watch", 2).opened() as folder:
        headers = FollowedHeaders(pinned, pinned, folder.header)
        settings, clock = Settings(request_s=30.0, sample=0, once=True), lambda: TIME + 7210
        yield Watcher(folder, folders(root / "mirror"), lambda: Opened(headers), settings, clock=clock)


def test_a_line_that_the_disk_cut_takes_no_other_with_it(tmp_path):
    events = [Event(1, "stale", "raised", "", 1, f"number {i}") for i in range(3)]
    with WatchFolder(tmp_path, 2).opened() as folder:
        folder.log(events[:1])
        cut = (tmp_path / "events.jsonl").stat().st_size + 40
        with file_size_limit(cut), pytest.raises(EnvironmentFailure, match="was not written"):
            folder.log(events[1:])
        assert (tmp_path / "events.jsonl").stat().st_size == cut
        folder.log(events[1:])
    assert [line["text"] for line in logged(tmp_path)] == [event.text for event in events]


def test_a_pair_is_told_only_when_log_or_state_has_it(made, tmp_path):
    venue, fork = made
    venue.publish(1, tmp_path / "a")
    publish_folder(fork[0].public, tmp_path / "b")
    two = Watch(tmp_path / "watch", folders(tmp_path / "a", tmp_path / "b"), Chain.of([venue.snapshots[0].signed]))
    two.settings, two.more = replace(two.settings, sample=0, request_s=30.0), {}
    with two.running() as watcher, pytest.MonkeyPatch.context() as patch:
        for step in ("log", "save"):
            patch.setattr(WatchFolder, step, refused)
        assert "machine" in kinds(watcher.cycle())[0]
    (pair,) = (two.folder / "equivocations").iterdir()
    assert not (pair / TOLD).exists()
    with two.running() as watcher:
        assert ("equivocation", "happened") in kinds(watcher.cycle())[1]
        assert (pair / TOLD).exists()


def test_a_header_that_could_not_be_written_is_remembered_and_written_later(made, tmp_path):
    venue, _ = made
    with following(venue, tmp_path) as watcher:
        watcher.cycle()
        venue.publish(2, tmp_path / "mirror")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(folder_module, "replace_file", refused)
            assert watcher.cycle().newest == 2
        venue.publish(3, tmp_path / "mirror")
        report = watcher.cycle()
        assert (report.newest, kinds(report)[0]) == (3, [])
    kept = sorted(path.name for path in (tmp_path / "watch/headers").iterdir())
    assert kept == [f"{epoch:08d}.bin" for epoch in (1, 2, 3)]


def test_a_folder_whose_newest_header_is_not_there_follows_a_later_one(made, tmp_path):
    venue, _ = made
    with following(venue, tmp_path) as watcher:
        assert watcher.cycle().newest == 1
    (tmp_path / "watch/headers/00000001.bin").unlink()
    with following(venue, tmp_path, first=2) as watcher:
        report = watcher.cycle()
        assert (report.newest, kinds(report)[0]) == (2, [])
