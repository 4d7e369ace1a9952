"""What `prove solvency` does: its options are in the help of `prove`."""

from __future__ import annotations

import os
from pathlib import Path

from zkstate.cli.arguments import Namespace, Parser, directory, existing, is_given, whole
from zkstate.cli.terminal import Facts, Terminal, duration_text, show_facts, size_text
from zkstate.errors import InputError
from zkstate.solvency.cluster import Cluster, Tls
from zkstate.solvency.engine import Outcome, prove_epoch
from zkstate.solvency.files import (
    KEYED,
    PROFIT_DECIMALS,
    SHORTFALL_DECIMALS,
    STATEMENT,
    health_text,
    profit_text,
    rules_text,
)
from zkstate.solvency.plan import LAYOUTS
from zkstate.state.decimals import render
from zkstate.state.schema import SIZE_CLASSES

TLS = ("tls_ca", "tls_cert", "tls_key")
OPTIONS = ("jobs", "batch_rows", "keys", "cluster", *TLS, "cluster_plain", "cluster_folder")
TAKES = ("epoch", *OPTIONS, "system", "allow_insecure_setup")
LEAST_ROWS, MOST_ROWS = SIZE_CLASSES[-1], max(layout.most_rows for layout in LAYOUTS.values())


def declare_solvency(parser: Parser) -> None:
    parser.add_argument("--jobs", type=whole(1, 256))
    parser.add_argument("--batch-rows", type=whole(LEAST_ROWS, MOST_ROWS))
    parser.add_argument("--keys", type=directory)
    parser.add_argument("--cluster")
    for name in ("--tls-ca", "--tls-cert", "--tls-key"):
        parser.add_argument(name, type=existing)
    parser.add_argument("--cluster-plain", action="store_true")
    parser.add_argument("--cluster-folder", type=directory)


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
    if system in KEYED and args.keys is None and not args.allow_insecure_setup:
        raise InputError(f"prove solvency by {system}: give --keys, or --allow-insecure-setup to try things out")
    layout, jobs = LAYOUTS[system], args.jobs or os.cpu_count() or 1
    rows = args.batch_rows or layout.usual
    if rows > layout.most_rows:
        raise InputError(f"--batch-rows {rows}: a batch by {system} has at most {layout.most_rows}")
    cluster = _cluster(args)
    with terminal.progress("prove solvency") as progress:
        outcome = prove_epoch(args.epoch, system, rows, jobs, keys=args.keys, cluster=cluster, progress=progress)
    terminal.emit(_prove_result(outcome), lambda console: show_facts(console, _prove_facts(outcome)))
    return 0


def _cluster(args: Namespace) -> Cluster | None:
    """The cluster that the options name."""
    files: list[Path | None] = [getattr(args, name) for name in TLS]
    if args.cluster is None:
        for name in (*TLS, "cluster_plain", "cluster_folder"):
            if is_given(getattr(args, name)):
                raise InputError(f"--{name.replace('_', '-')} is for --cluster")
        return None
    ca, cert, key = files
    if ca is None or cert is None or key is None:
        if any(files):
            raise InputError("TLS takes --tls-ca, --tls-cert and --tls-key: all three")
        return Cluster(args.cluster, None, args.cluster_plain, args.cluster_folder)
    return Cluster(args.cluster, Tls(ca, cert, key), args.cluster_plain, args.cluster_folder)


def _prove_result(outcome: Outcome) -> dict[str, object]:
    claim = outcome.claim
    return {
        "verb": "prove",
        "statement": STATEMENT,
        "out": str(outcome.folder),
        "system": claim.system,
        "header_hash": f"0x{claim.header_hash}",
        "accounts": outcome.accounts,
        "judged": {"tiers": outcome.accounts - outcome.by_portfolio, "portfolio": outcome.by_portfolio},
        "unhealthy": claim.unhealthy,
        "shortfall": render(int(claim.shortfall), SHORTFALL_DECIMALS),
        "profit": render(int(claim.profit), PROFIT_DECIMALS),
        "batches": {"proved": outcome.proved, "kept": outcome.kept},
        "bytes": outcome.size,
        "seconds": {step: round(took, 3) for step, took in outcome.seconds.items()},
        "refused_workers": outcome.refused,
    }


def _prove_facts(outcome: Outcome) -> Facts:
    per_account = outcome.size / outcome.accounts
    return [
        ("shows", "every account counted and judged, and what the balances of each instrument add up to"),
        ("accounts", f"{outcome.accounts:,}"),
        ("judged by", rules_text(outcome.accounts, outcome.by_portfolio)),
        ("unhealthy", health_text(outcome.claim)),
        ("through positions", profit_text(outcome.claim)),
        ("batches", f"{outcome.proved} proved, {outcome.kept} kept from an earlier run"),
        ("size", f"{size_text(outcome.size)}, {per_account:,.0f} bytes an account"),
        ("seconds", ", ".join(f"{step} {duration_text(took)}" for step, took in outcome.seconds.items())),
        *((f"refused {worker}", why) for worker, why in outcome.refused.items()),
        ("proof", str(outcome.folder)),
    ]
