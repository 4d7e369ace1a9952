"""A generated venue from its ledger to its audit by the commands of zkstate, unattended, with a log.

    python benches/run_venue.py --accounts 2000 --out run [--system groth16] [--rows 8] [--jobs N] [--batch-rows N]

`snapshot`, `prove solvency`, `verify` and `audit`, each in a process of its own, each held to the header that the first
one signed. `--rows 8` keeps accounts of that size class alone; 0 takes the venue as it is generated, of all classes. By
groth16 keys are the insecure ones that anyone can make, since a ceremony cannot be unattended: commands are told so by
--allow-insecure-setup, and say so in their verdicts. With --fresh-keys circuits and keys are made anew, in the time of
`prove`, and not taken from the cache of an earlier run.

OUT, which must not exist, gets log.txt, the JSON of each command, summary.json and the epoch itself. The exit code is 1
if any command fails or does not accept. Linux alone: memory is read from /proc each second, as the shares (PSS) of all
processes of a command together.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

from bench_solvency import OVERDRAW, SEED, of_class
from machine import described, machine

from zkstate.solvency.files import KEYED, SYSTEMS
from zkstate.state.ledger_write import write_ledger

LEDGER = "ledger"


class Failed(Exception):
    """A command that ended otherwise than it should have."""


def shares_kib(session):
    """The memory of all processes of a session together, what they share counted once."""
    total = 0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if folder.name.isdigit() and os.getsid(int(folder.name)) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def watch(session, ended, peak):
    while not ended.wait(1):
        peak[0] = max(peak[0], shares_kib(session))


class Run:
    """The commands of one run, and what its log says of them."""

    def __init__(self, out, environment):
        self.out, self.environment = out, environment
        self.steps = []
        self.log = (out / "log.txt").open("w", encoding="utf-8")

    def say(self, words):
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}  {words}"
        print(line, flush=True)
        print(line, file=self.log, flush=True)

    def step(self, name, command):
        """Run it to its end and note what it took: its standard output."""
        self.say(f"$ {' '.join(command)}")
        start, ended, peak = time.perf_counter(), Event(), [0]
        with (self.out / f"{name}.out").open("w+b") as output, (self.out / f"{name}.err").open("w+b") as words:
            child = subprocess.Popen(command, stdout=output, stderr=words, env=self.environment, start_new_session=True)
            watcher = Thread(target=watch, args=(child.pid, ended, peak))
            try:
                watcher.start()
                _, status, used = os.wait4(child.pid, 0)
            except BaseException:  # whoever interrupts this does not interrupt a session of its own
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGTERM)
                child.wait()
                raise
            finally:
                ended.set()
                watcher.join()
            wall = time.perf_counter() - start
            output.seek(0)
            words.seek(0)
            content, complaint = output.read().decode(), words.read().decode().strip()
        code = child.returncode = os.waitstatus_to_exitcode(status)
        found = {
            "step": name,
            "code": code,
            "wall_s": round(wall, 1),
            "cpu_s": round(used.ru_utime + used.ru_stime, 1),
            "peak_rss_mib_of_one_process": round(used.ru_maxrss / 1024),
            "peak_mib_of_all": round(peak[0] / 1024) or None,
        }
        self.steps.append(found)
        self.say("  ".join(f"{key} {value}" for key, value in found.items()))
        for line in complaint.splitlines():
            self.say(f"  {line}")
        if code:
            raise Failed(f"{name} ended with {code}: {content[-2000:]}")
        return content

    def zkstate(self, name, *arguments):
        """A command with --json: its answer, which is kept."""
        content = self.step(name, [sys.executable, "-m", "zkstate", *map(str, arguments), "--json"])
        (self.out / f"{name}.json").write_text(content, encoding="utf-8")
        answer = json.loads(content)
        if not answer.get("accepted", True):
            raise Failed(f"{name} does not accept: {answer.get('reasons')}")
        return answer


def run(run, arguments):
    """All steps; the summary."""
    epoch, ledger = run.out / "epoch", f"synthetic:{arguments.accounts}"
    setup = ["--allow-insecure-setup"] if arguments.system in KEYED else []
    if arguments.rows:
        ledger = run.out / LEDGER
        command = [
            sys.executable,
            __file__,
            "--write",
            ledger,
            "--accounts",
            arguments.accounts,
            "--rows",
            arguments.rows,
        ]
        run.step(LEDGER, [*map(str, command)])
    committed = run.zkstate(
        "snapshot", "snapshot", ledger, "--operator", run.out / "operator", "--out", epoch, "--jobs", arguments.jobs
    )
    rows = ["--batch-rows", arguments.batch_rows] if arguments.batch_rows else []
    system = ["--system", arguments.system]
    proved = run.zkstate("prove", "prove", "solvency", epoch, *system, *setup, "--jobs", arguments.jobs, *rows)
    pinned = committed["header_hash"].removeprefix("0x")
    verdict = run.zkstate("verify", "verify", epoch, "--header-hash", pinned, *setup, "--jobs", arguments.jobs)
    audit = run.zkstate(
        "audit", "audit", epoch, "--header-hash", pinned, *setup, "--jobs", arguments.jobs, "--out", run.out / "audit"
    )
    if not (verdict["accepted"] and audit["accepted"]):
        raise Failed("a verdict is not accepted")
    if proved["accounts"] != arguments.accounts:
        raise Failed(f"{proved['accounts']} accounts were proved, {arguments.accounts} wanted")
    seconds = {each["step"]: each["wall_s"] for each in run.steps}
    return {
        "accounts": proved["accounts"],
        "unhealthy": proved["unhealthy"],
        "batches": proved["batches"],
        "seconds_of_prove": proved["seconds"],
        "bytes_an_account": round(proved["bytes"] / proved["accounts"], 1),
        "proved_a_second": round(proved["accounts"] / proved["seconds"]["prove"], 1),
        "verified_a_second": round(proved["accounts"] / seconds["verify"], 1),
        "setup": verdict["setup"],
        "accepted": True,
        "wall_s": round(sum(seconds.values()), 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=0, choices=(0, *OVERDRAW), help="one size class; 0 for all")
    parser.add_argument("--system", choices=SYSTEMS, default="transparent")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--batch-rows", type=int, default=0, help="by default those of prove solvency")
    parser.add_argument("--fresh-keys", action="store_true", help="take no circuit or key from an earlier run")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write is not None:
        write_ledger(of_class(arguments.rows, arguments.accounts), arguments.write, "parquet")
        return 0
    if arguments.out is None:
        parser.error("give --out, where the log goes")
    arguments.out.mkdir(parents=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment = dict(os.environ)
    if arguments.fresh_keys:
        environment["ZKSTATE_CACHE"] = str(arguments.out.resolve() / "cache")
    found, own = {}, Run(arguments.out, environment)
    own.say(f"{described()}; {' '.join(sys.argv[1:])}")
    try:
        found = run(own, arguments)
        own.say("  ".join(f"{key} {value}" for key, value in found.items()))
    except (Failed, KeyError, ValueError, KeyboardInterrupt) as error:
        found = {"accepted": False, "reason": str(error) or type(error).__name__}
        own.say(f"failed: {found['reason']}")
    settings = {key: getattr(arguments, key) for key in ("accounts", "rows", "system", "jobs", "batch_rows")}
    summary = {"run": "venue", **settings, "seed": SEED, "machine": machine(), "steps": own.steps, "result": found}
    (arguments.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return 0 if found["accepted"] else 1


if __name__ == "__main__":
    sys.exit(main())
