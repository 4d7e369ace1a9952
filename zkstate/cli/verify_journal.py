"""zkstate verify of a venue's journal: what anyone can check of it, without a key."""

from __future__ import annotations

from pathlib import Path

from zkstate.cli.arguments import Namespace
from zkstate.cli.named import read_header
from zkstate.cli.terminal import Terminal, show_judgement
from zkstate.errors import DisagreementError
from zkstate.publication.venue_journal import check_chain
from zkstate.publication.venue_publish import FIRST


def is_journal(place: Path) -> bool:
    """Whether a folder holds segments."""
    return (place / FIRST).exists()


def verify_journal(place: Path, args: Namespace, terminal: Terminal) -> int:
    """Signatures, chain and the hash of every byte; with a header, whether the journal leads to it."""
    try:
        with terminal.progress("verify") as progress:
            heads = check_chain(place, progress)
    except DisagreementError as error:
        false = [str(error)]
        result: dict[str, object] = {"verb": "verify", "accepted": False, "reasons": false}
        terminal.emit(result, lambda console: show_judgement(console, False, false, [("journal", str(place))]))
        return 1
    header = None if args.header is None else read_header(args.header).header
    closing = [head for head in heads if header is not None and head.journal_head == header.journal_head]
    reasons = (
        [] if header is None or closing else [f"no segment makes the header's journal_head {header.journal_head:#066x}"]
    )
    last = heads[-1]
    facts = [
        ("operator", last.operator_key.hex()),
        ("segments", f"{len(heads)}, {last.first + last.count:,} events, up to epoch {last.epoch}"),
        ("journal head", f"{last.journal_head:#066x}"),
        ("shown", "the operator signed these segments, in this order, and nothing in them was altered"),
        ("not shown", "what is sealed in them: whoever holds a journal key replays it with zkstate recover --venue"),
    ]
    result = {
        "verb": "verify",
        "accepted": not reasons,
        "reasons": reasons,
        "segments": len(heads),
        "events": last.first + last.count,
        "epoch": last.epoch,
        "journal_head": f"{last.journal_head:#066x}",
    }
    terminal.emit(result, lambda console: show_judgement(console, not reasons, reasons, facts))
    return 1 if reasons else 0
