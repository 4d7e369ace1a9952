"""Reserves as their users meet them: requests to sign, a file beside an epoch, the verdict, and mirrors."""

import json
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from lightclient.execution.header import BlockHeader
from tests.cli.program import tree, zkstate
from tests.lightclient.nodes import Refusal, serve
from tests.reserves.chain import ADDRESSES, KEYS, Chain, controlled, reserves, token
from tests.solvency.venue import commit, ledger
from zkstate.cli.reserves_pins import Pins, Registered
from zkstate.publication.trust import Finality, Trust
from zkstate.reserves.verify import verify_reserves

TOKENS = [token(symbol, number) for symbol, number in (("USD", 0xA), ("COIN", 0xB), ("OTHER", 0xC))]


def holding(epoch, share=1):
    """A chain on which the first address has so much of each asset as accounts hold together."""
    table, totals = epoch.ledger.table, epoch.ledger.totals()
    amounts = {t.address: totals.credits[table.by_symbol(t.symbol).id - 1] // share for t in TOKENS}
    tokens = [(each, {ADDRESSES[0]: amounts[each.address]}) for each in TOKENS]
    return Chain(dict.fromkeys(ADDRESSES[:2], 10**18), tokens, time=epoch.header.time)


def write(epoch, world, name="1.json", native=None):
    found = reserves(epoch.header, world, controlled(epoch.header, keys=KEYS[:2]), TOKENS, native=native)
    (epoch.folder / "reserves").mkdir(exist_ok=True)
    (epoch.folder / "reserves" / name).write_bytes(found.encode())
    return found


@pytest.fixture
def epoch(tmp_path):
    return commit(tmp_path / "epoch", ledger(small=10, large=0))


def test_a_venue_that_has_what_it_owes(epoch, tmp_path):
    world = holding(epoch)
    found = write(epoch, world)
    pin = f"1:0x{world.block_hash.hex()}"
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps(json.loads(found.encode())["tokens"]))
    verdict = zkstate("verify", epoch.public, "--block", pin, "--tokens", tokens, "--json", believe=False)
    assert verdict.code == 0, verdict.out + verdict.err
    told = verdict.json["reserves"]
    assert {each["symbol"] for each in told["assets"]} == {"USD", "COIN", "OTHER"}
    assert all(each["covered"] and each["owed"] == each["reserve"] for each in told["assets"])
    assert told["chains"][0]["trust"]["level"] == "c"
    assert not any("venue's word" in words for words in told["not_shown"])
    text = zkstate("verify", epoch.public, believe=False)
    assert (text.code, "the venue's word" in text.out) == (0, True)
    assert text.out.count("covered, if words are believed") == 3
    text = zkstate("verify", epoch.public, "--block", pin, "--tokens", tokens, believe=False)
    assert (text.code, text.out.count("covered"), "if words" in text.out) == (0, 3, False)
    other = zkstate("verify", epoch.public, "--block", f"1:0x{'00' * 32}", "--json", believe=False)
    assert (other.code, "block of chain 1 is 0x" in other.json["reasons"][0]) == (1, True)
    assert not any(each["covered"] for each in other.json["reserves"]["assets"])
    for chain in (1, 5):
        more = f"{chain}:0x{'11' * 32}"
        unused = zkstate("verify", epoch.public, "--block", pin, "--block", more, "--json", believe=False)
        assert unused.json["reasons"] == [f"--block {more}: no reserves are at that block"]
    elsewhere = zkstate("verify", epoch.public, "--block", f"5:0x{'11' * 32}", "--json", believe=False)
    assert "--block gives none of that chain" in elsewhere.json["reasons"][0]
    tokens.write_text(json.dumps(json.loads(tokens.read_text()) | {"chain_id": 5}))
    other = zkstate("verify", epoch.public, "--tokens", tokens, "--json", believe=False)
    assert other.json["reasons"][0] == "chain 1 is in no list of tokens given"
    assert "--tokens: a list for chain 5" in other.json["reasons"][-1]


def test_a_venue_that_has_not(epoch):
    write(epoch, holding(epoch, share=2))
    verdict = zkstate("verify", epoch.public, "--json", believe=False)
    assert verdict.code == 1
    assert [words.partition(":")[0] for words in verdict.json["reasons"]] == ["USD", "COIN", "OTHER"]
    assert all("are missing" in words for words in verdict.json["reasons"])


def test_reserves_go_to_mirrors_and_back(epoch, tmp_path):
    write(epoch, holding(epoch))
    mirror = tmp_path / "mirror"
    done = zkstate("publish", epoch.folder, "--mirror", mirror, "--json")
    assert [place["folder"] for place in done.json["mirrors"]] == [
        str(mirror / "epochs/00000001"), str(mirror / "reserves/00000001")
    ]  # fmt: skip
    verdict = zkstate("verify", mirror / "epochs/00000001", "--json", believe=False)
    assert (verdict.code, verdict.json["reserves"]["accepted"]) == (0, True)
    header = epoch.public / "header.bin"
    back = zkstate("recover", "--files", "--mirror", mirror, "--header", header, "--out", tmp_path / "out", "--json")
    assert back.json["annexes"] == ["reserves"]
    assert tree(tmp_path / "out/reserves") == tree(mirror / "reserves/00000001")


def test_one_chain_in_two_files_and_an_address_of_two_venues(epoch, tmp_path):
    write(epoch, holding(epoch, share=2))
    write(epoch, holding(epoch, share=2), "2.json")
    verdict = zkstate("verify", epoch.public, "--json", believe=False)
    assert verdict.code == 1
    assert verdict.json["reasons"][0] == "2.json is of chain 1: it has to be 1.json"
    assert "two files are of chain 1" in verdict.json["reasons"][1]
    assert not any(each["covered"] for each in verdict.json["reserves"]["assets"])
    other = commit(tmp_path / "other", replace(ledger(small=10, large=0), venue="another"))
    write(other, holding(other))
    theirs = other.folder / "reserves/1.json"
    verdict = zkstate("verify", epoch.public, "--other-reserves", theirs, "--json", believe=False)
    assert any("claims it too" in words for words in verdict.json["reasons"])


def test_reserves_on_two_chains_add_up_and_say_how_far_apart_their_blocks_are(epoch):
    table, totals = epoch.ledger.table, epoch.ledger.totals()
    for chain, symbols in ((1, ("USD", "COIN")), (2, ("OTHER",))):
        tokens = [each for each in TOKENS if each.symbol in symbols]
        held = [(each, {ADDRESSES[0]: totals.credits[table.by_symbol(each.symbol).id - 1]}) for each in tokens]
        world = Chain({ADDRESSES[0]: chain}, held, time=epoch.header.time + 100 * chain)
        found = reserves(epoch.header, world, controlled(epoch.header, chain, KEYS[:1]), tokens, chain, native=None)
        (epoch.folder / "reserves").mkdir(exist_ok=True)
        (epoch.folder / "reserves" / f"{chain}.json").write_bytes(found.encode())
    verdict = zkstate("verify", epoch.public, "--json", believe=False)
    assert (verdict.code, verdict.json["reasons"]) == (0, [])
    told = verdict.json["reserves"]["not_shown"]
    assert "that nothing moved between chains: their blocks are up to 100 s apart" in told
    for chain in (1, 2):
        assert any(f"block 7 of chain {chain} is {100 * chain} s after it, and what came in" in words for words in told)
        assert any(f"that block 7 of chain {chain} is one of that chain" in words for words in told)
    assert verdict.json["reserves"]["by_word"]
    assert any("owed through positions" in words for words in told)


def test_a_file_that_the_index_of_a_mirror_lists_and_nobody_has(epoch, tmp_path):
    write(epoch, holding(epoch))
    zkstate("publish", epoch.folder, "--mirror", tmp_path / "mirror")
    (tmp_path / "mirror/reserves/00000001/1.json").unlink()
    verdict = zkstate("verify", tmp_path / "mirror/epochs/00000001", believe=False)
    assert (verdict.code, "1.json: missing" in verdict.err) == (4, True), verdict.err


def test_nodes_that_have_the_block_and_one_that_has_another(epoch):
    """However many have it: one of them lies, and the reader cannot tell which."""
    world, other = holding(epoch), holding(epoch, share=2)
    write(epoch, world)
    with (
        serve(world.node()) as one,
        serve(world.node()) as two,
        serve(other.node()) as against,
        serve(other.node(5)) as elsewhere,
    ):
        for nodes, code, level in (
            ((one,), 0, "d"), ((one, two), 0, "b"), ((one, two, elsewhere), 0, "b"), ((one, two, against), 1, "b")
        ):  # fmt: skip
            asked = [part for url in nodes for part in ("--reserves-rpc", url)]
            verdict = zkstate("verify", epoch.public, *asked, "--json", believe=False)
            told = verdict.json["reserves"]
            assert (verdict.code, told["chains"][0]["trust"]["level"]) == (code, level)
            assert all(each["covered"] for each in told["assets"]) == (code == 0)
            assert any("block 7 of chain 1 is final: nodes have it" in words for words in told["not_shown"]) == (
                level == "b"
            )
        assert (
            f"its block 7 is 0x{other.block_hash.hex()}, not 0x{world.block_hash.hex()}" in verdict.json["reasons"][0]
        )
        alone = zkstate("verify", epoch.public, "--reserves-rpc", against, believe=False)
        assert (alone.code, "its block 7 is" in alone.err) == (4, True)


def test_a_block_of_a_number_that_nodes_refuse_is_missing_and_ends_no_audit(epoch, tmp_path):
    """As geth refuses 2^63, or history that it has pruned: the venue chose the number, and nodes are not silent."""
    write(epoch, holding(epoch))

    def handle(method, _):
        if method == "eth_getBlockByNumber":
            raise Refusal(4444, "pruned history unavailable")
        return "0x1"

    with serve(handle) as url:
        audited = zkstate("audit", epoch.folder, "--out", tmp_path / "out", "--reserves-rpc", url, "--json")
        told = zkstate("verify", epoch.public, "--reserves-rpc", url, believe=False)
    assert audited.code == 1
    (reason,) = audited.json["epochs"][0]["reasons"]
    assert reason == f"{url}: it has no block 7 (error 4444: pruned history unavailable)"
    assert (told.code, reason in told.err) == (3, True)


def test_evidence_stands_behind_its_own_block_and_chain_alone(epoch):
    world = holding(epoch)
    finality = Finality(1, epoch.header.time, bytes(32))
    block = BlockHeader.decode(world.block)
    trust = Trust("a", "a replay", block.number, block.hash, finality, block.timestamp)
    ours, theirs = (
        verify_reserves(
            reserves(epoch.header, world, controlled(epoch.header, chain, KEYS[:1]), chain_id=chain), epoch.header, {}
        )
        for chain in (1, 137)
    )
    pins = Pins(evidence=Registered(1, trust, epoch.header, 1))
    found, objection = pins.believe(theirs)
    assert (found.level, objection is not None and "that block is of chain 1" in objection) == ("d", True)
    assert "--evidence ends in block 7 of chain 1" in pins.unused()[0]
    assert (pins.believe(ours), pins.unused()) == ((trust, None), [])


def answering(world, *, final=True, knows=True, honest=True):
    """A node of that chain, which has a newer block than its finalized one, if that is there at all."""

    def handle(method, params):
        block = world.node()("eth_getBlockByNumber", ())
        if method == "eth_getBlockByNumber":
            assert params == ["finalized", False]
            if not knows:
                raise Refusal(-32602, "unknown block tag")
            return block if final else None
        if method == "eth_getBlockByHash":
            return block if params[0] == block["hash"] or not honest else None
        if method == "eth_getProof":
            assert params[2] == block["number"]
            return world.answer(params[0], [bytes.fromhex(slot[2:]) for slot in params[1]])
        return {"eth_chainId": "0x1", "eth_getCode": "0x"}[method]

    return serve(handle)


def test_reserves_are_of_a_finalized_block_unless_one_is_named(epoch, tmp_path):
    world = holding(epoch)
    controls = [{name: getattr(each, name) for name in each.__struct_fields__}
                for each in controlled(epoch.header, keys=KEYS[:2])]  # fmt: skip
    (tmp_path / "controls.json").write_text(json.dumps({"controls": controls}))
    tokens = json.loads(write(epoch, world).encode())["tokens"]
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    argv = ["prove", "reserves", epoch.folder, "--controls", tmp_path / "controls.json", "--tokens",
            tmp_path / "tokens.json", "--json", "--rpc"]  # fmt: skip
    named = f"0x{world.block_hash.hex()}"
    with answering(world) as url:
        final = zkstate(*argv, url, believe=False)
        assert final.code == 0, final.out + final.err
        assert final.json["block"] == {"number": 7, "hash": named, "chosen": "finalized"}
        told = zkstate(*argv[:-2], "--rpc", url, believe=False)
        assert "the newest that the node calls finalized" in told.out
        unknown = zkstate(*argv, url, "--block-hash", "11" * 32, believe=False)
        assert (unknown.code, f"has no block 0x{'11' * 32}" in unknown.err) == (3, True)
    with answering(world, final=False) as url:
        none = zkstate(*argv, url, believe=False)
        assert (none.code, "has no finalized block: name one by its hash" in none.err) == (3, True)
        by_hash = zkstate(*argv, url, "--block-hash", named, believe=False)
        assert by_hash.code == 0, by_hash.err
        assert by_hash.json["block"]["chosen"] == "by hash"
    with answering(world, knows=False) as url:
        none = zkstate(*argv, url, believe=False)
        assert none.code == 3
        assert "has no finalized block (error -32602: unknown block tag): name one by its hash" in none.err
    with answering(world, honest=False) as url:
        other = zkstate(*argv, url, "--block-hash", "11" * 32, believe=False)
        assert (other.code, f"asked for block 0x{'11' * 32}, it gave {named}" in other.err) == (4, True)


def test_requests_are_what_wallets_sign(epoch, tmp_path):
    out = tmp_path / "requests"
    done = zkstate(
        "prove", "reserves", epoch.folder, "--address", ADDRESSES[0], "--address", ADDRESSES[1], "--chain-id", "1",
        "--expiry", "2099-01-01T00:00:00Z", "--out", out, believe=False,
    )  # fmt: skip
    assert done.code == 0, done.err
    controls = json.loads((out / "controls.json").read_text())["controls"]
    text = encode_defunct(text=(out / f"{ADDRESSES[0]}.txt").read_text())
    typed = encode_typed_data(full_message=json.loads((out / f"{ADDRESSES[1]}.json").read_text()))
    for control, key, message, scheme in zip(controls, KEYS, (text, typed), ("eip191", "eip712"), strict=False):
        signature = Account.sign_message(message, key.key).signature
        control |= {"signature": bytes(signature).hex(), "scheme": scheme}
    found = json.loads(reserves(epoch.header, holding(epoch), controlled(epoch.header, keys=KEYS[:2]), TOKENS).encode())
    (tmp_path / "made.json").write_text(json.dumps(found | {"controls": controls}))
    verdict = zkstate("verify", epoch.public, "--reserves", tmp_path / "made.json", believe=False)
    assert verdict.code == 0, verdict.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("verify", "PUBLIC", "--net"), "there are none here: give --reserves"),
        (("verify", "PUBLIC", "--block", f"1:{'00' * 32}"), "there are none here: give --reserves"),
        (("verify", "PUBLIC", "--checkpoint", "00" * 32), "need --evidence"),
        (("verify", "PUBLIC", "--block", "1:22"), "64 hexadecimal digits"),
        (("verify", "PUBLIC", "--block", "22"), "is not CHAIN:HASH"),
        (("verify", "PUBLIC", "--reserves", "HEADER"), "header.bin: JSON is malformed"),
        (("prove", "reserves"), "name the folder"),
        (("prove", "reserves", "PUBLIC", "--address", ADDRESSES[0]), "it is not what zkstate snapshot wrote"),
        (("prove", "reserves", "EPOCH"), "give --address, or --controls"),
        (("prove", "reserves", "EPOCH", "--address", ADDRESSES[0]), "give --chain-id, --expiry and --out"),
        (("prove", "reserves", "EPOCH", "--jobs", "2"), "does not take --jobs"),
        (("prove", "margin", "--rpc", "http://127.0.0.1:9", "--account", "HEADER", "--out", "none"), "takes --rpc"),
        (("prove", "reserves", "EPOCH", "--address", ADDRESSES[0], "--chain-id", "1", "--expiry", "1", "--out", "x"),
         "has passed"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together(epoch, argv, words):
    places = {"PUBLIC": epoch.public, "EPOCH": epoch.folder, "HEADER": epoch.public / "header.bin"}
    done = zkstate(*(places.get(each, each) for each in argv), believe=False)
    assert (done.code, words in done.err) == (2, True), done.err
