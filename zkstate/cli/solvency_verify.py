"""What `verify` says of a whole epoch and its proof of solvency: its options are in the help of `verify`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from circuits.attestation import CEREMONY_REQUIRED
from zkstate.cli.arguments import Namespace
from zkstate.cli.headers import age_text, header_facts, header_result, time_text
from zkstate.cli.named import read_named
from zkstate.cli.own_account import find_own
from zkstate.cli.reserves_verify import find_assets
from zkstate.cli.terminal import Facts, Terminal, show_judgement, size_text
from zkstate.cli.verdict import MIRAGE_SECURITY, SECURITY, TRANSPARENT_SECURITY, setup_result, setup_text
from zkstate.errors import InputError
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.record import SIZE_LIMIT, CeremonyRecord
from zkstate.publication.annex import check_annex
from zkstate.publication.audit import audit_folder
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.layout import HEADER
from zkstate.publication.regular import read_below
from zkstate.solvency.carried import most_bytes
from zkstate.solvency.files import (
    PROFIT_DECIMALS,
    SHORTFALL_DECIMALS,
    STATEMENT,
    health_text,
    profit_text,
    rules_text,
)
from zkstate.solvency.verify import RESERVES_NOT_SHOWN, Judge, Solvency, not_shown, verify_solvency
from zkstate.state.decimals import render

SECURITIES = {
    "groth16": SECURITY,
    "mirage": MIRAGE_SECURITY,
    "transparent": f"each batch: {TRANSPARENT_SECURITY}",
}


def run_verify(
    public: Path,
    folder: Path,
    reserves_of: Callable[[Path, int], Path | None],
    pinned: bytes | None,
    args: Namespace,
    terminal: Terminal,
) -> tuple[int, Header]:
    """Hold a published epoch against its header, and its solvency proof against both: the exit code."""
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    header, judge = signed.header, key_judge(args)
    now = int(time.time())
    with terminal.progress("verify epoch") as progress:
        reasons = [str(finding) for finding in audit_folder(public, signed, progress)]
        if pinned not in (None, header.hash):
            reasons.insert(0, f"header hash is {header.hash.hex()}, and {(pinned or b'').hex()} is expected")
        found, own, assets = None, None, None
        if not reasons:
            # What the reader named is read before the proof is judged, which can take long.
            own = find_own(public, header, args)
            assets = find_assets(public, header, reserves_of(public, header.epoch), args)
            reasons += [str(finding) for finding in check_annex(folder, header, most_bytes, progress)]
            found = verify_solvency(public, folder, header, judge, progress, args.jobs or os.cpu_count() or 1)
            reasons += found.reasons
            if args.ceremony is not None and found.claim.system == "transparent":
                reasons.append("--ceremony is given, and the proof is transparent: it has no key to vouch for")
            if own is not None and found.accepted and found.counted is not None:
                own.count_in(found.counted)
            elif own is not None:
                own.proof = "the one here does not hold"
            reasons += [*([] if own is None else own.reasons), *([] if assets is None else assets.reasons)]
    risky = None if found is None else found.by_portfolio
    missing = not_shown(f"{risky:,}" if risky else None if risky is None else "")
    missing = [words for words in missing if assets is None or words != RESERVES_NOT_SHOWN]
    if pinned is None:
        missing.append("that this header is the newest, or the only one of its epoch: pin one with --header")
    result = {"verb": "verify", "kind": STATEMENT, "accepted": not reasons, "reasons": reasons}
    more = {"checked_at": now, "age_s": now - header.time, "not_shown": missing}
    facts = [*header_facts(header), ("age", f"{age_text(now - header.time)} at {time_text(now)}")]
    body: dict[str, object] = {}
    if found is not None:
        body, facts = solvency_result(found), [*facts, *_solvency_facts(found)]
    if own is not None:
        body, facts = body | own.result(), [*facts, *own.facts()]
    if assets is not None:
        body, facts = body | assets.result(), [*facts, *assets.facts()]
    facts += [("not shown" if i == 0 else "", words) for i, words in enumerate(missing)]

    def show(console: Console) -> None:
        show_judgement(console, not reasons, reasons, facts)

    terminal.emit(result | header_result(header) | body | more, show)
    return int(bool(reasons)), header


def solvency_result(found: Solvency) -> dict[str, object]:
    """What was found, in JSON."""
    table = found.table
    totals = [
        {
            "instrument": asset.symbol,
            "kind": asset.kind,
            "credit": render(credit, asset.decimals),
            "debit": render(debit, asset.decimals),
        }
        for asset, credit, debit in zip(table.instruments, found.totals.credits, found.totals.debits, strict=False)
    ]
    return {
        "shows": _shown(found),
        "system": found.claim.system,
        "setup": setup_result(found.setup),
        "security": _security(found),
        "batches": found.batches,
        "bytes": found.size,
        "judged": judged_result(found.accounts, found.by_portfolio),
        "unhealthy": found.claim.unhealthy,
        "shortfall": render(int(found.claim.shortfall), SHORTFALL_DECIMALS),
        "profit": render(int(found.claim.profit), PROFIT_DECIMALS),
        "totals": totals,
    }


def judged_result(accounts: int, by_portfolio: int | None) -> dict[str, int] | None:
    """How many accounts each rule judges, in JSON; None where nothing says it."""
    return None if by_portfolio is None else {"tiers": accounts - by_portfolio, "portfolio": by_portfolio}


def _security(found: Solvency) -> str:
    return SECURITIES[found.claim.system]


def _shown(found: Solvency) -> str:
    """What the proof shows, before what it comes to."""
    if not found.accepted:
        return "nothing: who is unhealthy, what they lack and what positions come to is claimed alone"
    words = "every account of the tree is in one batch, in range, and judged under the committed tables"
    return words if found.setup.trusted else f"{words}, if nobody knows the trapdoor of a key"


def _solvency_facts(found: Solvency) -> Facts:
    owed = [
        (asset.symbol, credit, debit, asset.decimals)
        for asset, credit, debit in zip(
            found.table.instruments, found.totals.credits, found.totals.debits, strict=False
        )
        if asset.is_asset and (credit or debit)
    ]
    return [
        ("shows", _shown(found)),
        *([] if found.by_portfolio is None else [("judged by", rules_text(found.accounts, found.by_portfolio))]),
        ("unhealthy", health_text(found.claim)),
        *(
            ("owes" if i == 0 else "", f"{render(credit, d)} {symbol}, and is owed {render(debit, d)}")
            for i, (symbol, credit, debit, d) in enumerate(owed)
        ),
        ("through positions", profit_text(found.claim)),
        ("batches", f"{found.batches:,} of {size_text(found.size)}, {found.claim.system}"),
        ("setup", setup_text(found.setup)),
        ("security", _security(found)),
    ]


class _Judge:
    """Which verification keys are taken: those that a ceremony record of the batch's own circuit vouches for."""

    def __init__(self, records: Sequence[CeremonyRecord], *, allow: bool) -> None:
        self.records, self.allow = records, allow

    def __call__(self, name: str, digest: Callable[[], bytes], key: VerifyingKey) -> tuple[SetupStatus, str | None]:
        for record in self.records:
            if record.verification_key == key.digest():
                circuit = digest().hex()
                reasons = list(record.refusals(key))
                if record.circuit.r1cs != circuit:
                    reasons.append(f"the ceremony record is of the circuit {record.circuit.r1cs}, not of {circuit}")
                return (key.setup, reasons[0]) if reasons else (SetupStatus.VERIFIED, None)
        if self.allow:
            return key.setup, None
        return key.setup, f"the key of {name} is {key.setup.value}; {CEREMONY_REQUIRED}"


def key_judge(args: Namespace) -> Judge:
    """What judges the keys of batches, as the options say."""
    return _Judge(_records(args.ceremony), allow=args.allow_insecure_setup)


def _records(place: Path | None) -> list[CeremonyRecord]:
    """The record in a file, or those in a folder, one for each class."""
    if place is None:
        return []
    paths = sorted(place.glob("*.json")) if place.is_dir() else [place]
    if not paths:
        raise InputError(f"--ceremony: {place} holds no record")
    return [CeremonyRecord.decode(read_named(path, SIZE_LIMIT), str(path)) for path in paths]
