"""A venue to watch: epochs that appear one after the other on mirrors; and a watch with a clock of its own."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from lightclient.watch.cycle import Opened, Settings, Watcher
from lightclient.watch.folder import WatchFolder
from tests.lightclient.venues import Chain
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import SourceError
from zkstate.publication.epoch import write_epoch
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.publish import publish_folder

KEY = OPERATOR.account_key("trader-7")


@dataclass
class Venue:
    """Epochs made ahead of time, and how many of them are published where."""

    root: Path
    snapshots: list = field(default_factory=list)

    def make(self, epochs, accounts=20, fork_at=None, name="epoch"):
        """Write epochs one hour apart; with `fork_at`, others from that one on."""
        made = self.snapshots[: fork_at - 1] if fork_at else []
        for number in range(len(made), epochs):
            book = replace(ledger(accounts, seed=2 if fork_at else 1), time=TIME + 3600 * number)
            previous = made[-1].signed.header if made else None
            made.append(write_epoch(book, OPERATOR, self.root / f"{name}-{number + 1}", previous=previous))
        return made

    def publish(self, number, *mirrors):
        for mirror in mirrors:
            publish_folder(self.snapshots[number - 1].public, mirror)


@dataclass
class Watch:
    """A watch that is driven by hand."""

    folder: Path
    mirrors: list
    chain: Chain
    now: float = TIME + 10
    settings: Settings = field(default_factory=lambda: Settings(request_s=3.0, sample=4))
    more: dict = field(default_factory=lambda: {"key": KEY})
    kept: int = 3
    open_root: Callable[[], Opened] | None = None  # instead of `chain`

    @contextlib.contextmanager
    def running(self):
        with WatchFolder(self.folder, self.kept).opened() as folder:
            yield Watcher(folder, self.mirrors, self._opened, self.settings, clock=lambda: self.now, **self.more)

    def _opened(self):
        return self.open_root() if self.open_root else Opened(self.chain)


class NoChain:
    """A trust root that nobody answers for."""

    def latest_epoch(self):
        raise SourceError("no node answers")


def kinds(report):
    """The kinds of what stands, and of what happened or was raised or cleared."""
    return [alarm.kind for alarm in report.alarms], [(event.kind, event.state) for event in report.events]


def folders(*paths):
    return [FolderMirror(path) for path in paths]


HOSTILE_NAMES = (
    "[bold red]markup[link=https://evil.example]",
    "\x1b[2J\x1b[5mescape\x1b]0;title\x07",
    "lines\nalarms  none\r\nheld  forged",
    "c1\x9b2J\x85\u2028\u202eredro",
    'label"}\\ 1 # {',
    "not UTF-8 \udcff\udc80",
)
"""Of folders that a file system allows: for terminals, lines, encodings and the text format of metrics."""
