"""zkstate snapshot: commit to a ledger."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from zkstate.atomic import PUBLIC_FOLDER, disk_errors, make_folder, remove_file, remove_partials
from zkstate.cli import snapshot_journal
from zkstate.cli.arguments import Namespace, Parser, existing, k_of_n, named_file, unix_time, whole
from zkstate.cli.ledgers import open_ledger
from zkstate.cli.named import read_header
from zkstate.cli.terminal import Terminal, duration_text, shortened, show_facts, size_text
from zkstate.errors import DisagreementError, EnvironmentFailure, InputError
from zkstate.publication.epoch import COMPUTED_FILE, HEADS_FILE, PRIVATE, Snapshot, write_epoch
from zkstate.publication.erasure import Code
from zkstate.publication.header import Header
from zkstate.publication.layout import HEADER, PUBLIC
from zkstate.publication.operator import Operator
from zkstate.publication.progress import Progress
from zkstate.publication.record_secrets import MAX_SECRETS_BYTES, SECRETS_FILE, RecordSecrets
from zkstate.publication.venue_journal import locked
from zkstate.state.computed import MAX_COMPUTED_BYTES, Computed
from zkstate.state.identity import read_private
from zkstate.state.journal_heads import MAX_HEADS_BYTES, Heads
from zkstate.state.ledger import Ledger

_USAGE = """\
usage: zkstate snapshot LEDGER --operator DIR --out DIR [--previous HEADER] [--time T]
                        [--issue-key NAME=FILE ...] [--shards KofN] [--jobs N]
                        [--keep-record-key] [--json]

       zkstate snapshot [LEDGER] --journal FOLDER [--events FILE] --operator DIR [--out DIR] [...]

Commit to a ledger: compute its state root, sign the header, and write everything a mirror needs.

  LEDGER                 a ledger in one of the forms of docs/ledger.md, the balance sheets of an exchange
                         with their tier table, or synthetic:N for a generated venue of N accounts, or
                         synthetic:N:portfolio for one where some have portfolio margin
  --operator DIR         the folder with the operator's keys; made on first use
  --out DIR              where the epoch is written; must not exist. DIR/public goes to mirrors
                         (zkstate publish), DIR/private stays with the venue
  --previous HEADER      header.bin of the epoch before, which this one continues; histories go on from what its
                         private folder holds, if that lies beside, and else from what the ledger states. Then, too,
                         only what changed of rows, orders and names is hashed again
  --time T               the time of the state, where the ledger has none or another: seconds since
                         1970 or ISO 8601 with a zone
  --issue-key NAME=FILE  write the account key issued to NAME, an account that brought no key of its own
  --keep-record-key      for an epoch a minute: seal with the record key of the epoch before, if that lies in the
                         same UTC hour and kept it, and keep it for the next one. Whoever reads
                         DIR/private/record-secrets.bin opens the records of that hour; the next epoch removes it
  --shards KofN          commit to N shards of the files too, such as 3of5, any K of which rebuild every byte
  --jobs N               processes to seal records with, by default one for each core from 32,768 accounts on

A journal, which replays the whole venue event by event for whoever holds its key:

{journal}

Example:

  zkstate snapshot synthetic:200 --operator operator --issue-key user-00000072=trader.key --out epoch-1
"""
_SPREAD_FROM = 1 << 15
T = TypeVar("T")
USAGE = _USAGE.replace("{journal}", snapshot_journal.HELP)


def declare(parser: Parser) -> None:
    parser.add_argument("ledger", nargs="?")
    parser.add_argument("--operator", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--previous", type=existing)
    parser.add_argument("--time", type=unix_time)
    parser.add_argument("--issue-key", type=named_file, action="append", default=[])
    parser.add_argument("--keep-record-key", action="store_true")
    parser.add_argument("--shards", type=k_of_n)
    parser.add_argument("--jobs", type=whole(1, 256))
    snapshot_journal.declare_journal(parser)


def run(args: Namespace, terminal: Terminal) -> int:
    snapshot_journal.check_options(args)
    if args.out is None:
        return _append(args, terminal)
    if os.path.lexists(args.out):
        with suppress(OSError):
            for _, path in args.issue_key:
                remove_partials(path)  # a run that was killed after its epoch left a secret behind
        raise EnvironmentFailure(f"{args.out} exists already: remove it or choose another")
    notes: list[str] = []
    with terminal.progress("snapshot") as progress:
        progress("read the ledger", 0, 1)
        previous = None if args.previous is None else read_header(args.previous).header
        ledger = None
        if args.ledger is not None:
            ledger = open_ledger(args.ledger, time=args.time, since=None if previous is None else previous.time)
            _check_issued(ledger, args.issue_key)
        heads = None if args.previous is None else _heads_beside(args.previous)
        computed = secrets = None
        if args.previous is not None:
            computed, damage = _kept_beside(args.previous, COMPUTED_FILE, MAX_COMPUTED_BYTES, Computed.decode)
            notes += damage
        if args.previous is not None and args.keep_record_key:
            decode = partial(RecordSecrets.decode, of=previous)
            secrets, damage = _kept_beside(args.previous, SECRETS_FILE, MAX_SECRETS_BYTES, decode)
            notes += damage
        operator = Operator.read_or_create(args.operator)
        code = None if args.shards is None else Code(*args.shards)
        with journal_folder(args):
            closed = _closed(args, ledger, operator, previous, progress)
            if closed is not None:
                ledger = closed.ledger
            assert ledger is not None
            snapshot = write_epoch(
                ledger,
                operator,
                args.out,
                previous=previous,
                heads=heads,
                code=code,
                salt_secret=None if closed is None else closed.salts,
                journal_head=0 if closed is None else closed.journal_head,
                computed=computed,
                record_secrets=secrets,
                keep_record_key=args.keep_record_key,
                retire=partial(_retire, args.previous, notes),
                jobs=_jobs(args.jobs, len(ledger)),
                progress=progress,
            )
    _issue(operator, args.issue_key, args.out)
    for note in (*notes, *shortened(ledger.notes, "--json")):
        terminal.say(note)
    if previous is not None and heads is None and ledger.journal is not None:
        terminal.say(f"histories go on from where the ledger says: there is no {PRIVATE}/{HEADS_FILE} beside {PUBLIC}")
    terminal.emit(_result(ledger, snapshot), lambda console: _render(console, ledger, snapshot))
    return 0


@contextmanager
def journal_folder(args: Namespace) -> Iterator[None]:
    """The journal's folder to this process alone, if there is a journal; it leaves no empty one behind that it made."""
    if args.journal is None:
        yield
        return
    with disk_errors(f"journal {args.journal} cannot be made"):
        made = not args.journal.exists()
        make_folder(args.journal, PUBLIC_FOLDER)
    with locked(args.journal):
        try:
            yield
        finally:
            if made:
                with suppress(OSError):
                    args.journal.rmdir()


def _closed(
    args: Namespace, ledger: Ledger | None, operator: Operator, previous: Header | None, progress: Progress
) -> snapshot_journal.Closed | None:
    """The epoch that the journal closes, None without a journal."""
    if args.journal is None:
        return None
    if ledger is not None:
        return snapshot_journal.begun(args, ledger, operator, previous)
    return snapshot_journal.continued(args, operator, previous, progress)


def _append(args: Namespace, terminal: Terminal) -> int:
    """Add events to the journal between epochs."""
    with terminal.progress("snapshot") as progress, journal_folder(args):
        journal = snapshot_journal.opened(args, Operator.read(args.operator), progress)
        added = snapshot_journal.add_events(args, journal)
    head = journal.last
    result = {
        "verb": "snapshot",
        "journal": str(args.journal),
        "added": added,
        "segments": head.number,
        "events": head.first + head.count,
        "journal_head": f"{head.journal_head:#066x}",
    }
    facts = [("journal", f"{args.journal}: {added:,} events added, {head.number} segments")]
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _beside(header: Path, name: str) -> Path | None:
    """A file of the private folder that lies beside the public one of a header, if there is one."""
    path = header.resolve().parent.parent / PRIVATE / name
    return path if header.resolve().parent.name == PUBLIC and path.exists() else None


def _heads_beside(header: Path) -> Heads | None:
    """Where the histories of the epoch before stand."""
    path = _beside(header, HEADS_FILE)
    return None if path is None else Heads.decode(read_private(path, MAX_HEADS_BYTES, "history heads file"))


def _kept_beside(header: Path, name: str, limit: int, decode: Callable[[bytes], T]) -> tuple[T | None, tuple[str, ...]]:
    """What the epoch before kept in a file. One that is damaged costs time alone, so it is passed over with a note."""
    path = _beside(header, name)
    if path is None:
        return None, ()
    try:
        return decode(read_private(path, limit, f"file {name}")), ()
    except (InputError, DisagreementError) as error:
        return None, (f"what is in it is computed again: {path}: {error}",)


def _retire(header: Path | None, notes: list[str]) -> None:
    """Remove the record key of the epoch before. One that cannot be removed is noted, and stops no epoch."""
    path = None if header is None else _beside(header, SECRETS_FILE)
    if path is None:
        return
    try:
        remove_file(path)
    except OSError as error:
        notes.append(f"{path} was not removed, and opens the records of its epochs: {error.strerror}")


def _jobs(stated: int | None, accounts: int) -> int:
    """How many processes seal records: one, unless told otherwise or worth the start of more."""
    return stated or (1 if accounts < _SPREAD_FROM else os.cpu_count() or 1)


def _check_issued(ledger: Ledger, issued: list[tuple[str, Path]]) -> None:
    for name, path in issued:
        ledger.index_of(name)
        if ledger.owners is not None:
            raise InputError(f"account {name!r} brought its own key; the venue cannot issue one to it")
        if os.path.lexists(path):
            raise InputError(f"{path} exists already; a key file is never overwritten")
        if not path.parent.is_dir():
            raise InputError(f"--issue-key {name}: there is no folder {path.parent}")
    paths = [path.absolute() for _, path in issued]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"--issue-key names {path} twice: each account has a key file of its own")


def _issue(operator: Operator, issued: list[tuple[str, Path]], epoch: Path) -> None:
    """Write the key files; if one cannot be written, none is, and the epoch is taken back."""
    written: list[Path] = []
    try:
        for name, path in issued:
            operator.account_key(name).write(path)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        shutil.rmtree(epoch)
        raise


def _result(ledger: Ledger, snapshot: Snapshot) -> dict[str, object]:
    header = snapshot.signed.header
    return {
        "verb": "snapshot",
        "out": str(snapshot.folder),
        "public": str(snapshot.public),
        "header": str(snapshot.public / HEADER),
        "venue": header.venue_name,
        "operator_key": header.operator_key.hex(),
        "epoch": header.epoch,
        "time": header.time,
        "synthetic": header.synthetic,
        "state_root": f"{header.state_root:#066x}",
        "header_hash": f"0x{header.hash.hex()}",
        "accounts": header.account_count,
        "instruments": len(ledger.table),
        "files": snapshot.files,
        "bytes": snapshot.public_bytes,
        "seconds": snapshot.seconds,
        "reused": snapshot.reused,
        "notes": list(ledger.notes),
    }


def _render(console: Console, ledger: Ledger, snapshot: Snapshot) -> None:
    header = snapshot.signed.header
    show_facts(
        console,
        [
            ("venue", header.venue_name + (" (synthetic data)" if header.synthetic else "")),
            ("epoch", str(header.epoch)),
            ("accounts", f"{header.account_count:,} over {len(ledger.table)} instruments"),
            ("state root", f"{header.state_root:#066x}"),
            ("header hash", f"0x{header.hash.hex()}"),
            ("to publish", f"{snapshot.public} ({snapshot.files} files, {size_text(snapshot.public_bytes)})"),
            ("seconds", ", ".join(f"{step} {duration_text(took)}" for step, took in snapshot.seconds.items())),
        ],
    )
