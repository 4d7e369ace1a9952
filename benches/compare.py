"""Rounds in which zkstate and its peers alternate, their answers compared before a time counts, and one line of
figures for each CPU path of ours beside each peer."""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engines import OURS, Engine, EngineFailed, Running, Timed, ours, peers
from machine import described

# Figures of engines that no registry holds, read elsewhere: one thread, their own machines. Never part of a ratio.
QUOTED_SOURCE = "read on a Granite Rapids class core at about 4 GHz, one thread, mcl c09df334 and Constantine e6bee85e"
QUOTED = {
    ("mcl", "fp_mul", 1 << 12): 11.2e-9 * (1 << 12),
    ("mcl", "pairing_check", 1): 294e-6,
    ("mcl", "pairing_check", 4): 565e-6,
    ("Constantine", "pairing_check", 1): 308e-6,
    ("Constantine", "msm_g1", 1 << 10): 5.4e-3,
    ("Constantine", "msm_g1", 1 << 12): 16.3e-3,
    ("Constantine", "msm_g1", 1 << 14): 54.6e-3,
    ("Constantine", "msm_g1", 1 << 16): 0.200,
    ("Constantine", "msm_g1", 1 << 18): 0.742,
    ("Constantine", "msm_g1", 1 << 20): 2.652,
}


@dataclass(frozen=True, slots=True)
class Case:
    """What to time: an operation of protocol.md on files; `repeat` calls make one measurement."""

    name: str
    op: str
    size: int
    files: Mapping[str, Path] = field(default_factory=dict)
    repeat: int = 1
    rounds: int = 5


@dataclass(frozen=True, slots=True)
class Line:
    """Medians in seconds of one call on `size` items. `ratio` is peer_s / ours_s, `cpu_ratio` the same of CPU times."""

    name: str
    size: int
    threads: int
    path: str | None
    ours_s: float | None
    ours_cpu_s: float | None
    spread_s: tuple[float, float] | None = None
    ours_peak_mib: float | None = None
    peer: str | None = None
    peer_s: float | None = None
    peer_cpu_s: float | None = None
    ratio: float | None = None
    cpu_ratio: float | None = None
    rounds: int = 1
    note: str = ""
    ours_bytes: int = 0
    peer_bytes: int = 0
    ours_security: str = ""
    peer_security: str = ""


class Field:
    """The engines of one run, started when first needed, all with the same number of threads."""

    def __init__(self, threads: int, without: Iterable[str] = (), only_path: str | None = None) -> None:
        self.threads, self._running = threads, dict[str, Running]()
        self.engines = [engine for engine in ours() if only_path in {None, engine.path}]
        self.engines += peers()
        self._left_out = {engine.name: "left out by --without" for engine in peers() if engine.name in set(without)}

    def close(self) -> None:
        for running in self._running.values():
            running.close()
        self._running.clear()

    def compare(self, case: Case) -> list[Line]:
        """The lines of one case. AssertionError where two answers differ."""
        able = [engine for engine in self.engines if engine.can(case.op, case.size)]
        why = {id(engine): self._left_out.get(engine.name) or engine.absent() for engine in able}
        found: dict[int, list[Timed]] = {id(engine): [] for engine in able}
        for _ in range(case.rounds):
            for engine in able:
                if why[id(engine)] is None and not (engine.slow and found[id(engine)]):
                    repeat = 1 if engine.slow else case.repeat
                    try:
                        found[id(engine)].append(self._start(engine).run(case.op, case.size, case.files, repeat))
                    except EngineFailed as error:
                        if engine.name == OURS:
                            raise
                        why[id(engine)] = f"failed: {error}"
        answers = {timed.digest: engine.name for engine in able for timed in found[id(engine)]}
        assert len(answers) <= 1, f"{case.name} at {case.size}: the answers differ: {answers}"
        return list(self._lines(case, able, found, why))

    def _start(self, engine: Engine) -> Running:
        name = f"{engine.name} {engine.path}"
        if name not in self._running:
            self._running[name] = Running(engine, self.threads)
        return self._running[name]

    def _lines(
        self, case: Case, able: list[Engine], found: dict[int, list[Timed]], why: dict[int, str | None]
    ) -> Iterator[Line]:
        mine = [engine for engine in able if engine.name == OURS]
        beside = [engine for engine in able if engine.name != OURS]
        for our in mine or [None]:
            times = found[id(our)] if our else []
            for peer in beside or [None]:
                theirs = found[id(peer)] if peer else []
                yield self._line(case, our, times, peer, theirs, (why[id(peer)] or "") if peer else "")
        for (name, op, size), seconds in QUOTED.items():
            if (op, size) == (case.op, case.size) and "witness" not in case.name and self.threads == 1:
                note = f"quoted, {QUOTED_SOURCE}"
                yield Line(case.name, case.size, 1, None, None, None, peer=name, peer_s=seconds, rounds=0, note=note)

    def _line(self, case, our, times, peer, theirs, note) -> Line:
        wall, cpu = _median(times, "wall_s"), _median(times, "cpu_s")
        peer_wall, peer_cpu = _median(theirs, "wall_s"), _median(theirs, "cpu_s")
        return Line(
            name=case.name,
            size=case.size,
            threads=self.threads,
            path=our.path if our else None,
            ours_s=wall,
            ours_cpu_s=cpu,
            spread_s=(min(t.wall_s for t in times), max(t.wall_s for t in times)) if times else None,
            ours_peak_mib=max((t.peak_mib for t in times), default=None),
            peer=peer.name if peer else None,
            peer_s=peer_wall,
            peer_cpu_s=peer_cpu,
            ratio=peer_wall / wall if peer_wall and wall else None,
            cpu_ratio=peer_cpu / cpu if peer_cpu and cpu else None,
            rounds=len(theirs) if peer and peer.slow else case.rounds,
            note=note,
            ours_bytes=max((t.proof_bytes for t in times), default=0),
            peer_bytes=max((t.proof_bytes for t in theirs), default=0),
            ours_security=our.security if our else "",
            peer_security=peer.security if peer else "",
        )

    def versions(self) -> dict[str, str]:
        return {name: running.version for name, running in self._running.items()}


def _median(times: list[Timed], which: str) -> float | None:
    return statistics.median(getattr(timed, which) for timed in times) if times else None


def printed(line: Line) -> str:
    """One line for people."""
    text = f"{line.name:26} {line.size:>8} threads {line.threads} "
    if line.ours_s is not None and line.spread_s:
        low, high = line.spread_s
        text += f"{line.path:8} {scaled(line.ours_s)} ({scaled(low)} to {scaled(high)}, cpu {scaled(line.ours_cpu_s)}) "
    if line.peer:
        text += f" {line.peer} " + (scaled(line.peer_s) if line.peer_s is not None else line.note)
        if line.ratio is not None:
            text += f" {line.ratio:.2f}x (cpu {line.cpu_ratio or 0:.2f}x)"
        elif line.peer_s is not None and line.note:
            text += f" {line.note.split(',')[0]}"
    if line.ours_bytes:
        text += f"  {line.ours_bytes} bytes for {line.peer_bytes}"
    return text


def scaled(seconds: float | None) -> str:
    assert seconds is not None
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.2f} {unit}"
    return f"{seconds * 1e9:.1f} ns"


def report(lines: Iterable[Line], as_json: bool) -> None:
    """Print each line as it comes, or all of them as one JSON list. The machine goes first, or to stderr."""
    print(described(), file=sys.stderr if as_json else sys.stdout)
    kept = []
    for line in lines:
        kept.append(asdict(line))
        print(printed(line), file=sys.stderr if as_json else sys.stdout, flush=True)
    if as_json:
        print(json.dumps(kept, indent=1))


def thread_counts() -> list[int]:
    """One, and all there are."""
    return sorted({1, len(os.sched_getaffinity(0))})
