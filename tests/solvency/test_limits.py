"""What a verifier refuses before it costs anything, and a prover before it has worked for hours."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.solvency.venue import SCENARIOS, SIZES, TABLE
from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import DisagreementError, LengthError
from zkstate.kernels import FrVec
from zkstate.proof import zkey_file
from zkstate.proof.keys import SetupStatus, VerifyingKey, domain_of
from zkstate.proof.setup import insecure_setup
from zkstate.solvency import tables, verify
from zkstate.solvency.plan import LAYOUTS, Plan
from zkstate.solvency.provers import prover_of
from zkstate.solvency.tables import MAX_CONSTRAINTS, ReadTable
from zkstate.state.ledger import Totals
from zkstate.state.schema import ASSET, PORTFOLIO, Instrument, ladder
from zkstate.state.table import InstrumentTable


def keyed(system):
    """What a claim of a system with keys says of itself."""
    classes = [{"rows": n, "accounts": accounts} for n, accounts in SIZES[system].items()]
    return {"system": system, "classes": classes}


WIDE = InstrumentTable.of([Instrument(i, f"I{i}", ASSET, 8, 1, 1, 0, ladder([(0, 10**6, 0)])) for i in range(1, 200)])


def rewrite(epoch, **members) -> None:
    path = epoch.proof / "solvency.json"
    claim = json.loads(path.read_bytes()) | members
    path.write_bytes(json.dumps(claim, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("system", "room", "limit"), [("groth16", 128, 4096), ("transparent", 4094, 131072), ("mirage", 200, 8192)]
)
def test_batches_larger_than_anyone_should_prove(system, room, limit):
    with pytest.raises(LengthError, match=f"at most {limit} rows"):
        Plan(np.full(5000, 64, np.uint8), {64: room}, LAYOUTS[system])
    with pytest.raises(LengthError, match=f"at most {limit} rows"):
        Plan.of(np.full(5000, 64, np.uint8), 4 * limit, LAYOUTS[system])


@pytest.mark.parametrize(("room", "words"), [(0, "from 1 up to 4096, less 2"), (4095, "from 1 up to 4096, less 2")])
def test_batches_by_mirage_have_room_for_one_account_and_few_enough_blocks(room, words):
    with pytest.raises(LengthError, match=words):
        Plan(np.full(5000, 4, np.uint8), {4: room}, LAYOUTS["mirage"])
    with pytest.raises(LengthError, match="for 3 accounts in all"):
        Plan(np.full(3, 4, np.uint8), {4: 7}, LAYOUTS["mirage"])
    assert Plan(np.full(3, 4, np.uint8), {4: 6}, LAYOUTS["mirage"]).count(4) == 1


@pytest.mark.parametrize(
    ("rows", "count", "room"),
    [(8, 1000, 50), (8, 50, 50), (8, 20, 24), (8, 1, 1), (4, 10**5, 89), (64, 100, 7), (64, 3, 3)],
)
def test_a_batch_by_groth16_fills_its_domain_and_no_more_than_its_class_needs(rows, count, room):
    table = ReadTable.of(WIDE)
    assert len(table) == 256
    plan = Plan.of(np.full(count, rows, np.uint8), 256, LAYOUTS["groth16"], table.filled)
    assert plan.sizes == {rows: room}
    assert sum(len(part.leaves) for part in plan.parts()) == count


def test_a_batch_that_fills_its_domain_is_one_that_is_taken(monkeypatch):
    table = ReadTable.of(WIDE)
    monkeypatch.setattr(tables, "MAX_CONSTRAINTS", table.most_constraints(8, 40))
    plan = Plan.of(np.full(1000, 8, np.uint8), 256, LAYOUTS["groth16"], table.filled)
    assert plan.sizes == {8: 40}
    assert table.statement(8, 40).accounts == 40


@pytest.mark.parametrize(
    ("rows", "count", "rows_of_blocks"), [(8, 1000, 256), (8, 20, 256), (8, 1, 256), (4, 10**5, 64), (64, 100, 256)]
)
def test_a_batch_by_mirage_fills_its_domain_and_no_more_than_its_class_needs(rows, count, rows_of_blocks):
    """As many accounts as its domain has room for: one more needs the next, or there is no use for it."""
    table = ReadTable.of(WIDE)
    layout = LAYOUTS["mirage"]
    plan = Plan.of(np.full(count, rows, np.uint8), rows_of_blocks, layout, table.filled_blocks)
    (room,) = plan.sizes.values()
    asked = min(rows_of_blocks // rows, count)

    def domain(accounts):
        circuit = table.unrolled(rows, accounts)
        return domain_of(circuit.r1cs.n_constraints, circuit.n_public)

    assert room >= asked
    assert domain(room) <= domain(asked)
    most = min(layout.most_blocks(count), layout.most, layout.most_rows // rows) - layout.ends
    assert room == most or domain(room + 1) > domain(asked)
    assert sum(len(part.leaves) for part in plan.parts()) == count


@pytest.mark.parametrize("kind", [4, 64, 4 + PORTFOLIO])
@pytest.mark.parametrize(("entries", "accounts"), [(16, 1), (16, 6), (2048, 1), (1 << 14, 30), (512, 126)])
def test_no_batch_by_mirage_has_more_constraints_than_it_is_limited_by(kind, entries, accounts):
    """Of accounts, and of entries: each that a block provides has a row for every member, and another for its sum."""
    table = ReadTable.of(TABLE, SCENARIOS)
    long = replace(table, fields=(FrVec(entries), *table.fields[1:]), rounds=accounts == 6)
    circuit = long.unrolled(kind, accounts)
    assert circuit.n_constraints <= long.most_unrolled(kind, circuit.blocks) <= MAX_CONSTRAINTS


def test_circuits_larger_than_anyone_should_compile(proved, tmp_path, monkeypatch):
    table = ReadTable.of(proved.ledger.table)
    long = replace(table, fields=(FrVec(1 << 17), *table.fields[1:]))
    with pytest.raises(LengthError, match="the limit is 8388608"):
        long.statement(4, 1024)
    assert replace(table, fields=(FrVec(1 << 14), *table.fields[1:])).statement(64, 64).entries == 1 << 14
    epoch = proved.copy(tmp_path)
    rewrite(epoch, **keyed("groth16"))
    monkeypatch.setattr("zkstate.solvency.tables.MAX_CONSTRAINTS", 1000)
    found = list(epoch.verify().reasons)
    assert [reason[:18] for reason in found] == ["class 4: a batch o", "class 8: a batch o"]
    rewrite(epoch, **keyed("mirage"))
    assert [reason[:18] for reason in epoch.verify().reasons] == ["class 4: a batch o", "class 8: a batch o"]
    with pytest.raises(LengthError, match="the limit is 1000"):
        table.unrolled(4, 3)


@pytest.mark.parametrize("proved", ["transparent"], indirect=True)
@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (84, 10, "the proof has 10 public inputs and 2^3 blocks, and a batch none and 2^3"),
        (92, 4, "the proof has 0 public inputs and 2^4 blocks, and a batch none and 2^3"),
        (68, 1 << 25, "such a batch has at most"),
        (68, 1 << 40, "header: "),
        (0, 1, "no transparent proof"),
        (-1, 0, "and by its head "),
    ],
)
def test_no_circuit_is_made_for_a_proof_whose_head_is_not_of_such_a_batch(
    proved, tmp_path, monkeypatch, place, value, words
):
    epoch = proved.copy(tmp_path)
    content = bytearray(epoch.batch(4, 0).read_bytes())
    if place < 0:
        del content[place:]
    else:
        content[80 + place : 88 + place] = value.to_bytes(8)
    epoch.batch(4, 0).write_bytes(content)
    monkeypatch.setattr("zkstate.solvency.verify.compile_blocks", None)
    with pytest.raises(TypeError):
        proved.verify()
    check = verify._Check._made
    monkeypatch.setattr(verify._Check, "_made", lambda self, part: check(self, part) if part.rows == 4 else "left out")
    found = epoch.verify().reasons
    assert found[0].startswith("batch 0 of class 4: ")
    assert words in found[0]


def test_several_proofs_at_once_give_the_same_reasons(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    for rows, number in ((4, 1), (8, 0)):
        path = epoch.batch(rows, number)
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    one, three = (
        verify.verify_solvency(epoch.public, epoch.proof, epoch.header, lambda *key: (key[-1].setup, None), jobs=jobs)
        for jobs in (1, 3)
    )
    assert one.reasons == three.reasons
    assert [reason[:18] for reason in one.reasons] == ["batch 1 of class 4", "batch 0 of class 8"]


def test_a_batch_file_longer_than_its_proof_is_not_read(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    with epoch.batch(4, 1).open("ab") as file:
        file.write(b"\0")
    (reason,) = epoch.verify().reasons
    assert reason.startswith("batch 1 of class 4: ")
    assert "the limit is" in reason
    assert epoch.prove().kept == len(epoch.batches()) - 1


def test_no_more_proofs_are_held_than_a_group_has_bytes(proved, monkeypatch):
    held = []
    judged = verify._Check._judged
    monkeypatch.setattr(verify._Check, "_judged", lambda *a: held.append(len(a[2])) or judged(*a))
    size = proved.batch(4, 0).stat().st_size - 80
    for room, most in ((size, 1), (2 * size, 2)):
        held.clear()
        monkeypatch.setattr(verify, "GROUP_BYTES", room)
        assert proved.verify().accepted
        assert sum(held) == len(proved.batches())
        assert max(held) == most


def test_totals_of_other_instruments_than_the_table(proved, tmp_path, monkeypatch):
    epoch = proved.copy(tmp_path)
    totals = proved.ledger.totals()
    for fewer in (Totals(totals.credits[:-1], totals.debits[:-1]), Totals((*totals.credits, 0), (*totals.debits, 0))):
        monkeypatch.setattr(verify, "check_totals", lambda *_, fewer=fewer: fewer)
        count = len(fewer.credits)
        assert epoch.verify().reasons == (f"tables/totals.json has {count} instruments, and the table 6",)


@pytest.mark.parametrize("system", ["groth16", "mirage"])
def test_a_key_that_nobody_contributed_to(proved, tmp_path, system):
    epoch = proved.copy(tmp_path)
    one, two = G1.generator(), G2.generator()
    committed, n_public = {"groth16": (None, 9), "mirage": (two, 4)}[system]
    fresh = VerifyingKey(one, two, two, two, (one,) * (1 + n_public), SetupStatus.FRESH, committed)
    (epoch.proof / "keys").mkdir(exist_ok=True)
    for rows in (4, 8):
        (epoch.proof / f"keys/{rows}.json").write_text(json.dumps(fresh._members()))
    rewrite(epoch, **keyed(system))
    found = epoch.verify()
    assert found.reasons == tuple(f"class {rows}: the key is {SetupStatus.FRESH.value}" for rows in (4, 8))
    assert found.setup is SetupStatus.FRESH


@pytest.mark.parametrize("proved", ["mirage"], indirect=True)
def test_keys_of_another_class_or_system_or_related_ones(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    paths = [epoch.proof / f"keys/{rows}.json" for rows in (4, 8)]
    own, other = (path.read_text() for path in paths)
    members, deltas = json.loads(own), ("vk_delta_2", "vk_delta_committed_2", "vk_gamma_2")
    cases = {
        "another class": (other, "batch 0 of class 4: its proof does not hold"),
        "deltas exchanged": (
            json.dumps(members | {deltas[0]: members[deltas[1]], deltas[1]: members[deltas[0]]}),
            "batch 0 of class 4: its proof does not hold",
        ),
        "one delta": (
            json.dumps(members | {deltas[1]: members[deltas[0]]}),
            "class 4: the key of mirage-4x3-e16: delta of committed wires is 1 times delta, so anyone can forge",
        ),
        "gamma": (json.dumps(members | {deltas[1]: members[deltas[2]]}), "class 4: the key is unusable: nobody has"),
        "groth16": (
            json.dumps({name: value for name, value in members.items() if name != deltas[1]} | {"protocol": "groth16"}),
            "class 4: the key of mirage-4x3-e16: protocol",
        ),
        "no second delta": (
            json.dumps({name: value for name, value in members.items() if name != deltas[1]}),
            "class 4: the key of mirage-4x3-e16: ",
        ),
        "fewer inputs": (
            json.dumps(members | {"nPublic": 3, "IC": members["IC"][:-1]}),
            "class 4: the key takes 3 public inputs: it is of another circuit",
        ),
        "none": (None, "class 4: "),
    }
    for content, words in cases.values():
        if content is None:
            paths[0].unlink()
        else:
            paths[0].write_text(content)
        found = epoch.verify().reasons
        assert found[0].startswith(words), found
    paths[0].write_text(own)
    assert epoch.verify().accepted


@pytest.mark.parametrize("proved", ["mirage"], indirect=True)
def test_proving_keys_of_other_circuits(proved, tmp_path):
    epoch, keys = proved.copy(tmp_path), tmp_path / "keys"
    keys.mkdir()
    table = ReadTable.of(proved.ledger.table)
    circuit, name = table.unrolled(4, 3), table.unrolled_name(4, 3)
    for n_committed in (circuit.n_committed - 1, 0):
        words = f"commit to {n_committed} wires"
        zkey_file.write_zkey(keys / f"{name}.zkey", insecure_setup(circuit.r1cs, bytes(16), n_committed))
        with pytest.raises(DisagreementError, match=f"{name}.zkey: .*{words}, .*the key is for another circuit"):
            prover_of(table, 4, 3, "mirage", keys)
    other = table.unrolled(4, 2)
    zkey_file.write_zkey(keys / f"{name}.zkey", insecure_setup(other.r1cs, bytes(16), other.n_committed))
    with pytest.raises(DisagreementError, match=r"the circuit has \d+ wires"):
        prover_of(table, 4, 3, "mirage", keys)
    assert epoch.verify().accepted


def test_holdings_that_were_not_published_are_not_proved(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    (tile,) = (epoch.public / "tiles/0").rglob("*")
    before = {each: each.read_bytes() for each in epoch.proof.rglob("*") if each.is_file()}
    for path, words in (
        (tile, "the tiles have root"),
        (epoch.folder / "private/holdings/leaves.npy", "leaf 12 of the holdings is not the published one"),
    ):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(DisagreementError, match=words):
            epoch.prove()
        path.write_bytes(content)
    assert {each: each.read_bytes() for each in epoch.proof.rglob("*") if each.is_file()} == before
