"""Run with the shim preloaded: python -m tests.faults.driver [--sample N] [--only CASE,..] [--seed N]

Counts the traced calls of each case, then runs it once for each call and kind of fault in a fork of this process, and
then once more without a fault; a fault that did not come about is told as broken too. The calls of the run without one
are held to the rules of `durable`. Only this process is traced, and none that it starts. Prints one JSON line a case;
`broken` names what did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cli.program import allowing
from tests.faults.cases import CASES, Case, scene, start
from tests.faults.durable import unflushed
from tests.faults.preload import FAULTS, Fault, Shim
from zkstate.backup.sealed import Cost
from zkstate.cli.main import main as zkstate_main

LIMIT_S = 120
VARYING = 3  # files with random names may share a folder, so that a run has a call or two fewer than the one counted
Cost.__init__.__defaults__ = (1, 8, 1)  # half a second for each passphrase would be most of the time


@dataclass(frozen=True)
class Run:
    """A run in a fork: exit code (negative for a signal), what it wrote, and, of one that ended by itself, the calls
    seen, the one that was hit, the use of each, and which succeeded in which order.
    """

    code: int
    words: str
    seen: int = 0
    hit: str = ""
    uses: str = ""
    trace: str = ""


def forked(case: Case, folder: Path, shim: Shim, at: int, fault: Fault) -> Run:
    told, known = folder.with_name(f"{folder.name}.told"), folder.with_name(f"{folder.name}.calls")
    process = os.fork()
    if process == 0:
        code = 99
        try:
            out = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.chdir(folder)
            signal.alarm(LIMIT_S)
            shim.arm(folder, at, fault)
            with contextlib.suppress(SystemExit):
                code = zkstate_main(allowing(case.argv(folder), True))
            calls = {"seen": shim.seen, "hit": shim.hit, "uses": shim.uses, "trace": shim.trace}
            shim.arm(Path("/nowhere"), 0, Fault.COUNT)
            sys.stdout.flush()
            sys.stderr.flush()
            known.write_text(json.dumps(calls))
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    words = told.read_text(errors="replace")
    told.unlink()
    calls = json.loads(known.read_text()) if known.exists() else {}
    known.unlink(missing_ok=True)
    return Run(os.waitstatus_to_exitcode(status), words, **calls)


def came_about(run: Run, at: int, fault: Fault) -> bool:
    if fault in (Fault.KILL, Fault.TEAR):
        return run.code == -signal.SIGKILL
    return run.seen >= at and bool(run.hit)


def leftovers(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*"))


def judge(case: Case, run: Run, folder: Path, shim: Shim, at: int, fault: Fault) -> str | None:
    """What did not hold of a run with this fault at this call, or None."""
    code, words, hit = run.code, run.words, run.hit
    if code == 99 or "Traceback" in words or "internal error" in words:
        return f"an untyped end: {words[-400:]}"
    if not came_about(run, at, fault):
        return f"no fault came about: exit {code} after {run.seen} calls: {words[-400:]}"
    if code not in (0, *case.fails, -signal.SIGKILL):
        return f"exit {code}: {words[-400:]}"
    state = state_of(case, folder)
    if state not in {"old", "new"}:
        return f"neither old nor new state after exit {code}: {state}"
    if code == 0 and state != "new":
        return "success was reported, and the old state is there"
    # A removal that fails may leave what it was to remove, for the next writer.
    if code >= 0 and not hit.startswith(("unlink", "rmdir")) and (left := leftovers(folder)):
        return f"left behind by a run that ended: {left}"
    run = forked(case, folder, shim, 0, Fault.COUNT)
    if run.code not in (case.again if state == "new" else (0,)):
        return f"the next run, from the {state} state, ends with {run.code}: {run.words[-400:]}"
    after, left = state_of(case, folder), leftovers(folder)
    return None if after == "new" and not left else f"after the next run: state {after}, left behind: {left}"


def state_of(case: Case, folder: Path) -> str:
    """`old`, `new`, or in words what makes it neither."""
    try:
        return case.state(folder)
    except Exception as error:  # noqa: BLE001  # a check of any kind that fails
        return f"{type(error).__name__} {error}"


def places(uses: str, sample: int | None, rng: random.Random) -> list[tuple[Fault, int]]:
    """Which faults at which calls. Only a write is torn, and only what needs room finds a disk full."""
    room = max(uses.rfind("w"), uses.rfind("m")) + 1
    every = [
        (fault, at)
        for at, use in enumerate(uses, 1)
        for fault in FAULTS
        if (fault is not Fault.TEAR or use == "w") and (fault is not Fault.FULL or at <= room)
    ]
    return every if sample is None or sample >= len(every) else rng.sample(every, sample)


def counted(case: Case, folder: Path, shim: Shim) -> tuple[str, list[str]]:
    """The use of each call of a run without a fault, and what does not hold of it."""
    before = [str(path) for path in (folder, *folder.rglob("*"))]
    run = forked(case, folder, shim, 0, Fault.COUNT)
    if run.code != 0 or run.seen == 0 or len(run.uses) != run.seen or case.state(folder) != "new":
        return run.uses, [f"without a fault it ends with {run.code} after {run.seen} calls: {run.words[-400:]}"]
    return run.uses, [
        words for words in unflushed(run.trace, folder, before) if not words.endswith(case.unflushed or ("\0",))
    ]


def tried(case: Case, name: str, root: Path, folder: Path, shim: Shim, at: int, fault: Fault) -> str | None:
    """`judge` of a fresh run with this fault, at an earlier call if this run ends well before it comes about."""
    for place in range(at, max(0, at - VARYING), -1):
        shutil.rmtree(folder, ignore_errors=True)
        start(case, name, root, folder)
        run = forked(case, folder, shim, place, fault)
        if run.code or came_about(run, place, fault):
            break
    return judge(case, run, folder, shim, place, fault)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=None, help="faults a case; all if left out")
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    shim, broken_at_all = Shim(), False
    with tempfile.TemporaryDirectory(prefix="zkstate-faults-") as place:
        base = Path(place).resolve()
        (base / "scene").mkdir()
        root = scene(base / "scene")
        for name in args.only.split(","):
            case, began = CASES[name], time.monotonic()
            folder = base / "run"
            start(case, name, root, folder)
            uses, broken = counted(case, folder, shim)
            shutil.rmtree(folder)
            runs = places(uses, args.sample, random.Random(f"{seed} {name}")) if not broken else []
            for fault, at in runs:
                words = tried(case, name, root, folder, shim, at, fault)
                if words is not None:
                    broken.append(f"{fault.name.lower()} at call {at} of {len(uses)}: {words}")
                shutil.rmtree(folder)
            seconds = round(time.monotonic() - began, 1)
            told = {"case": name, "seed": seed, "calls": len(uses), "runs": len(runs), "seconds": seconds}
            print(json.dumps(told | {"broken": broken[:20]}), flush=True)
            broken_at_all |= bool(broken)
    return int(broken_at_all)


if __name__ == "__main__":
    sys.exit(main())
