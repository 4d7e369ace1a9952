"""Asking mirrors: who has answered is not taken for one that hangs, and who hangs is not asked again."""

import threading

import pytest

from lightclient.watch import probe
from lightclient.watch.probe import SERVES, SILENT, Prober
from tests.lightclient.watched import Venue
from zkstate.publication.mirrors import FolderMirror


class Held:
    """A mirror that answers when it is let go."""

    name = "held"

    def __init__(self, mirror):
        self.mirror, self.go, self.asked = mirror, threading.Event(), 0

    def get(self, path, *, max_bytes, timeout_s):
        self.asked += 1
        assert self.go.wait(60)
        return self.mirror.get(path, max_bytes=max_bytes, timeout_s=timeout_s)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    root = tmp_path_factory.mktemp("venue")
    venue = Venue(root)
    venue.snapshots = venue.make(1)
    venue.publish(1, root / "mirror")
    return FolderMirror(root / "mirror"), venue.snapshots[0].signed.header


def test_a_mirror_whose_thread_has_still_to_end_serves_all_the_same(published, monkeypatch):
    mirror, header = published
    may_end = threading.Event()

    class Lingering(threading.Thread):
        def run(self):
            super().run()
            may_end.wait(60)

    monkeypatch.setattr(probe.threading, "Thread", Lingering)
    prober = Prober([mirror], 30.0)
    try:
        assert [each.condition for each in prober.ask(1, header.hash)] == [SERVES]
        assert prober.in_order() == [mirror]
        assert [each.condition for each in prober.ask(1, header.hash)] == [SERVES]
    finally:
        may_end.set()


def test_a_mirror_that_hangs_is_left_out_and_not_asked_again_until_it_has_answered(published):
    mirror, header = published
    held = Held(mirror)
    prober = Prober([held, mirror], 0.0)  # half a second
    try:
        for failures in (1, 2):
            assert prober.ask(1, header.hash)[0].condition == SILENT
            assert prober.failures[0] == failures
            assert held not in prober.in_order()
    finally:
        held.go.set()
    prober._asking[0].join(60)
    assert held in prober.in_order()
    assert held.asked == 1
