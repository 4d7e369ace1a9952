"""What `prove solvency` does: its options are in the help of `prove`."""

from __future__ import annotations

import os

from zkstate.cli.arguments import Namespace, is_given
from zkstate.cli.terminal import Facts, Terminal, duration_text, show_facts, size_text
from zkstate.errors import InputError
from zkstate.solvency.engine import Outcome, prove_epoch
from zkstate.solvency.files import SHORTFALL_DECIMALS, STATEMENT, health_text
from zkstate.solvency.plan import LAYOUTS
from zkstate.state.decimals import render
from zkstate.state.schema import SIZE_CLASSES

TAKES = ("epoch", "jobs", "batch_rows", "keys", "system", "allow_insecure_setup")
LEAST_ROWS, MOST_ROWS = SIZE_CLASSES[-1], max(layout.most_rows for layout in LAYOUTS.values())


def run_prove(args: Namespace, terminal: Terminal) -> int:
    """Prove the solvency of the epoch in a folder that `snapshot` wrote."""
    for name in vars(args).keys() - {*TAKES, "statement", "json"}:
        if is_given(getattr(args, name)):
            raise InputError(f"prove solvency does not take --{name.replace('_', '-')}")
    if args.epoch is None:
        raise InputError("prove solvency: name the folder that zkstate snapshot wrote")
    system = args.system or ("groth16" if args.keys is not None or args.allow_insecure_setup else "transparent")
    if system == "transparent" and (args.keys is not None or args.allow_insecure_setup):
        raise InputError("--system transparent takes no key: leave out --keys and --allow-insecure-setup")
    if system == "groth16" and args.keys is None and not args.allow_insecure_setup:
        raise InputError("prove solvency by groth16: give --keys, or --allow-insecure-setup to try things out")
    layout, jobs = LAYOUTS[system], args.jobs or os.cpu_count() or 1
    rows = args.batch_rows or layout.usual
    if rows > layout.most_rows:
        raise InputError(f"--batch-rows {rows}: a batch by {system} has at most {layout.most_rows}")
    with terminal.progress("prove solvency") as progress:
        outcome = prove_epoch(args.epoch, system, rows, jobs, keys=args.keys, progress=progress)
    terminal.emit(_prove_result(outcome), lambda console: show_facts(console, _prove_facts(outcome)))
    return 0


def _prove_result(outcome: Outcome) -> dict[str, object]:
    claim = outcome.claim
    return {
        "verb": "prove",
        "statement": STATEMENT,
        "out": str(outcome.folder),
        "system": claim.system,
        "header_hash": f"0x{claim.header_hash}",
        "accounts": outcome.accounts,
        "unhealthy": claim.unhealthy,
        "shortfall": render(int(claim.shortfall), SHORTFALL_DECIMALS),
        "batches": {"proved": outcome.proved, "kept": outcome.kept},
        "bytes": outcome.size,
        "seconds": {step: round(took, 3) for step, took in outcome.seconds.items()},
    }


def _prove_facts(outcome: Outcome) -> Facts:
    per_account = outcome.size / outcome.accounts
    return [
        ("shows", "every account counted and judged, and what the balances of each instrument add up to"),
        ("accounts", f"{outcome.accounts:,}"),
        ("unhealthy", health_text(outcome.claim)),
        ("batches", f"{outcome.proved} proved, {outcome.kept} kept from an earlier run"),
        ("size", f"{size_text(outcome.size)}, {per_account:,.0f} bytes an account"),
        ("seconds", ", ".join(f"{step} {duration_text(took)}" for step, took in outcome.seconds.items())),
        ("proof", str(outcome.folder)),
    ]
