"""Batches proved by a real cluster of processes: some are killed, some lie, and no account is in what they say."""

import datetime as dt
import ipaddress
import sys
import threading
from dataclasses import replace

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cli.program import zkstate
from tests.publication.venue import OPERATOR
from tests.solvency.machines import machines, until
from tests.solvency.venue import ROWS, commit, ledger
from zkstate.cli.ledgers import open_ledger
from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, InputError, LengthError
from zkstate.proof.transparent.proof_file import Proof
from zkstate.solvency.cluster import Cluster, Tls
from zkstate.solvency.engine import prove_epoch
from zkstate.solvency.files import BatchFile
from zkstate.solvency.publics import Sums
from zkstate.solvency.task import Task, prove_task
from zkstate.solvency.workshop import Job, Workshop
from zkstate.state.ledger import issue_keys

LIES = {
    "damaged": "its proof does not hold",
    "other_sums": "its proof does not hold",
    "untrue": "breaks no rule, as it said",
    "broken": "RecursionError",
    "shapeless": "8 bytes, and the head alone has 80",
    "other_circuit": "the circuit or key here is 00",
}


def prove(epoch, address, patience=60.0, **more):
    cluster = Cluster(address, patience=patience, **more)
    return prove_epoch(epoch.folder, epoch.system, ROWS[epoch.system], 2, cluster=cluster)


def meanwhile(do):
    """Do something in a thread while the test's own proves."""
    thread = threading.Thread(target=do)
    thread.start()
    return thread


def kill_when_halted(cluster, name):
    """Kill a worker (or the scheduler) once a batch is known to be in hand, whose worker never answers."""
    return meanwhile(lambda: (until(lambda: list(cluster.folder.glob("halted-*"))), cluster.kill(name)))


def said_in(text, secret):
    """Whether a text has bytes in a form that programs print them."""
    number = int.from_bytes(secret)
    return any(form in text for form in (secret.hex(), repr(secret)[2:-1], str(number), f"{number:x}"))


def loaded(epoch):
    """The workshop of an epoch whose lists are written."""
    seed = (epoch.folder / "private/solvency.key").read_text().strip()
    return Workshop(Job(epoch.folder, epoch.system, ROWS[epoch.system], None, bytes.fromhex(seed)))


def left_tasks(folder):
    return list(folder.glob("tasks-*"))


def test_what_a_killed_worker_had_in_hand_is_proved_again_with_other_masks(committed, tmp_path):
    epoch = committed.copy(tmp_path)
    with machines(tmp_path / "cluster", "sound") as cluster:
        cluster.start_worker("halting", "halted")
        killer = kill_when_halted(cluster, "halting")
        outcome = prove(epoch, cluster.address)
        killer.join()
    assert (outcome.kept, outcome.proved, outcome.refused) == (0, 4, {})
    assert epoch.verify().accepted
    (halted,) = (tmp_path / "cluster").glob("halted-*")
    rows, number = map(int, halted.name.split("-")[1:])
    first, second = BatchFile.decode(halted.read_bytes(), "first"), epoch.batch(rows, number).read_bytes()
    again = BatchFile.decode(second, "second")
    assert (first.before, first.after) == (again.before, again.after)
    one, other = Proof.decode(first.proof), Proof.decode(again.proof)
    caps = [{each.caps[at : at + 32] for at in range(0, len(each.caps), 32)} for each in (one, other)]
    salts = [{each.salt(i, k) for i in range(each.parameters.queries) for k in (0, 1)} for each in (one, other)]
    assert not caps[0] & caps[1]
    assert not salts[0] & salts[1]
    assert one.row.to_bytes() != other.row.to_bytes()
    # nothing of an account was said, and nothing is left
    shop = loaded(epoch)
    parts = shop.holdings.parts
    said = "".join(path.read_text() for path in (tmp_path / "cluster").glob("*.log"))
    assert "prove_task" in said
    hidden = [bytes(row) for column in (parts.ids, parts.owners, parts.salts) for row in column]
    assert [secret for secret in (*hidden, shop.job.seed) if said_in(said, secret)] == []
    assert left_tasks(epoch.folder / "private") == []
    # and it is what a local run goes on with
    before = {path: path.read_bytes() for path in epoch.batches()}
    assert epoch.prove().kept == 4
    assert {path: path.read_bytes() for path in epoch.batches()} == before


def test_accounts_of_either_rule_are_proved_on_a_cluster(tmp_path):
    """A worker is killed with a batch in hand, and a run here finds nothing left to prove."""
    of = issue_keys(open_ledger("synthetic:16:portfolio", None), OPERATOR.issuing_master)
    epoch = commit(tmp_path / "epoch", of)
    with machines(tmp_path / "cluster", "sound") as cluster:
        cluster.start_worker("halting", "halted")
        killer = kill_when_halted(cluster, "halting")
        outcome = prove(epoch, cluster.address)
        killer.join()
    assert (outcome.kept, outcome.proved, outcome.refused) == (0, len(epoch.batches()), {})
    assert {"4", "4p"} <= {path.parent.name for path in epoch.batches()}
    found = epoch.verify()
    assert found.accepted
    assert (found.accounts, found.by_portfolio) == (16, of.portfolio.sum())
    assert left_tasks(epoch.folder / "private") == []
    assert epoch.prove().proved == 0


@pytest.mark.parametrize("killed", ["worker", pytest.param("scheduler", marks=pytest.mark.slow)])
def test_without_a_worker_or_a_scheduler_what_is_finished_is_kept(committed, tmp_path, killed):
    epoch = committed.copy(tmp_path)
    with machines(tmp_path / "cluster") as cluster:
        cluster.start_worker("worker", "halted_after_one")
        killer = kill_when_halted(cluster, killed)
        with pytest.raises(EnvironmentFailure, match="what is finished is kept"):
            prove(epoch, cluster.address, patience=1)
        killer.join()
    before = {path: path.read_bytes() for path in epoch.batches()}
    assert len(before) == 1
    assert left_tasks(epoch.folder / "private") == []
    assert not (epoch.proof / "solvency.json").exists()
    outcome = epoch.prove()
    assert (outcome.kept, outcome.proved) == (1, 3)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert epoch.verify().accepted


@pytest.mark.slow
def test_a_worker_that_lies_gets_no_more_and_nothing_of_it_is_kept(tmp_path):
    epoch = commit(tmp_path / "epoch", ledger(small=60))
    shared = tmp_path / "shared"
    shared.mkdir()
    with machines(tmp_path / "cluster", "sound") as cluster:
        for odd in LIES:
            cluster.start_worker(odd, odd)
        outcome = prove(epoch, cluster.address, folder=shared)
        said = cluster.everything_said()
    reasons = sorted(outcome.refused.values())
    assert len(reasons) == len(LIES)
    for words in LIES.values():
        found = next(reason for reason in reasons if words in reason)
        reasons.remove(found)
    assert (outcome.kept, outcome.proved) == (0, 12)
    assert epoch.verify().accepted
    assert left_tasks(shared) == []
    # the words of a WitnessError name values: a worker keeps them to itself
    salts = loaded(epoch).holdings.parts.salts
    assert "break a rule" not in said
    assert not any(said_in(said, bytes(salt)) for salt in salts)


@pytest.mark.slow
@pytest.mark.parametrize("system", ["groth16", "mirage"])
def test_proofs_with_keys_on_a_cluster(committed, tmp_path, system):
    epoch = replace(committed.copy(tmp_path), system=system)
    with machines(tmp_path / "cluster", "one", "two") as cluster:
        assert prove(epoch, cluster.address).proved == {"groth16": 8, "mirage": 7}[system]
    assert epoch.verify().reasons == ()


@pytest.mark.slow
def test_accounts_that_break_a_rule_end_the_run_with_its_words(committed, tmp_path):
    """The worker says no more than that; the words are the coordinator's own."""
    from zkstate.errors import WitnessError

    epoch = committed.copy(tmp_path)
    salts = epoch.folder / "private/holdings/salts.npy"
    content = bytearray(salts.read_bytes())
    content[-1] ^= 1
    salts.write_bytes(content)
    with (
        machines(tmp_path / "cluster", "sound") as cluster,
        pytest.raises(WitnessError, match=r"^batch \d of class \d: .*the accounts are those of the stated leaves"),
    ):
        prove(epoch, cluster.address)
    assert left_tasks(epoch.folder / "private") == []


# TLS


def certificates(folder, name):
    """An authority and a certificate of it, as the three files that both sides take."""
    folder.mkdir()
    now = dt.datetime.now(dt.UTC)

    def signed(subject, key, issuer, issuer_key, authority):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(days=1))
        builder = builder.not_valid_after(now + dt.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
            builder = builder.add_extension(here, critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    subjects = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)]) for title in (name, "machine")]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in subjects]
    ca = signed(subjects[0], keys[0], subjects[0], keys[0], authority=True)
    own = signed(subjects[1], keys[1], subjects[0], keys[0], authority=False)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "cert.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
    formats = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, *formats))
    return Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def test_over_tls_with_certificates_of_ones_own(committed, tmp_path):
    epoch = committed.copy(tmp_path)
    own, other = certificates(tmp_path / "own", "venue"), certificates(tmp_path / "other", "somebody")
    files = ("--tls-ca-file", str(own.ca), "--tls-cert", str(own.cert), "--tls-key", str(own.key))
    with machines(tmp_path / "cluster", "sound", tls=files) as cluster:
        assert cluster.address.startswith("tls://")
        with pytest.raises(EnvironmentFailure, match="was not reached"):
            prove(epoch, cluster.address, patience=2, tls=other)
        with pytest.raises(EnvironmentFailure, match="was not reached"):
            prove(epoch, cluster.address.replace("tls://", "tcp://"), patience=2)
        done = zkstate(
            "prove", "solvency", epoch.folder, "--batch-rows", "64", "--json", "--cluster", cluster.address,
            "--tls-ca", own.ca, "--tls-cert", own.cert, "--tls-key", own.key, believe=False,
        )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["batches"] == {"proved": 2, "kept": 0}
    assert done.json["refused_workers"] == {}
    assert epoch.verify().accepted


# what is refused before anything is sent


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1:8786",
        "tcp://10.0.0.1:8786",
        "tcp://[2001:db8::1]:8786",
        "tcp://dask.example:8786",
        "tcp://127.0.0.1.nip.io:1",
    ],
)
def test_plain_connections_beyond_this_machine_take_a_flag(address):
    with pytest.raises(InputError, match="beyond this machine"):
        Cluster(address)
    assert Cluster(address, plain=True).plain


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "127.3.2.1:1", "localhost:8786", "tcp://[::1]:8786"])
def test_plain_connections_on_this_machine_take_none(address):
    cluster = Cluster(address)
    with pytest.raises(InputError, match="beyond this machine"):
        cluster.check(["tcp://127.0.0.1:1", "tcp://192.0.2.1:1"])  # a worker elsewhere


def test_a_worker_without_tls_is_refused_where_the_scheduler_has_it(tmp_path):
    tls = Tls(tmp_path / "ca", tmp_path / "cert", tmp_path / "key")
    cluster = Cluster("tls://dask.example:8786", tls, plain=True)
    cluster.check(["tls://192.0.2.1:1"])
    with pytest.raises(InputError, match="not tls://"):
        cluster.check(["tcp://127.0.0.1:1"])
    with pytest.raises(InputError, match="certificates are for tls"):
        Cluster("tcp://127.0.0.1:8786", tls)
    with pytest.raises(InputError, match="takes an authority"):
        Cluster("tls://dask.example:8786", plain=True)


@pytest.mark.parametrize(
    "address",
    ["", "host", "ucx://10.0.0.1:1", "inproc://1:2", "tcp://127.0.0.1", "tcp://a:1/x", "tcp://a:99999", "a b:1"],
)
def test_what_is_no_address(address):
    with pytest.raises(InputError, match="no address of a scheduler"):
        Cluster(address, plain=True)


def test_without_the_package_the_extra_is_named(committed, tmp_path, monkeypatch):
    epoch = committed.copy(tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EnvironmentFailure, match=r"pip install 'zkstate\[cluster\]'"):
        prove(epoch, "tcp://127.0.0.1:8786")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cluster-plain",), "--cluster-plain is for --cluster"),
        (("--cluster-folder", "."), "--cluster-folder is for --cluster"),
        (("--cluster", "tls://a:1", "--tls-ca", "."), "all three"),
        (("--cluster", "tls://a:1"), "takes an authority"),
        (("--cluster", "10.0.0.1:8786"), "beyond this machine"),
    ],
)
def test_options(committed, options, words):
    done = zkstate("prove", "solvency", committed.folder, *options, believe=False)
    assert done.code == 2
    assert words in done.err


# the file of a task


@pytest.fixture(scope="module")
def task(proved):
    shop = loaded(proved)
    index = 1
    before = Sums() + shop.accounts(0).added
    table = (proved.public / "tables/instruments.json").read_bytes()
    return Task(table, b"", shop.accounts(index), before, shop.blinds(index)), shop


def test_a_task_has_the_accounts_of_its_batch_and_no_other(task):
    made, shop = task
    content, parts = made.encode(), shop.holdings.parts
    own = set(made.accounts.part.leaves.tolist())
    for i in range(len(shop.holdings)):
        for column in (parts.ids, parts.owners, parts.salts):
            assert (bytes(column[i]) in content) == (i in own)
    assert shop.job.seed not in content
    assert "hidden" not in repr(made)
    assert not any(said_in(repr(made), bytes(salt)) for salt in parts.salts)
    read = Task.decode(content, shop.job.system)
    assert (read.before, read.blinds, read.encode()) == (made.before, made.blinds, content)


def test_a_damaged_task_is_a_typed_error(task):
    made, shop = task
    content = made.encode()
    fields = msgspec.msgpack.decode(content)
    bad = [content[:-1], b"", b"\xff", content + b"\0"]
    changes = {
        "version": [1, 3], "rows": [3, 0, "4"], "accounts": [0, 5 if shop.plan.layout.powers else 1, 1 << 40],
        "bounds": [b"", fields["bounds"] + b"\0"],
        "held": [b"\xff" * 32, b""], "unhealthy": [-1, 1 << 32],
        "profit": [b"\xff" * 32, b"", 5], "blinds": [[], [b"\xff" * 32] * 3], "number": [-1],
        "table": [b"{}", b""], "header": [b"", bytes(480)],
        "holdings": [
            {}, fields["holdings"] | {"more": b""}, fields["holdings"] | {"salts": b"1"},
            fields["holdings"] | {"instrument": b"\xff" * len(fields["holdings"]["instrument"])},
            fields["holdings"] | {"start": bytes(8)},
        ],
    }  # fmt: skip
    bad += [msgspec.msgpack.encode(fields | {name: value}) for name, values in changes.items() for value in values]
    for damaged in bad:
        with pytest.raises((EncodingError, LengthError, DisagreementError)):
            Task.decode(damaged, shop.job.system)


def test_a_worker_says_why_it_has_no_batch(task, tmp_path):
    made, shop = task
    part = made.accounts.part
    batch, path = (part.rows, part.number), tmp_path / "it.task"
    ask = ("00", batch, str(path), shop.job.system, None)
    assert "there is no it.task" in prove_task(*ask)
    path.write_bytes(made.encode())
    assert "is it another version?" in prove_task(*ask)
    assert "not batch 9 of class 4" in prove_task("00", (4, 9), *ask[2:])
    path.write_bytes(made.encode()[:-1])
    assert prove_task(*ask) == "EncodingError"
