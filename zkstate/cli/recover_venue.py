"""zkstate recover --venue: the whole venue, out of its journal."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rich.console import Console

from lightclient.recover import Limits
from lightclient.venue import VenueRecovery, recover_venue
from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, new_folder, write_new
from zkstate.cli.arguments import Namespace, Parser, existing
from zkstate.cli.headers import age_text, header_facts, header_result
from zkstate.cli.terminal import Terminal, duration_text, pretty_json, show_facts
from zkstate.cli.trusted import trust_facts, trust_result
from zkstate.errors import InputError
from zkstate.publication.mirrors import mirror_at
from zkstate.publication.tables import encode_order_book
from zkstate.publication.trust import TrustRoot
from zkstate.state.identity import read_secret
from zkstate.state.ledger_write import write_ledger
from zkstate.state.valuation_files import no_formula
from zkstate.state.venue import Venue
from zkstate.state.venue_close import open_interest, resting

HELP = """\
  --venue            the whole venue, for whoever holds one of the keys its journal is sealed to: replayed from the
                     first segment, and held to the header of every epoch; segments after the newest epoch count too.
                     DIR gets ledger.jsonl (accounts, histories, prices, orders; zkstate snapshot reads it),
                     orderbook.json (price levels), orders.csv (every order in its place) and venue.json (totals, open
                     interest). It is everybody's secret: keep it private
  --journal-key FILE the key to the journal: operator/journal.key, or the file of another recipient"""


def declare_venue(parser: Parser) -> None:
    parser.add_argument("--venue", action="store_true")
    parser.add_argument("--journal-key", type=existing)


def run_venue(args: Namespace, trust_root: TrustRoot, terminal: Terminal) -> int:
    """Replay, check, write: nothing is written unless every epoch on the way has the root that its header states."""
    if args.journal_key is None or not args.mirror or args.out is None:
        raise InputError("--venue needs --journal-key, --mirror and --out")
    key = X25519PrivateKey.from_private_bytes(read_secret(args.journal_key, "journal key"))
    mirrors = [mirror_at(place) for place in args.mirror]
    with terminal.progress("recover") as progress:
        found = recover_venue(key, mirrors, trust_root, limits=Limits(request_s=float(args.timeout)), progress=progress)
        _write(found, args.out)
    for source in found.sources:
        for lie in source.lied:
            terminal.say(f"lied: {lie}")
    result = {"verb": "recover", "out": str(args.out), **_result(found)}
    terminal.emit(result, lambda console: _render(console, found, args.out))
    return 0


def _write(found: VenueRecovery, out: Path) -> None:
    with new_folder(out) as folder:
        folder.chmod(PRIVATE_FOLDER)
        write_ledger(found.ledger, folder / "ledger.jsonl")
        (folder / "ledger.jsonl").chmod(PRIVATE_FILE)
        write_new(folder / "orderbook.json", encode_order_book(found.ledger), PRIVATE_FILE)
        write_new(folder / "orders.csv", _orders(found.venue), PRIVATE_FILE)
        write_new(folder / "venue.json", pretty_json(_totals(found.venue)).encode(), PRIVATE_FILE)


def _orders(venue: Venue) -> bytes:
    """Every open order by instrument and side, best price first, then oldest; prices and sizes in units.

    Names are written as in an exported book: none of them is a formula.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("instrument", "side", "price", "open", "order", "account"))
    names, table = venue.state.names, venue.state.table
    for number, account, instrument, flags, price, size in resting(venue).tuples():
        symbol, name = no_formula(table[instrument].symbol), no_formula(names[account])
        lines.writerow((symbol, ("buy", "sell")[flags & 1], price, size, number, name))
    return text.getvalue().encode()


def _totals(venue: Venue) -> dict[str, object]:
    """Quantities are strings of integers in the units of docs/spec.md §2."""
    table = venue.state.table
    return {
        "events": venue.number,
        "time": venue.time,
        "house": str(venue.house),
        "net_deposits": {i.symbol: str(venue.net[i.id - 1]) for i in table.instruments if venue.net[i.id - 1]},
        "open_interest": {
            table[market].symbol: {"long": str(long), "short": str(short)}
            for market, (long, short) in open_interest(venue).items()
        },
    }


def _result(found: VenueRecovery) -> dict[str, object]:
    header = found.signed.header
    return {
        **header_result(header),
        "trust": trust_result(found.trust, found.ledger.time),
        "epochs_checked": list(found.epochs),
        "segments": found.segments,
        "events": found.events,
        "events_after_epoch": found.after,
        "ended": found.ended,
        "accounts": len(found.ledger),
        "orders": len(resting(found.venue).number),
        "venue": _totals(found.venue),
        "rpo_s": found.rpo_s,
        "rto_s": round(found.rto_s, 6),
        "sources": [
            {"name": one.name, "bytes_read": one.bytes_read, "served": one.served, "lied": list(one.lied)}
            for one in found.sources
        ],
    }


def _render(console: Console, found: VenueRecovery, out: Path) -> None:
    first, last = found.epochs[0], found.epochs[-1]
    facts = [
        *header_facts(found.signed.header),
        *trust_facts(found.trust, found.ledger.time),
        ("journal", f"{found.events:,} events in {found.segments} segments; {found.ended}"),
        ("roots checked", f"of epochs {first} to {last}; {found.after:,} events came after and are in no header yet"),
        ("accounts", f"{len(found.ledger):,}, and {len(resting(found.venue).number):,} open orders"),
        ("state age", f"{age_text(found.rpo_s)} (RPO)"),
        ("recovered in", f"{duration_text(found.rto_s)} (RTO)"),
        ("written", f"{out}: everybody's secret, keep it private"),
    ]
    show_facts(console, facts)
