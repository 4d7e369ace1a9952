"""A position shown to another venue in one file: made in answer to its challenge, and believed by nobody else."""

import hashlib
import json
import random
import re
from dataclasses import replace

import pytest

from circuits import portable
from circuits.attestation import Expectation, examine
from circuits.context import Context
from tests.cli.program import tree, zkstate
from zkstate.errors import EncodingError, InputError, ZkstateError
from zkstate.publication.header import SignedHeader

CHALLENGE, ACCOUNT = "5a" * 32, "0x" + "11" * 20
EXPIRY = 4_102_444_800  # 2100-01-01T00:00:00Z
ADDRESSED = ["--challenge", CHALLENGE, "--expiry", "2100-01-01T00:00:00Z", "--recipient", ACCOUNT]
MEMBERS = [
    *("kind", "version", "header", "other_header", "statement", "public", "proof"),
    *("key_digest", "verification_key", "instruments"),
]


@pytest.fixture(scope="module")
def shown(recovered, tmp_path_factory):
    """The file that the trader sends to another venue."""
    path = tmp_path_factory.mktemp("portable") / "position.json"
    made = zkstate(
        "prove", "position", "--account", recovered.bundle, "--market", "SOL-PERP", "--at-most", "0",
        "--attestation", path, *ADDRESSED,
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "the position is at most 0 SOL-PERP" in made.out
    return path


def verify(path, *more):
    return zkstate("verify", path, "--challenge", CHALLENGE, "--json", *more)


def test_the_other_venue_accepts_it_and_is_told_what_it_is_worth(shown, published):
    told = verify(shown, "--header", published.header, "--recipient", ACCOUNT)
    assert told.code == 0, told.err
    verdict = told.json
    assert (verdict["kind"], verdict["statement"], verdict["epoch"]) == ("proof", "position", 1)
    assert verdict["venue"] == "Synthetic Derivatives Exchange"
    assert (verdict["context"]["expiry"], verdict["context"]["challenge"]) == (EXPIRY, f"0x{CHALLENGE}")
    assert any("the position still stands" in words for words in verdict["not_shown"])
    assert not any("made for you" in words for words in verdict["not_shown"])
    explained = zkstate("inspect", shown, "--json").json
    assert (explained["claim"], explained["key_digest"]) == (verdict["claim"], verdict["key_digest"])


def test_it_answers_one_challenge_from_one_account_until_it_expires(shown, recovered, tmp_path, monkeypatch):
    assert zkstate("verify", shown, "--challenge", "5b" * 32).code == 1
    assert verify(shown, "--recipient", "0x" + "22" * 20).code == 1
    assert verify(shown, "--header-hash", "11" * 32).code == 1
    outcome = zkstate("verify", shown)
    assert (outcome.code, "give --challenge" in outcome.err) == (2, True)
    monkeypatch.setattr("zkstate.cli.verify.time.time", lambda: EXPIRY + 1)
    outcome = verify(shown)
    assert (outcome.code, "expired" in outcome.json["reasons"][0]) == (1, True)
    monkeypatch.undo()
    for given, lacking in ((ADDRESSED[:2], "no expiry"), (ADDRESSED[2:], "no challenge")):
        outcome = zkstate(
            "prove", "position", "--account", recovered.bundle, "--market", "SOL-PERP", "--at-most", "0",
            "--attestation", tmp_path / "out", *given,
        )  # fmt: skip
        assert (outcome.code, lacking in outcome.err) == (2, True)
    for more in (["--out", tmp_path / "out", "--attestation", tmp_path / "out"], []):
        outcome = zkstate("prove", "position", "--account", recovered.bundle, *more)
        assert (outcome.code, "give --out, or --attestation" in outcome.err) == (2, True)
    assert tree(tmp_path) == {}


def test_a_reader_that_has_only_the_specification_finds_it_consistent(shown, published, tmp_path):
    """By json and hashlib alone: the members, what binds them to the public inputs, and the key's digest."""
    content = shown.read_bytes()
    found = json.loads(content)
    assert list(found) == MEMBERS
    assert json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode() == content
    assert (found["kind"], found["version"], found["other_header"]) == ("zkstate attestation", 1, "")
    header = bytes.fromhex(found["header"])
    assert header == published.header.read_bytes()
    context = found["statement"]["context"]
    hashed = b"zkstate context v1" + int(context["chain_id"]).to_bytes(8, "big")
    hashed += b"".join(bytes.fromhex(context[name]) for name in ("registry", "recipient", "challenge"))
    digest = hashlib.sha256(hashed + int(context["expiry"]).to_bytes(8, "big")).digest()
    state_root = int.from_bytes(header[152:184], "big")
    market = int(found["statement"]["parameters"]["instrument"])
    assert [int(value) for value in found["public"][:3]] == [state_root, int.from_bytes(digest[1:], "big"), market]
    key = json.dumps(found["verification_key"], sort_keys=True, separators=(",", ":"))
    assert found["key_digest"] == hashlib.sha256(key.encode()).hexdigest()
    assert {i["id"]: i["symbol"] for i in found["instruments"]["instruments"]}[market] == "SOL-PERP"
    for name in ("verification_key", "public", "proof"):
        (tmp_path / f"{name}.json").write_text(json.dumps(found[name]))
    assert zkstate("verify", tmp_path).code == 0


def refused(content):
    """Whether the file is malformed, or well-formed and false, for a venue that believes this version's keys."""
    try:
        attestation = portable.decode(content)
    except ZkstateError:
        return True
    return not examine(attestation, Expectation(), EXPIRY).accepted


def flipped(content, places, rng):
    for at in places:
        yield content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :]


def parts(content):
    """Where the values of the file are: a few bytes of each."""
    ends = [content.index(f'"{name}":'.encode()) for name in MEMBERS]
    return [place for end in ends for place in range(end, end + 12)]


def test_flipped_bytes_are_an_error_or_false(shown):
    """Some of every member, and places all over the file; `slow` has the rest."""
    content = shown.read_bytes()
    assert not refused(content)
    rng = random.Random()
    places = [*parts(content), *rng.sample(range(len(content)), 300)]
    assert all(refused(changed) for changed in flipped(content, places, rng))


@pytest.mark.slow
def test_bytes_flipped_everywhere_are_an_error_or_false(shown):
    """Every fifth, from any start; of the instrument table, which one root in the header stands for, every fortieth."""
    content, rng = shown.read_bytes(), random.Random()
    table, start = content.index(b'"instruments":'), rng.randrange(5)
    places = [*range(start, table, 5), *range(table + start, len(content), 40)]
    assert all(refused(changed) for changed in flipped(content, places, rng))


def test_cut_or_longer_files_are_malformed(shown):
    content = shown.read_bytes()
    for size in (0, 1, len(content) // 2, len(content) - 1):
        with pytest.raises(EncodingError, match="attestation"):
            portable.decode(content[:size])
    for more in (b" ", b"\n", b"\0", b"{}"):
        with pytest.raises(EncodingError, match="attestation"):
            portable.decode(content + more)


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r'\{"kind"', r'{ "kind"'),
        (r'"version":1', r'"version":2'),
        (r'"version":1', r'"version":1,"version":1'),
        (r'"version":1', r'"version":1,"more":0'),
        (r'"kind":"zkstate attestation","version":1', r'"version":1,"kind":"zkstate attestation"'),
        (r'"other_header":"",', r""),
        (r'"other_header":""', r'"other_header":"00"'),
        (r'"header":"7a', r'"header":"7A'),
        (r'"header":"7a', r'"header":"\\u0037a'),
        (r'"public":\[', r'"public":[ '),
        (r'"pi_a":', r'"pi_a":["1","2","1"],"pi_a":'),
        (r'"protocol":"groth16","curve":"bn128"\}', r'"curve":"bn128","protocol":"groth16"}'),
        (r'"lo":"-', r'"lo":"-0'),
        (r'"challenge":"' + CHALLENGE, r'"challenge":"' + "00" * 32),
        (r'"expiry":"4102444800"', r'"expiry":"0"'),
        (r'"statement":\{', r'"statement":' + "[" * 70 + "]" * 70 + r',"x":{'),
        (r'"key_digest":"', r'"key_digest":"\\u00e9'),
    ],
)
def test_there_is_one_spelling_of_it(shown, pattern, instead):
    text = shown.read_text()
    changed = re.sub(pattern, instead, text, count=1)
    assert changed != text
    with pytest.raises(ZkstateError):
        portable.decode(changed.encode())


def test_a_file_too_long_is_not_read(shown, tmp_path):
    path = tmp_path / "long.json"
    with path.open("wb") as file:
        file.truncate(portable.MAX_PORTABLE_BYTES + 1)
    outcome = verify(path)
    assert (outcome.code, "the limit is" in outcome.err) == (2, True)
    with pytest.raises(InputError, match="at most"):
        portable.decode(bytes(portable.MAX_PORTABLE_BYTES + 1))


def test_what_is_in_it_can_be_put_together_in_no_other_way(shown, proved):
    """Parts of another proof of the same account and epoch, each well-formed by itself."""
    attestation = portable.decode(shown.read_bytes())
    assert portable.encode(attestation) == shown.read_bytes()
    for context in (
        Context(),
        replace(attestation.context, expiry=0),
        replace(attestation.context, challenge=bytes(32)),
    ):
        with pytest.raises(InputError, match="its context has no"):
            portable.encode(replace(attestation, context=context))
    for changed in (
        replace(attestation, context=replace(attestation.context, expiry=EXPIRY + 1)),
        replace(attestation, claim=replace(attestation.claim, hi=-1)),
        replace(attestation, circuit="position-64"),
        replace(attestation, proof=replace(attestation.proof, c=-attestation.proof.c)),
        replace(attestation, public_inputs=(0, *attestation.public_inputs[1:])),
    ):
        assert refused(portable.encode(changed))
    assert SignedHeader.decode(proved.header.read_bytes()) == attestation.signed
