"""Run with the shim preloaded: python -m tests.faults.driver [--sample N] [--only CASE,..] [--seed N]

Counts the traced calls of each case, then runs it once for each call and kind of fault in a fork of this process, and
then once more without a fault. Prints one JSON line a case; `broken` names what did not hold.
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
from collections.abc import Iterable
from pathlib import Path

from tests.cli.program import allowing
from tests.faults.cases import CASES, Case, scene, start
from tests.faults.preload import FAULTS, Fault, Shim
from zkstate.backup.sealed import Cost
from zkstate.cli.main import main as zkstate_main

LIMIT_S = 60
Cost.__init__.__defaults__ = (1, 8, 1)  # half a second for each passphrase would be most of the time


def forked(case: Case, folder: Path, shim: Shim, at: int, fault: Fault) -> tuple[int, str, int, str]:
    """Exit code (negative for a signal), stderr, calls seen, and the call that was hit, of a run in a fork."""
    told = folder.with_name(f"{folder.name}.told")
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
            seen, hit = shim.seen, shim.hit
            shim.arm(Path("/nowhere"), 0, Fault.COUNT)
            sys.stdout.flush()
            sys.stderr.flush()
            os.write(out, f"\n{seen} {hit or '-'}".encode())
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    words = told.read_text(errors="replace")
    told.unlink()
    last = words.rsplit("\n", 1)[-1].split(" ") if words else []
    seen, hit = (int(last[0]), last[1]) if len(last) == 2 and last[0].isdigit() else (0, "")
    return os.waitstatus_to_exitcode(status), words, seen, hit


def leftovers(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*"))


def judge(case: Case, folder: Path, shim: Shim, at: int, fault: Fault) -> str | None:
    """What did not hold for this fault at this call, or None."""
    code, words, _, hit = forked(case, folder, shim, at, fault)
    if code == 99 or "Traceback" in words or "internal error" in words:
        return f"an untyped end: {words[-400:]}"
    if code not in (0, 5, -signal.SIGKILL):
        return f"exit {code}: {words[-400:]}"
    try:
        state = case.state(folder)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is neither state
        return f"neither old nor new state after exit {code}: {type(error).__name__} {error}"
    if code == 0 and state != "new":
        return "success was reported, and the old state is there"
    # A removal that fails may leave what it was to remove, for the next writer.
    if code >= 0 and not hit.startswith(("unlink", "rmdir")) and (left := leftovers(folder)):
        return f"left behind by a run that ended: {left}"
    code, words, _, _ = forked(case, folder, shim, 0, Fault.COUNT)
    if code not in (case.again if state == "new" else (0,)):
        return f"the next run, from the {state} state, ends with {code}: {words[-400:]}"
    try:
        after = case.state(folder)
    except Exception as error:  # noqa: BLE001
        return f"after the next run: {type(error).__name__} {error}"
    if after != "new" or (left := leftovers(folder)):
        return f"after the next run: {after} state, left behind: {leftovers(folder)}"
    return None


def places(count: int, sample: int | None, rng: random.Random) -> Iterable[tuple[Fault, int]]:
    every = [(fault, at) for at in range(1, count + 1) for fault in FAULTS]
    return every if sample is None or sample >= len(every) else rng.sample(every, sample)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=None, help="faults a case; all if left out")
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    shim, broken_at_all = Shim(), False
    with tempfile.TemporaryDirectory(prefix="zkstate-faults-") as place:
        root = scene(Path(place, "scene").absolute()) if Path(place, "scene").mkdir() is None else Path()
        for name in args.only.split(","):
            case, began, broken = CASES[name], time.monotonic(), []
            folder = Path(place, "run").absolute()
            start(case, name, root, folder)
            code, words, count, _ = forked(case, folder, shim, 0, Fault.COUNT)
            if code != 0 or count == 0 or case.state(folder) != "new":
                broken.append(f"without a fault it ends with {code} after {count} calls: {words[-400:]}")
            shutil.rmtree(folder)
            runs = 0
            for fault, at in () if broken else places(count, args.sample, random.Random(f"{seed} {name}")):
                start(case, name, root, folder)
                if (words := judge(case, folder, shim, at, fault)) is not None:
                    broken.append(f"{fault.name.lower()} at call {at} of {count}: {words}")
                shutil.rmtree(folder)
                runs += 1
            seconds = round(time.monotonic() - began, 1)
            told = {"case": name, "seed": seed, "calls": count, "runs": runs, "seconds": seconds, "broken": broken[:20]}
            print(json.dumps(told), flush=True)
            broken_at_all |= bool(broken)
    return int(broken_at_all)


if __name__ == "__main__":
    sys.exit(main())
