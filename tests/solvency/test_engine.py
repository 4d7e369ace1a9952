"""The engine: what a run shows, and what is left of one that was killed, filled the disk or was not alone."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tests.cli.program import environment
from tests.solvency.venue import ROWS, SIZES, TABLE, commit, ledger, positions_profit
from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, WitnessError
from zkstate.kernels import FR_MODULUS
from zkstate.proof.keys import SetupStatus
from zkstate.proof.setup import insecure_setup
from zkstate.solvency.files import KEYED, Claim
from zkstate.solvency.publics import Sums
from zkstate.solvency.witness import Blinds
from zkstate.solvency.workshop import Workshop
from zkstate.state.margin import assess


def test_the_claim_is_that_of_exact_integers(proved):
    found = proved.verify()
    assert found.reasons == ()
    each = [assess(proved.ledger.rows_of(i), TABLE) for i in range(len(proved.ledger))]
    unhealthy = [account for account in each if not account.healthy]
    assert 0 < len(unhealthy) < len(each)
    assert found.claim.unhealthy == len(unhealthy)
    assert int(found.claim.shortfall) == sum(account.shortfall for account in each)
    assert int(found.claim.profit) == positions_profit(proved.ledger) != 0
    rows = [row for i in range(len(each)) for row in proved.ledger.rows_of(i)]
    for k, instrument in enumerate(TABLE.instruments):
        amounts = [row.amount for row in rows if row.instrument == instrument.id]
        assert found.totals.credits[k] == sum(a for a in amounts if a > 0)
        assert found.totals.debits[k] == sum(-a for a in amounts if a < 0)
    assert (found.accounts, found.batches) == (13, len(proved.batches()))
    assert (found.setup is SetupStatus.TRANSPARENT) == (proved.system == "transparent")


def test_nothing_of_a_run_shows_an_id(proved):
    published = b"".join(path.read_bytes() for path in proved.proof.rglob("*") if path.is_file())
    for i in range(len(proved.ledger)):
        owner = proved.ledger.owner_of(i).to_bytes(32)
        assert owner not in published
    ids = [*(proved.folder / "private/holdings").glob("ids.npy")]
    content = ids[0].read_bytes()[-32 * 13 :]
    assert all(content[32 * i + 1 : 32 * i + 32] not in published for i in range(13))


def test_a_second_run_keeps_every_batch(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    before = {path: path.read_bytes() for path in epoch.batches()}
    outcome = epoch.prove()
    assert (outcome.kept, outcome.proved) == (len(before), 0)
    assert {path: path.read_bytes() for path in epoch.batches()} == before


def test_what_is_missing_or_does_not_hold_is_proved_again(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    before = {path: path.read_bytes() for path in epoch.batches()}
    first, second, third, *more = before
    first.unlink()
    second.write_bytes(before[second][:-1])
    third.write_bytes(before[third][:-1] + bytes([before[third][-1] ^ 1]))
    more[-1].write_bytes(b"")
    (epoch.proof / "solvency.json").unlink()
    outcome = epoch.prove()
    assert (outcome.kept, outcome.proved) == (len(before) - 4, 4)
    assert epoch.verify().accepted
    # commitments are those of before, masks are not
    for path in (first, second):
        assert path.read_bytes()[:80] == before[path][:80]
        assert path.read_bytes() != before[path]


def test_another_way_to_cut_leaves_no_batch_of_the_first(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    outcome = epoch.prove(rows=64)
    assert (outcome.kept, outcome.proved) == (0, 2)
    assert len(epoch.batches()) == 2
    assert epoch.verify().accepted


def test_two_processes_prove_the_same(committed, tmp_path):
    epoch = committed.copy(tmp_path)
    outcome = epoch.prove(jobs=2)
    assert outcome.proved == 4
    assert epoch.verify().accepted


@pytest.mark.slow
def test_groth16_with_its_keys(committed, tmp_path):
    epoch = replace(committed.copy(tmp_path), system="groth16")
    epoch.prove()
    found = epoch.verify()
    assert found.reasons == ()
    assert not found.setup.trusted
    path = epoch.batch(4, 1)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert [reason.split(":")[0] for reason in epoch.verify().reasons] == ["batch 1 of class 4"]
    path.write_bytes(epoch.batch(4, 0).read_bytes()[:112] + content[112:])
    assert any(reason.startswith("batch 1 of class 4: its proof") for reason in epoch.verify().reasons)
    path.write_bytes(content)
    assert epoch.prove().kept == len(epoch.batches())


KILLED = """
import sys
from pathlib import Path
from zkstate.solvency.engine import prove_epoch
if __name__ == "__main__":
    prove_epoch(Path(sys.argv[1]), sys.argv[4], int(sys.argv[3]), int(sys.argv[2]))
"""


def kill(epoch, tmp_path, jobs, rows, when):
    """Kill a run as soon as something is so."""
    script = tmp_path / "run.py"
    script.write_text(KILLED)
    argv = [sys.executable, str(script), str(epoch.folder), str(jobs), str(rows), epoch.system]
    run = subprocess.Popen(argv, env=environment())
    while not when() and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_killed_at_any_point_goes_on(committed, tmp_path, jobs):
    epoch = committed.copy(tmp_path)
    kill(epoch, tmp_path, jobs, ROWS[epoch.system], epoch.batches)
    kept = {path: path.read_bytes() for path in epoch.batches()}
    assert kept
    outcome = epoch.prove()
    assert outcome.kept >= len(kept)
    assert outcome.kept + outcome.proved == 4
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert epoch.verify().accepted


def test_a_claim_does_not_outlive_its_batches(proved, tmp_path):
    """Killed while it proves another way: what is left claims nothing, or what it claims holds."""
    epoch = proved.copy(tmp_path)
    (epoch.proof / "keys").mkdir(exist_ok=True)
    (epoch.proof / "keys/4.json").write_text("of an earlier run")
    before = epoch.batch(4, 0).read_bytes()
    kill(epoch, tmp_path, 1, 64, lambda: epoch.batch(4, 0).read_bytes() != before)
    assert epoch.batch(4, 0).read_bytes() != before
    assert not (epoch.proof / "solvency.json").exists() or epoch.verify().accepted
    epoch.prove(rows=64)
    assert epoch.verify().accepted
    assert epoch.system in KEYED or not list((epoch.proof / "keys").iterdir())


def test_a_claim_does_not_outlive_batches_of_another_version(proved, tmp_path, monkeypatch):
    """One that blinds otherwise keeps no batch, and is ended behind the first that it writes."""
    epoch = proved.copy(tmp_path)
    of = Blinds.of
    monkeypatch.setattr(Blinds, "of", lambda seed, number, count: of(seed[::-1], number, count))
    write = Workshop.write

    def write_one(*arguments):
        write(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Workshop, "write", write_one)
    with pytest.raises(KeyboardInterrupt):
        epoch.prove()
    assert not (epoch.proof / "solvency.json").exists()
    monkeypatch.undo()
    assert epoch.prove().kept == len(epoch.batches()) - 1
    assert epoch.verify().accepted


@pytest.mark.parametrize("proved", ["mirage"], indirect=True)
def test_a_claim_does_not_outlive_its_keys(proved, tmp_path, monkeypatch):
    """Killed when it has written other keys than those of the batches that are there."""
    epoch = proved.copy(tmp_path)

    def other_key(name, r1cs, digest, n_committed):
        return insecure_setup(r1cs, b"another ceremony", n_committed)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("zkstate.solvency.provers.insecure_key_of", other_key)
    monkeypatch.setattr(Workshop, "settle", killed)
    with pytest.raises(KeyboardInterrupt):
        epoch.prove()
    assert not (epoch.proof / "solvency.json").exists() or epoch.verify().accepted
    monkeypatch.undo()
    assert epoch.prove().kept == len(epoch.batches())
    assert epoch.verify().accepted


@pytest.mark.parametrize("proved", ["transparent"], indirect=True)  # whose batches are its largest files
def test_a_full_disk_is_an_error_and_loses_nothing(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    epoch.batch(8, 1).unlink()
    before = {path: path.read_bytes() for path in epoch.batches()}
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(EnvironmentFailure, match=r"000001\.bin was not written"):
            epoch.prove()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path: path.read_bytes() for path in epoch.batches()} == before
    assert epoch.prove().kept == len(before)
    assert epoch.verify().accepted


def test_two_runs_at_once(proved):
    private = os.open(proved.folder / "private", os.O_RDONLY)
    try:
        fcntl.flock(private, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentFailure, match="another run"):
            proved.prove()
    finally:
        os.close(private)


def test_a_public_part_alone_proves_nothing(committed, tmp_path):
    epoch = committed.copy(tmp_path)
    (epoch.folder / "private").rename(tmp_path / "private")
    with pytest.raises(InputError, match="no private folder"):
        epoch.prove()


def test_holdings_that_are_not_those_of_the_header(committed, tmp_path):
    """Amounts that were changed after the commitment: their sums are refused, and then the leaf."""
    epoch = committed.copy(tmp_path)
    other = commit(tmp_path / "other", ledger(seed=2))
    amounts = epoch.folder / "private/holdings/amount.npy"
    content = bytearray(amounts.read_bytes())
    content[-8] ^= 1
    amounts.write_bytes(content)
    with pytest.raises(DisagreementError, match="not the sums of the accounts"):
        epoch.prove()
    salts = other.folder / "private/holdings/salts.npy"
    content = bytearray(salts.read_bytes())
    content[-1] ^= 1
    salts.write_bytes(content)
    with pytest.raises(WitnessError, match=r"^batch \d of class \d: .*the accounts are those of the stated leaves"):
        other.prove()


def test_the_claim_is_one_object_of_one_form(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    path = epoch.proof / "solvency.json"
    claim = json.loads(path.read_bytes())
    assert claim["classes"] == [{"rows": n, "accounts": room} for n, room in SIZES[epoch.system].items()]
    for damaged in (
        path.read_bytes() + b"\n",
        json.dumps(claim).encode(),
        json.dumps(claim | {"more": 1}, separators=(",", ":")).encode(),
        json.dumps(claim | {"shortfall": "-1"}, separators=(",", ":")).encode(),
        *(
            json.dumps(claim | {"profit": profit}, separators=(",", ":")).encode()
            for profit in ("-0", "01", "-01", "+1", "", "1.5", 1, str(2**167), str(-(2**167)), "9" * 400)
        ),
        b"[" * 1000,
    ):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"solvency\.json"):
            epoch.verify()
    path.write_bytes(b'{"version":2,"x":' + b"[" * 5000 + b"]" * 5000 + b"}")
    with pytest.raises(InputError, match=r"solvency\.json: nested 5001 deep"):  # else parsers recurse
        epoch.verify()
    before = {name: value for name, value in claim.items() if name != "profit"} | {"version": 1}
    path.write_bytes(json.dumps(before, separators=(",", ":")).encode())
    with pytest.raises(InputError, match="has version 1, not 2: it says nothing of what is owed through positions"):
        epoch.verify()
    for version in (0, 3, "2"):
        path.write_bytes(json.dumps(claim | {"version": version}, separators=(",", ":")).encode())
        with pytest.raises(InputError, match=r"solvency\.json"):
            epoch.verify()


@pytest.mark.parametrize("profit", [0, 1, -1, 2**167 - 1, 1 - 2**167])
def test_a_profit_is_one_integer(proved, profit):
    """That of the field element in the sums, and of the claim's text."""
    claim = Claim.of(proved.header, proved.system, {4: 6}, 0, 0, profit)
    assert Claim.decode(claim.encode()).profit == str(profit)
    assert Sums(profit=profit % FR_MODULUS).net_profit == profit
    assert (Sums(profit=5) + Sums(profit=(profit - 5) % FR_MODULUS)).net_profit == profit
