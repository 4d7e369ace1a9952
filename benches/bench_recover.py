"""Snapshot, publish and recovery over a synthetic venue: seconds, bytes read and peak memory against accounts.

    python benches/bench_recover.py [--json] [--accounts 1000,10000,100000] [--repeat 5]
    python benches/plot_recover.py JSON OUT.svg

Each size runs in a fresh process, so that its peak memory is its own. The recovered account is compared with the
ledger before anything is timed. `3 of 5` are five servers, one of which refuses connections and one never answers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import socket
import statistics
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from machine import machine

from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from zkstate.publication.epoch import write_epoch
from zkstate.publication.mirrors import FolderMirror, HttpMirror
from zkstate.publication.operator import Operator
from zkstate.publication.publish import publish_folder
from zkstate.state.synthetic import synthetic_ledger, synthetic_master

SEED = 1


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(accounts, repeat, results):
    """One size: its report into the queue."""
    start = time.perf_counter()
    ledger = synthetic_ledger(SEED, accounts, with_keys=False)
    generated_s, generated_mib = time.perf_counter() - start, peak_mib()
    operator = Operator(os.urandom(32), synthetic_master(SEED))
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        snapshot = write_epoch(ledger, operator, Path(place, "out"), jobs=os.cpu_count())
        snapshot_s, snapshot_mib = time.perf_counter() - start, peak_mib()
        start = time.perf_counter()
        mirror = Path(place, "mirror")
        publish_folder(snapshot.public, mirror)
        publish_s = time.perf_counter() - start
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(mirror)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        places = [accounts * k // repeat for k in range(repeat)]
        folder = [FolderMirror(mirror)]
        http = [HttpMirror(f"http://127.0.0.1:{server.server_port}")]
        mute, closed = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
        down = [HttpMirror(f"http://127.0.0.1:{one.getsockname()[1]}") for one in (closed, mute)]
        closed.close()
        recoveries = {"folder": [], "http": [], "3_of_5": []}
        for place_of in places:
            key = operator.account_key(ledger.names[place_of])
            three_of_five = [*down, *(HttpMirror(http[0].url) for _ in range(3))]
            for name, mirrors in (("folder", folder), ("http", http), ("3_of_5", three_of_five)):
                before = sum(mirror.bytes_read for mirror in mirrors)
                found = recover(key, mirrors, PinnedHeader(snapshot.signed))
                assert found.bundle.account.rows == ledger.rows_of(place_of)
                assert found.bundle.account.orders == ledger.orders_of(place_of)
                recoveries[name].append((found.rto_s, sum(mirror.bytes_read for mirror in mirrors) - before))
        server.shutdown()
        results.put(
            {
                "accounts": accounts,
                "generate_s": round(generated_s, 3),
                "snapshot_s": round(snapshot_s, 3),
                "snapshot_steps_s": {name: round(s, 3) for name, s in snapshot.seconds.items()},
                "publish_s": round(publish_s, 3),
                "files": snapshot.files,
                "public_bytes": snapshot.public_bytes,
                "peak_rss_mib": round(snapshot_mib, 1),
                "peak_rss_of_generator_mib": round(generated_mib, 1),
                **{f"recover_{name}": summary(runs) for name, runs in recoveries.items()},
            }
        )


def summary(runs):
    seconds = sorted(s for s, _ in runs)
    return {
        "median_s": round(statistics.median(seconds), 4),
        "worst_s": round(seconds[-1], 4),
        "most_bytes": max(read for _, read in runs),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--accounts", default="1000,10000,100000", help="sizes, separated by commas")
    parser.add_argument("--repeat", type=int, default=5, help="recoveries of each kind and size")
    arguments = parser.parse_args()
    rows = []
    if not arguments.json:
        print("accounts  snapshot s  peak MiB  publish s  public MB  recover folder s  http s  3 of 5 s  bytes read")
    for accounts in map(int, arguments.accounts.split(",")):
        context = multiprocessing.get_context("spawn")
        results = context.SimpleQueue()
        child = context.Process(target=measure, args=(accounts, arguments.repeat, results))
        child.start()
        child.join()
        if child.exitcode:
            raise SystemExit(f"{accounts} accounts: the measuring process ended with {child.exitcode}")
        row = results.get()
        rows.append(row)
        if not arguments.json:
            folder, http, some = (row[f"recover_{name}"] for name in ("folder", "http", "3_of_5"))
            print(
                f"{accounts:8}  {row['snapshot_s']:10.2f}  {row['peak_rss_mib']:8.0f}  {row['publish_s']:9.2f}  "
                f"{row['public_bytes'] / 1e6:9.1f}  {folder['median_s']:16.4f}  {http['median_s']:6.4f}  "
                f"{some['median_s']:8.4f}  {some['most_bytes']:10}"
            )
    if arguments.json:
        print(json.dumps({"bench": "recover", "seed": SEED, "machine": machine(), "results": rows}, indent=2))


if __name__ == "__main__":
    main()
