"""A venue over three epochs, from ledgers in files: history, liquidation and exit, by command."""

import json
import shutil

import pytest

from tests.cli.program import tree, zkstate

TIME = 1_795_132_800
HOUR = 3600
PAYEE = "0x" + "11" * 20
TABLES = """
{"type":"instrument","instrument":"USDT","kind":"asset","decimals":6,"price":"1"}
{"type":"instrument","instrument":"BTC-PERP","kind":"perpetual","decimals":7,"price":"92000","funding":"-17.9"}
{"type":"tier","instrument":"USDT","from":"0","rate":"1"}
{"type":"tier","instrument":"BTC-PERP","from":"0","rate":"0.004","initial":"0.008"}
{"type":"account","account":"alice"}
{"type":"account","account":"bob"}
"""
ROWS = {
    1: [("alice", "USDT", "25000", None), ("alice", "BTC-PERP", "0.25", "23000"), ("bob", "USDT", "7", None)],
    2: [("alice", "USDT", "25400", None), ("alice", "BTC-PERP", "0.25", "23000"), ("bob", "USDT", "7", None)],
    3: [("alice", "USDT", "21000", None), ("bob", "USDT", "7", None)],
}
ENTRIES = {
    1: [("alice", "deposit", "USDT", {"amount": "25000", "value": "25000"})],
    2: [
        ("alice", "deposit", "USDT", {"amount": "500", "value": "500"}),
        ("alice", "withdrawal", "USDT", {"amount": "-100", "value": "-100", "fee": "1.5"}),
    ],
    3: [
        ("alice", "funding", "BTC-PERP", {"value": "-3.25"}),
        ("alice", "liquidation", "BTC-PERP", {"amount": "-0.25", "value": "-4000", "fee": "20", "price": "76000"}),
    ],
}  # fmt: skip


def write_ledger(path, epoch):
    time = TIME + HOUR * epoch
    lines = [{"type": "ledger", "version": 1, "venue": "Example Exchange", "quote": "USDT", "time": time}]
    lines += [json.loads(line) for line in TABLES.split("\n") if line]
    for account, instrument, amount, entry in ROWS[epoch]:
        row = {"type": "row", "account": account, "instrument": instrument, "amount": amount}
        lines.append(row if entry is None else {**row, "entry": entry, "funding": "-17.9"})
    for second, (account, kind, instrument, more) in enumerate(ENTRIES[epoch]):
        entry = {"type": "entry", "account": account, "time": time - 60 + second, "kind": kind}
        lines.append({**entry, "instrument": instrument, **more})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    """Three published epochs, and alice's bundle of each; that of epoch 3 goes back to the beginning."""
    root = tmp_path_factory.mktemp("three epochs")
    for epoch in (1, 2, 3):
        write_ledger(root / f"{epoch}.jsonl", epoch)
        more = ["--previous", root / f"epoch-{epoch - 1}/public/header.bin"] if epoch > 1 else []
        more += ["--issue-key", f"alice={root / 'alice.key'}"] if epoch == 1 else []
        snapshot = (
            "snapshot",
            root / f"{epoch}.jsonl",
            "--operator",
            root / "operator",
            "--out",
            root / f"epoch-{epoch}",
        )
        assert zkstate(*snapshot, *more).code == 0
        assert zkstate("publish", root / f"epoch-{epoch}", "--mirror", root / "mirror").code == 0
        found = zkstate(
            "recover", "--key", root / "alice.key", "--mirror", root / "mirror", "--header", header(root, epoch),
            "--out", root / f"{epoch}.json", "--json", *(["--history-since", 0] if epoch == 3 else []),
        )  # fmt: skip
        assert found.code == 0, found.err
    return root


def header(root, epoch):
    return root / f"epoch-{epoch}/public/header.bin"


def prove(venue, out, statement, account, *more):
    argv = ["--account", venue / f"{account}.json", "--out", out, "--json"]
    return zkstate("prove", statement, *argv, *more)


@pytest.fixture(scope="module")
def proofs(venue, tmp_path_factory):
    root = tmp_path_factory.mktemp("proofs")
    made = {
        "history": prove(venue, root / "history", "history", 3, "--since", venue / "1.json"),
        "of-usdt": prove(venue, root / "of-usdt", "history", 2, "--since", venue / "1.json", "--instrument", "USDT"),
        "liquidation": prove(
            venue, root / "liquidation", "liquidation", 2, "--until", venue / "3.json", "--ratio", "10"
        ),
        "exit": prove(venue, root / "exit", "exit", 2, "--asset", "USDT", "--recipient", PAYEE),
    }
    assert {name: outcome.code for name, outcome in made.items()} == dict.fromkeys(made, 0), [
        m.err for m in made.values()
    ]
    return root, {name: outcome.json for name, outcome in made.items()}


def test_recovery_shows_the_history(venue):
    found = zkstate(
        "recover", "--key", venue / "alice.key", "--mirror", venue / "mirror", "--header", header(venue, 3),
        "--out", venue / "again.json", "--history-since", 1, "--json",
    ).json["history"]  # fmt: skip
    assert (found["length"], found["new_entries"], found["before"]) == (5, 2, 1)
    assert [e["kind"] for e in found["entries"]] == ["deposit", "withdrawal", "funding", "liquidation"]
    assert found["entries"][3]["price"] == "76000"
    assert found["entries"][1]["amount"] == "-100"


def test_what_is_shown_and_what_is_not(venue, proofs):
    root, _ = proofs
    history = zkstate(
        "verify", root / "history", "--header", header(venue, 3), "--other-header", header(venue, 1), "--json"
    )
    assert history.code == 0
    sums = ("deposit value 500", "withdrawal value -100", "funding value -3.25", "liquidation value -4000", "fees 21.5")
    for words in sums:
        assert f"{words} quote" in history.json["claim"]
    assert "any single entry, or how many there are" in history.json["not_shown"]
    assert history.json["other_epoch"]["epoch"] == 1
    assert not any("pin one" in words for words in history.json["not_shown"])
    liquidation = zkstate("verify", root / "liquidation", "--json").json
    assert "liquidated by -0.25 BTC-PERP at 76000 quote" in liquidation["claim"]
    assert "at least 10 times the maintenance requirement" in liquidation["claim"]
    assert any("how prices moved" in words for words in liquidation["not_shown"])
    assert any("--other-header" in words for words in liquidation["not_shown"])
    leaving = zkstate("verify", root / "exit", "--recipient", PAYEE, "--json").json
    # 25,400 held, 23,000 of position that needs 0.8 percent, entry at 23,000, so 184 stay
    assert leaving["parameters"]["amount"] == str(25_216 * 10**6)
    assert any("nullifiers" in words for words in leaving["not_shown"])
    assert "later epoch" in zkstate("verify", root / "liquidation").out


def test_two_epochs_fit_one_file(venue, tmp_path):
    challenge = ["--challenge", "5a" * 32]
    made = zkstate(
        "prove", "history", "--account", venue / "3.json", "--since", venue / "1.json", "--attestation",
        tmp_path / "history.json", *challenge, "--expiry", "2100-01-01T00:00:00Z",
    )  # fmt: skip
    assert made.code == 0, made.err
    pins = ["--header", header(venue, 3), "--other-header", header(venue, 1)]
    assert zkstate("verify", tmp_path / "history.json", *challenge, *pins).code == 0
    assert zkstate("verify", tmp_path / "history.json", *challenge, "--other-header", header(venue, 2)).code == 1
    found = json.loads((tmp_path / "history.json").read_text())
    assert found["other_header"] == header(venue, 1).read_bytes().hex()
    for other in ("", header(venue, 2).read_bytes().hex()):
        changed = json.dumps(found | {"other_header": other}, separators=(",", ":"), ensure_ascii=False)
        (tmp_path / "changed.json").write_text(changed)
        assert zkstate("verify", tmp_path / "changed.json", *challenge).code == (1 if other else 2)


def test_proofs_for_others_or_of_others_are_rejected(venue, proofs, tmp_path):
    root, _ = proofs
    for name, *options in (
        ("exit", "--recipient", "0x" + "22" * 20),
        ("history", "--header", header(venue, 2)),
        ("history", "--other-header", header(venue, 2)),
        ("liquidation", "--other-header", header(venue, 1)),
    ):
        assert zkstate("verify", root / name, *options).code == 1
    for name, file, source, code in (
        ("history", "other_header.bin", header(venue, 2), 1),  # another earlier epoch
        ("history", "other_header.bin", header(venue, 3), 4),  # not an earlier one
        ("liquidation", "other_header.bin", header(venue, 1), 4),  # not a later one
        ("exit", "other_header.bin", header(venue, 1), 2),  # about one epoch
    ):
        copy = tmp_path / f"{name}-{source.parent.parent.name}"
        shutil.copytree(root / name, copy)
        shutil.copy(source, copy / file)
        assert zkstate("verify", copy).code == code
    lacking = tmp_path / "lacking"
    shutil.copytree(root / "history", lacking)
    (lacking / "other_header.bin").unlink()
    assert zkstate("verify", lacking).code == 2
    assert zkstate("verify", root / "exit", "--other-header", header(venue, 1)).code == 2


@pytest.mark.parametrize(
    ("statement", "account", "options", "code", "message"),
    [
        ("history", 3, [], 2, "give --since"),
        ("history", 1, ["--since", "3.json"], 2, "the earlier bundle is of epoch 3"),
        ("liquidation", 1, ["--until", "2.json"], 2, "entry 1 after the epoch is a withdrawal"),
        ("liquidation", 1, ["--until", "3.json"], 2, "take an epoch after that entry"),
        ("liquidation", 2, ["--until", "3.json", "--ratio", "4000"], 1, "covers the maintenance requirement"),
        ("exit", 2, ["--asset", "USDT"], 2, "give --recipient"),
        ("exit", 2, ["--asset", "USDT", "--recipient", PAYEE, "--exactly", "25216.1"], 2, "at most 25216 can"),
        ("exit", 2, ["--asset", "BTC-PERP", "--recipient", PAYEE], 2, "0 BTC-PERP cannot leave"),
        ("exit", 2, ["--asset", "USDT", "--at-least", "1", "--recipient", PAYEE], 2, "does not take --at-least"),
        ("history", 3, ["--since", "1.json", "--instrument", "DOGE"], 2, "lists no instrument 'DOGE'"),
    ],
)  # fmt: skip
def test_what_cannot_be_proved_is_refused_with_its_reason(venue, tmp_path, statement, account, options, code, message):
    options = [venue / o if str(o).endswith(".json") else o for o in options]
    before = tree(tmp_path)
    outcome = prove(venue, tmp_path / "out", statement, account, *options)
    assert outcome.code == code
    assert message in outcome.out + outcome.err
    assert tree(tmp_path) == before


def test_a_bundle_that_lacks_entries_says_how_to_get_them(venue, tmp_path):
    zkstate(
        "recover", "--key", venue / "alice.key", "--mirror", venue / "mirror", "--header", header(venue, 3),
        "--out", tmp_path / "short.json",
    )  # fmt: skip
    outcome = zkstate(
        "prove", "history", "--account", tmp_path / "short.json", "--since", venue / "1.json", "--out", tmp_path / "out"
    )
    assert outcome.code == 2
    assert "--history-since 1" in outcome.err
