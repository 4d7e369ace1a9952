"""zkstate audit: walk a chain of epochs, and leave a report."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from zkstate.atomic import new_folder, write_new
from zkstate.cli.arguments import Namespace, Parser, directory, existing, hex_bytes, whole
from zkstate.cli.audit_chain import Audit, audit_chain, places
from zkstate.cli.audit_report import html, jinja, registry_text, result
from zkstate.cli.evidence import declare_evidence
from zkstate.cli.named import pinned_header
from zkstate.cli.reserves_pins import Pins, declare_reserves
from zkstate.cli.terminal import Terminal, pretty_json, show_judgement
from zkstate.errors import EnvironmentFailure, InputError, MissingError

USAGE = """\
usage: zkstate audit DIR [DIR ...] --out DIR [--header FILE | --header-hash HEX] [RESERVES] [SETUP] [--jobs N]
                     [--holdings] [--json]

Walk a chain of epochs: every file of each, that each goes on from the one before, that none is missing, restated or
signed twice; proofs of solvency and reserves where they are there. What is found is written to --out, as audit.json
and as one page, report.html, with pictures, that needs nothing else.

  DIR             a mirror folder with all its epochs, what zkstate snapshot wrote, or one published epoch
  --out DIR       where both files are written; must not exist
  --header FILE   a header that has to be among these epochs: one that you got from somewhere you trust, which tells
                  whose the operator key is
  --header-hash HEX   or its hash
  --jobs N        how many proofs are judged at once, by default one for each core
  --holdings      draw how healthy accounts are from the venue's own private part beside an epoch: only a venue can
RESERVES          --tokens FILE, --block CHAIN:HASH, --reserves-rpc URL, --net, --max-gap D, --other-reserves FILE, and
                  --evidence FILE with its pins, as for zkstate verify; --block once for each epoch's block of a chain.
                  Evidence stands behind headers too, without reserves: a registry that held another header for an
                  epoch contradicts it
SETUP             --ceremony RECORD or --allow-insecure-setup, as for zkstate verify

Exit code 0 if all holds, 1 if something is false, 3 if nothing is but an epoch among these is missing.

Example, after the example of publish:

  zkstate audit mirror --out audit
"""


def declare(parser: Parser) -> None:
    parser.add_argument("folders", nargs="+", type=directory)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--header", type=existing)
    parser.add_argument("--header-hash", type=hex_bytes(32))
    parser.add_argument("--ceremony", type=existing)
    parser.add_argument("--allow-insecure-setup", action="store_true")
    parser.add_argument("--jobs", type=whole(1, 256), default=os.cpu_count())
    parser.add_argument("--holdings", action="store_true")
    declare_reserves(parser)
    declare_evidence(parser)


def run(args: Namespace, terminal: Terminal) -> int:
    if args.out is None:
        raise InputError("audit: give --out, where the report goes")
    if args.reserves:
        raise InputError("audit: reserves stand beside each epoch, in reserves/: leave --reserves out")
    if args.out.exists():
        raise EnvironmentFailure(f"{args.out} exists already: remove it or choose another")
    pinned = pinned_header(args)
    found_places, faults = places(args.folders)
    if args.holdings and not any(place.private for place in found_places):
        raise InputError("--holdings: no epoch here has a private part beside it")
    environment, pins = jinja(), Pins.read(args)
    with terminal.progress("audit") as progress:
        audit = audit_chain(found_places, pinned, pins, args, progress)
    audit = replace(audit, reasons=(*faults, *audit.reasons))
    now = int(time.time())
    found = result(audit, now)
    with new_folder(args.out) as folder:
        write_new(folder / "audit.json", pretty_json(found).encode())
        write_new(folder / "report.html", html(environment, audit, found, now).encode(errors="replace"))
    reasons = [*audit.reasons, *(f"epoch {e.header.epoch}: {words}" for e in audit.epochs for words in e.reasons)]
    facts = [
        ("epochs", ", ".join(str(each.header.epoch) for each in audit.epochs)),
        *([("missing", audit.gaps)] if audit.missing else []),
        *([("registry", words)] if (words := registry_text(audit)) else []),
        ("report", str(args.out / "report.html")),
        *(("not shown" if i == 0 else "", words) for i, words in enumerate(found["not_shown"])),
    ]
    terminal.emit(found, lambda console: show_judgement(console, audit.accepted, reasons, facts))
    return _code(audit)


def _code(audit: Audit) -> int:
    if not audit.accepted:
        return 1
    return MissingError.exit_code if audit.missing else 0
