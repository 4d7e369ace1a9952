"""What the solvency of ten and of a hundred million accounts takes on a cluster, computed from a measured run.

    python benches/bench_solvency.py --accounts 100000 --json > measured.json
    python benches/plan_cluster.py measured.json --commitment commitment.json [--accounts 10000000,100000000]
                                   [--cores 64,512] [--coordinator 8] [--price 0.05] [--lost 0.02] [--cpu] [--json]

Of each measured row (system, class, one process if there is one) a table: tasks, bytes, memory, hours and cost. What is
computed from what:

- a task is one batch of as many accounts as those measured; a worker proves one at a time on one core, at the rate that
  one process was measured at, and no slower for its neighbours (measure with --jobs as many as a machine has cores to
  have that in the rate: it is then divided by them);
- of `--lost` of all tasks the worker ends when all but done, and they are proved again; at worst each task is lost
  four times before it holds, since the fifth time ends the run: five times the work;
- the coordinator prepares, on one core: what is fixed (keys) and what grows with the accounts (it adds them up), by the
  straight line through the smallest and the largest run of the system and class that was measured, two at least, which
  have to be of thousands of accounts for that to mean anything;
- it verifies every batch itself, as they come, on cores of its own (`--coordinator`), each at the rate of one process;
- with `--cpu` rates and preparation are those of CPU seconds in place of the clock's, as on a core without neighbours:
  for runs of one process on a busy machine;
- a task's input is 273 bytes an account and 35 bytes a row, of the batches that workers have in hand, two each.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

TASK_ACCOUNT_BYTES, TASK_ROW_BYTES, IN_HAND, MOST_LOST = 273, 35, 2, 5
HOUR = 3600


def by_cpu(row):
    """The row with the rates of CPU seconds."""
    if row["jobs"] != 1:
        raise SystemExit("--cpu is for runs of one process")
    wall, used = row["prove_s"]
    prepare_s = row["prepare_s"] * used / wall
    rate = row["accounts"] / (used - prepare_s)
    verified = row["accounts"] / row["verify_s"][1]
    return row | {"prepare_s": prepare_s, "accounts_a_second": rate, "verified_a_second": verified}


def prepared(few, many, accounts):
    """Seconds of preparation, by the line through two runs."""
    slope = (many["prepare_s"] - few["prepare_s"]) / (many["accounts"] - few["accounts"])
    return max(0.0, many["prepare_s"] + slope * (accounts - many["accounts"]))


def plan(few, row, accounts, cores, own, price, lost, commitment):
    """One line: a measured row at another size, on so many cores beside those of the coordinator."""
    per_batch = row["accounts"] / row["batches"]
    tasks = -(-accounts // round(per_batch))
    rate = row["accounts_a_second"] / row["jobs"]
    task_s = per_batch / rate
    core_s = accounts / rate * (1 + lost)
    rounds = -(-tasks // cores)
    prove_s = max(rounds * task_s, core_s / cores)
    worst_s = MOST_LOST * rounds * task_s
    verify_s = accounts / (row["verified_a_second"] / row["jobs"]) / own
    prepare_s = prepared(few, row, accounts)
    held_rows = per_batch * (row["rows"] or 5)
    return {
        "system": row["system"],
        "class": row["rows"] or "all",
        "accounts": accounts,
        "cores": cores,
        "tasks": tasks,
        "task_s": round(task_s, 1),
        "proof_gb": round(accounts * row["bytes_an_account"] / 1e9, 2),
        "shared_folder_mb": round(
            IN_HAND * min(cores, tasks) * (per_batch * TASK_ACCOUNT_BYTES + held_rows * TASK_ROW_BYTES) / 1e6
        ),
        "worker_mib": max(row["peak_rss_mib"], row["peak_rss_mib_of_a_process_it_started"]),
        "commit_s": round(accounts * commitment["cpu_s"] / commitment["accounts"]) if commitment else None,
        "prepare_s": round(prepare_s),
        "core_hours": round(core_s / HOUR, 1),
        "verify_h": round(verify_s / HOUR, 2),
        "hours": round((prepare_s + max(prove_s, verify_s)) / HOUR, 2),
        "hours_at_worst": round((prepare_s + max(worst_s, verify_s)) / HOUR, 2),
        "cost": round(core_s / HOUR * price, 2),
        "cost_at_worst": round(accounts / rate * MOST_LOST / HOUR * price, 2),
    }


def shown(value):
    return "" if value is None else f"{value:,}" if isinstance(value, int | float) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measured", nargs="+", type=Path, help="JSON of bench_solvency.py")
    parser.add_argument("--commitment", type=Path, help="JSON of bench_commitment.py, of which the largest counts")
    parser.add_argument("--accounts", default="10000000,100000000")
    parser.add_argument("--cores", default="64,512")
    parser.add_argument("--coordinator", type=int, default=8, help="cores of the coordinator")
    parser.add_argument("--price", type=float, default=0.05, help="of a core for an hour, in any currency")
    parser.add_argument("--lost", type=float, default=0.02, help="share of tasks whose worker ends with them in hand")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cpu", action="store_true", help="rates by CPU seconds, of runs of one process")
    arguments = parser.parse_args()
    measured = [row for path in arguments.measured for row in json.loads(path.read_text(encoding="utf-8"))["results"]]
    measured = [by_cpu(row) for row in measured] if arguments.cpu else measured
    groups = {}
    for row in sorted(measured, key=lambda row: row["accounts"]):
        groups.setdefault((row["system"], row["rows"]), []).append(row)
    if any(len({row["accounts"] for row in rows}) < 2 for rows in groups.values()):
        parser.error("two sizes of each system and class are needed")
    commitments = (
        json.loads(arguments.commitment.read_text(encoding="utf-8"))["results"] if arguments.commitment else []
    )
    commitment = max(commitments, key=lambda row: row["accounts"], default=None)
    table = [
        plan(
            rows[0],
            rows[-1],
            int(accounts),
            int(cores),
            arguments.coordinator,
            arguments.price,
            arguments.lost,
            commitment,
        )
        for rows in groups.values()
        for accounts in arguments.accounts.split(",")
        for cores in arguments.cores.split(",")
    ]
    if arguments.json:
        print(json.dumps({"plan": table, "price": arguments.price, "lost": arguments.lost}, indent=2))
        return
    print("| " + " | ".join(name.replace("_", " ") for name in table[0]) + " |")
    print("|" + "---|" * len(table[0]))
    for line in table:
        print("| " + " | ".join(map(shown, line.values())) + " |")


if __name__ == "__main__":
    main()
