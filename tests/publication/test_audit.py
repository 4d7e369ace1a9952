import shutil
from dataclasses import replace

import pytest

from tests.publication.venue import OPERATOR, ledger
from zkstate.publication.audit import audit_folder
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import sign
from zkstate.publication.layout import TOTALS
from zkstate.publication.manifest import Manifest
from zkstate.publication.tables import decode_totals, encode_totals
from zkstate.state.commit import totals_root
from zkstate.state.ledger import Totals


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return write_epoch(ledger(300), OPERATOR, tmp_path_factory.mktemp("epoch") / "out")


def republish(snapshot, folder, damage, **changes):
    """The epoch after some damage by the venue itself, which lists and signs what it then has."""
    shutil.copytree(snapshot.public, folder)
    damage(folder)
    (folder / "manifest.json").unlink()
    manifest = Manifest.of_folder(folder)
    header = replace(snapshot.signed.header, data_root=manifest.root, **changes)
    signed = sign(header, OPERATOR.signing_key)
    (folder / "manifest.json").write_bytes(manifest.encode())
    (folder / "header.bin").write_bytes(signed.encode())
    return signed


def test_an_honest_epoch_has_no_findings(snapshot):
    seen = {}
    assert audit_folder(snapshot.public, snapshot.signed, lambda s, d, t: seen.update({s: (d, t)})) == []
    assert seen["match records"][0] == seen["match records"][1] > 1


def test_damage_on_the_way_is_found_first(snapshot, tmp_path):
    shutil.copytree(snapshot.public, tmp_path / "epoch")
    (tmp_path / "epoch/tables/totals.json").unlink()
    found = audit_folder(tmp_path / "epoch", snapshot.signed)
    assert [(f.kind, f.path) for f in found] == [("missing", "tables/totals.json")]


def test_totals_that_leave_the_last_instrument_out(snapshot, tmp_path):
    totals = decode_totals((snapshot.public / TOTALS).read_bytes())
    fewer = Totals(totals.credits[:-1], totals.debits[:-1])
    root = totals_root(fewer.credits, fewer.debits)
    content = encode_totals(fewer)
    signed = republish(snapshot, tmp_path / "epoch", lambda at: (at / TOTALS).write_bytes(content), totals_root=root)
    (found,) = audit_folder(tmp_path / "epoch", signed)
    assert (found.kind, found.path) == ("root", TOTALS)
    assert "has 79 instruments, and the table 80" in found.found


def swap_leaves(folder):
    path = folder / "tiles/0/000000.bin"
    data = path.read_bytes()
    path.write_bytes(data[32:64] + data[:32] + data[64:])


def break_node(folder):
    path = folder / "tiles/1/000000.bin"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def unfield(folder):
    path = folder / "tiles/0/000001.bin"
    path.write_bytes(b"\xff" * 32 + path.read_bytes()[32:])


def full(folder):
    return [path for path in sorted(folder.glob("records/*.bin")) if path.stat().st_size]


def first_full(folder):
    return full(folder)[0]


def drop_bucket(folder):
    first_full(folder).write_bytes(b"")


def cut_bucket(folder):
    path = first_full(folder)
    path.write_bytes(path.read_bytes()[:-1])


def relabel_record(folder):
    path = first_full(folder)
    data = bytearray(path.read_bytes())
    data[17:49] = bytes(32)
    path.write_bytes(data)


def duplicate_leaf(folder):
    one, two = full(folder)[:2]
    data = bytearray(two.read_bytes())
    data[17:49] = one.read_bytes()[17:49]
    two.write_bytes(data)


def table(name):
    def damage(folder):
        path = folder / f"tables/{name}.json"
        path.write_bytes(path.read_bytes().replace(b'"1', b'"2', 1))

    return damage


def drop_scenarios(folder):
    (folder / "tables/scenarios.json").unlink()


@pytest.mark.parametrize(
    ("damage", "kind", "where"),
    [
        (swap_leaves, "root", "tiles/0"),
        (break_node, "node", "tiles/1/000000.bin"),
        (unfield, "node", "tiles/0"),
        (drop_bucket, "record", "records"),
        (cut_bucket, "record", "records/"),
        (relabel_record, "record", "records/"),
        (duplicate_leaf, "record", "records/"),
        (table("totals"), "root", "tables/totals.json"),
        (table("orderbook"), "root", "tables/orderbook.json"),
        (table("instruments"), "root", "tables/instruments.json"),
        (table("scenarios"), "root", "tables/scenarios.json"),
        (drop_scenarios, "root", "tables/scenarios.json"),
    ],
)
def test_a_venue_that_signs_files_it_did_not_commit_to_is_found(snapshot, tmp_path, damage, kind, where):
    signed = republish(snapshot, tmp_path / "epoch", damage)
    found = audit_folder(tmp_path / "epoch", signed)
    assert found
    assert found[0].kind == kind
    assert found[0].path.startswith(where)


def test_scenarios_that_no_header_commits_to_are_found(snapshot, tmp_path):
    signed = republish(snapshot, tmp_path / "epoch", lambda folder: None, scenarios_root=0)
    (found,) = audit_folder(tmp_path / "epoch", signed)
    assert (found.kind, found.path, found.found) == ("root", "tables/scenarios.json", "a table")


def test_a_wrong_count_is_found(snapshot, tmp_path):
    signed = republish(snapshot, tmp_path / "epoch", lambda folder: None, account_count=299)
    (found,) = audit_folder(tmp_path / "epoch", signed)
    assert (found.kind, found.path) == ("size", "tiles/0")
    assert "299" in found.expected
