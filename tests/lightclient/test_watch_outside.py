"""What a watch meets outside of the venue: a webhook that fails, hangs or redirects, odd names, a damaged state."""

import gc
import os
import random
import threading
import urllib.request
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lightclient.watch.events import KINDS, Event
from lightclient.watch.folder import MAX_PENDING, WatchFolder
from lightclient.watch.metrics import Metrics
from lightclient.watch.webhook import Webhook
from tests.lightclient.venues import Chain, Silent
from tests.lightclient.watched import HOSTILE_NAMES, Venue, Watch, folders, kinds
from tests.publication.servers import answer, drip, mute, raw
from zkstate.errors import EncodingError, SourceError
from zkstate.publication.mirrors import FolderMirror
from zkstate.state.text import is_plain, plain

SECRET = "hunter2"


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    venue = Venue(tmp_path_factory.mktemp("venue"))
    venue.snapshots = venue.make(2)
    return venue


@pytest.fixture
def one(venue, tmp_path):
    """A watch over one mirror with the first epoch, without samples."""
    venue.publish(1, tmp_path / "mirror")
    watch = Watch(tmp_path / "watch", folders(tmp_path / "mirror"), Chain.of([venue.snapshots[0].signed]))
    watch.settings = replace(watch.settings, sample=0, max_age_s=60)
    return watch


def hook(folder, url, timeout_s=0.15):
    path = folder / "hook"
    path.write_text(f"{url}/{SECRET}?token={SECRET}")
    path.chmod(0o600)
    return Webhook(Webhook.read(path)._target, timeout_s)


def status(line, *headers):
    return answer("\r\n".join((line, *headers, "Content-Length: 0", "", "")).encode())


def open_files():
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


FAULTS = {
    "500": status("HTTP/1.1 500 Oops"),
    "404 that repeats the path": status(f"HTTP/1.1 404 {SECRET}"),
    "no answer": mute,
    "closed": answer(),
    "not HTTP": answer(b"\x1b[2J\x1b]0;owned\x07 \xff\n\n"),
    "a head without end": drip(b"HTTP/1.1 200 OK\r\nX: "),
    "informational without end": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
}


class TestWebhook:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_one_that_fails_stops_nothing_and_keeps_nothing_open(self, venue, one, tmp_path, fault):
        files, threads = open_files(), threading.active_count()
        with raw(FAULTS[fault]) as url:
            one.more |= {"webhook": hook(tmp_path, url)}
            with one.running() as watcher:
                watcher.cycle()
                one.now += 3600
                reports = [watcher.cycle() for _ in range(3)]
                venue.publish(2, tmp_path / "mirror")
                one.chain.hashes.append(venue.snapshots[1].signed.header.hash)
                reports.append(watcher.cycle())
                assert reports[-1].held == 2  # the work goes on
                assert not any(report.failed for report in reports)
                (alarm,) = (alarm for alarm in reports[-1].alarms if alarm.kind == "webhook-failed")
                assert is_plain(alarm.text)
                assert alarm.text.startswith(f"webhook {url}")
                for report in reports:
                    assert SECRET not in repr(report)
                assert [event.kind for event in watcher._state.pending] == ["stale"]
        for path in filter(Path.is_file, one.folder.rglob("*")):
            assert SECRET.encode() not in path.read_bytes()
        assert open_files() <= files
        assert threading.active_count() <= threads

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_a_redirect_is_never_followed(self, one, tmp_path, code):
        asked = []

        def elsewhere(connection, request, stop):
            asked.append(request)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        with raw(elsewhere) as other, raw(status(f"HTTP/1.1 {code} Moved", f"Location: {other}/{SECRET}")) as url:
            left, fault = hook(tmp_path, url).tell([Event(1, "stale", "raised", "", 1, "x")])
        assert (len(left), fault) == (1, f"webhook {url}: HTTP status {code}")
        assert asked == []

    def test_what_a_server_says_instead_of_http_is_made_plain(self, tmp_path):
        with raw(FAULTS["not HTTP"]) as url:
            _, fault = hook(tmp_path, url, 10).tell([Event(1, "stale", "raised", "", 1, "x")])
        assert fault == f"webhook {url}: not an HTTP answer: BadStatusLine ?[2J?]0;owned? \xff"

    def test_a_slow_one_has_one_time_limit_for_all_that_waits(self, tmp_path):
        """Each answer takes 0.15 s of the 0.5 s that there are, so at most three of 64 events are told in one cycle."""
        told = []

        def slow(connection, request, stop):
            stop.wait(0.15)
            told.append(request)
            connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

        events = tuple(Event(n, "stale", "raised", "", 1, "x") for n in range(100))
        with raw(slow) as url:
            left, fault = hook(tmp_path, url, 0.5).tell(events)
        assert "not finished within 0.5 s" in fault
        assert MAX_PENDING - 3 <= len(left) <= MAX_PENDING
        assert left == events[-len(left) :]
        assert MAX_PENDING - len(left) <= len(told) <= 4

    def test_what_arrives_is_the_event_and_nothing_of_the_folder(self, one, tmp_path):
        told = []

        def keep(connection, request, stop):
            head, _, body = request.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            told.append((head, body))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        with raw(keep) as url:
            one.more |= {"webhook": hook(tmp_path, url, 10)}
            one.now += 3600
            with one.running() as watcher:
                (raised,) = (event for event in watcher.cycle().events if event.is_alert)
                watcher.cycle()
        ((head, body),) = told
        assert head.startswith(f"POST /{SECRET}?token={SECRET} HTTP/1.1".encode())
        assert msgspec.json.decode(body) == {
            "time": raised.time, "kind": "stale", "state": "raised", "subject": "", "epoch": 1, "text": raised.text,
        }  # fmt: skip


class TestNames:
    @pytest.fixture
    def report(self, one, tmp_path):
        """A cycle over mirrors with hostile names: one serves, the others are empty or do not answer."""
        one.mirrors = [*one.mirrors, *(FolderMirror(tmp_path / name) for name in HOSTILE_NAMES), Silent()]
        one.settings = replace(one.settings, once=True)
        with one.running() as watcher:
            return watcher.cycle()

    def test_metrics_are_what_the_parser_of_prometheus_reads(self, one, report, tmp_path):
        metrics = Metrics(lambda: one.now)
        metrics.update(report)
        metrics.write(tmp_path / "zkstate.prom")
        port = metrics.serve("127.0.0.1", 0)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as served:
            text = served.read().decode()
        assert text == (tmp_path / "zkstate.prom").read_text(encoding="utf-8")
        families = list(text_string_to_metric_families(text))
        assert len({family.name for family in families}) == len(families)
        assert all(family.documentation and family.type in {"gauge", "counter"} for family in families)
        found = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
        up = {labels[0]: value for (name, *labels), value in found.items() if name == "zkstate_mirror_up"}
        names = [mirror.name for mirror in one.mirrors]
        assert up == {plain(name): float(name == names[0]) for name in names}
        counted = Counter(alarm.kind for alarm in report.alarms)
        assert counted["mirror-behind"] == len(HOSTILE_NAMES)
        for kind, row in KINDS.items():
            if row.stands:
                assert found["zkstate_alarms", kind] == counted[kind]
            else:
                assert found["zkstate_happened_total", kind] == report.happened.get(kind, 0)

    def test_they_are_plain_wherever_they_are_kept(self, one, report):
        assert all(is_plain(alarm.subject + alarm.text) for alarm in report.alarms)
        assert all(is_plain(event.subject + event.text) for event in report.events)
        assert all(is_plain(probe.name + probe.text) for probe in report.mirrors)
        lines = (one.folder / "events.jsonl").read_bytes().splitlines()
        assert [msgspec.json.decode(line, type=Event) for line in lines] == list(report.events)
        with WatchFolder(one.folder, 3).opened() as folder:
            assert folder.state.alarms == report.alarms


class TestDamage:
    @pytest.fixture
    def states(self, one, venue, tmp_path):
        """A folder, and the bytes of its state after one epoch and after two."""
        with one.running() as watcher:
            one.now += 3600
            watcher.cycle()
            first = (one.folder / "state.json").read_bytes()
            venue.publish(2, tmp_path / "mirror")
            one.chain.hashes.append(venue.snapshots[1].signed.header.hash)
            watcher.cycle()
        return one.folder / "state.json", first, (one.folder / "state.json").read_bytes()

    def refused(self, path, data):
        """The state is refused by name, and not read as another one."""
        path.write_bytes(data)
        folder = WatchFolder(path.parent, 3)
        with pytest.raises(EncodingError, match=r"state\.json is damaged"), folder.opened():
            pass

    def test_every_byte_that_changes_is_damage(self, states):
        path, _, good = states
        rng = random.Random()
        for at in range(len(good)):
            self.refused(path, good[:at] + bytes([good[at] ^ rng.randrange(1, 256)]) + good[at + 1 :])
            if at % 4 == 0:
                self.refused(path, good[:at])
        path.write_bytes(good)
        with WatchFolder(path.parent, 3).opened() as folder:
            assert folder.state.newest == 2

    def test_a_state_made_of_two_is_damage(self, states):
        """What a disk leaves that wrote a part: the older state behind some byte, or zeros."""
        path, old, new = states
        rng = random.Random()
        same = min(len(old), len(new))
        for at in range(1, same, 5):
            mixed = old[:at] + new[at:]
            if mixed not in (old, new):
                self.refused(path, mixed)
        for _ in range(50):
            start = rng.randrange(len(new))
            end = min(len(new), start + rng.randrange(1, 513))
            self.refused(path, new[:start] + bytes(end - start) + new[end:])

    def test_after_it_is_moved_away_a_watch_begins_anew(self, one, states):
        path, _, good = states
        self.refused(path, good[:-1] + b"]")
        path.rename(path.with_name("damaged"))
        with one.running() as watcher:
            report = watcher.cycle()
            assert (kinds(report)[0], report.newest, report.held) == ([], 2, 2)
        assert msgspec.json.decode(path.read_bytes())["state"]["newest"] == 2

    def test_a_state_that_is_no_file(self, states, tmp_path):
        path, _, good = states
        path.unlink()
        (tmp_path / "elsewhere").write_bytes(good)
        for make in (lambda: path.symlink_to(tmp_path / "elsewhere"), path.mkdir, lambda: os.mkfifo(path)):
            make()
            with pytest.raises(SourceError, match=r"state\.json"), WatchFolder(path.parent, 3).opened():
                pass
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
