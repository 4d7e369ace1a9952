"""What a watch draws on a terminal, and says elsewhere, when mirrors have names that would forge or hide words."""

import io
import json
import re
import shutil
from dataclasses import replace

import pytest
from rich.console import Console

from lightclient.watch.events import KINDS, Alarm, Event
from tests.cli.program import zkstate
from tests.lightclient.venues import Chain
from tests.lightclient.watched import HOSTILE_NAMES, Venue, Watch, folders, kinds
from zkstate.cli import watch_view
from zkstate.cli.terminal import Terminal
from zkstate.cli.watch_view import LAST_EVENTS, View, event_text
from zkstate.publication.trust import Trust
from zkstate.state.text import is_plain, plain

# What rich itself writes: styles without blinking, the cursor up a line, lines erased, the cursor hidden and shown.
OURS = re.compile(r"\x1b\[(?:[0-46-9]|[1-9][0-9;]*)m|\x1b\[1A|\x1b\[2K|\x1b\[\?25[lh]|\r")


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    venue = Venue(tmp_path_factory.mktemp("venue"))
    venue.snapshots = venue.make(1)
    return venue


@pytest.fixture
def one(venue, tmp_path):
    """A watch over mirrors with hostile names, every second of which has the epoch; the chain's words are hostile."""
    places = [tmp_path / name for name in HOSTILE_NAMES]
    for place in places[::2]:
        venue.publish(1, tmp_path / "mirror")
        shutil.copytree(tmp_path / "mirror", place)
    watch = Watch(tmp_path / "watch", folders(*places), Talking.of([venue.snapshots[0].signed]))
    watch.settings = replace(watch.settings, once=True, sample=1000)
    return watch


class Talking(Chain):
    """A trust root whose text holds what nothing but a folder's name is kept from holding."""

    def latest_epoch(self):
        epoch, header_hash, trust = super().latest_epoch()
        return epoch, header_hash, Trust(trust.level, f"left out: {''.join(HOSTILE_NAMES[:-1])}")


@pytest.fixture
def console(monkeypatch):
    """A terminal that keeps what is written to it, tall enough for all of a picture."""
    screen = Console(file=io.StringIO(), force_terminal=True, width=100, height=200, highlight=False)
    monkeypatch.setattr(watch_view, "stdout_console", lambda: screen)
    return screen


def rows(console):
    """The rows of text that were drawn; what rich did not write itself has to be plain."""
    text = OURS.sub("", console.file.getvalue())
    lines = text.split("\n")
    assert all(is_plain(line) for line in lines), [line for line in lines if not is_plain(line)]
    return lines


def test_the_picture_shows_names_as_they_are_and_no_terminal_obeys_them(one, console):
    with one.running() as watcher, View.on(Terminal(), False) as view:
        report = watcher.cycle()
        view.show(report)
        first = rows(console)
        view.wait(0.01)
        again = rows(console)
    assert {"mirror-behind"} <= set(kinds(report)[0])
    joined = re.sub(r"\s+", "", "".join(first))
    for mirror in one.mirrors:
        assert re.sub(r"\s+", "", plain(mirror.name)) in joined
    for what, count in (("mirror", len(one.mirrors)), ("alarm ", len(report.alarms)), ("held", 1), ("trust", 1)):
        assert sum(line.startswith(what) for line in first) == count, what
    assert not any(line.startswith("alarms") for line in first)
    assert "[bold red]markup[link=https://evil.example]" in joined.replace("boldred", "bold red")
    assert sum(line.startswith("next cycle in") for line in again) == 1


def test_every_kind_of_event_and_alarm_can_be_drawn(one, console):
    """The last eight events below the facts, alerts among them in red, however many there were."""
    text = plain("".join(HOSTILE_NAMES))
    with one.running() as watcher, View.on(Terminal(), False) as view:
        report = watcher.cycle()
        for kind, row in KINDS.items():
            event = Event(2**64 - 1, kind, "raised" if row.stands else "happened", text, 10**8, text)
            alarms = (Alarm(kind, text, 0, text),) if row.stands else ()
            view.show(replace(report, events=(event,), alarms=alarms, newest_time=2**64 - 1, held_time=0))
    last = "".join(rows(console)).rpartition("watched")[2]
    drawn = re.findall(r"(?:alert|note )\s+epoch 100000000\s+([a-z-]+)", last)
    assert drawn == list(KINDS)[-LAST_EVENTS:]


def test_alarms_stand_above_mirrors_that_could_push_them_off_the_screen(one, monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, height=24, highlight=False)
    monkeypatch.setattr(watch_view, "stdout_console", lambda: screen)
    one.mirrors = [*one.mirrors, *folders(*(one.folder / f"far{i}" for i in range(40)))]
    one.settings = replace(one.settings, max_age_s=1)
    one.chain = Chain(one.chain.hashes)
    with one.running() as watcher, View.on(Terminal(), False) as view:
        view.show(watcher.cycle())
        drawn = "\n".join(rows(screen))
    assert "stale" in drawn


def test_lines_elsewhere_are_one_an_event(one, capsys):
    with one.running() as watcher, View.on(Terminal(), False) as view:
        report = watcher.cycle()
        view.show(report)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [event_text(event) for event in report.events]
    assert all(is_plain(line) for line in lines)


def test_the_verb_itself_says_it_plainly(one, venue, tmp_path):
    header = tmp_path / "mirror/epochs/00000001/header.bin"
    argv = ["watch", "--folder", tmp_path / "other", "--header", header, "--once", "--sample", "2"]
    for mirror in one.mirrors:
        argv += ["--mirror", mirror.name]
    text = zkstate(*argv)
    assert (text.code, text.err) == (0, "")
    assert all(is_plain(line) for line in text.out.split("\n"))
    assert sum(line.startswith("mirror ") for line in text.out.split("\n")) == len(HOSTILE_NAMES)
    found = json.loads(zkstate(*argv, "--json").out)
    assert [mirror["name"] for mirror in found["mirrors"]] == [plain(mirror.name) for mirror in one.mirrors]
