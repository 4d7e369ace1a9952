"""Evidence bundles for verify: what a reader pins, and what a replay shows."""

from __future__ import annotations

from pathlib import Path

from lightclient.evidence import MAGIC, MAX_EVIDENCE_BYTES, Evidence, Replayed, replay
from lightclient.network import read_network
from zkstate.cli.arguments import Namespace, Parser, address, existing, hex_bytes, network, seconds, unix_time
from zkstate.cli.headers import age_text, check_age, header_facts, header_result, time_text
from zkstate.cli.named import read_named
from zkstate.cli.terminal import Terminal, show_judgement
from zkstate.cli.trusted import trust_facts, trust_result
from zkstate.errors import InputError, StaleError

OPTIONS = ("evidence", "checkpoint", "venue_registry", "network", "at", "checkpoint_age", "finality_age")

_LEDGER_NOT_SHOWN = "that the venue's ledger is right, or that it can pay: only that it committed to this state"
_CHECKPOINT_NOT_SHOWN = "that the checkpoint is of the chain that everyone follows: you chose it"


def declare_evidence(parser: Parser) -> None:
    parser.add_argument("--evidence", type=existing)
    parser.add_argument("--checkpoint", type=hex_bytes(32))
    parser.add_argument("--venue-registry", type=address)
    parser.add_argument("--network", type=network)
    parser.add_argument("--at", type=unix_time)
    parser.add_argument("--checkpoint-age", type=seconds)
    parser.add_argument("--finality-age", type=seconds)


def is_evidence(path: Path) -> bool:
    """Does the file begin as an evidence bundle does?"""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def replayed(
    path: Path, args: Namespace, registry: bytes | None, clock: int, *, option: str = "--venue-registry"
) -> Replayed:
    """The replay of a bundle with what the reader pins; `option` is where they pin the registry.

    Errors: InputError for a missing pin; StaleError for a block that was final longer ago than --finality-age; those of
    `replay`.
    """
    if args.checkpoint is None or registry is None:
        raise InputError(
            "evidence shows nothing without pins: give --checkpoint, a block root that you got from somewhere you "
            f"trust, and {option}, the contract of the venue"
        )
    now = clock if args.at is None else args.at
    if now > clock:
        raise InputError(f"--at {now} lies after this machine's clock, {clock}")
    chain = read_network(args.network)
    pins = {"checkpoint": args.checkpoint, "registry": registry}
    data = read_named(path, MAX_EVIDENCE_BYTES)
    try:
        evidence = Evidence.decode(data, chain)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    try:
        found = replay(evidence, chain, **pins, now=now, max_checkpoint_age_s=args.checkpoint_age)
    except StaleError as error:
        raise StaleError(
            f"{error}: whoever holds enough keys of that time can have made it since; --at TIME judges it as of a time "
            "when you know it was there"
        ) from error
    age = now - found.finality.time
    if args.finality_age is not None and age > args.finality_age:
        raise StaleError(
            f"{path} ends at slot {found.finality.slot}, {age} s old, and --finality-age allows {args.finality_age} s: "
            "what came after that block it cannot show"
        )
    return found


def not_shown(found: Replayed) -> tuple[str, ...]:
    """What a reader of evidence might take for shown, and is not."""
    block = f"block {found.trust.block_number}"
    return (
        _CHECKPOINT_NOT_SHOWN,
        f"that no newer epoch and no rollback came after {block}"
        if found.is_newest
        else f"that this state is current: epoch {found.state.latest_epoch} was the newest in {block} already",
    )


def newest_text(found: Replayed) -> str:
    """Where the epoch stood in the registry, for people."""
    if found.is_newest:
        return "the newest in that block"
    return f"SUPERSEDED: epoch {found.state.latest_epoch} was the newest in that block"


def _files_text(found: Replayed) -> str:
    if found.blobs:
        return (
            f"all of the epoch, in the {len(found.blobs)} blobs it travelled in: zkstate recover --evidence reads them"
        )
    return "none: a mirror is needed to recover from"


def evidence_result(found: Replayed) -> dict[str, object]:
    """What the registry said beside the header, in JSON."""
    return {
        "made_at": found.made_at,
        "newest_epoch": found.state.latest_epoch,
        "halted": found.state.halted,
        "blobs": len(found.blobs),
    }


def verify_evidence(path: Path, args: Namespace, terminal: Terminal, clock: int) -> int:
    """Judge a bundle on its own: which header the registry held."""
    found = replayed(path, args, args.venue_registry, clock)
    now = clock if args.at is None else args.at
    header, age = found.signed.header, now - found.signed.header.time
    check_age("the evidence is about", header, args.max_age, now)
    result = {
        "verb": "verify",
        "kind": "evidence",
        "accepted": True,
        "reasons": [],
        "checked_at": now,
        "age_s": age,
        **evidence_result(found),
        "trust": trust_result(found.trust, now),
        "not_shown": [_LEDGER_NOT_SHOWN, *not_shown(found)],
    }
    facts = [
        *header_facts(header),
        ("epoch is", newest_text(found)),
        ("age", f"{age_text(age)} at {time_text(now)}"),
        *trust_facts(found.trust, now),
        ("made", f"at {time_text(found.made_at)}, as its maker says"),
        ("files", _files_text(found)),
        *(("not shown" if i == 0 else "", words) for i, words in enumerate((_LEDGER_NOT_SHOWN, *not_shown(found)))),
    ]
    terminal.emit(result | header_result(header), lambda console: show_judgement(console, True, [], facts))
    return 0
