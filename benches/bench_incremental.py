"""An epoch after another of which little changed: seconds, CPU, bytes and peak memory.

    python benches/bench_incremental.py [--json] [--accounts 1000000] [--changed 10000] [--jobs N]

Each epoch is written by a fresh process, so that its peak memory is its own, from a ledger that lies in memory. Of the
accounts that change, each gets another amount in its first row, and its first order another size. The record key is
kept within its hour; the second epoch is also made with a fresh one. One account that changed and one that did not are
then recovered from the published files and compared with the ledger.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pickle
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from child import child
from machine import machine

from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from zkstate.publication.epoch import COMPUTED_FILE, PRIVATE, write_epoch
from zkstate.publication.header import SignedHeader
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.operator import Operator
from zkstate.publication.publish import publish_folder
from zkstate.publication.record_secrets import SECRETS_FILE, RecordSecrets
from zkstate.state.computed import Computed
from zkstate.state.synthetic import synthetic_ledger, synthetic_master

SEED = 1
MINUTE = 60


def cpu_s():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mib():
    """Of this process, and of the largest that it started."""
    return [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]


def changed(ledger, count):
    """The ledger a minute later, and the places of the accounts that changed."""
    held = np.flatnonzero(ledger.rows.counts)
    held = held[ledger.rows.amount[ledger.rows.start[held]] != 0]
    places = np.random.default_rng(SEED).choice(held, min(count, len(held)), replace=False)
    amount = ledger.rows.amount.copy()
    first = ledger.rows.start[places]
    amount[first] = np.where(amount[first] == 1, 2, amount[first] - 1)
    size = ledger.orders.size.copy()
    busy = places[ledger.orders.counts[places] > 0]
    size[ledger.orders.start[busy]] += np.uint64(1)
    rows, orders = replace(ledger.rows, amount=amount), replace(ledger.orders, size=size)
    return replace(ledger, time=ledger.time + MINUTE, rows=rows, orders=orders), places


def measure(place, number, keep, count, jobs, results):
    """Write one epoch, keeping the record key or not: its report into the queue."""
    operator = Operator(bytes(range(32)), synthetic_master(SEED))
    with (place / "ledger").open("rb") as file:
        ledger = pickle.load(file)
    held_mib = peak_mib()[0]
    start, started_cpu = time.perf_counter(), cpu_s()
    before, computed, secrets, places = None, None, None, np.arange(1)
    if number > 1:
        epoch = place / f"epoch-{number - 1}"
        before = SignedHeader.decode((epoch / "public/header.bin").read_bytes()).header
        computed = Computed.decode((epoch / PRIVATE / COMPUTED_FILE).read_bytes())
        secrets = RecordSecrets.decode((epoch / PRIVATE / SECRETS_FILE).read_bytes(), before)
        ledger, places = changed(ledger, count)
    snapshot = write_epoch(
        ledger,
        operator,
        place / f"epoch-{number}{'' if keep else '-fresh'}",
        previous=before,
        computed=computed,
        record_secrets=secrets,
        keep_record_key=keep,
        jobs=jobs,
    )
    took, used = time.perf_counter() - start, cpu_s() - started_cpu
    peak, peak_started = peak_mib()
    start = time.perf_counter()
    mirror = place / f"mirror{'' if keep else '-fresh'}"
    publish_folder(snapshot.public, mirror)
    publish_s = time.perf_counter() - start
    stays = np.setdiff1d(np.arange(len(ledger)), places)
    for account in (int(places[0]), *stays[:1].tolist()):
        key = operator.account_key(ledger.names[account])
        found = recover(key, [FolderMirror(mirror)], PinnedHeader(snapshot.signed)).bundle.account
        assert (found.rows, found.orders) == (ledger.rows_of(account), ledger.orders_of(account))
    results.put(
        {
            "epoch": number,
            "record_key_kept": keep,
            "wall_s": round(took, 2),
            "cpu_s": round(used, 2),
            "steps_s": {name: round(s, 2) for name, s in snapshot.seconds.items()},
            "reused": snapshot.reused,
            "public_bytes": snapshot.public_bytes,
            "computed_bytes": (snapshot.folder / PRIVATE / COMPUTED_FILE).stat().st_size,
            "secrets_bytes": (snapshot.folder / PRIVATE / SECRETS_FILE).stat().st_size if keep else 0,
            "peak_rss_mib": round(peak, 1),
            "peak_rss_mib_of_a_process_it_started": round(peak_started, 1),
            "ledger_rss_mib": round(held_mib, 1),
            "publish_s": round(publish_s, 2),
        }
    )


def generate(place, accounts):
    with (place / "ledger").open("wb") as file:
        pickle.dump(synthetic_ledger(SEED, accounts, with_keys=False), file, protocol=5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--changed", type=int, default=0, help="accounts that change, by default one in a hundred")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes that seal records")
    arguments = parser.parse_args()
    count = arguments.changed or max(1, arguments.accounts // 100)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        child(generate, place, arguments.accounts)
        for number, keep in ((1, True), (2, False), (2, True)):
            results = multiprocessing.get_context("spawn").SimpleQueue()
            child(measure, place, number, keep, count, arguments.jobs, results)
            rows.append(results.get())
    if arguments.json:
        settings = {"accounts": arguments.accounts, "changed": count, "jobs": arguments.jobs, "seed": SEED}
        print(json.dumps({"bench": "incremental", **settings, "machine": machine(), "results": rows}, indent=2))
        return
    for row in rows:
        reused = ", ".join(f"{many} {what}" for what, many in row["reused"].items())
        name = f"epoch {row['epoch']}" + ("" if row["record_key_kept"] else ", fresh record key")
        print(
            f"{name}: {row['wall_s']} s, {row['cpu_s']} s of CPU, {row['peak_rss_mib']} MiB at most, "
            f"{row['public_bytes'] / 1e6:.1f} MB to publish; reused: {reused}"
        )


if __name__ == "__main__":
    main()
