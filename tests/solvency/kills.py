"""A run of `prove solvency` killed at random moments, time after time: python -m tests.solvency.kills [--kills 50]

Each run is a process of its own, alone or with two workers, killed with SIGKILL after a random while: at times with its
workers at once, at times alone. Every start of it, killed or not, writes a digest of each block of randomness that
masks are made of to a file before it uses it. What is on disk after every kill is held against what was there before.
Prints one JSON line; what does not hold is an AssertionError.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.program import environment
from tests.solvency.venue import ROWS, Epoch, commit, risky_ledger
from zkstate.proof.transparent.proof_file import Proof
from zkstate.solvency.files import BatchFile

RUN = """
import hashlib, os, sys
from pathlib import Path
from zkstate.proof.transparent.masks import Masks
from zkstate.solvency.engine import prove_epoch

LOG = os.open(os.environ["MASKS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
taken = Masks.take_bytes

def told(self, count):
    block = taken(self, count)
    os.write(LOG, hashlib.sha256(block[:64]).digest())
    return block

Masks.take_bytes = told  # in workers too, which import this file
if __name__ == "__main__":
    prove_epoch(Path(sys.argv[1]), "transparent", int(sys.argv[2]), int(sys.argv[3]))
"""


@dataclass
class Killing:
    """Epochs under one folder, proved by runs that are killed; `log` has the digests of all masks ever drawn."""

    folder: Path
    committed: Epoch
    draw: random.Random
    kills: int = 0
    where: Counter = field(default_factory=Counter)
    epochs: int = 0
    kept: int = 0
    salts: set[bytes] = field(default_factory=set)
    proofs: int = 0

    def start(self, epoch, jobs):
        script = self.folder / "run.py"
        script.write_text(RUN)
        argv = [sys.executable, str(script), str(epoch.folder), str(ROWS["transparent"]), str(jobs)]
        return subprocess.Popen(argv, env=environment(MASKS_LOG=str(self.folder / "masks")), start_new_session=True)

    def whole_run(self):
        """An epoch proved without a kill, and how long that took."""
        epoch = self.another()
        start = time.monotonic()
        assert self.start(epoch, 1).wait() == 0
        return epoch, time.monotonic() - start

    def another(self):
        self.epochs += 1
        place = self.folder / f"epoch-{self.epochs}"
        place.mkdir()
        return self.committed.copy(place)

    def until_done(self, epoch, kills, longest):
        """Kill runs of an epoch until one ends by itself, or there were so many kills. Whether one did."""
        before: dict[Path, bytes] = {}
        while self.kills < kills:
            run = self.start(epoch, self.draw.choice([1, 2]))
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(self.draw.uniform(0, longest))
            if run.poll() is not None:
                assert run.returncode == 0
                return True
            self._kill(run)
            self.kills += 1
            now = {path: path.read_bytes() for path in epoch.batches()}
            assert {path: now.get(path) for path in before} == before, "a finished batch changed"
            self.kept += len(before)
            self.where[self._moment(epoch)] += 1
            self.where["with a batch more"] += len(now) > len(before)
            before = now
        return False

    def _kill(self, run):
        whole = self.draw.random() < 0.5
        (os.killpg if whole else os.kill)(run.pid, signal.SIGKILL)
        run.wait()
        with contextlib.suppress(ProcessLookupError):
            while True:  # its workers end with it
                os.killpg(run.pid, 0)
                time.sleep(0.01)

    @staticmethod
    def _moment(epoch):
        """How far a run was when it was killed."""
        if (epoch.proof / "solvency.json").exists():
            return "claimed"
        if epoch.batches():
            return "among batches"
        return "before the first batch" if epoch.proof.exists() else "at the start"

    def count(self, epoch):
        """Add the salts of the batches of a finished epoch, none of which was there before."""
        for path in epoch.batches():
            proof = Proof.decode(BatchFile.decode(path.read_bytes(), path.name).proof)
            own = {proof.salt(i, k) for i in range(proof.parameters.queries) for k in (0, 1)}
            assert not own & self.salts
            self.salts |= own
            self.proofs += 1

    def masks(self):
        """The digests of every block of randomness, of all runs."""
        content = (self.folder / "masks").read_bytes()
        assert len(content) % 32 == 0
        return [content[at : at + 32] for at in range(0, len(content), 32)]


def play(folder: Path, kills: int, seed: int, accounts: int) -> dict[str, object]:
    """So many kills, and what was found."""
    committed = commit(folder / "committed", risky_ledger(small=accounts))
    found = Killing(folder, committed, random.Random(seed))
    reference, longest = found.whole_run()
    wanted = reference.verify()
    assert wanted.accepted
    found.count(reference)
    while found.kills < kills:
        epoch = found.another()
        if not found.until_done(epoch, kills, longest):
            before = {path: path.read_bytes() for path in epoch.batches()}
            assert found.start(epoch, 1).wait() == 0
            assert all(path.read_bytes() == content for path, content in before.items())
        verdict = epoch.verify()
        assert (verdict.reasons, verdict.claim, verdict.totals) == ((), wanted.claim, wanted.totals)
        assert [path.name for path in epoch.batches()] == [path.name for path in reference.batches()]
        found.count(epoch)
    masks = found.masks()
    assert len(set(masks)) == len(masks), "masks were drawn twice"
    return {
        "kills": found.kills, "epochs": found.epochs - 1, "batches_each": len(reference.batches()), "seed": seed,
        "killed": dict(found.where), "finished_batches_held_through_kills": found.kept,
        "mask_blocks_drawn_all_distinct": len(masks), "proofs_kept": found.proofs,
        "salts_opened_all_distinct": len(found.salts), "unhealthy": wanted.claim.unhealthy,
        "shortfall": wanted.claim.shortfall, "profit": wanted.claim.profit,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--accounts", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(play(Path(folder), options.kills, seed, options.accounts)))


if __name__ == "__main__":
    main()
