"""zkstate audit: a chain walked, what breaks it, and a report that is one page and asks for nothing."""

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from eth_utils import keccak

from lightclient.execution.header import BlockHeader
from tests.cli.program import tree, zkstate
from tests.cli.test_reserves import TOKENS, holding, write
from tests.publication.venue import OPERATOR
from tests.reserves.chain import ADDRESSES, KEYS, Chain, controlled, reserves
from tests.solvency.venue import Epoch, ledger, positions_profit, risky_ledger
from tests.solvency.venue import commit as committed
from zkstate.cli.audit_report import short
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import sign
from zkstate.publication.operator import Operator
from zkstate.publication.trust import Finality, Trust
from zkstate.state.decimals import parse
from zkstate.state.health import assess_all
from zkstate.state.schema import PORTFOLIO

TIME = 1_700_000_000
NAME = "<script>alert('x')</script> & \"Sons\""


def commit(folder, number, previous=None, operator=OPERATOR, **more):
    made = replace(ledger(small=10, large=0), time=TIME + 86400 * number, venue=NAME, **more)
    write_epoch(made, operator, folder, previous=previous)
    return Epoch(folder, made)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Four epochs: proved and reserved, without reserves, without a proof, and short."""
    root = tmp_path_factory.mktemp("chain")
    epochs, previous = [], None
    for number in range(1, 5):
        epoch = commit(root / f"epoch-{number}", number, previous)
        previous = epoch.header
        if number != 3:
            epoch.prove(rows=64)
        if number != 2:
            write(epoch, holding(epoch, share=2 if number == 4 else 1))
        assert zkstate("publish", epoch.folder, "--mirror", root / "mirror").code == 0
        epochs.append(epoch)
    return root / "mirror", epochs


class Page(HTMLParser):
    """Tags and what the page would ask for."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.asks, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.asks += [value for name, value in attributes if name in {"src", "href", "action", "data", "srcset"}]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_chain_with_a_shortfall_at_its_end(chain, tmp_path):
    mirror, epochs = chain
    done = zkstate("audit", mirror, "--out", tmp_path / "audit", "--json", believe=False)
    assert done.code == 1
    found = json.loads((tmp_path / "audit/audit.json").read_text())
    assert found == done.json
    assert [each["accepted"] for each in found["epochs"]] == [True, True, True, False]
    assert [each["solvency"] is not None for each in found["epochs"]] == [True, True, False, True]
    assert [each["reserves"] is not None for each in found["epochs"]] == [True, False, True, True]
    assert all("are missing" in words for words in found["epochs"][3]["reasons"])
    for words in ("epoch 3 are sums", "at epoch 2: no reserves", "how health is distributed", "the venue's newest"):
        assert any(words in line for line in found["not_shown"]), words
    totals = epochs[0].ledger.totals()
    usd = epochs[0].ledger.table.by_symbol("USD")
    (line,) = [line for line in found["epochs"][0]["assets"] if line["symbol"] == "USD"]
    assert float(line["owed"]) * 10**usd.decimals == pytest.approx(totals.credits[usd.id - 1])
    for each, epoch in zip(found["epochs"], epochs, strict=True):
        if each["solvency"] is not None:
            assert parse(each["solvency"]["profit"], 16) == positions_profit(epoch.ledger) != 0
    assert set(tree(tmp_path / "audit")) == {"audit.json", "report.html"}


def test_two_proofs_of_one_epoch_under_other_rules(tmp_path):
    """Each holds, and a venue that chose anew for other readers is found out; the same sums twice are no reason."""
    first = committed(tmp_path / "first", risky_ledger(small=5, large=0))
    again, other = replace(first.copy(tmp_path / "again"), system="mirage"), first.copy(tmp_path / "other")
    classes = other.folder / "private/holdings/classes.npy"
    np.save(classes, np.load(classes) % PORTFOLIO)
    for epoch in (first, again, other):
        epoch.prove()
    more = ("--allow-insecure-setup", "--json", "--out")
    same = zkstate("audit", first.folder, again.folder, *more, tmp_path / "same", believe=False)
    assert same.code == 0, same.out
    done = zkstate("audit", first.folder, again.folder, other.folder, *more, tmp_path / "audit", believe=False)
    assert done.code == 1
    (epoch,) = done.json["epochs"]
    (reason,) = epoch["reasons"]
    assert reason.startswith(f"the copy in {other.public} proves ")
    for words in ("(tiers: 5 accounts; the portfolio rule: 0)", "(tiers: 2 accounts; the portfolio rule: 3)"):
        assert words in reason


def test_the_page_is_whole_escaped_and_asks_for_nothing(chain, tmp_path):
    mirror, epochs = chain
    zkstate("audit", mirror, "--out", tmp_path / "audit", believe=False)
    text = (tmp_path / "audit/report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert page.asks == []
    assert "script" not in page.tags
    assert "&lt;script&gt;alert" in text
    assert not re.search(r"url\(|@import|https?://", text)
    assert re.search(r"p, li \{[^}]*overflow-wrap: anywhere", text)  # hashes stand there, wider than a phone
    assert {"svg", "polyline", "style"} <= set(page.tags)
    owed = f"{positions_profit(epochs[0].ledger) / 10**16:,.6g}"
    assert text.count(f"<span>{owed}</span>") == 3
    for words in (
        "Owed through positions",
        "Not public",
        "Not shown",
        "Something does not hold",
        "prefers-color-scheme",
        "not shown: no proof",
    ):
        assert words in text
    drawn = re.findall(r'<polyline class="(\w+)" points="([^"]+)"', text)
    assert sum(kind == "there" for kind, _ in drawn) == 2 * sum(kind == "owed" for kind, _ in drawn)
    assert all(0 <= float(x) <= 100 for _, points in drawn for pair in points.split() for x in pair.split(","))


def test_a_venue_draws_its_health(chain, tmp_path):
    _, epochs = chain
    done = zkstate("audit", epochs[0].folder, "--holdings", "--out", tmp_path / "audit", "--json", believe=False)
    assert done.code == 0, done.out
    health = done.json["epochs"][0]["health"]
    assert sum(health.values()) == 10
    cross = assess_all(epochs[0].ledger).cross
    assert health["below 1"] == int((~cross.healthy).sum())
    assert "from the venue's own holdings" in (tmp_path / "audit/report.html").read_text()
    none = zkstate("audit", chain[0], "--holdings", "--out", tmp_path / "none", believe=False)
    assert (none.code, "no epoch here has a private part" in none.err) == (2, True)


def test_missing_restated_and_contradicting_epochs(chain, tmp_path):
    _, epochs = chain
    gap = zkstate("audit", epochs[0].folder, epochs[2].folder, "--out", tmp_path / "gap", "--json", believe=False)
    assert (gap.code, gap.json["accepted"], gap.json["missing_epochs"]) == (3, True, [{"first": 2, "last": 2}])
    again = commit(tmp_path / "again", 1)
    both = zkstate("audit", epochs[0].folder, again.folder, "--out", tmp_path / "both", "--json", believe=False)
    assert both.code == 1
    page = (tmp_path / "both/report.html").read_text()
    why, rest = page.index("epoch 1 is stated twice"), page.index("And not everything is shown:")
    assert page.index("Something does not hold") < why < rest < page.index("whether operator key")
    assert "epoch 1 is stated twice, the venue signed both" in both.json["reasons"][0]
    restated = zkstate("audit", again.folder, epochs[1].folder, "--out", tmp_path / "other", "--json", believe=False)
    assert restated.code == 1
    assert "one of them was restated" in restated.json["reasons"][0]
    other = commit(tmp_path / "key", 2, operator=Operator(bytes(range(1, 33)), bytes(range(32))))
    two = zkstate("audit", epochs[0].folder, other.folder, "--out", tmp_path / "two", "--json", believe=False)
    assert two.code == 1
    keys = [each.header.operator_key.hex() for each in (epochs[0], other)]
    assert any(all(key in words for key in keys) for words in two.json["reasons"]), two.json["reasons"]
    same = zkstate("audit", epochs[0].folder, epochs[0].public, "--out", tmp_path / "same", "--json", believe=False)
    assert (same.code, len(same.json["epochs"])) == (0, 1)
    pinned = zkstate("audit", epochs[0].folder, "--header-hash", "00" * 32, "--out", tmp_path / "p", believe=False)
    assert (pinned.code, "is expected" in pinned.out) == (1, True)


def test_a_damaged_proof_or_file_is_told_with_its_epoch(chain, tmp_path):
    _, epochs = chain
    proof = damaged(epochs[0], tmp_path / "a")
    done = zkstate("audit", proof.folder, "--out", tmp_path / "one", "--json", believe=False)
    assert (done.code, "batch 0 of class 4" in done.json["epochs"][0]["reasons"][0]) == (1, True)
    files = epochs[0].copy(tmp_path / "b")
    (files.public / "tables/totals.json").write_bytes(b"{}")
    done = zkstate("audit", files.folder, "--out", tmp_path / "two", "--json", believe=False)
    assert done.code == 1
    assert "totals.json" in done.json["epochs"][0]["reasons"][0]


def audit(tmp_path, *argv):
    """The exit code, audit.json, and the page."""
    out = tmp_path / f"audit-{len(list(tmp_path.glob('audit-*')))}"
    done = zkstate("audit", *argv, "--out", out, "--json", believe=False)
    assert done.json is not None, done.err
    return done.code, done.json, (out / "report.html").read_text()


def damaged(epoch, folder):
    """A copy whose first proof has one bit flipped."""
    copy = epoch.copy(folder)
    path = copy.batches()[0]
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    return copy


def pin(epoch):
    block = json.loads((epoch.folder / "reserves/1.json").read_bytes())["block"]
    return "--block", f"1:0x{keccak(bytes.fromhex(block)).hex()}"


def test_a_block_is_pinned_for_each_epoch_and_every_pin_is_used(chain, tmp_path):
    _, (first, second, third, _) = chain
    folders = [each.folder for each in (first, second, third)]
    code, found, _ = audit(tmp_path, *folders, *pin(first), *pin(third))
    assert (code, found["reasons"]) == (0, [])
    code, found, page = audit(tmp_path, *folders, *pin(first))
    assert [each["accepted"] for each in found["epochs"]] == [True, True, False]
    assert not any(line["covered"] for line in found["epochs"][2]["assets"])
    assert ">covered<" not in page
    code, found, _ = audit(tmp_path, first.folder, *pin(first), *pin(third))
    assert (code, found["reasons"]) == (1, [f"{' '.join(pin(third))}: no reserves are at that block"])
    code, found, _ = audit(tmp_path, second.folder, "--net", *pin(third))
    assert (code, found["reasons"]) == (1, [
        "--block is about reserves, and there are none here", "--net is about reserves, and there are none here"
    ])  # fmt: skip


def test_what_a_pinned_header_and_a_late_start_leave_open(chain, tmp_path):
    _, epochs = chain
    folders = [each.folder for each in epochs[1:3]]
    for epoch, newest in ((epochs[1], True), (epochs[2], False)):
        code, found, _ = audit(tmp_path, *folders, "--header", epoch.public / "header.bin")
        assert code == 0
        assert any("the venue's newest" in words for words in found["not_shown"]) == newest
        assert any("signed no other header" in words for words in found["not_shown"])
        assert "what came before epoch 2, the first of these" in found["not_shown"]


def test_whose_key_signed_is_said_unless_a_header_was_expected(chain, tmp_path):
    """Anyone can make a key, and sign a chain of epochs under another's name."""
    epoch = chain[1][0]
    key = epoch.header.operator_key.hex()
    for pins, told in (((), True), (("--header", epoch.public / "header.bin"), False)):
        code, found, page = audit(tmp_path, epoch.folder, *pins)
        head = page.partition("</header>")[0]
        assert (code, f"whether operator key {key} is that of" in head) == (0, told)
        assert any(f"that operator key {key} is that of" in words for words in found["not_shown"]) == told


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, None),
        ({"epoch": 9}, None),
        ({"time": TIME}, "the registry held header {held} of epoch 1, as the evidence shows, and here it is {here}"),
        ({"venue_name": "Another"}, "and epoch 1 is of <script>"),
    ],
)
def test_evidence_of_a_registry_that_held_another_header(chain, tmp_path, monkeypatch, other, words):
    """Stands behind the block of the reserves, and shows that the venue signed another state for this epoch."""
    epoch = chain[1][0]
    held = sign(replace(epoch.header, **other), OPERATOR.signing_key)
    block = BlockHeader.decode(bytes.fromhex(json.loads((epoch.folder / "reserves/1.json").read_bytes())["block"]))
    trust = Trust("a", "a replay", block.number, block.hash, Finality(1, block.timestamp, bytes(32)), block.timestamp)
    found = SimpleNamespace(signed=held, trust=trust, state=SimpleNamespace(latest_epoch=held.header.epoch))
    monkeypatch.setattr("zkstate.cli.reserves_pins.replayed", lambda *_: found)
    pins = ("--evidence", tmp_path, "--allow-insecure-setup")
    code, told, page = audit(tmp_path, epoch.folder, *pins)
    verdict = zkstate("verify", epoch.public, *pins[:2], "--json", believe=False)
    assert (code, verdict.code) == ((0, 0) if words is None else (1, 1))
    for reasons in (told["reasons"], verdict.json["reasons"]):
        if words is None:
            assert reasons == []
        else:
            assert words.format(held=held.header.hash.hex(), here=epoch.header.hash.hex()) in reasons[0]
    assert "whether operator key" not in page
    later = f"the registry held epoch {held.header.epoch} already, as the evidence shows, and the last here is 1"
    assert (later in page.partition("</header>")[0]) == (held.header.epoch > 1)
    assert any(later in each for each in told["not_shown"]) == (held.header.epoch > 1)


@pytest.mark.parametrize(("number", "newest"), [(2, 2), (2, 3), (9, 9)])
def test_evidence_of_a_registry_stands_behind_headers_without_reserves(chain, tmp_path, monkeypatch, number, newest):
    epoch = chain[1][1]
    assert not (epoch.folder / "reserves").exists()
    held = epoch.header if number == 2 else replace(epoch.header, epoch=number)
    trust = Trust("a", "a replay", 7, bytes(32), Finality(1, TIME, bytes(32)), TIME)
    state = SimpleNamespace(latest_epoch=newest)
    found = SimpleNamespace(signed=sign(held, OPERATOR.signing_key), trust=trust, state=state)
    monkeypatch.setattr("zkstate.cli.reserves_pins.replayed", lambda *_: found)
    code, told, page = audit(tmp_path, epoch.folder, "--evidence", tmp_path)
    words = (
        "--evidence ends in block 7 of chain 1: no reserves are at that block, and the header of epoch 9 that the "
        "registry held is not here"
    )
    assert (code, told["reasons"]) == ((0, []) if number == 2 else (1, [words]))
    registry = told["registry"]
    assert (registry["epoch"], registry["newest_epoch"], registry["chain_id"]) == (number, newest, 1)
    assert (registry["header_hash"], registry["trust"]["level"]) == (held.hash.hex(), "a")
    assert f"The registry held epoch {number}, header {held.hash.hex()}, and epoch {newest} as its newest" in page
    assert ("what the venue published after the block that the evidence ends in" in told["not_shown"]) == (newest == 2)
    assert ("that the newest of these epochs is the venue's newest" in told["not_shown"]) == (newest != 2)


def test_files_of_one_epoch_that_are_gone_or_malformed_end_no_audit(chain, tmp_path):
    mirror, _ = chain
    for number, (change, words) in enumerate((
        (lambda at: (at / "epochs/00000002/manifest.json").unlink(), "manifest.json"),
        (lambda at: (at / "epochs/00000002/header.bin").write_bytes(b"none"), "header.bin"),
        (lambda at: (at / "epochs/00000005").mkdir(), "00000005: there is no header.bin"),
        (lambda at: (at / "reserves/00000001/7.json").write_bytes(b"{}"), "7.json"),
        (lambda at: (at / "reserves/00000001/1.json").unlink(), "1.json: missing"),
        (lambda at: (at / "solvency/00000002/solvency.json").write_bytes(b"{}"), "solvency.json"),
    )):  # fmt: skip
        shutil.copytree(mirror, at := tmp_path / str(number))
        change(at)
        shutil.rmtree(at / "epochs/00000004")
        code, found, _ = audit(tmp_path, at)
        reasons = [*found["reasons"], *(words for each in found["epochs"] for words in each["reasons"])]
        assert code == 1
        assert any(words in reason for reason in reasons), reasons
        assert found["epochs"][-1]["accepted"]


def linked(path):
    """A link to the file in its place."""
    path.rename(aside := path.parents[2] / f"aside-{path.name}")
    path.symlink_to(aside)


def emptied(folder):
    """An empty file in place of a folder."""
    shutil.rmtree(folder)
    folder.write_bytes(b"")


def unlisted(folder):
    """Without the index, which would tell of everything else."""
    (folder / "index.json").unlink()
    return folder


def nested(folder):
    """Folders in folders, further down than a path can name."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=at)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda at: nested(at / "epochs/00000002"), "cannot be listed: File name too long"),
        (lambda at: nested(at / "solvency/00000002"), "cannot be listed: File name too long"),
        (lambda at: nested(at / "reserves/00000001"), "cannot be listed: File name too long"),
        (lambda at: linked(at / "epochs/00000002/manifest.json"), "manifest.json is a link"),
        (lambda at: linked(unlisted(at / "solvency/00000001") / "solvency.json"), "solvency.json is a link"),
        (lambda at: (at / "solvency/00000001/index.json").write_bytes(b"{}"), "index.json"),
        (lambda at: linked(at / "solvency/00000001/index.json"), "index.json is a link"),
        (lambda at: linked(unlisted(at / "reserves/00000001") / "1.json"), "1.json is a link"),
        (lambda at: linked(at / "reserves/00000001/index.json"), "index.json is a link"),
        (lambda at: emptied(at / "solvency/00000001"), "there is no solvency.json"),
        (lambda at: emptied(at / "reserves/00000001"), "reserves/00000001: "),
        (lambda at: (at / "epochs/00000009").symlink_to("nowhere"), "00000009: there is no header.bin"),
        (lambda at: (at / "epochs/00000009").write_bytes(b""), "00000009"),
        (lambda at: (at / "epochs/00000002").rename(at / "epochs/00000009"), "it is epoch 2, which has its place in"),
    ],
)
def test_what_is_no_file_or_not_in_its_place_ends_no_audit(chain, tmp_path, change, words):
    """And is false, not missing: the exit code 3 says that nothing is false."""
    shutil.copytree(chain[0], at := tmp_path / "mirror")
    shutil.rmtree(at / "epochs/00000004")
    change(at)
    code, found, page = audit(tmp_path, at)
    told = [*found["reasons"], *(reason for each in found["epochs"] for reason in each["reasons"])]
    assert (code, any(words in reason for reason in told)) == (1, True), told
    assert "Something does not hold." in page


def test_a_name_that_is_no_text_ends_no_audit(chain, tmp_path):
    epoch = chain[1][0].copy(tmp_path)
    (epoch.public / os.fsdecode(b"\xff.bin")).touch()
    code, found, _ = audit(tmp_path, epoch.folder)
    assert (code, "?.bin: extra" in found["epochs"][0]["reasons"][0]) == (1, True)
    told = zkstate("verify", epoch.public, "--json", believe=False)
    assert (told.code, "?.bin: extra" in told.json["reasons"][0]) == (1, True)


def test_a_first_epoch_goes_on_from_nothing(chain, tmp_path):
    epoch = chain[1][0].copy(tmp_path)
    later = replace(epoch.header, previous_state_root=chain[1][1].header.state_root)
    (epoch.public / "header.bin").write_bytes(sign(later, OPERATOR.signing_key).encode())
    code, found, _ = audit(tmp_path, epoch.folder)
    assert code == 1
    assert "it is the first, and goes on from state root" in found["epochs"][0]["reasons"][0]


def test_the_verdict_is_not_read_without_what_it_leaves_open(chain, tmp_path):
    """A chain that nothing contradicts: unproved, unreserved, and reserved at blocks that a venue can make up."""
    _, epochs = chain
    for folders, pins, words in (
        (epochs[:2], (), ("no reserves are here for epoch 2", "reserves of epoch 1 are the word of the venue")),
        (
            epochs[1:3],
            (),
            ("no proof of solvency that holds is here for epoch 3", "no reserves are here for epoch 2"),
        ),
    ):
        code, found, page = audit(tmp_path, *(each.folder for each in folders), *pins)
        head = page.partition("</header>")[0]
        assert (code, found["reasons"]) == (0, [])
        assert "All that was checked holds, and not everything is shown:" in head
        assert all(each in head for each in words), head
    (tmp_path / "tokens").write_text(
        json.dumps(json.loads((epochs[0].folder / "reserves/1.json").read_text())["tokens"])
    )
    words = "covered, if words are believed"
    for pins, plain, by_word in (
        ((), False, True),
        (pin(epochs[0]), False, True),
        ((*pin(epochs[0]), "--tokens", tmp_path / "tokens"), True, False),
    ):
        code, found, page = audit(tmp_path, epochs[0].folder, "--header", epochs[0].public / "header.bin", *pins)
        assert (code, found["epochs"][0]["reserves"]["by_word"]) == (0, by_word)
        assert ("All that was checked holds.</p>" in page, words in page) == (plain, by_word)
        assert any("that block 7 of chain 1 is one of that chain" in each for each in found["not_shown"]) == (not pins)


def test_a_proof_that_does_not_hold_is_not_drawn_and_every_copy_is_judged(chain, tmp_path):
    _, epochs = chain
    bad = damaged(epochs[0], tmp_path / "bad")
    code, found, page = audit(tmp_path, bad.folder)
    assert (code, found["epochs"][0]["solvency"]) == (1, None)
    assert "which lack" not in page
    assert "solvency: not shown" in page
    assert any("no proof of solvency that holds" in words for words in found["not_shown"])
    for folders in ((epochs[0].folder, bad.folder), (bad.folder, epochs[0].folder)):
        code, found, _ = audit(tmp_path, *folders)
        assert (code, len(found["epochs"])) == (1, 1)
        assert "batch 0 of class 4" in found["epochs"][0]["reasons"][0]


def test_an_epoch_dated_ahead_and_a_wide_gap(chain, tmp_path):
    _, epochs = chain
    ahead = commit(tmp_path / "ahead", 50_000, epochs[0].header)
    code, found, _ = audit(tmp_path, ahead.folder)
    assert (code, "in the future" in found["epochs"][0]["reasons"][0]) == (1, True)
    far = commit(tmp_path / "far", 9, replace(epochs[0].header, epoch=3_000_000))
    code, found, page = audit(tmp_path, epochs[0].folder, far.folder)
    assert (code, found["missing_epochs"]) == (3, [{"first": 2, "last": 3_000_000}])
    assert "epochs are missing: 2 to 3000000." in page


def test_a_record_key_that_outlives_its_hour_is_told(tmp_path):
    """The same randomness, so the same key: a minute later in one hour, and a day later."""
    made = replace(ledger(small=10, large=0), venue=NAME)
    hour = TIME - TIME % 3600
    previous, folders = None, []
    for number, at in enumerate([hour, hour + 3599, hour + 3600], start=1):
        folders.append(tmp_path / f"epoch-{number}")
        previous = write_epoch(
            replace(made, time=at), OPERATOR, folders[-1], previous=previous, entropy=lambda size: b"\x31" * size
        ).signed.header
    code, found, _ = audit(tmp_path, *folders[:2])
    assert (code, found["reasons"]) == (0, [])
    code, found, _ = audit(tmp_path, *folders)
    assert (code, found["reasons"]) == (
        1, [f"epochs 1 and 3, of two hours, have one record key, {previous.record_key.hex()}"],
    )  # fmt: skip


def test_assets_that_are_short_are_drawn_first(chain, tmp_path, monkeypatch):
    """With room for one asset, it is the one that is short, and the page says how many it leaves out."""
    made = commit(tmp_path / "made", 1)
    world = holding(made)
    write(made, world)
    code, found, _ = audit(tmp_path, made.folder)
    assert code == 0
    worth = {line["symbol"]: line["owed"] for line in found["epochs"][0]["assets"]}
    chosen = min(worth, key=lambda symbol: (float(worth[symbol]), symbol))
    listed = [each for each in TOKENS if each.symbol != chosen]
    less = reserves(made.header, world, controlled(made.header, keys=KEYS[:2]), listed, native=None)
    (made.folder / "reserves/1.json").write_bytes(less.encode())
    monkeypatch.setattr("zkstate.cli.audit_report.MOST_ASSETS", 1)
    code, found, page = audit(tmp_path, made.folder)
    assert code == 1
    assert f"<h3>{chosen}</h3>" in page
    assert "2 more assets are in audit.json; 0 of them are short" in page


def test_a_page_says_what_is_covered_only_if_debts_are_paid(tmp_path):
    """Whoever asks for the comparison is not all who read its page."""
    made = commit(tmp_path / "made", 1)
    table, totals = made.ledger.table, made.ledger.totals()
    amounts = {
        each: max(0, totals.credits[i] - totals.debits[i])
        for each in TOKENS
        for i in (table.by_symbol(each.symbol).id - 1,)
    }
    owing = [each for each in TOKENS if totals.debits[table.by_symbol(each.symbol).id - 1]]
    assert owing
    tokens = [(each, {ADDRESSES[0]: amount}) for each, amount in amounts.items()]
    world = Chain(dict.fromkeys(ADDRESSES[:2], 10**18), tokens, time=made.header.time)
    write(made, world)
    head = "cover what is owed only if accounts pay what they owe"
    for net, code in ((("--net",), 0), ((), 1)):
        found, _, page = audit(tmp_path, made.folder, *net, *pin(made))
        assert found == code
        assert page.count("covered, if debts are paid") == len(owing) * bool(net)
        assert (head in page.partition("</header>")[0]) == bool(net)


def test_what_draws_the_page_is_asked_for_before_anything_is_judged(chain, tmp_path, monkeypatch):
    def never(*_):
        raise AssertionError("a proof was judged")

    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setattr("zkstate.cli.audit.audit_chain", never)
    done = zkstate("audit", chain[0], "--out", tmp_path / "out", believe=False)
    assert (done.code, "needs jinja2" in done.err) == (5, True)


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("audit", "EPOCH"), 2, "give --out"),
        (("audit", "TMP", "--out", "OUT"), 2, "is no mirror, no epoch"),
        (("audit", "EPOCH", "--out", "TMP"), 5, "exists already"),
        (("audit", "EPOCH", "--out", "OUT", "--reserves", "TMP"), 2, "leave --reserves out"),
        (("audit", "EPOCH", "--out", "OUT", "--header", "HEADER", "--header-hash", "00" * 32), 2, "--header-hash says"),
    ],
)
def test_what_cannot_be_audited(chain, tmp_path, argv, code, words):
    places = {"EPOCH": chain[1][0].folder, "TMP": tmp_path, "OUT": tmp_path / "out"}
    places["HEADER"] = chain[1][0].public / "header.bin"
    done = zkstate(*(places.get(each, each) for each in argv), believe=False)
    assert (done.code, words in done.err) == (code, True), done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("65343740662946499367855e-16", "6,534,374"),
        ("-65343740662946499367855e-16", "-6,534,374"),
        ("-269745.864", "-269,745.864"),
        ("0.0123456789012345", "0.0123457"),
        ("99999.123456789", "99,999.1"),
        ("1234567890123456789", "1.23457e+18"),
    ],
)
def test_amounts_that_people_read(amount, words):
    assert short(Fraction(amount)) == words
