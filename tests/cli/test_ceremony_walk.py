"""The ceremony of the README, run as written for a circuit of the catalogue; then every record that does not match."""

import json
import shutil

import pytest

from tests.cli.program import ALLOW, tree, zkstate
from tests.cli.test_readme import README
from tests.cli.walk import blocks, follow
from tests.proof.ptau import ceremony_ptau
from zkstate.proof import ceremony, zkey_file
from zkstate.proof.record import CeremonyRecord

pytestmark = pytest.mark.slow

POWER = 13  # balance-8 has 7,183 constraints


@pytest.fixture(scope="module")
def walked(recovered, tmp_path_factory):
    """The folder in which someone with an account and the powers of a public ceremony followed the README."""
    folder = tmp_path_factory.mktemp("walk")
    shutil.copy(recovered.bundle, folder / "account.json")
    (folder / "powers.ptau").write_bytes(ceremony_ptau(POWER, prepared=False))
    (script,) = blocks(README, "sh ceremony")
    assert ALLOW not in script
    for line in script.splitlines():
        done = follow(line, folder)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return folder


def verify(folder, record, *more):
    return zkstate("verify", folder, "--ceremony", record, "--json", *more, believe=False)


def test_the_proof_is_believed_with_its_record_and_not_without(walked):
    told = verify(walked / "trusted", walked / "ceremony.json")
    assert (told.code, told.json["setup"]["status"], told.json["circuit"]) == (0, "verified", "balance-8")
    assert not any("to those who rely on the key" in words for words in told.json["not_shown"])
    outcome = zkstate("verify", walked / "trusted", "--json", believe=False)
    assert (outcome.code, outcome.json["setup"]["status"]) == (1, "unverified")
    record = json.loads((walked / "ceremony.json").read_text())
    assert record["circuit"]["name"] == "balance-8"
    assert [c["name"] for c in record["powers"]["contributions"]] == ["first", "second", "last"]


def test_every_record_that_does_not_match_is_refused(walked, proved, tmp_path):
    good = CeremonyRecord.decode((walked / "ceremony.json").read_bytes())
    document = json.loads(good.encode())
    first, second, third = good.contributions
    chains = {
        "a dropped contribution": (first, third),
        "a contribution dropped at the end": (first, second),
        "contributions in another order": (second, first, third),
        "a contribution twice": (first, second, third, third),
        "no contribution": (),
    }
    changes = {name: {"contributions": ceremony.encode(chain).hex()} for name, chain in chains.items()}
    changes |= {
        "another circuit by name": {"circuit": document["circuit"] | {"name": "balance-4"}},
        "another circuit by digest": {"circuit": document["circuit"] | {"digest": "00" * 32}},
        "another circuit hash": {"circuit_hash": "00" * 64},
        "another key": {"verification_key": "00" * 32},
    }
    for i, (name, change) in enumerate(changes.items()):
        path = tmp_path / f"{i}.json"
        path.write_text(json.dumps(document | change, separators=(",", ":")))
        for more in ([], [ALLOW]):
            outcome = verify(walked / "trusted", path, *more)
            assert (outcome.code, outcome.json["accepted"]) == (1, False), name
    # a proof of another statement, under another key
    assert verify(proved.proof, walked / "ceremony.json").code == 1


def test_a_forged_contribution_is_refused(walked, tmp_path):
    """The last delta replaced by one whose secret the forger knows, in the record and in the key beside the proof."""
    good = CeremonyRecord.decode((walked / "ceremony.json").read_bytes())
    document = json.loads(good.encode())
    folder = tmp_path / "proof"
    shutil.copytree(walked / "trusted", folder)
    early = zkey_file.read_zkey(walked / "2.zkey")
    (folder / "verification_key.json").write_text(early.vk.to_json())
    assert verify(folder, walked / "ceremony.json").code == 1
    document["verification_key"] = early.vk.digest()
    (tmp_path / "record.json").write_text(json.dumps(document, separators=(",", ":")))
    outcome = verify(folder, tmp_path / "record.json")
    assert (outcome.code, any("not what the last contribution left" in r for r in outcome.json["reasons"])) == (1, True)


def test_nothing_is_proved_with_a_key_that_the_record_is_not_of(walked, tmp_path):
    before = tree(tmp_path)
    for key in ("0.zkey", "2.zkey"):
        outcome = zkstate(
            "prove", "balance", "--account", walked / "account.json", "--asset", "USDT", "--at-least", "1000",
            "--key", walked / key, "--ceremony", walked / "ceremony.json", "--out", tmp_path / "out", believe=False,
        )  # fmt: skip
        assert (outcome.code, "the ceremony record is of the key" in outcome.err) == (2, True)
    outcome = zkstate(
        "prove", "margin", "--account", walked / "account.json", "--key", walked / "3.zkey",
        "--ceremony", walked / "ceremony.json", "--out", tmp_path / "out", believe=False,
    )  # fmt: skip
    assert (outcome.code, "the key" in outcome.err) == (4, True)
    assert tree(tmp_path) == before
