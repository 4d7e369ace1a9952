"""zkstate watch: follow a venue for weeks, keep an account fresh, and tell when something is wrong."""

from __future__ import annotations

import argparse
import random
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lightclient.watch.cycle import Opened, Report, Settings, Watcher
from lightclient.watch.events import Event
from lightclient.watch.folder import WatchFolder
from lightclient.watch.followed import FollowedHeaders
from lightclient.watch.loop import Pace, exit_code, watch
from lightclient.watch.metrics import Metrics
from lightclient.watch.tasks import Prepare
from lightclient.watch.webhook import Webhook
from zkstate.cli import prove
from zkstate.cli.arguments import Namespace, Parser, address, existing, hex_bytes, seconds, whole
from zkstate.cli.keys import read_key
from zkstate.cli.recover import trust_root
from zkstate.cli.recover_light import declare_light, is_light, light_root
from zkstate.cli.terminal import Terminal
from zkstate.cli.watch_view import View, report_result
from zkstate.errors import (
    DisagreementError,
    EnvironmentFailure,
    InputError,
    SourceError,
    WitnessError,
    ZkstateError,
)
from zkstate.publication.header import SignedHeader
from zkstate.publication.mirrors import mirror_at

USAGE = """\
usage: zkstate watch --folder DIR --mirror PLACE [--mirror PLACE ...] TRUST [--key FILE [--unlock FILE]] [--once]
                     [--interval DURATION] [--max-age DURATION] [--until-alert] [--sample N] [--json] ...

Follow the registry and the mirrors, keep the account fresh, and tell of staleness, halts, rollbacks, two headers for
one epoch, sources that contradict each other, and mirrors that stop serving. Runs until it is stopped.

  --folder DIR          what it keeps, for one watch at a time: accounts, headers, log, proofs. Keep it private
  --mirror PLACE        as for recover, and so are --key, --unlock, --timeout and TRUST: --checkpoint and --beacon, or
                        --rpc, with --registry; or --header FILE, from which the headers that the same operator signs
                        on top are followed. Every cycle starts from TRUST itself; nothing weaker ever takes its place
  --interval DURATION   between cycles (60s); after a failure 5s, doubled each time up to this, all give or take 10 %
  --max-age DURATION    alarm if the newest epoch, or the account held, is older. A registry has a limit of its own
  --sample N            stripes of shards, or files, to draw of each epoch: can it be rebuilt? (16; 0: none)
  --sample-every D      and again after this (1h)
  --keep N              account bundles to keep, the newest N (8)
  --backup DIR          put every new bundle into this store of zkstate backup make, as a version that holds all that
                        the one before it does, with
    --passphrase FILE   its passphrase
    --backup-keep N     and remove all but the newest N versions; without, they stay until a rule of make removes them
  --prepare WORDS       after every new bundle, make this proof ahead of time: what prove is told but for --account and
                        --out, such as "margin --ratio 1.5"; several may be given
  --metrics [HOST:]PORT serve metrics for Prometheus there (127.0.0.1)
  --metrics-file FILE   write them to a file, for node_exporter
  --webhook FILE        POST each alert as JSON to the URL in this private file: https, or on this machine
  --once                one cycle, every alarm at once; the exit code is that of the first alert, or 0
  --until-alert         go on until the first alert, and end with its exit code

With --json each event is a line of its own, and so is each cycle's state; --once gives one object.

Example, after the examples of snapshot, publish and recover:

  zkstate watch --folder watched --mirror mirror --header mirror/epochs/00000001/header.bin --key trader.key --once
"""

PROOF_S = 3600
_FAULTS: dict[int, type[ZkstateError]] = {1: WitnessError, 2: InputError, 3: SourceError, 4: DisagreementError}
_FOR_WATCH = ("--account", "--out", "--attestation", "--json", "--help", "-h")


def declare(parser: Parser) -> None:
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--mirror", action="append", default=[])
    parser.add_argument("--key", type=existing)
    parser.add_argument("--unlock", type=Path)
    parser.add_argument("--header", type=existing)
    parser.add_argument("--rpc", action="append", default=[])
    parser.add_argument("--registry", type=address)
    parser.add_argument("--block-hash", type=hex_bytes(32))
    parser.add_argument("--chain-id", type=whole(0, (1 << 64) - 1))
    parser.add_argument("--timeout", type=seconds, default=10)
    parser.add_argument("--interval", type=seconds, default=60)
    parser.add_argument("--max-age", type=seconds)
    parser.add_argument("--sample", type=whole(0, 10_000), default=16)
    parser.add_argument("--sample-every", type=seconds, default=3600)
    parser.add_argument("--keep", type=whole(1, 10_000), default=8)
    parser.add_argument("--backup", type=Path)
    parser.add_argument("--passphrase", type=Path)
    parser.add_argument("--backup-keep", type=whole(1, 1_000_000))
    parser.add_argument("--prepare", type=_words, action="append", default=[])
    parser.add_argument("--metrics", type=_listen)
    parser.add_argument("--metrics-file", type=Path)
    parser.add_argument("--webhook", type=Path)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--until-alert", action="store_true")
    declare_light(parser)


def run(args: Namespace, terminal: Terminal) -> int:
    _check(args)
    mirrors = [mirror_at(place) for place in args.mirror]
    key = None if args.key is None else read_key(args.key, args.unlock)
    webhook = None if args.webhook is None else Webhook.read(args.webhook)
    metrics = Metrics() if args.metrics is not None or args.metrics_file is not None else None
    settings = Settings(args.max_age, float(args.timeout), args.sample, args.sample_every, args.once, _trust_name(args))
    with WatchFolder(args.folder, args.keep).opened() as folder, _stopping(folder):
        watcher = Watcher(
            folder,
            mirrors,
            _opening(args, folder),
            settings,
            key=key,
            proofs=[(words[0], _proving(words)) for words in args.prepare],
            store=None if args.backup is None else partial(_store, args),
            webhook=webhook,
        )
        if metrics is not None and args.metrics is not None:
            host, port = args.metrics
            terminal.say(f"metrics at http://{host}:{metrics.serve(host, port)}/metrics")
        with View.on(terminal, args.once) as view:
            for report in watch(watcher, Pace(float(args.interval)), view.wait, random.SystemRandom()):
                _measured(metrics, report, args.metrics_file, terminal)
                view.show(report)
                code = exit_code(report)
                if args.once or (args.until_alert and code):
                    break
        if args.once:
            terminal.emit(report_result(report) | {"verb": "watch", "exit_code": code}, view.draw)
    return code


def _check(args: Namespace) -> None:
    if not args.mirror:
        raise InputError("--mirror is needed: an account and its epoch's files come from there")
    for name in ("timeout", "interval", "sample_every"):
        if getattr(args, name) == 0:
            raise InputError(f"--{name.replace('_', '-')} 0 leaves no time: give at least 1s")
    if (args.backup is None) != (args.passphrase is None):
        raise InputError("--backup and --passphrase go together")
    if args.backup_keep is not None and args.backup is None:
        raise InputError("--backup-keep is about the store of --backup, which is missing")
    if args.key is None and (args.prepare or args.backup or args.unlock):
        raise InputError("--prepare, --backup and --unlock are about an account: give --key")
    if args.once and args.until_alert:
        raise InputError("--once ends after one cycle: leave out --until-alert")
    if args.block_hash is not None:
        raise InputError("--block-hash pins one block for ever, and a watch follows the newest")
    for words in args.prepare:
        parser = Parser(prove.USAGE)
        prove.declare(parser)
        parser.parse_args([*words, "--account", str(Path.cwd())])


def _opening(args: Namespace, folder: WatchFolder) -> Callable[[], Opened]:
    """What gives each cycle its trust root."""
    if is_light(args) and args.header is None:
        if args.light_client is None:
            args.light_client = folder.root / "light-client"
        return partial(_light, args, folder)
    root = trust_root(args)
    if args.header is None:
        return lambda: Opened(trust_root(args))
    pinned = root.signed  # type: ignore[attr-defined]  # what --header gives
    kept = _followed(folder, pinned)
    if kept is not None and kept.header.operator_key != pinned.header.operator_key:
        raise InputError(f"{folder.root} follows another operator than --header: use another folder")
    followed = FollowedHeaders(pinned, kept or pinned, folder.header)
    return lambda: Opened(followed)


def _followed(folder: WatchFolder, pinned: SignedHeader) -> SignedHeader | None:
    """The newest header of the folder, if it was followed from this one; None to begin from the pinned one."""
    state = folder.state
    if state.newest <= pinned.header.epoch:
        return None
    if state.pinned_hash != pinned.header.hash.hex():
        there = folder.header(pinned.header.epoch)
        if there is None or there.header.hash != pinned.header.hash:
            return None
    kept = folder.header(state.newest)
    return kept if kept is not None and kept.header.hash.hex() == state.newest_hash else None


def _trust_name(args: Namespace) -> str:
    """What is asked of the trust root: a level that falls while this stays the same is an alarm."""
    if args.header is not None:
        return "header"
    return "light client" if is_light(args) else f"{len(args.rpc)} nodes"


def _light(args: Namespace, folder: WatchFolder) -> Opened:
    try:
        light = light_root(args)
    finally:
        folder.prune_conflicts(args.light_client)
    conflicts = tuple(("beacon", str(conflict)) for conflict in light.followed.conflicts)
    faults = tuple((report.name, report.fault) for report in light.followed.reports if report.fault)
    return Opened(light.reader, (*faults, *conflicts))


def _measured(metrics: Metrics | None, report: Report, path: Path | None, terminal: Terminal) -> None:
    """Metrics as of this cycle. A file that cannot be written is said, and ends no watch."""
    if metrics is None:
        return
    metrics.update(report)
    if path is not None:
        try:
            metrics.write(path)
        except EnvironmentFailure as error:
            terminal.say(str(error))


@contextmanager
def _stopping(folder: WatchFolder) -> Iterator[None]:
    """Leave in the log that the watch was started, and by a signal stopped."""
    epoch = folder.state.newest
    folder.log([Event(int(time.time()), "started", "happened", "", epoch, "")])
    try:
        yield
    except KeyboardInterrupt:
        folder.log([Event(int(time.time()), "stopped", "happened", "", folder.state.newest, "interrupted")])
        raise


def _proving(words: list[str]) -> Prepare:
    return lambda bundle, place: _zkstate("prove", *words, "--account", str(bundle), "--out", str(place))


def _store(args: Namespace, bundle: Path) -> None:
    rule = [] if args.backup_keep is None else ["--keep", str(args.backup_keep)]
    place = ["--store", str(args.backup), "--passphrase", str(args.passphrase)]
    _zkstate("backup", "make", *place, "--account", str(bundle), "--carry", *rule)


def _zkstate(*argv: str) -> None:
    """Another verb in a process of its own, whose memory goes with it. Errors: of the class of its exit code."""
    command = [sys.executable, "-P", "-m", "zkstate", *argv]  # -P: not what lies in the folder the watch runs in
    try:
        done = subprocess.run(  # noqa: S603 (this program itself, without a shell)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PROOF_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"{argv[0]} {argv[1]}: not finished within {PROOF_S} s") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2].removeprefix("zkstate: ")
        raise _FAULTS.get(done.returncode, EnvironmentFailure)(f"{argv[0]} {argv[1]}: {said[:300]}")


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error
    if not words or words[0] not in prove.TAKES:
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with one of {', '.join(prove.TAKES)}")
    for word in words:
        if word.partition("=")[0] in _FOR_WATCH:
            raise argparse.ArgumentTypeError(f"{text!r}: {word} is given by the watch itself")
    return words


def _listen(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(?:(\[[0-9a-f:]+\]|[0-9A-Za-z.-]+):)?([0-9]{1,5})", text, re.ASCII)
    if match is None or int(match[2]) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not PORT or HOST:PORT")
    return (match[1] or "127.0.0.1").strip("[]"), int(match[2])
