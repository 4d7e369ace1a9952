"""The bench harness: answers are compared before a time counts, and a peer that is missing or fails is named."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

BENCHES = Path(__file__).resolve().parents[1] / "benches"
PEER = """
import sys
sys.path.insert(0, {peers!r})
from serving import hashed, integers, serve
def fr_mul(ask):
    a, b = integers(ask, "a"), integers(ask, "b")
    out = [x * y % {modulus} for x, y in zip(a, b)]
    return (lambda _: None), (lambda: hashed(b"".join(x.to_bytes(32, "big") for x in out)))
def ntt(ask):
    raise ValueError("no roots of unity here")
serve("1.0", {{"fr_mul": fr_mul, "ntt": ntt}})
"""


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The modules of benches/, their inputs kept in a folder of the test."""
    for folder in (BENCHES, BENCHES / "peers"):
        monkeypatch.syspath_prepend(str(folder))
    import compare
    import inputs

    monkeypatch.setattr(inputs, "FOLDER", tmp_path / "inputs")

    def field_of(*engines):
        monkeypatch.setattr(compare, "peers", lambda: list(engines))
        return compare.Field(threads=1, only_path="portable")

    compare.field_of = field_of
    yield compare
    for name in ("compare", "inputs", "engines", "machine", "plan_cluster", "run_venue", "bench_solvency"):
        sys.modules.pop(name, None)


def peer(tmp_path, modulus, name="integers"):
    from engines import Engine

    script = tmp_path / f"{name}.py"
    script.write_text(PEER.format(peers=str(BENCHES / "peers"), modulus=modulus))
    return Engine(name, [sys.executable, str(script)], script, {"fr_mul": 1 << 20, "ntt": 1 << 20})


def products(bench):
    import inputs

    (_, a), (_, b) = inputs.scalars(64, 1), inputs.scalars(64, 2)
    return bench.Case("fr_mul", "fr_mul", 64, {"a": a, "b": b}, rounds=2)


def test_a_peer_with_the_same_answer_gets_a_ratio(bench, tmp_path):
    from zkstate.kernels import FR_MODULUS

    field = bench.field_of(peer(tmp_path, FR_MODULUS))
    try:
        (line,) = field.compare(products(bench))
    finally:
        field.close()
    assert (line.peer, line.path, line.size, line.threads) == ("integers", "portable", 64, 1)
    assert line.ratio == line.peer_s / line.ours_s
    assert line.cpu_ratio == line.peer_cpu_s / line.ours_cpu_s


def test_a_different_answer_ends_the_run(bench, tmp_path):
    field = bench.field_of(peer(tmp_path, (1 << 255) - 19))
    try:
        with pytest.raises(AssertionError, match="fr_mul at 64: the answers differ"):
            field.compare(products(bench))
    finally:
        field.close()


def test_missing_and_failing_peers_are_named(bench, tmp_path):
    import inputs
    from engines import ROOT, Engine

    from zkstate.kernels import FR_MODULUS

    missing = Engine("gone", ["gone"], ROOT / "build" / "peers" / "gone", {"ntt": 1 << 20})
    field = bench.field_of(peer(tmp_path, FR_MODULUS), missing)
    _, a = inputs.scalars(64, 1)
    try:
        failed, absent = field.compare(bench.Case("ntt", "ntt", 64, {"a": a}, rounds=1))
    finally:
        field.close()
    assert failed.note == "failed: integers: ntt: ValueError: no roots of unity here"
    assert absent.note == "absent: build/peers/gone is not built, make bench-peers"
    assert failed.peer_s is None
    assert absent.ratio is None


def test_quoted_figures_take_part_in_no_ratio(bench):
    field = bench.field_of()
    try:
        lines = field.compare(bench.Case("pairing_check", "pairing_check", 1, rounds=1))
    finally:
        field.close()
    quoted = [line for line in lines if line.peer in {"mcl", "Constantine"}]
    assert len(quoted) == 2
    assert all(line.ratio is None and line.ours_s is None and line.note.startswith("quoted") for line in quoted)


def test_scalars_are_below_the_modulus_and_spread_over_it(bench):
    import inputs

    from zkstate.kernels import FR_MODULUS

    values = inputs.uniform(4096, 9).to_ints()
    assert max(values) < FR_MODULUS
    shares = [sum(4 * v // FR_MODULUS == quarter for v in values) / 4096 for quarter in range(4)]
    assert all(abs(share - 0.25) < 0.05 for share in shares)


def measured(accounts, prepare_s):
    return {
        "system": "transparent", "rows": 8, "jobs": 1, "accounts": accounts, "batches": accounts // 500,
        "accounts_a_second": 100.0, "verified_a_second": 10_000, "prepare_s": prepare_s, "bytes_an_account": 700.0,
        "peak_rss_mib": 1600.0, "peak_rss_mib_of_a_process_it_started": 0.0, "prove_s": [60, 30], "verify_s": [2, 1],
    }  # fmt: skip


def test_a_plan_is_computed_from_what_was_measured(bench, monkeypatch, tmp_path, capsys):
    import plan_cluster

    path = tmp_path / "measured.json"
    path.write_text(json.dumps({"results": [measured(5000, 7.0), measured(1000, 3.0)]}))
    argv = ["--accounts", "1000000", "--cores", "50", "--coordinator", "4", "--price", "0.1", "--lost", "0.5", "--json"]
    monkeypatch.setattr(sys, "argv", ["plan_cluster.py", str(path), *argv])
    plan_cluster.main()
    (line,) = json.loads(capsys.readouterr().out)["plan"]
    assert (line["tasks"], line["task_s"], line["prepare_s"]) == (2000, 5.0, 1002)
    assert (line["core_hours"], line["cost"], line["cost_at_worst"]) == (4.2, 0.42, 1.39)
    assert line["hours"] == round((1002 + 300) / 3600, 2)
    assert line["hours_at_worst"] == round((1002 + 1000) / 3600, 2)
    assert line["shared_folder_mb"] == round(100 * 500 * (273 + 8 * 35) / 1e6)
    path.write_text(json.dumps({"results": [measured(5000, 7.0)]}))
    with pytest.raises(SystemExit):
        plan_cluster.main()


def test_an_interrupted_run_ends_its_command(bench, monkeypatch, tmp_path):
    import run_venue

    children = []

    def interrupted(pid, _):
        children.append(pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_venue.Run(tmp_path, os.environ).step("long", ["sleep", "600"])
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)
    assert not any(thread.name.endswith("(watch)") for thread in threading.enumerate())


@pytest.mark.slow
def test_a_venue_runs_unattended_and_leaves_a_log(tmp_path):
    script = [sys.executable, str(BENCHES / "run_venue.py"), "--accounts", "20", "--rows", "4", "--jobs", "1"]
    environment = os.environ | {"PYTHONPATH": str(BENCHES.parent)}
    done = subprocess.run([*script, "--out", tmp_path / "run"], env=environment, check=False, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert [each["step"] for each in summary["steps"]] == ["ledger", "snapshot", "prove", "verify", "audit"]
    assert summary["result"]["accepted"]
    assert (tmp_path / "run/audit/report.html").exists()
    assert "step audit  code 0" in (tmp_path / "run/log.txt").read_text()
    again = subprocess.run([*script, "--out", tmp_path / "run"], env=environment, check=False, capture_output=True)
    assert again.returncode == 1
