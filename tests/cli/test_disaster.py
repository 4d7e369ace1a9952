"""demo --disaster: who lied and who was silent is found out, and the tries of its node are those of another library."""

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
from trie import HexaryTrie

from lightclient.execution import mpt
from tests.cli.program import process, zkstate
from tests.lightclient.execution.tries import grow, proof
from zkstate.cli.disaster import FATES, NODE_FATES, Disaster, Survivor
from zkstate.cli.disaster_chain import Trie
from zkstate.kernels import keccak256


@pytest.fixture(scope="module")
def survived(tmp_path_factory):
    out = tmp_path_factory.mktemp("disaster") / "out"
    done = zkstate("demo", "--disaster", "--accounts", "60", "--out", out, "--json")
    assert done.code == 0, done.err
    return out, done.json


def test_the_disaster_ends_in_an_accepted_proof_and_names_everybody(survived):
    out, told = survived
    assert (told["accepted"], told["disaster"], len(told["shares"])) == (True, True, 3)
    found = {survivor["fate"].split(":")[0] + survivor["what"]: survivor for survivor in told["survivors"]}
    assert found["liesmirror"]["found"] == found["liesnode"]["found"] == "lied"
    assert found["slowmirror"]["found"] == "silent"
    assert found["servesmirror"]["found"] == found["servesnode"]["found"] == "served"
    assert found["servesmirror"]["served"] >= 5
    assert sorted(s["found"] for s in told["survivors"] if s["fate"].startswith("gone")) == ["had nothing", "silent"]
    assert told["recovery"]["trust"]["level"] == "c"
    assert told["rpo_s"] >= 0
    assert told["rto_s"] > 0
    assert json.loads((out / "report.json").read_bytes()) == {k: v for k, v in told.items() if k != "out"}
    assert not (out / "venue").exists()
    judged = zkstate("verify", out / "proof", "--header-hash", told["recovery"]["header_hash"])
    assert judged.code == 0, judged.err


def test_one_mirror_or_node_that_is_taken_for_another_is_a_reason():
    survivors = tuple(
        Survivor(what, f"{what}-{i}", fate, due, due, 0, 0)
        for what, fates in (("mirror", FATES), ("node", NODE_FATES))
        for i, (fate, due) in enumerate(fates.items())
    )
    disaster = Disaster(None, None, SimpleNamespace(accepted=True, reasons=()), survivors, 0, (), {}, 0, 0.0)
    assert disaster.accepted
    for i, survivor in enumerate(survivors):
        other = "served" if survivor.due == "lied" else "lied"
        wrong = replace(disaster, survivors=(*survivors[:i], replace(survivor, found=other), *survivors[i + 1 :]))
        assert not wrong.accepted
        assert len(wrong.reasons) == 1
        assert f"{survivor.place} is found to have {other}" in wrong.reasons[0]
    false = replace(disaster, finding=SimpleNamespace(accepted=False, reasons=("false",)))
    assert (false.accepted, false.reasons) == (False, ("false",))


def test_people_are_told_in_a_table_and_an_earlier_one_is_replaced(survived):
    out, _ = survived
    told = process("demo", "--disaster", "--accounts", "60", "--out", out)
    assert told.code == 0, told.err
    for words in ("lied", "silent", "had nothing", "served", "RPO", "RTO", "accepted"):
        assert words in told.out


def test_options_of_the_other_story_are_refused(tmp_path):
    for more in (("--ratio", "2"), ("--chain", "http://127.0.0.1:1"), ("--account", "x")):
        assert zkstate("demo", "--disaster", *more, "--out", tmp_path / "out").code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 2, 8, 40])
def test_tries_of_the_drill_are_those_of_py_trie(count):
    items = {os.urandom(32): os.urandom(1 + i % 40) for i in range(count)}
    ours, theirs = Trie(items), grow((keccak256(key), value) for key, value in items.items())
    assert isinstance(theirs, HexaryTrie)
    assert ours.root == theirs.root_hash
    for key in [*items, *(os.urandom(32) for _ in range(40))]:
        assert ours.proof(key) == proof(theirs, keccak256(key))
        assert mpt.prove(ours.root, keccak256(key), ours.proof(key)) == items.get(key)
