"""A solvency proof on mirrors: carried, found, fetched over HTTP, held to its index; and an account in it."""

import json
import shutil

import pytest

from lightclient.bundle import Bundle
from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from tests.cli.program import tree, zkstate
from tests.publication.servers import static
from tests.publication.venue import OPERATOR
from tests.solvency.venue import commit, ledger
from zkstate.errors import DisagreementError, EncodingError
from zkstate.publication.annex import MAX_INDEX_BYTES, Index
from zkstate.publication.header import SignedHeader
from zkstate.publication.mirrors import FolderMirror
from zkstate.solvency.carried import most_bytes
from zkstate.state.decimals import render


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """An epoch, its proof and a mirror with both."""
    root = tmp_path_factory.mktemp("scene")
    epoch = commit(root / "epoch", ledger(small=6, large=2))
    mirror = root / "mirror"
    assert zkstate("publish", epoch.folder, "--mirror", mirror).code == 0
    assert not (mirror / "solvency").exists()
    epoch.prove(rows=16)
    done = zkstate("publish", epoch.folder, "--mirror", mirror, "--json")
    assert done.code == 0, done.err
    assert [copy["already"] for copy in done.json["mirrors"]] == [True, False]
    return epoch, mirror


def published(mirror):
    return mirror / "epochs/00000001", mirror / "solvency/00000001"


def files(epoch, out, *places):
    mirrors = [part for place in places for part in ("--mirror", place)]
    return zkstate("recover", "--files", *mirrors, "--header", epoch.public / "header.bin", "--out", out, "--json")


def test_inspect_finds_the_proof_of_an_epoch_on_a_mirror(scene):
    epoch, mirror = scene
    for place in (epoch.folder, *published(mirror)):
        shown = zkstate("inspect", place, "--json").json
        assert [(each["rows"], each["accounts"]) for each in shown["counted"]] == [(4, 6), (8, 2)]


def test_what_is_carried_is_the_proof_byte_for_byte(scene):
    epoch, mirror = scene
    copied = tree(published(mirror)[1])
    index = json.loads(copied.pop("index.json"))
    assert copied == tree(epoch.proof)
    assert [each["path"] for each in index["files"]] == sorted(copied)
    assert index["header_hash"] == epoch.header.hash.hex()
    again = zkstate("publish", epoch.folder, "--mirror", mirror, "--json")
    assert [copy["already"] for copy in again.json["mirrors"]] == [True, True]


def test_verify_finds_it_beside_the_epoch(scene):
    epoch, mirror = scene
    verdict = zkstate("verify", published(mirror)[0], "--jobs", "2", "--json", believe=False)
    assert (verdict.code, verdict.json["kind"], verdict.json["batches"]) == (0, "solvency", len(epoch.batches()))


def test_an_unfinished_or_another_proof_is_not_carried(scene, tmp_path):
    epoch, _ = scene
    other = epoch.copy(tmp_path)
    (other.proof / "solvency.json").unlink()
    done = zkstate("publish", other.folder, "--mirror", tmp_path / "mirror", "--json")
    assert (done.code, len(done.json["mirrors"])) == (0, 1)
    claim = json.loads((epoch.proof / "solvency.json").read_bytes()) | {"header_hash": "00" * 32}
    (other.proof / "solvency.json").write_bytes(json.dumps(claim, separators=(",", ":")).encode())
    done = zkstate("publish", other.folder, "--mirror", tmp_path / "mirror")
    assert (done.code, "is a proof about header" in done.err) == (4, True)


def test_another_proof_is_not_put_in_its_place(scene, tmp_path):
    epoch, mirror = scene
    other = epoch.copy(tmp_path)
    path = other.batches()[0]
    path.write_bytes(path.read_bytes()[::-1])
    before = tree(mirror)
    done = zkstate("publish", other.folder, "--mirror", mirror)
    assert (done.code, "never replaced" in done.err) == (4, True)
    assert tree(mirror) == before
    shutil.copytree(mirror, tmp_path / "damaged")
    victim = min(published(tmp_path / "damaged")[1].rglob("batches/*/*.bin"))
    victim.write_bytes(victim.read_bytes()[:-1] + bytes([victim.read_bytes()[-1] ^ 1]))
    done = zkstate("publish", epoch.folder, "--mirror", tmp_path / "damaged")
    assert (done.code, "differs from its index" in done.err) == (4, True)
    verdict = zkstate("verify", published(tmp_path / "damaged")[0], "--json", believe=False)
    assert verdict.code == 1
    assert any(": sha256: expected" in reason for reason in verdict.json["reasons"])


def test_all_of_it_over_http(scene, tmp_path):
    epoch, mirror = scene
    with static(mirror) as url:
        done = files(epoch, tmp_path / "out", url)
    assert (done.code, done.json["annexes"]) == (0, ["solvency"]), done.err
    assert tree(tmp_path / "out/public") == tree(epoch.public)
    assert tree(tmp_path / "out/solvency") == tree(published(mirror)[1])
    assert zkstate("verify", tmp_path / "out", believe=False).code == 0


def test_a_mirror_with_a_false_proof_and_an_index_of_it_is_passed_over(scene, tmp_path):
    epoch, mirror = scene
    forged = epoch.copy(tmp_path)
    path = forged.batches()[0]
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    assert zkstate("publish", forged.folder, "--mirror", tmp_path / "liar").code == 0
    done = files(epoch, tmp_path / "out", tmp_path / "liar", mirror)
    assert (done.code, done.json["annexes"]) == (0, ["solvency"])
    assert f"{tmp_path / 'liar'}: the solvency files do not hold" in done.err
    assert tree(tmp_path / "out/solvency") == tree(published(mirror)[1])
    alone = files(epoch, tmp_path / "alone", tmp_path / "liar")
    assert alone.code == 0
    assert zkstate("verify", tmp_path / "alone", believe=False).code == 1
    shutil.copytree(tmp_path / "liar", tmp_path / "second")
    victim = min(published(tmp_path / "second")[1].rglob("batches/*/*.bin"))
    victim.write_bytes(b"")
    none = files(epoch, tmp_path / "none", tmp_path / "second", tmp_path / "liar", published(mirror)[0])
    assert none.code == 0
    (tmp_path / "second/solvency/00000001/classes.bin").unlink()
    (tmp_path / "liar/solvency/00000001/classes.bin").unlink()
    none = files(epoch, tmp_path / "nothing", tmp_path / "second", tmp_path / "liar")
    assert (none.code, none.json["annexes"]) == (0, [])
    assert "solvency is not brought" in none.err
    assert not (tmp_path / "nothing/solvency").exists()


def test_an_index_bounds_what_is_read(scene):
    epoch, mirror = scene
    content = (published(mirror)[1] / "index.json").read_bytes()
    header = SignedHeader.decode((epoch.public / "header.bin").read_bytes()).header
    assert Index.decode(content, header, most_bytes).encode() == content
    index = json.loads(content)

    def changed(**members):
        files = [each | members if each["path"] == "classes.bin" else each for each in index["files"]]
        return json.dumps(index | {"files": files}, separators=(",", ":")).encode()

    count = header.account_count
    with pytest.raises(EncodingError, match=f"classes.bin has {count + 1} bytes; the limit is {count}"):
        Index.decode(changed(size=count + 1), header, most_bytes)
    for path in ("classes.bio", "../classes.bin", "header.bin"):
        with pytest.raises(EncodingError):
            Index.decode(changed(path=path), header, most_bytes)
    for bad in (content + b" ", content[:-1], b"[]", b"\xff", json.dumps(index).encode()):
        with pytest.raises(EncodingError, match=r"index\.json"):
            Index.decode(bad, header, most_bytes)
    other = json.dumps(index | {"header_hash": "11" * 32}, separators=(",", ":")).encode()
    with pytest.raises(DisagreementError, match="is of header 1111"):
        Index.decode(other, header, most_bytes)
    assert MAX_INDEX_BYTES == 64 << 20


@pytest.fixture(scope="module")
def trader(scene, tmp_path_factory):
    """A key, the bundle recovered with it, and what it holds as options."""
    epoch, mirror = scene
    folder = tmp_path_factory.mktemp("trader")
    name = epoch.ledger.names[3]
    key = OPERATOR.account_key(name)
    key.write(folder / "key")
    signed = SignedHeader.decode((epoch.public / "header.bin").read_bytes())
    bundle = recover(key, [FolderMirror(mirror)], PinnedHeader(signed)).bundle
    bundle.write(folder / "account.json")
    table = epoch.ledger.table
    rows = {table[r.instrument].symbol: render(r.amount, table[r.instrument].decimals) for r in epoch.ledger.rows_of(3)}
    return folder, rows


def held(rows):
    return [part for symbol, amount in rows.items() for part in ("--holds", f"{symbol}={amount}")]


def test_an_account_finds_itself_counted(scene, trader):
    epoch, mirror = scene
    folder, rows = trader
    place = published(mirror)[0]
    for options in (
        ("--account-key", folder / "key", *held(rows)),
        ("--account", folder / "account.json", *held(rows)),
        ("--account", folder / "account.json", "--account-key", folder / "key"),
    ):
        verdict = zkstate("verify", place, *options, "--json", believe=False)
        assert verdict.code == 0, verdict.out
        assert {row["symbol"]: row["amount"] for row in verdict.json["account"]["rows"]} == rows
        assert verdict.json["account_batch"].startswith("batch ")
    told = zkstate("verify", place, "--account-key", folder / "key", believe=False)
    kinds = {i.symbol: i.kind for i in epoch.ledger.table.instruments}
    for symbol in rows:
        assert (f"{symbol}, a position ({kinds[symbol]})" in told.out) == (kinds[symbol] != "asset")
    assert "your account" in told.out
    assert "counted in" in told.out
    without = zkstate("verify", epoch.public, "--account-key", folder / "key", believe=False)
    assert without.code == 0
    assert "no proof of solvency" in without.out


def test_an_account_that_is_not_what_its_owner_thinks(scene, trader, tmp_path):
    _, mirror = scene
    folder, rows = trader
    place, symbols = published(mirror)[0], list(rows)
    wrong = zkstate("verify", place, "--account-key", folder / "key", *held(rows | {symbols[0]: "0.5"}), believe=False)
    assert wrong.code == 1
    assert f"{symbols[0]}, and you say 0.5" in wrong.out
    fewer = zkstate("verify", place, "--account-key", folder / "key", "--holds", f"{symbols[0]}=0", believe=False)
    assert fewer.code == 1
    nobody = tmp_path / "key"
    assert zkstate("recover", "--new-key", nobody).code == 0
    missing = zkstate("verify", place, "--account-key", nobody, "--json", believe=False)
    assert (missing.code, missing.json["account"]) == (1, None)
    assert "the account of this key" in missing.json["reasons"][0]
    two = zkstate("verify", place, "--account-key", nobody, "--account", folder / "account.json", believe=False)
    assert two.code == 1


def test_a_leaf_that_another_account_stands_for(scene, trader, tmp_path):
    """The classes and bounds of one leaf changed: what the batches then fail at is told apart from the account."""
    epoch, _ = scene
    account = Bundle.read(trader[0] / "account.json").account
    other = epoch.copy(tmp_path)
    bounds = bytearray((other.proof / "bounds.bin").read_bytes())
    at = 31 * (account.index + 1)
    if at < len(bounds):
        bounds[at : at + 31] = account.id.to_bytes(31)
        (other.proof / "bounds.bin").write_bytes(bounds)
        assert "is not between its bounds" in other.verify().counted.coverage(account).reasons[0]
    classes = bytearray((epoch.proof / "classes.bin").read_bytes())
    classes[account.index] = next(n for n in set(classes) if n != account.size_class)
    shutil.copy(epoch.proof / "bounds.bin", other.proof / "bounds.bin")
    (other.proof / "classes.bin").write_bytes(classes)
    reasons = other.verify().counted.coverage(account).reasons
    assert any("is counted in class" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--holds", "USD=1"), "give --account-key"),
        (("--account-key", "KEY", "--holds", "USD=1", "--holds", "USD=2"), "names an instrument twice"),
        (("--account-key", "KEY", "--holds", "NONE=1"), "no instrument has the symbol 'NONE'"),
        (("--account-key", "KEY", "--holds", "USD"), "is not SYMBOL=AMOUNT"),
        (("--account", "BUNDLE", "--unlock", "KEY"), "--unlock is for --account-key"),
    ],
)
def test_options_about_an_account(scene, trader, argv, words):
    places = {"KEY": trader[0] / "key", "BUNDLE": trader[0] / "account.json"}
    argv = [places.get(each, each) for each in argv]
    done = zkstate("verify", scene[0].folder, *argv, believe=False)
    assert (done.code, words in done.err) == (2, True), done.err


def test_a_store_gets_the_index_last(scene, tmp_path):
    pytest.importorskip("fsspec")
    epoch, mirror = scene
    place = f"memory://{tmp_path.name}-{epoch.header.hash.hex()[:8]}"
    for already in (False, True):
        done = zkstate("publish", epoch.folder, "--mirror", place, "--json")
        assert [copy["already"] for copy in done.json["mirrors"]] == [already, already], done.err
    assert files(epoch, tmp_path / "out", place).json["annexes"] == ["solvency"]
    assert tree(tmp_path / "out/solvency") == tree(published(mirror)[1])
    other = epoch.copy(tmp_path)
    other.batches()[0].write_bytes(b"")
    done = zkstate("publish", other.folder, "--mirror", place)
    assert (done.code, "never replaced" in done.err) == (4, True)
