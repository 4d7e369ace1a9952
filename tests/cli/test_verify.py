"""zkstate verify: accepted, false, unusable or too old, and always what was not shown."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli.program import ROOT, environment, process, zkstate
from tests.cli.test_recover import damage
from zkstate.kernels import FR_MODULUS

CHALLENGE = "0x" + "5a" * 32


@pytest.fixture(scope="module")
def addressed(recovered):
    """A proof tied to a challenge, a recipient and a time far ahead."""
    folder = recovered.root / "addressed"
    outcome = zkstate(
        "prove", "margin", "--account", recovered.bundle, "--out", folder, "--challenge", CHALLENGE,
        "--recipient", "0x" + "11" * 20, "--chain-id", "1", "--expiry", "2100-01-01T00:00:00Z",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return folder


def test_a_verdict_says_all_that_it_must(proved):
    outcome = zkstate("verify", proved.proof, "--header", proved.header)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("accepted\n")
    for words in (
        "equity is at least 1 times the maintenance margin requirement",
        "Synthetic Derivatives Exchange, operator key",
        "SYNTHETIC",
        "(d) a header that the verifier pinned",
        "INSECURE: made from a public seed, for demonstration; anyone can forge",
        "BN254, about 100 bits",
        "not been audited",
        "not shown",
        "no other account at the venue",
        "addressed to nobody",
    ):
        assert words in outcome.out


def test_the_json_verdict_has_its_members(proved):
    told = zkstate("verify", proved.proof, "--json").json
    assert told["accepted"] is True
    assert told["reasons"] == []
    assert told["setup"] == {"status": "insecure", "trusted": False, "text": told["setup"]["text"]}
    assert told["trust"]["level"] == "d"
    assert told["epoch"] == 1
    assert told["synthetic"] is True
    assert len(told["state_root"]) == len(told["header_hash"]) == 66
    assert any("newest" in words for words in told["not_shown"])
    pinned = zkstate("verify", proved.proof, "--json", "--header-hash", told["header_hash"]).json
    assert not any("newest" in words for words in pinned["not_shown"])


def test_verifying_loads_neither_a_prover_nor_a_chain_library(proved):
    script = (
        "import sys; from zkstate.cli.main import main; "
        "code = main(['verify', sys.argv[1], '--json', '--allow-insecure-setup']); "
        "print(*sorted(sys.modules), file=sys.stderr); raise SystemExit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, proved.proof], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    forbidden = {"web3", "eth_account", "pyrevm", "pyarrow", "zkstate.registry.client", "lightclient.recover"}
    forbidden |= {"circuits.proving", "zkstate.proof.setup", "zkstate.proof.phase2", "zkstate.proof.zkey_file"}
    assert "circuits.attestation" in loaded
    assert loaded & forbidden == set()


def test_people_are_told_to_whom_a_proof_is_addressed(addressed):
    line = next(line for line in zkstate("verify", addressed).out.splitlines() if line.startswith("addressed to"))
    recipient = "0x" + "11" * 20
    assert line.split(maxsplit=2)[2] == (
        f"chain_id 1, recipient {recipient}, challenge {CHALLENGE}, until 2100-01-01 00:00:00 UTC"
    )


def test_each_pinned_part_is_checked(addressed, proved):
    right = ["--challenge", CHALLENGE, "--recipient", "0x" + "11" * 20, "--chain-id", "1"]
    accepted = zkstate("verify", addressed, *right)
    assert (accepted.code, accepted.out.splitlines()[1].split()[0]) == (0, "shows")
    for wrong in (
        ["--challenge", "0x" + "00" * 32],
        ["--recipient", "0x" + "12" * 20],
        ["--chain-id", "2"],
        ["--registry", "0x" + "11" * 20],
        ["--expiry", "2100-01-01T00:00:01Z"],
    ):
        outcome = zkstate("verify", addressed, *wrong)
        assert outcome.code == 1
        field = wrong[0].removeprefix("--").replace("-", "_")
        assert f"is addressed to {field} " in outcome.out
        assert outcome.out.count("because") == 1
        assert outcome.out.splitlines()[2].split()[0] == "claims"
    for given, told in (([], True), (right[-2:], True), (right[:2], False), (right[2:4], False)):
        unaddressed = "made for you" in " ".join(zkstate("verify", addressed, *given, "--json").json["not_shown"])
        assert unaddressed is told, "a chain alone addresses a proof to nobody"
    outcome = zkstate("verify", proved.proof, "--header-hash", "11" * 32)
    assert (outcome.code, "the proof is about header" in outcome.out) == (1, True)


def test_a_proof_of_another_epoch_is_false_and_says_which(proved, tmp_path):
    second = tmp_path / "epoch"
    outcome = zkstate(
        "snapshot", "synthetic:7", "--operator", proved.operator, "--previous", proved.header, "--out", second,
        "--time", "2026-11-21T12:00:00Z",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    header = second / "public/header.bin"
    assert zkstate("verify", proved.proof, "--header", header).code == 1
    folder = proved.copy("proof", tmp_path)
    (folder / "header.bin").write_bytes(header.read_bytes())
    outcome = zkstate("verify", folder, "--json")
    assert outcome.code in {1, 4}
    assert "instruments" in outcome.out or "state_root" in outcome.out


@pytest.mark.parametrize("name", ["proof.json", "public.json", "verification_key.json", "statement.json"])
def test_every_changed_digit_is_refused(proved, tmp_path, name):
    """Each decimal number of each file, moved by one: never accepted."""
    folder = proved.copy("proof", tmp_path)
    original = (folder / name).read_bytes()
    text = original.decode()
    places = [i for i, c in enumerate(text) if c.isdigit() and not text[i + 1 : i + 2].isdigit()]
    for place in places:
        digit = str((int(text[place]) + 1) % 10)
        (folder / name).write_text(text[:place] + digit + text[place + 1 :])
        outcome = zkstate("verify", folder, "--json")
        if name == "verification_key.json" and b"alphabeta" in original and _redundant(text, place):
            continue
        assert outcome.code in {1, 2, 4}, (place, outcome.out)


def _redundant(text, place):
    """Whether a place lies in vk_alphabeta_12, which no verifier needs to read."""
    start = text.index("vk_alphabeta_12")
    return start < place < text.index("]\n ]\n ]", start)


@pytest.mark.parametrize("name", ["header.bin", "instruments.json", "proof.json", "public.json", "statement.json"])
@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: b"", lambda c: c + b"\0"], ids=["cut", "empty", "longer"]
)
def test_a_damaged_file_is_unusable_and_named(proved, tmp_path, name, change):
    folder = proved.copy("proof", tmp_path)
    damage(folder / name, change)
    outcome = zkstate("verify", folder)
    if name == "statement.json" and outcome.code == 0:  # only the end of the last line was cut
        return
    assert outcome.code in {2, 4}, outcome.out
    assert outcome.out == ""


def test_a_missing_file_is_named(proved, tmp_path):
    folder = proved.copy("proof", tmp_path)
    (folder / "proof.json").unlink()
    outcome = zkstate("verify", folder)
    assert (outcome.code, "proof.json is missing" in outcome.err) == (2, True)


def test_an_old_state_is_exit_code_4_only_when_asked(proved):
    assert zkstate("verify", proved.proof, "--max-age", "9999d").code == 0
    outcome = zkstate("verify", proved.proof, "--max-age", "1h")
    assert outcome.code == 4
    assert "at most" in outcome.err


def test_a_state_dated_ahead_has_no_age_to_accept(proved, monkeypatch):
    """A venue could else sign states of next year, and every one of them would stay fresh until then."""
    dated = zkstate("verify", proved.proof, "--json").json["time"]
    for ahead, code in ((600, 0), (601, 4)):
        monkeypatch.setattr("zkstate.cli.verify.time.time", lambda now=dated - ahead: now)
        outcome = zkstate("verify", proved.proof, "--max-age", "1h")
        assert (outcome.code, "in the future" in outcome.out + outcome.err) == (code, True)
        assert zkstate("verify", proved.proof).code == 0


def test_an_expired_proof_is_false(addressed, monkeypatch):
    expiry = 4102444800  # 2100-01-01T00:00:00Z
    monkeypatch.setattr("zkstate.cli.verify.time.time", lambda: expiry)
    assert zkstate("verify", addressed).code == 0
    monkeypatch.setattr("zkstate.cli.verify.time.time", lambda: expiry + 1)
    outcome = zkstate("verify", addressed)
    assert (outcome.code, f"expired at {expiry}" in outcome.out) == (1, True)


def test_a_key_that_came_with_the_proof_is_not_believed(proved, tmp_path):
    """A well-formed key with as many inputs, of which one point was exchanged."""
    folder = proved.copy("proof", tmp_path)
    key = json.loads((folder / "verification_key.json").read_text())
    key["IC"][0] = key["vk_alpha_1"]
    (folder / "verification_key.json").write_text(json.dumps(key))
    outcome = zkstate("verify", folder)
    assert outcome.code == 1
    assert "a key is pinned by the verifier, never taken from beside the proof" in outcome.out
    told = zkstate("verify", folder, "--key", proved.proof / "verification_key.json", "--json").json
    assert any("not the expected" in reason for reason in told["reasons"])


def triple(folder):
    return [
        "--vk",
        folder / "verification_key.json",
        "--public",
        folder / "public.json",
        "--proof",
        folder / "proof.json",
    ]


def test_the_plain_triple_of_snarkjs(proved, tmp_path):
    assert zkstate("verify", *triple(proved.proof)).code == 0
    folder = proved.copy("proof", tmp_path)
    values = json.loads((folder / "public.json").read_text())
    for i, value in enumerate(values):
        changed = [*values]
        changed[i] = str((int(value) + 1) % FR_MODULUS)
        (folder / "public.json").write_text(json.dumps(changed))
        assert zkstate("verify", *triple(folder)).code == 1
    (folder / "public.json").write_text(json.dumps(values[:-1]))
    assert zkstate("verify", *triple(folder)).code == 2
    assert zkstate("verify", *triple(proved.proof)[:4]).code == 2
    told = zkstate("verify", *triple(proved.proof), "--json").json
    assert told["setup"]["status"] == "insecure"
    assert "anyone can forge" in told["setup"]["text"]
    assert zkstate("verify", *triple(proved.proof), believe=False).code == 1


def test_a_published_epoch_is_checked_to_the_last_byte(proved, tmp_path):
    assert zkstate("verify", proved.published).code == 0
    assert zkstate("verify", proved.published, "--header", proved.header).code == 0
    mirror = proved.copy("mirror", tmp_path)
    folder = mirror / "epochs/00000001"
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        # A bucket of records or journals may be empty.
        damage(path, lambda content: content[:-1] + bytes([content[-1] ^ 1]) if content else b"\0")
        outcome = zkstate("verify", folder)
        assert outcome.code in {1, 2, 4}, path
        path.write_bytes(content)
    assert zkstate("verify", folder).code == 0
    (folder / "extra").write_bytes(b"x")
    assert zkstate("verify", folder).code == 1


def test_two_states_of_one_epoch_convict(proved, tmp_path):
    outcome = zkstate("snapshot", "synthetic:7", "--operator", proved.operator, "--out", tmp_path / "other")
    assert outcome.code == 0, outcome.err
    outcome = zkstate("verify", proved.header, tmp_path / "other/public/header.bin", "--json")
    assert (outcome.code, outcome.json["kind"]) == (0, "equivocation")
    assert zkstate("verify", proved.header, proved.header).code == 1


def test_what_would_not_be_checked_is_refused(proved):
    """An ignored pin would be believed to hold."""
    for option in (
        ["--challenge", CHALLENGE],
        ["--ceremony", proved.header],
        ["--key", proved.proof / "verification_key.json"],
    ):
        outcome = zkstate("verify", proved.published, *option)
        assert (outcome.code, f"does not check {option[0]}" in outcome.err) == (2, True)
    for option in (["--max-age", "1h"], ["--header", proved.header], ["--chain-id", "0"]):
        outcome = zkstate("verify", *triple(proved.proof), *option)
        assert (outcome.code, f"does not check {option[0]}" in outcome.err) == (2, True)
    outcome = zkstate("verify", proved.header, proved.header, "--max-age", "1h")
    assert (outcome.code, "does not check --max-age" in outcome.err) == (2, True)


def test_an_old_epoch_is_exit_code_4_only_when_asked(proved):
    assert zkstate("verify", proved.published, "--max-age", "9999d").code == 0
    outcome = zkstate("verify", proved.published, "--max-age", "1h")
    assert (outcome.code, "at most 60 min is accepted" in outcome.err) == (4, True)


@pytest.mark.parametrize("option", ["--header", "--key", "--vk"])
@pytest.mark.parametrize("file", ["long", "fifo", "folder", "/dev/zero"])
def test_a_named_file_is_a_regular_one_within_limits(proved, tmp_path, option, file):
    """Not a device that never ends nor a pipe that never begins; and what is named is an input, no source."""
    path = tmp_path / file
    if file == "long":
        with path.open("wb") as sparse:
            sparse.truncate(1 << 36)
    elif file == "fifo":
        os.mkfifo(path)
    elif file == "folder":
        path.mkdir()
    argv = ["--public", path, "--proof", path] if option == "--vk" else [proved.proof]
    outcome = zkstate("verify", *argv, option, path)
    assert outcome.code == 2
    assert path.name in outcome.err


@pytest.mark.parametrize("content", [b"", b"junk", b"[]", b"7" * 5000, b"{}"])
def test_a_file_that_verify_takes_alone_is_named(proved, tmp_path, content):
    path = tmp_path / "mystery"
    path.write_bytes(content)
    pins = ("--checkpoint", "11" * 32, "--venue-registry", f"0x{'22' * 20}")
    for argv in (("verify", path), ("claim", path, "--vault", f"0x{'22' * 20}"),
                 ("verify", proved.proof, "--evidence", path, *pins)):  # fmt: skip
        outcome = zkstate(*argv)
        assert (outcome.code, str(path) in outcome.err) == (2, True), outcome.err


def test_a_header_alone_and_a_pipe_are_told_what_is_wanted(proved, tmp_path):
    outcome = zkstate("verify", proved.header)
    assert (outcome.code, "give the folder of its epoch, or two headers" in outcome.err) == (2, True)
    os.mkfifo(tmp_path / "pipe")
    outcome = process("verify", tmp_path / "pipe", timeout=60)
    assert (outcome.code, "neither a regular file nor a folder" in outcome.err) == (2, True)


def test_a_damaged_header_is_named(proved, tmp_path):
    path = tmp_path / "pinned.bin"
    path.write_bytes(b"junk")
    outcome = zkstate("verify", proved.proof, "--header", path)
    assert (outcome.code, f"{path} is not a header" in outcome.err) == (2, True)
    good = proved.header.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))  # a byte that is set to 0 may be 0 already
    outcome = zkstate("verify", proved.proof, "--header", path)
    assert (outcome.code, f"{path}: header of epoch 1" in outcome.err) == (4, True)


def test_what_is_neither_is_refused(tmp_path, proved):
    assert zkstate("verify", tmp_path).code == 2
    assert zkstate("verify").code == 2
    assert zkstate("verify", proved.proof, proved.proof, proved.proof).code == 2
    assert os.fspath(ROOT) not in zkstate("verify", tmp_path).out
