"""A whole epoch rebuilt from k of its n shards: MB/s of wall time, beside copying the same bytes on the same disk.

    python benches/bench_shards.py [--accounts 100000] [--needed 3] [--shards 5] [--json]

Shards are in n folders. Every set of k of them is read unless there are more than ten, and what comes out is compared
with what was published, byte by byte. `copy` reads the published files and writes and flushes as many.
"""

from __future__ import annotations

import argparse
import filecmp
import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from machine import described, machine

from lightclient.shards import rebuild
from lightclient.source import Fleet
from zkstate.publication.epoch import write_epoch
from zkstate.publication.erasure import Code
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.operator import Operator
from zkstate.publication.publish import publish_shards
from zkstate.state.synthetic import synthetic_ledger, synthetic_master

SEED = 1
MOST_SETS = 10


def elapsed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def files_of(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def copy(source, target):
    """As a rebuild leaves files: all written and flushed."""
    shutil.copytree(source, target)
    for path in [target, *target.rglob("*")]:
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


def measure(accounts, needed, shards):
    """Figures of one epoch."""
    operator = Operator(bytes(range(32)), synthetic_master(SEED))
    ledger = synthetic_ledger(SEED, accounts)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        snapshot = write_epoch(ledger, operator, place / "epoch", code=Code(needed, shards))
        size = sum((snapshot.public / path).stat().st_size for path in files_of(snapshot.public))
        mirrors = [place / f"mirror-{i}" for i in range(shards)]
        publish_s = elapsed(lambda: publish_shards(snapshot.public, mirrors))
        header = snapshot.signed.header
        sets, copies, seconds = list(itertools.combinations(range(shards), needed)), [], []
        for chosen in sets if len(sets) <= MOST_SETS else [sets[0], sets[-1]]:
            copies.append(elapsed(lambda: copy(snapshot.public, place / "copied")))
            shutil.rmtree(place / "copied")
            fleet = Fleet([FolderMirror(mirrors[i]) for i in chosen], request_s=10, grace_s=0.25)
            out = place / "rebuilt"
            seconds.append(elapsed(lambda fleet=fleet, out=out: rebuild(fleet, header.epoch, header.hash, out)))
            names = files_of(snapshot.public)
            differing = filecmp.cmpfiles(snapshot.public, out, names, shallow=False)
            if files_of(out) != names or len(differing[0]) != len(names):
                raise SystemExit(f"shards {chosen} give other bytes: {differing[1:]}")
            shutil.rmtree(out)
    return {
        "accounts": accounts,
        "needed": needed,
        "shards": shards,
        "bytes": size,
        "publish_mb_s": round(size / 1e6 / publish_s, 1),
        "rebuild_mb_s": round(size / 1e6 / statistics.median(seconds), 1),
        "rebuild_mb_s_worst": round(size / 1e6 / max(seconds), 1),
        "copy_mb_s": round(size / 1e6 / statistics.median(copies), 1),
        "sets": len(seconds),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--needed", type=int, default=3)
    parser.add_argument("--shards", type=int, default=5)
    arguments = parser.parse_args()
    found = measure(arguments.accounts, arguments.needed, arguments.shards)
    if arguments.json:
        print(json.dumps({"bench": "shards", "seed": SEED, "machine": machine(), **found}, indent=2))
        return
    print(described())
    print("  ".join(f"{name} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
