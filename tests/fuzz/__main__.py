"""Fuzz the decoders: python -m tests.fuzz [--seconds 30 | --count 1900] [--only ssz,trie] [--seed N] [--corpus DIR]

Each target is run for so many seconds on mutations of its seeds, of the inputs under tests/fuzz/corpus and of those
that earlier runs kept. An input that ends in a way not seen before (another error, another message) joins the corpus
and is mutated in turn. Anything but a typed error or a kept law is a finding: its input is written to the corpus,
named, and the exit code is 1. With --count each target is run on so many mutations, in 2 s of processor time and
256 MiB each. With --distil the kept inputs are made small and what ends in new ways goes to tests/fuzz/corpus; nothing
is fuzzed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

from tests.fuzz import corpora
from tests.fuzz.formats import FORMATS
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS, Target
from zkstate.errors import ZkstateError

MAX_INPUT = 1 << 18
KEPT = 400
LIMIT_S, MEMORY = 2.0, 256 << 20


def outcome(target: Target, data: bytes) -> tuple[str, bool]:
    """How a run ended, without its numbers, and whether that is a finding."""
    try:
        target.run(data)
    except ZkstateError as error:
        return corpora.kind_of(error), False
    except Exception:  # noqa: BLE001  # that is what is looked for
        return traceback.format_exc(), True
    return "accepted", False


def fuzz(name: str, seconds: float, rng: random.Random, corpus: Path) -> int:
    """Findings of one target."""
    target = TARGETS[name]()
    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = [path.read_bytes() for path in sorted(folder.glob("*.bin"))]
    pool, seen, findings, runs = [*target.seeds, *corpora.checked_in(name), *kept], set(), 0, 0
    for data in pool:
        words, bad = outcome(target, data)
        if bad or (data in target.seeds and words != "accepted" and name not in {"beacon", "trie"}):
            print(f"{name}: a seed or kept input ends with\n{words}", flush=True)
            findings += 1
        seen.add(words)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(rng.choice(pool), rng.choice(pool), rng, target.fixed)[:MAX_INPUT]
        words, bad = outcome(target, data)
        runs += 1
        if bad:
            findings += 1
            path = folder / f"finding-{corpora.name_of(data)}"
            path.write_bytes(data)
            print(f"{name}: {path}\n{words}", flush=True)
            if findings >= 5:
                break
        elif words not in seen and len(seen) < KEPT:
            seen.add(words)
            pool.append(data)
            (folder / corpora.name_of(data)).write_bytes(data)
    print(f"{name}: {runs} inputs in {seconds:g} s, {len(seen)} kinds of end, {findings} findings", flush=True)
    return findings


class TooLongError(Exception):
    """A run that took more than its time."""


def counted(name: str, count: int, seed: int) -> list[str]:
    """Findings among so many mutations of a target's seeds, each within LIMIT_S of processor time."""

    def stop(*_):
        raise TooLongError

    target, rng, findings = TARGETS[name](), random.Random(f"{seed} {name}"), []
    previous = signal.signal(signal.SIGVTALRM, stop)
    try:
        for i in range(int(count * target.share)):
            data = mutated(rng.choice(target.seeds), rng.choice(target.seeds), rng, target.fixed)
            signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
            words, bad = outcome(target, data)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            if bad:
                findings.append(f"mutation {i}: {words}")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
    return findings


def in_bounds(name: str, count: int, seed: int) -> list[str]:
    """As `counted`, in a process that gets MEMORY beside what it has when the target is ready."""

    def run(sender):
        TARGETS[name]()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        sender.send(counted(name, count, seed))

    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=run, args=(sender,))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return ["the process ended without a word"]
    finally:
        process.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--count", type=int, default=None)
    parser.add_argument("--only", default=None)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--distil", action="store_true")
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    names = list(TARGETS if args.count is None else FORMATS) if args.only is None else args.only.split(",")
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such targets: {', '.join(sorted(unknown))}")
    if args.distil:
        for name in names:
            target = TARGETS[name]()
            kept = [path.read_bytes() for path in sorted((args.corpus / name).glob("*.bin"))]
            print(f"{name}: {corpora.distil(name, kept, target.seeds, lambda data, t=target: outcome(t, data))}")
        return 0
    if args.count is not None:
        found = 0
        for name in names:
            began, findings = time.monotonic(), in_bounds(name, args.count, seed)
            print(
                f"{name}: {args.count} mutations in {time.monotonic() - began:.1f} s, {len(findings)} findings",
                flush=True,
            )
            print(*findings[:5], sep="\n", end="\n" * bool(findings), flush=True)
            found += len(findings)
        return int(found > 0)
    found = sum(fuzz(name, args.seconds, random.Random(f"{seed} {name}"), args.corpus) for name in names)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
