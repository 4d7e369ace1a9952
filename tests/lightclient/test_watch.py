"""A watch over real mirrors with a clock of its own: what it raises, clears, keeps and survives."""

import gc
import http.server
import json
import random
import shutil
import threading
from dataclasses import replace
from functools import partial

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lightclient.bundle import Bundle
from lightclient.source import Fleet
from lightclient.watch.cycle import Opened, Settings, Watcher
from lightclient.watch.events import Event
from lightclient.watch.folder import LOGS, MAX_EQUIVOCATIONS, WatchFolder
from lightclient.watch.followed import FollowedHeaders
from lightclient.watch.loop import Pace, exit_code, watch
from lightclient.watch.metrics import Metrics
from lightclient.watch.webhook import Webhook
from tests.lightclient.venues import Chain, Silent
from tests.lightclient.watched import KEY, NoChain, Venue, Watch, folders, kinds
from tests.publication.servers import mute, raw, serving, static
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, SourceError, WitnessError
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import SignedHeader, equivocation
from zkstate.publication.mirrors import HttpMirror
from zkstate.publication.operator import Operator
from zkstate.publication.publish import publish_folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Five epochs, and another fourth and fifth that the same operator signed."""
    venue = Venue(tmp_path_factory.mktemp("venue"))
    venue.snapshots = venue.make(5)
    return venue, venue.make(5, fork_at=4, name="fork")


@pytest.fixture
def scene(made, tmp_path):
    """A watch over two mirrors that have the first epoch."""
    venue, _ = made
    mirrors = [tmp_path / "a", tmp_path / "b"]
    venue.publish(1, *mirrors)
    chain = Chain.of([venue.snapshots[0].signed])
    return venue, mirrors, Watch(tmp_path / "watch", folders(*mirrors), chain)


def logged(folder):
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


class TestFollowing:
    def test_each_new_epoch_is_recovered_once_and_the_oldest_bundles_go(self, scene):
        venue, mirrors, one = scene
        with one.running() as watcher:
            for number in range(1, 6):
                if number > 1:
                    venue.publish(number, *mirrors)
                    one.chain.hashes.append(venue.snapshots[number - 1].signed.header.hash)
                    one.now += 3600
                report = watcher.cycle()
                standing, happened = kinds(report)
                assert standing == []
                assert happened == [("epoch", "happened"), ("recovered", "happened"), ("sampled", "happened")]
                assert (report.newest, report.held, report.rpo_s(one.now)) == (number, number, 10)
                assert kinds(watcher.cycle()) == ([], [])
        account = Bundle.read(one.folder / "account.json")
        assert account.header == venue.snapshots[4].signed.header
        assert [path.name[:8] for path in sorted((one.folder / "accounts").iterdir())] == [
            "00000003",
            "00000004",
            "00000005",
        ]
        assert account.account.rows == ledger(20).rows_of(7)
        assert one.folder.stat().st_mode & 0o077 == 0
        with one.running() as watcher:
            assert kinds(watcher.cycle())[0] == []
        assert [line["kind"] for line in logged(one.folder)].count("recovered") == 5

    def test_a_watch_without_a_key_holds_no_account(self, scene):
        _, _, one = scene
        one.more = {}
        with one.running() as watcher:
            report = watcher.cycle()
        assert (report.held, report.rpo_s(one.now), kinds(report)[0]) == (0, None, [])
        assert not (one.folder / "account.json").exists()

    def test_an_older_epoch_is_held_until_the_newest_can_be_had(self, scene):
        venue, mirrors, one = scene
        one.chain.hashes.append(venue.snapshots[1].signed.header.hash)
        one.settings = replace(one.settings, once=True)
        one.now += 3600
        with one.running() as watcher:
            report = watcher.cycle()
            assert {"no-mirror", "mirror-behind", "backup-old"} <= set(kinds(report)[0])
            assert (report.held, report.rpo_s(one.now)) == (1, 3610)
            read = sum(mirror.bytes_read for mirror in one.mirrors)
            watcher.cycle()
            assert sum(mirror.bytes_read for mirror in one.mirrors) == read  # what is held is not fetched again
            venue.publish(2, mirrors[1])
            report = watcher.cycle()
            assert [alarm.kind for alarm in report.alarms] == ["mirror-behind", "no-spare"]
            assert report.held == 2

    def test_another_account_or_venue_is_refused_its_folder(self, scene, tmp_path):
        _, _, one = scene
        with one.running() as watcher:
            watcher.cycle()
        one.more = {"key": OPERATOR.account_key("trader-8")}
        with pytest.raises(InputError, match="is kept for owner"), one.running():
            pass
        book = replace(ledger(20, venue="Another"), time=TIME)
        other = write_epoch(book, OPERATOR, tmp_path / "other")
        publish_folder(other.public, tmp_path / "elsewhere")
        one.more, one.chain, one.mirrors = {}, Chain.of([other.signed]), folders(tmp_path / "elsewhere")
        with one.running() as watcher, pytest.raises(InputError, match="is kept for venue"):
            watcher.cycle()

    def test_two_watches_of_one_folder(self, scene):
        _, _, one = scene
        with one.running() as watcher:
            watcher.cycle()
            with pytest.raises(EnvironmentFailure, match="another watch writes"), one.running():
                pass
        with one.running() as watcher:
            watcher.cycle()


class TestAlarms:
    def test_sources_that_fail_are_named_after_three_cycles_and_cleared_at_once(self, scene):
        _, mirrors, one = scene
        one.mirrors = [*folders(mirrors[0]), Silent()]
        with one.running() as watcher:
            assert [kinds(watcher.cycle())[0] for _ in range(3)] == [
                ["no-spare"],
                ["no-spare"],
                ["mirror-silent", "no-spare"],
            ]
            one.mirrors[1].__class__ = Recovered
            Recovered.root = mirrors[1]
            one.now += 3600
            report = watcher.cycle()
            assert ("mirror-silent", "cleared") in kinds(report)[1]
            assert kinds(report)[0] == []

    def test_a_trust_root_that_fails_leaves_everything_as_it_was(self, scene):
        _, _, one = scene
        chain, fault = one.chain, [None]

        class Failing:
            def latest_epoch(self):
                if fault[0] is not None:
                    raise fault[0]
                return chain.latest_epoch()

            def epoch_hash(self, epoch):
                return chain.epoch_hash(epoch)

        one.chain = Failing()
        with one.running() as watcher:
            watcher.cycle()
            fault[0] = SourceError("no node answers")
            reports = [watcher.cycle() for _ in range(3)]
            assert [kinds(report)[0] for report in reports] == [[], [], ["registry-silent"]]
            assert (reports[2].trust, reports[2].held, exit_code(reports[2])) == (None, 1, 3)
            fault[0] = DisagreementError("two chains")
            report = watcher.cycle()
            assert ("registry-disagrees", "raised") in kinds(report)[1]
            assert exit_code(report) == 4
            fault[0] = None
            report = watcher.cycle()
            assert kinds(report)[0] == []
            assert {("registry-disagrees", "cleared")} <= set(kinds(report)[1])

    def test_staleness_grows_while_nothing_answers_too(self, scene):
        _, _, one = scene
        one.settings = replace(one.settings, max_age_s=3600)
        with one.running() as watcher:
            assert kinds(watcher.cycle())[0] == []
            one.now += 3600
            report = watcher.cycle()
            assert (kinds(report)[0], exit_code(report)) == (["stale"], 4)
            one.chain = NoChain()
            assert "stale" in kinds(watcher.cycle())[0]

    def test_a_rollback_and_another_epoch_in_its_place(self, made, tmp_path):
        venue, fork = made
        mirrors = [tmp_path / "a", tmp_path / "b"]
        for number in range(1, 5):
            venue.publish(number, *mirrors)
        one = Watch(
            tmp_path / "watch", folders(*mirrors), Chain.of([s.signed for s in venue.snapshots[:4]]), TIME + 4 * 3600
        )
        with one.running() as watcher:
            watcher.cycle()
            one.chain.hashes.pop()
            report = watcher.cycle()
            assert ("rolled-back", "happened") in kinds(report)[1]
            assert (report.newest, report.held, exit_code(report)) == (3, 3, 4)
            for mirror in mirrors:
                shutil.rmtree(mirror / "epochs/00000004")
                shutil.copytree(fork[3].public, mirror / "epochs/00000004")
            one.chain.hashes.append(fork[3].signed.header.hash)
            report = watcher.cycle()
            assert ("equivocation", "happened") in kinds(report)[1]
            assert (report.newest, report.held) == (4, 4)
            assert kinds(watcher.cycle())[1] == []
        (pair,) = (one.folder / "equivocations").iterdir()
        headers = [SignedHeader.decode((pair / name).read_bytes()) for name in ("one.bin", "other.bin")]
        assert equivocation(*headers)
        assert Bundle.read(one.folder / "account.json").header == fork[3].signed.header

    def test_an_epoch_that_was_replaced_beneath_a_newer_one(self, made, tmp_path):
        venue, fork = made
        mirror = tmp_path / "a"
        for number in range(1, 5):
            venue.publish(number, mirror)
        one = Watch(
            tmp_path / "watch", folders(mirror), Chain.of([s.signed for s in venue.snapshots[:4]]), TIME + 4 * 3600
        )
        with one.running() as watcher:
            watcher.cycle()
            shutil.rmtree(mirror / "epochs/00000004")
            for number in (4, 5):
                shutil.copytree(fork[number - 1].public, mirror / f"epochs/{number:08d}")
            one.chain.hashes[3:] = [fork[3].signed.header.hash, fork[4].signed.header.hash]
            report = watcher.cycle()
        assert {("epoch-replaced", "happened"), ("equivocation", "happened")} <= set(kinds(report)[1])
        assert report.held == 5

    def test_a_mirror_with_another_header_of_the_same_operator_convicts_the_venue(self, made, tmp_path):
        venue, fork = made
        for number in range(1, 5):
            venue.publish(number, tmp_path / "a")
        shutil.copytree(fork[3].public, tmp_path / "b/epochs/00000004")
        mirrors = folders(tmp_path / "a", tmp_path / "b")
        one = Watch(tmp_path / "watch", mirrors, Chain.of([s.signed for s in venue.snapshots[:4]]), TIME + 4 * 3600)
        with one.running() as watcher:
            report = watcher.cycle()
            assert ("equivocation", "happened") in kinds(report)[1]
            assert "mirror-wrong" in kinds(report)[0]
            assert exit_code(report) == 4
            assert ("equivocation", "happened") not in kinds(watcher.cycle())[1]

    def test_an_account_that_the_venue_dropped(self, scene):
        _, _, one = scene
        one.more = {"key": Operator(bytes(32), b"\x07" * 32).account_key("nobody")}
        with one.running() as watcher:
            report = watcher.cycle()
        assert (kinds(report)[0], exit_code(report)) == (["not-in-epoch"], 4)

    def test_an_epoch_that_cannot_be_rebuilt(self, scene):
        _, mirrors, one = scene
        for mirror in mirrors:
            (mirror / "epochs/00000001/tables/orderbook.json").unlink()
        one.settings = replace(one.settings, sample=10_000)
        with one.running() as watcher:
            report = watcher.cycle()
            assert (kinds(report)[0][0], exit_code(report)) == ("not-recoverable", 3)
            assert kinds(watcher.cycle()) == (["not-recoverable"], [])

    def test_a_clock_that_goes_back(self, scene):
        _, _, one = scene
        with one.running() as watcher:
            watcher.cycle()
            one.now -= 7200
            assert ("clock-jumped", "happened") in kinds(watcher.cycle())[1]

    def test_a_folder_that_cannot_be_written_ends_no_watch(self, scene):
        _, _, one = scene
        with one.running() as watcher:
            watcher.cycle()
            state = one.folder / "state.json"
            state.unlink()
            state.mkdir()
            one.chain = NoChain()
            one.now += 7200
            reports = [watcher.cycle() for _ in range(4)]
            assert "machine" in kinds(reports[0])[0]
            state.rmdir()
            assert "machine" not in kinds(watcher.cycle())[0]


class Recovered(Silent):
    """A silent mirror that answers again."""

    root = None

    def get(self, path, *, max_bytes, timeout_s):
        return folders(self.root)[0].get(path, max_bytes=max_bytes, timeout_s=timeout_s)


class TestProofs:
    def test_proofs_are_made_once_of_each_bundle_and_the_last_two_kept(self, scene):
        venue, mirrors, one = scene
        asked = []

        def prepare(bundle, place):
            asked.append(Bundle.read(bundle).header.epoch)
            place.mkdir()

        def refused(bundle, place):
            raise WitnessError("equity does not cover the requirement")

        one.more |= {"proofs": [("margin", prepare), ("health", refused)]}
        with one.running() as watcher:
            for number in range(1, 5):
                if number > 1:
                    venue.publish(number, *mirrors)
                    one.chain.hashes.append(venue.snapshots[number - 1].signed.header.hash)
                    one.now += 3600
                for _ in range(2):
                    report = watcher.cycle()
                    assert kinds(report)[0] == ["proof-not-prepared"]
                    assert exit_code(report) == 1
        assert asked == [1, 2, 3, 4]
        assert sorted(path.name[:17] for path in (one.folder / "prepared").iterdir()) == [
            "1-margin-00000003", "1-margin-00000004"
        ]  # fmt: skip

    def test_a_store_that_refuses_is_asked_again(self, scene):
        _, _, one = scene
        faults = [EnvironmentFailure("no space left"), None]

        def store(bundle):
            fault = faults.pop(0)
            if fault is not None:
                raise fault

        one.more |= {"store": store}
        with one.running() as watcher:
            assert kinds(watcher.cycle())[0] == ["not-stored"]
            assert [kinds(watcher.cycle())[0] for _ in range(3)] == [[], [], []]
        assert faults == []


class TestPinned:
    def test_headers_are_followed_from_a_pinned_one(self, made, tmp_path):
        venue, fork = made
        mirror = tmp_path / "a"
        for number in (1, 2, 3):
            venue.publish(number, mirror)
        fleet = Fleet(folders(mirror), request_s=3, grace_s=0.1)
        root = FollowedHeaders(venue.snapshots[0].signed, venue.snapshots[0].signed, lambda epoch: None)
        root.advance(fleet)
        assert root.latest_epoch()[:2] == (3, venue.snapshots[2].signed.header.hash)
        assert root.latest_epoch()[2].level == "d"
        shutil.copytree(fork[4].public, mirror / "epochs/00000004")  # of another epoch
        root.advance(fleet)
        assert root.latest_epoch()[0] == 3
        shutil.rmtree(mirror / "epochs/00000004")
        venue.publish(4, mirror)
        shutil.copytree(fork[3].public, tmp_path / "b/epochs/00000004")
        root.advance(Fleet(folders(mirror, tmp_path / "b"), request_s=3, grace_s=0.5))
        ((one, other),) = root.contradicting
        assert equivocation(one, other)

    def test_a_watch_goes_on_where_it_stood(self, made, tmp_path):
        venue, _ = made
        mirror = tmp_path / "a"
        first = venue.snapshots[0].signed
        for epochs in ((1, 2), (3, 4)):
            for number in epochs:
                venue.publish(number, mirror)
            with WatchFolder(tmp_path / "watch", 2).opened() as folder:
                newest = folder.header(folder.state.newest) or first if folder.state.newest else first
                root = FollowedHeaders(first, newest, folder.header)
                settings = Settings(request_s=3, sample=0)
                watcher = Watcher(
                    folder, folders(mirror), partial(Opened, root), settings, key=KEY, clock=lambda: TIME + 20_000
                )
                assert watcher.cycle().held == epochs[-1]


class TestOutside:
    def test_alerts_reach_a_webhook_in_order_and_wait_for_it(self, scene, tmp_path):
        _, _, one = scene
        told, status = [], [500]

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if status[0] == 200:
                    told.append(body)
                self.send_response(status[0])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        with serving(Handler) as url:
            path = tmp_path / "hook"
            path.write_text(f"{url}/hunter2\n")
            path.chmod(0o600)
            one.more |= {"webhook": Webhook.read(path)}
            one.settings = replace(one.settings, max_age_s=60)
            with one.running() as watcher:
                watcher.cycle()
                one.now += 7200
                reports = [watcher.cycle() for _ in range(4)]
                assert kinds(reports[-1])[0] == ["stale", "webhook-failed"]
                assert "hunter2" not in str(reports[-1].alarms)
                assert told == []
            with one.running() as watcher:
                status[0] = 200
                watcher.cycle()
                assert [(event["kind"], event["state"]) for event in told] == [("stale", "raised")]
                watcher.cycle()
                assert len(told) == 1

    @pytest.mark.parametrize(
        "url", ["http://example.com/x", "ftp://127.0.0.1/", "https://a:b@example.com/", "", "x" * 3000]
    )
    def test_webhooks_that_are_refused(self, tmp_path, url):
        path = tmp_path / "hook"
        path.write_text(url)
        path.chmod(0o600)
        with pytest.raises(InputError):
            Webhook.read(path)
        path.chmod(0o644)
        with pytest.raises(EnvironmentFailure, match="others can read it"):
            Webhook.read(path)

    def test_a_webhook_that_hangs_is_left(self, tmp_path):
        with raw(mute) as url:
            path = tmp_path / "hook"
            path.write_text(url)
            path.chmod(0o600)
            hook = Webhook(Webhook.read(path)._target, timeout_s=0.2)
            left, fault = hook.tell([Event(1, "stale", "raised", "", 1, "x")] * 100)
        assert (len(left), "not finished" in fault) == (64, True)

    def test_metrics_are_those_of_the_last_cycle(self, scene, tmp_path):
        _, _, one = scene
        metrics = Metrics(lambda: one.now + 5)
        with one.running() as watcher:
            metrics.update(watcher.cycle())
            metrics.update(watcher.cycle())
        metrics.write(tmp_path / "zkstate.prom")
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families((tmp_path / "zkstate.prom").read_text())
            for sample in family.samples
        }
        assert found["zkstate_rpo_seconds",] == 15
        assert found["zkstate_held_epoch",] == found["zkstate_newest_epoch",] == found["zkstate_registry_up",] == 1
        assert found["zkstate_cycles_total",] == 2
        assert found["zkstate_trust_level", "c"] == 1
        assert found["zkstate_mirror_up", str(one.mirrors[0].root)] == 1
        assert found["zkstate_alarms", "stale"] == 0
        assert found["zkstate_happened_total", "recovered"] == 1
        assert found["zkstate_sample_spare",] == 1

    def test_metrics_are_served(self, scene):
        import urllib.request

        metrics = Metrics()
        port = metrics.serve("127.0.0.1", 0)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert answer.status == 200
        with pytest.raises(EnvironmentFailure, match="cannot be served"):
            metrics.serve("127.0.0.1", port)


class TestWeeks:
    @pytest.mark.parametrize("cycles", [300, pytest.param(8000, marks=pytest.mark.slow)])
    def test_weeks_of_cycles_take_bounded_memory_and_disk(self, scene, cycles):
        """Mirrors that come and go, over a loopback server too, in half hours: six days, or half a year."""
        venue, mirrors, one = scene
        settings = replace(one.settings, sample=1, sample_s=100_000)
        waits, objects = [], {}

        def wait(seconds):
            waits.append(seconds)
            one.now += seconds * 30

        with (
            static(mirrors[0]) as url,
            WatchFolder(one.folder, 2, max_log_bytes=20_000).opened() as folder,
        ):
            places = [*folders(*mirrors), HttpMirror(url), Silent()]
            root = partial(Opened, one.chain)
            watcher = Watcher(folder, places, root, settings, clock=lambda: one.now, key=KEY)
            threads = threading.active_count()
            for number, report in enumerate(watch(watcher, Pace(60), wait, random.Random(5))):
                last = report.held
                if number in (cycles // 5, cycles - 1):
                    gc.collect()
                    objects[number] = len(gc.get_objects())
                if number == cycles - 1:
                    break
                if number % 7 == 0:
                    (mirrors[1] / "epochs").rename(mirrors[1] / "away")
                if number % 7 == 5:
                    (mirrors[1] / "away").rename(mirrors[1] / "epochs")
                    if number * 5 > cycles * len(one.chain.hashes) and len(one.chain.hashes) < 5:
                        venue.publish(len(one.chain.hashes) + 1, *mirrors)
                        one.chain.hashes.append(venue.snapshots[len(one.chain.hashes)].signed.header.hash)
        first, final = objects.values()
        assert last == 5
        assert final - first < 500
        assert threading.active_count() <= threads + 8
        assert min(waits) >= 1
        assert len({round(seconds, 6) for seconds in waits}) > cycles // 3
        logs = list(one.folder.glob("events*.jsonl"))
        assert len(logs) <= LOGS
        assert sum(path.stat().st_size for path in logs) <= LOGS * 20_000 + 5000
        assert len(list((one.folder / "accounts").iterdir())) == 2
        assert (one.folder / "state.json").stat().st_size < 20_000
        assert sum(path.stat().st_size for path in one.folder.rglob("*") if path.is_file()) < 1 << 20

    def test_a_failure_is_tried_again_sooner_and_then_later(self):
        pace, draw = Pace(600), random.Random(1)
        for failures, expected in ((0, 600), (1, 5), (2, 10), (5, 80), (8, 600), (10_000, 600)):
            assert all(0.9 * expected <= pace.wait_s(failures, draw) <= 1.1 * expected for _ in range(50))
        assert Pace(0.001).wait_s(0, draw) >= 1

    def test_equivocations_and_headers_are_bounded(self, made, tmp_path):
        venue, fork = made
        with WatchFolder(tmp_path / "watch", 2).opened() as folder:
            pair = venue.snapshots[3].signed, fork[3].signed
            assert folder.keep_equivocation(*pair)
            assert folder.keep_equivocation(*reversed(pair))
            assert len(list((folder.root / "equivocations").iterdir())) == 1
            for number in range(MAX_EQUIVOCATIONS):
                (folder.root / f"equivocations/{number}").mkdir()
            assert not folder.keep_equivocation(venue.snapshots[4].signed, fork[4].signed)

    def test_conflicts_of_a_light_client_are_bounded(self, tmp_path):
        with WatchFolder(tmp_path / "watch", 2).opened() as folder:
            for number in range(100):
                (folder.root / f"light-client.conflict-{number}").write_bytes(b"x")
            folder.prune_conflicts(folder.root / "light-client")
            assert len(list(folder.root.glob("light-client.conflict-*"))) == 64

    def test_a_torn_line_of_the_log_is_cut_off_and_a_damaged_state_named(self, scene):
        _, _, one = scene
        with one.running() as watcher:
            watcher.cycle()
        log = one.folder / "events.jsonl"
        whole = log.read_bytes()
        log.write_bytes(whole + b'{"time":1,"ki')
        with one.running():
            pass
        assert log.read_bytes() == whole
        state = one.folder / "state.json"
        good = state.read_bytes()
        for bad in (good[:-1], b"", b"[]", b"\xff", good.replace(b'"version":1', b'"version":2'), b"[" * 100_000):
            if bad != good:
                state.write_bytes(bad)
                with pytest.raises(InputError, match="is damaged"), one.running():
                    pass
        state.write_bytes(bytes((1 << 20) + 1))
        with pytest.raises(SourceError, match="limit"), one.running():
            pass
