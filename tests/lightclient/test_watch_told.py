"""No alert is lost or waits: kills and disks that refuse, slow and flapping mirrors, headers that do not go on."""

import shutil
from dataclasses import replace

import pytest

from lightclient.source import Fleet
from lightclient.watch import telling
from lightclient.watch.cycle import Opened, Watcher
from lightclient.watch.events import WINDOW, Alarms, Event
from lightclient.watch.folder import MAX_PENDING, MAX_UNLOGGED, WatchFolder
from lightclient.watch.followed import FollowedHeaders
from lightclient.watch.loop import exit_code
from lightclient.watch.metrics import Metrics
from tests.lightclient.test_watch import logged
from tests.lightclient.venues import Chain
from tests.lightclient.watched import Venue, Watch, folders, kinds
from tests.publication.venue import TIME
from zkstate.publication.header import SignedHeader, equivocation
from zkstate.publication.publish import publish_folder
from zkstate.publication.trust import Trust

TOLD = ("equivocation", "happened")


class Kill(BaseException):
    """The process ends here, and what follows is another one."""


def killed(*_args, **_more):
    raise Kill


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three epochs, and others that the same operator signed from the first on, and from the second on."""
    venue = Venue(tmp_path_factory.mktemp("venue"))
    venue.snapshots = venue.make(3)
    return venue, venue.make(3, fork_at=1, name="fork"), venue.make(3, fork_at=2, name="late")


@pytest.fixture
def two(made, tmp_path):
    """A watch over two mirrors that show two headers for the first epoch."""
    venue, fork, _ = made
    venue.publish(1, tmp_path / "a")
    publish_folder(fork[0].public, tmp_path / "b")
    one = Watch(tmp_path / "watch", folders(tmp_path / "a", tmp_path / "b"), Chain.of([venue.snapshots[0].signed]))
    one.settings, one.more = replace(one.settings, sample=0), {}
    return one


class TestKills:
    @pytest.mark.parametrize("step", ["log", "save", "mark_told"])
    def test_a_kill_after_the_pair_is_kept_loses_no_alert(self, two, monkeypatch, step):
        with two.running() as watcher, pytest.MonkeyPatch.context() as patch:
            patch.setattr(WatchFolder, step, killed)
            with pytest.raises(Kill):
                watcher.cycle()
        assert len(list((two.folder / "equivocations").iterdir())) == 1
        with two.running() as watcher:
            report = watcher.cycle()
            assert (kinds(report)[1].count(TOLD), exit_code(report)) == (1, 4)
            assert TOLD not in kinds(watcher.cycle())[1]
        with two.running() as watcher:
            assert TOLD not in kinds(watcher.cycle())[1]

    def test_a_pair_that_cannot_be_kept_is_told_of_all_the_same(self, two):
        folder = two.folder / "equivocations"
        for number in range(256):
            (folder / str(number)).mkdir(parents=True)
        with two.running() as watcher:
            (event,) = (event for event in watcher.cycle().events if event.kind == "equivocation")
            assert "could not be kept" in event.text
            assert TOLD not in kinds(watcher.cycle())[1]


class TestDisk:
    def test_what_the_log_refuses_is_logged_later_and_by_another_run_too(self, two):
        two.folder.mkdir()
        log = two.folder / "events.jsonl"
        with two.running() as watcher:
            log.mkdir()
            report = watcher.cycle()
            assert {"machine"} <= set(kinds(report)[0])
            assert TOLD in kinds(report)[1]
        log.rmdir()
        with two.running() as watcher:
            assert "machine" not in kinds(watcher.cycle())[0]
        said = [(line["kind"], line["state"]) for line in logged(two.folder)]
        assert said.count(TOLD) == said.count(("epoch", "happened")) == said.count(("machine", "raised")) == 1

    def test_what_waits_for_the_log_is_bounded_and_read_again(self, two):
        with WatchFolder(two.folder, 2).opened() as folder:
            waiting = tuple(Event(1, "stale", "raised", "x" * 300, 1, "y" * 600) for _ in range(MAX_UNLOGGED))
            folder.save(replace_state(folder, unlogged=waiting))
        with WatchFolder(two.folder, 2).opened() as folder:
            assert folder.state.unlogged == waiting


def replace_state(folder, **changes):
    return telling.msgspec.structs.replace(folder.state, **changes)


class TestOrder:
    def test_alerts_are_told_before_account_sample_store_and_proofs(self, two, monkeypatch):
        seen = []
        with two.running() as watcher:
            for name in ("_account", "_sampling", "_storing", "_preparing"):

                def look(*_args, name=name):
                    seen.append((name, "equivocation" in (two.folder / "events.jsonl").read_text()))

                if name == "_account":
                    monkeypatch.setattr(watcher, name, look)
                else:
                    monkeypatch.setattr(getattr(watcher, name), "run", look)
            watcher.cycle()
        assert seen == [("_account", True), ("_sampling", True), ("_storing", True), ("_preparing", True)]


class Hook:
    """A webhook that takes nothing until it is mended."""

    fault = "the server is away"

    def __init__(self):
        self.told = []

    def tell(self, waiting):
        if self.fault and waiting:
            return tuple(waiting[-MAX_PENDING:]), self.fault
        self.told += waiting
        return (), ""


class TestWebhook:
    def test_a_dead_one_is_told_of_in_the_one_cycle_there_is(self, two):
        two.settings, two.more = replace(two.settings, once=True), {"webhook": Hook()}
        for _ in range(2):
            with two.running() as watcher:
                assert "webhook-failed" in kinds(watcher.cycle())[0]
        hook = two.more["webhook"]
        hook.fault = ""
        with two.running() as watcher:
            assert "webhook-failed" not in kinds(watcher.cycle())[0]
        assert [event.kind for event in hook.told].count("equivocation") == 1

    def test_alerts_that_are_dropped_are_told_of(self, two):
        two.more = {"webhook": Hook()}
        with WatchFolder(two.folder, 3).opened() as folder:
            waiting = tuple(Event(n, "stale", "raised", "", 1, "x") for n in range(MAX_PENDING))
            folder.save(replace_state(folder, pending=waiting))
        with two.running() as watcher:
            report = watcher.cycle()
        assert ("webhook-dropped", "happened") in kinds(report)[1]
        assert "webhook-dropped" in [line["kind"] for line in logged(two.folder)]


class TestPatience:
    def cycles(self, alarms, pattern):
        found = {("mirror-silent", "m"): "away"}
        for number, away in enumerate(pattern):
            events = alarms.settle(number, 1, found if away else {}, frozenset())
            yield [event.state for event in events]

    def test_a_source_that_is_away_now_and_then_is_named(self):
        assert list(self.cycles(Alarms((), patient=True), [1, 1, 0, 1])) == [[], [], [], ["raised"]]
        flapping = list(self.cycles(Alarms((), patient=True), [1, 0] * WINDOW))
        assert flapping[:5] == [[], [], [], [], ["raised"]]
        assert flapping[5] == ["cleared"]
        assert not any(self.cycles(Alarms((), patient=True), ([1] + [0] * (WINDOW - 1)) * 5))

    def test_it_is_counted_across_runs(self):
        first = Alarms((), patient=True)
        list(self.cycles(first, [1, 0, 1]))
        assert list(self.cycles(Alarms((), first.recent, patient=True), [1])) == [["raised"]]
        list(self.cycles(first, [0] * WINDOW))
        assert first.recent == ()

    def test_a_cycle_counts_once(self):
        alarms, found = Alarms((), patient=True), {("mirror-silent", "m"): "away"}
        assert [alarms.rise(1, 1, found) for _ in range(5)] == [[]] * 5
        assert alarms.settle(1, 1, found, frozenset()) == []
        assert [one.seen for one in alarms.recent] == [1]


class Levels(Chain):
    """A trust root of a level that a test sets."""

    level = "b"

    def latest_epoch(self):
        return *super().latest_epoch()[:2], Trust(self.level, "so many nodes")


class TestTrust:
    def test_a_level_that_falls_is_an_alert_until_it_is_back(self, two):
        two.mirrors, two.chain = two.mirrors[:1], Levels(two.chain.hashes)
        two.settings = replace(two.settings, trust="2 nodes")
        with two.running() as watcher:
            assert kinds(watcher.cycle())[0] == []
        two.chain.level = "d"
        for _ in range(2):
            with two.running() as watcher:
                report = watcher.cycle()
                assert (kinds(report)[0], exit_code(report)) == (["trust-fell"], 3)
        two.chain.level = "b"
        with two.running() as watcher:
            assert ("trust-fell", "cleared") in kinds(watcher.cycle())[1]
        two.chain.level, two.settings = "d", replace(two.settings, trust="1 nodes")
        with two.running() as watcher:
            assert kinds(watcher.cycle())[0] == []

    def test_a_header_that_is_dated_ahead_is_stale_by_any_limit(self, two):
        two.mirrors, two.now = two.mirrors[:1], TIME - 601
        with two.running() as watcher:
            report = watcher.cycle()
            assert (kinds(report)[0], exit_code(report)) == (["stale"], 4)
            assert "601 s ahead" in report.alarms[0].text
            two.now += 1
            assert kinds(watcher.cycle())[0] == []


class TestFollowed:
    def test_a_signed_header_that_does_not_go_on_is_an_alert_and_kept(self, made, two, tmp_path):
        venue, _, late = made
        venue.publish(2, tmp_path / "a")
        publish_folder(late[2].public, tmp_path / "a")  # on top of another second epoch
        assert late[2].signed.header.previous_state_root != venue.snapshots[1].signed.header.state_root
        two.now += 7200
        with WatchFolder(two.folder, 3).opened() as folder:
            root = FollowedHeaders(venue.snapshots[0].signed, venue.snapshots[0].signed, folder.header)
            clock = lambda: two.now  # noqa: E731
            watcher = Watcher(folder, two.mirrors[:1], lambda: Opened(root), two.settings, clock=clock)
            report = watcher.cycle()
            assert (report.newest, kinds(report)[0], exit_code(report)) == (2, ["chain-broken"], 4)
            metrics = Metrics(lambda: two.now)
            metrics.update(report)
            metrics.write(tmp_path / "prom")
            assert "registry_up" not in (tmp_path / "prom").read_text()
            shutil.rmtree(tmp_path / "a/epochs/00000003")
            venue.publish(3, tmp_path / "a")
            report = watcher.cycle()
            assert (report.newest, kinds(report)[0]) == (3, [])
            (pair,) = (two.folder / "equivocations").glob("broken-*")
            assert SignedHeader.decode((pair / "one.bin").read_bytes()) == venue.snapshots[1].signed
            assert SignedHeader.decode((pair / "other.bin").read_bytes()) == late[2].signed

    def test_beside_the_right_one_it_convicts(self, made, tmp_path):
        venue, _, late = made
        venue.publish(3, tmp_path / "right")
        publish_folder(late[2].public, tmp_path / "other")
        root = FollowedHeaders(venue.snapshots[1].signed, venue.snapshots[1].signed, lambda _epoch: None)
        root.advance(Fleet(folders(tmp_path / "other", tmp_path / "right"), request_s=5, grace_s=1))
        assert root.newest == venue.snapshots[2].signed
        assert root.broken == []
        ((one, other),) = root.contradicting
        assert equivocation(one, other)
