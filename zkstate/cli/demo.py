"""zkstate demo: the whole story in one go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from zkstate.atomic import new_folder, write_new
from zkstate.cli.arguments import Namespace, Parser, existing, is_given, parts_per_million, whole
from zkstate.cli.disaster import render as render_disaster
from zkstate.cli.disaster import report as disaster_report
from zkstate.cli.disaster import survive
from zkstate.cli.ledgers import SYNTHETIC
from zkstate.cli.report import render, report
from zkstate.cli.story import tell
from zkstate.cli.terminal import Terminal, pretty_json, shortened
from zkstate.errors import EnvironmentFailure, InputError
from zkstate.state.ledger import MAX_ACCOUNTS

USAGE = """\
usage: zkstate demo [--ledger PLACE | --accounts N] [--account NAME] [--ratio R]
                    [--chain embedded|URL] [--publisher-key FILE] [--out DIR] [--json]
       zkstate demo --disaster [--accounts N] [--out DIR] [--json]

The whole story: a venue commits to its ledger and publishes; its own database is deleted; a trader rebuilds
their account from the mirror and the registry alone and proves their margin in zero knowledge, twice: without any key,
verified offline, and by Groth16, verified offline and by a contract.

  --ledger PLACE        a real ledger (docs/ledger.md, or the balance sheets of an exchange); it is copied,
                        and only the copy is deleted
  --accounts N          a generated venue of N accounts instead (1000)
  --account NAME        whose account is recovered; by default a healthy one with several rows
  --ratio R             the margin ratio that is proved (1)
  --chain URL           a node that holds an unlocked account, such as anvil, instead of the chain inside
                        this process (embedded)
  --publisher-key FILE  or a private key to send from: 64 hex digits in a file that only you can read
  --disaster            another story: the venue is gone, so are two of five mirrors, one lies and one is slow, a node
                        lies too, and the key is three of five shares; with who served, who lied, RPO and RTO
  --out DIR             where the results are left (demo-out): mirror/, account.key, account.json, proof.json,
                        public.json, verification_key.json, statement.json, header.bin, report.json, and
                        transparent/ with proof.bin. An earlier demo there is replaced, anything else is not

Example:

  zkstate demo --accounts 200 --out demo-out
"""

REPORT = "report.json"
DEFAULT_OUT = Path("demo-out")
DEFAULT_ACCOUNTS = 1000
DISASTER_ACCOUNTS = 200


def declare(parser: Parser) -> None:
    parser.add_argument("--ledger", type=existing)
    parser.add_argument("--accounts", type=whole(1, MAX_ACCOUNTS))
    parser.add_argument("--account")
    parser.add_argument("--ratio", type=parts_per_million, default=1_000_000)
    parser.add_argument("--chain", default="embedded")
    parser.add_argument("--publisher-key", type=existing)
    parser.add_argument("--disaster", action="store_true")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)


def run(args: Namespace, terminal: Terminal) -> int:
    if args.ledger is not None and args.accounts is not None:
        raise InputError("--ledger brings its own accounts: leave out --accounts")
    if args.publisher_key is not None and args.chain == "embedded":
        raise InputError("--publisher-key is for a node: give --chain URL")
    if args.disaster:
        return _disaster(args, terminal)
    with _results(args.out) as folder, terminal.progress("demo") as progress:
        story = tell(
            folder,
            ledger=str(args.ledger) if args.ledger else f"{SYNTHETIC}{args.accounts or DEFAULT_ACCOUNTS}",
            account=args.account,
            ratio_ppm=args.ratio,
            node=None if args.chain == "embedded" else args.chain,
            publisher_key=args.publisher_key,
            progress=progress,
        )
        told = report(story)
        write_new(folder / REPORT, pretty_json(told).encode())
    for words in shortened(story.notes, REPORT):
        terminal.say(words)
    terminal.emit(told | {"out": str(args.out)}, lambda console: render(console, story, args.out))
    return 0 if story.accepted else 1


def _disaster(args: Namespace, terminal: Terminal) -> int:
    others = (args.ledger, args.account, args.publisher_key, args.chain != "embedded" or None)
    if any(map(is_given, others)) or args.ratio != 1_000_000:
        raise InputError("--disaster takes --accounts and --out alone")
    with _results(args.out) as folder, terminal.progress("demo") as progress:
        disaster = survive(folder, args.accounts or DISASTER_ACCOUNTS, progress)
        told = disaster_report(disaster)
        write_new(folder / REPORT, pretty_json(told).encode())
    terminal.emit(told | {"out": str(args.out)}, lambda console: render_disaster(console, disaster, args.out))
    return 0 if disaster.accepted else 1


@contextmanager
def _results(out: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of an earlier demo's once the block ends well."""
    replaced = _is_earlier_demo(out)
    staged = out.with_name(f"{out.name}.new") if replaced else out
    with new_folder(staged) as folder:
        yield folder
    if replaced:
        shutil.rmtree(out)
        staged.rename(out)


def _is_earlier_demo(out: Path) -> bool:
    """Whether `out` is a folder that a demo left. EnvironmentFailure if it is anything else."""
    if not out.exists():
        return False
    try:
        if msgspec.json.decode((out / REPORT).read_bytes(), type=dict).get("verb") == "demo":
            return True
    except (OSError, msgspec.DecodeError, RecursionError):
        pass
    raise EnvironmentFailure(f"{out} exists and is not the result of an earlier demo: choose another --out")
