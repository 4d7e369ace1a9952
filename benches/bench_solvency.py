"""The solvency of a generated venue: written, proved, verified; accounts a second, bytes an account, peak memory.

    python benches/bench_solvency.py [--accounts 1000,10000] [--rows 0] [--jobs 1,2] [--system transparent] [--json]

`--rows 8` keeps accounts of that size class alone; 0 takes the venue as it is generated, of all classes. Each run is a
fresh process on an epoch of its own. What is proved is verified from its published files, and has to be accepted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from child import child
from machine import described, machine

from zkstate.publication.epoch import write_epoch
from zkstate.publication.operator import Operator
from zkstate.solvency.engine import prove_epoch
from zkstate.solvency.plan import LAYOUTS
from zkstate.solvency.verify import verify_solvency
from zkstate.state.ledger import issue_keys, no_orders, row_columns
from zkstate.state.synthetic import synthetic_ledger, synthetic_master

SEED = 1
WHO = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
OVERDRAW = {4: 2, 8: 10, 16: 50, 64: 50}  # accounts generated for one of a class


def cpu_s():
    used = [resource.getrusage(who) for who in WHO]
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(action):
    """What it returns, and its seconds of wall time and of CPU."""
    start, used = time.perf_counter(), cpu_s()
    found = action()
    return found, round(time.perf_counter() - start, 3), round(cpu_s() - used, 3)


def of_class(rows, accounts):
    """A ledger of so many accounts of one size class, without orders and rows that are there for orders alone."""
    ledger = synthetic_ledger(SEED, OVERDRAW[rows] * accounts + 1000, with_keys=False)
    empty = np.flatnonzero(ledger.rows.amount == 0)
    of = ledger.size_classes == rows
    of[np.searchsorted(ledger.rows.start, empty, "right") - 1] = False
    places = np.flatnonzero(of)[:accounts]
    if len(places) < accounts:
        raise SystemExit(f"{len(places)} accounts of class {rows}, wanted {accounts}")
    held, number = ledger.rows, np.full(len(ledger), -1)
    number[places] = np.arange(accounts)
    account = np.repeat(number, held.counts)
    columns = (held.instrument, held.amount, held.entry_high, held.entry_low, held.funding, held.isolated)
    return replace(
        ledger,
        names=tuple(ledger.names[place] for place in places),
        rows=row_columns(account[account >= 0], accounts, [column[account >= 0] for column in columns]),
        orders=no_orders(accounts),
    )


def measure(accounts, rows, jobs, system, batch_rows, results):
    """Write, prove and verify one epoch: its report into the queue."""
    master = synthetic_master(SEED)
    ledger = issue_keys(of_class(rows, accounts) if rows else synthetic_ledger(SEED, accounts, with_keys=False), master)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "epoch"
        snapshot, *write = timed(lambda: write_epoch(ledger, Operator(bytes(range(32)), master), place))
        outcome, *prove = timed(lambda: prove_epoch(place, system, batch_rows, jobs))
        header = snapshot.signed.header
        accept = lambda _name, _digest, key: (key.setup, None)  # noqa: E731  a key of our own
        found, *verify = timed(lambda: verify_solvency(snapshot.public, outcome.folder, header, accept, jobs=jobs))
        if not found.accepted:
            raise SystemExit(f"a proof of {accounts} accounts was refused: {found.reasons}")
    own, started = (resource.getrusage(who).ru_maxrss / 1024 for who in WHO)
    results.put(
        {
            "accounts": accounts,
            "rows": rows,
            "jobs": jobs,
            "system": system,
            "batches": found.batches,
            "write_s": write,
            "prepare_s": round(outcome.seconds["prepare"], 3),
            "prove_s": prove,
            "verify_s": verify,
            "accounts_a_second": round(accounts / outcome.seconds["prove"], 1),
            "verified_a_second": round(accounts / verify[0]),
            "bytes_an_account": round(outcome.size / accounts, 1),
            "peak_rss_mib": round(own, 1),
            "peak_rss_mib_of_a_process_it_started": round(started, 1),
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--accounts", default="1000,10000", help="sizes, separated by commas")
    parser.add_argument("--rows", type=int, default=0, choices=(0, *OVERDRAW), help="one size class; 0 for all")
    parser.add_argument("--jobs", default=f"1,{os.cpu_count()}", help="numbers of processes, separated by commas")
    parser.add_argument("--system", choices=tuple(LAYOUTS), default="transparent")
    parser.add_argument("--batch-rows", type=int, default=0, help="rows of a batch, by default those of prove solvency")
    arguments = parser.parse_args()
    batch_rows = arguments.batch_rows or LAYOUTS[arguments.system].usual
    rows = []
    if not arguments.json:
        print(described())
    for accounts in map(int, arguments.accounts.split(",")):
        for jobs in map(int, arguments.jobs.split(",")):
            results = multiprocessing.get_context("spawn").SimpleQueue()
            row = (accounts, arguments.rows, jobs, arguments.system, batch_rows, results)
            child(measure, *row)
            rows.append(results.get())
            if not arguments.json:
                print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    if arguments.json:
        print(json.dumps({"bench": "solvency", "seed": SEED, "machine": machine(), "results": rows}, indent=2))


if __name__ == "__main__":
    main()
