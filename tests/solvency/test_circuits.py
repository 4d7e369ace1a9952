"""The circuits that ceremonies for solvency batches are held for: those that are proved, from published files alone."""

import shutil

import numpy as np
import pytest

from tests.solvency.venue import commit, ledger, risky_ledger
from zkstate.constraint.compiler import build
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.proof import r1cs_file
from zkstate.publication.epoch import PRIVATE
from zkstate.publication.holdings import HOLDINGS, Holdings
from zkstate.solvency.circuits import EpochFiles, circuit_of
from zkstate.solvency.files import CLAIM, CLASSES, Claim
from zkstate.solvency.plan import LAYOUTS
from zkstate.solvency.workshop import Job, Workshop
from zkstate.state.schema import PORTFOLIO

ROWS = {"groth16": 8, "mirage": 32}


@pytest.fixture(scope="module")
def epoch(tmp_path_factory):
    return commit(tmp_path_factory.mktemp("venue") / "epoch", ledger(small=5, large=2))


def files_of(epoch):
    return EpochFiles(epoch.public, epoch.proof, epoch.folder / PRIVATE / HOLDINGS)


def claimed(epoch, to, system, sizes):
    """The epoch as published with a finished proof, whose batches nobody looks at here."""
    copied = epoch.copy(to)
    classes = np.asarray(Holdings.open(copied.folder / PRIVATE / HOLDINGS).parts.classes).tobytes()
    shutil.rmtree(copied.folder / PRIVATE)
    copied.proof.mkdir()
    (copied.proof / CLASSES).write_bytes(classes)
    (copied.proof / CLAIM).write_bytes(Claim.of(copied.header, system, sizes, 0, 0, 0).encode())
    return copied


@pytest.mark.parametrize("system", list(ROWS))
def test_batches_are_cut_as_they_are_proved(epoch, system):
    shop = Workshop(Job(epoch.folder, system, ROWS[system], None, b""))
    assert files_of(epoch).sizes(shop.table, system, ROWS[system]) == shop.plan.sizes
    usual = Workshop(Job(epoch.folder, system, LAYOUTS[system].usual, None, b""))
    assert files_of(epoch).sizes(shop.table, system, None) == usual.plan.sizes


@pytest.mark.parametrize("system", list(ROWS))
def test_a_finished_proof_says_how_its_batches_are_cut(epoch, system, tmp_path):
    shops = {each: Workshop(Job(epoch.folder, each, LAYOUTS[each].usual, None, b"")) for each in ROWS}
    other, table, sizes = "mirage" if system == "groth16" else "groth16", shops[system].table, {4: 1, 8: 1}
    found = files_of(claimed(epoch, tmp_path, system, sizes))
    assert shops[system].plan.sizes != sizes
    assert found.sizes(table, system, None) == sizes
    assert found.sizes(table, system, LAYOUTS[system].usual) == shops[system].plan.sizes
    assert found.sizes(table, other, None) == shops[other].plan.sizes


def test_the_circuits_are_those_that_verifiers_build(epoch):
    found = list(files_of(epoch).circuits("groth16", ROWS["groth16"]))
    table = Workshop(Job(epoch.folder, "groth16", 8, None, b"")).table
    assert [(each.kind, each.n_committed) for each in found] == [(4, 0), (8, 0)]
    for each in found:
        statement = table.statement(each.kind, each.accounts)
        assert each.digest == r1cs_file.digest(build(statement).r1cs)
        assert each.name == f"batch-{each.kind}x{each.accounts}-e{len(table)}"
    (small, _) = files_of(epoch).circuits("mirage", ROWS["mirage"])
    unrolled = table.unrolled(4, small.accounts)
    assert (small.name, small.n_committed) == (table.unrolled_name(4, small.accounts), unrolled.n_committed)
    assert small.digest == r1cs_file.circuit_digest(unrolled.r1cs, unrolled.n_committed)
    assert 0 < small.n_committed < unrolled.n_wires - unrolled.n_public - 1


def test_a_class_of_the_portfolio_rule_has_a_circuit_by_mirage_alone(tmp_path):
    risky = commit(tmp_path / "epoch", risky_ledger(small=3, large=0))
    with pytest.raises(LengthError, match="no circuit of groth16 judges it"):
        list(files_of(risky).circuits("groth16", None))
    table = Workshop(Job(risky.folder, "mirage", 32, None, b"")).table
    sizes = files_of(risky).sizes(table, "mirage", 32)
    assert sorted(sizes) == [4, 4 + PORTFOLIO]
    accounts = sizes[4 + PORTFOLIO]
    assert circuit_of(table, 4 + PORTFOLIO, accounts, "mirage").name == table.unrolled_name(4 + PORTFOLIO, accounts)


def test_what_is_no_epoch_of_classes_is_refused(epoch, tmp_path):
    bare = epoch.copy(tmp_path / "bare")
    shutil.rmtree(bare.folder / PRIVATE)
    with pytest.raises(InputError, match="holdings"):
        list(files_of(bare).circuits("groth16", None))
    proved = claimed(epoch, tmp_path / "proved", "groth16", {4: 2, 8: 1})
    whole = (proved.proof / CLASSES).read_bytes()
    for classes, error, message in (
        (whole[:-1], LengthError, "classes of 6 accounts, the header counts 7"),
        (b"\0" + whole[1:], EncodingError, "leaf 0 has class 0"),
        (b"\x10" * len(whole), EncodingError, r"there are batches of classes \[4, 8\], and leaves of \[16\]"),
    ):
        (proved.proof / CLASSES).write_bytes(classes)
        with pytest.raises(error, match=message):
            list(files_of(proved).circuits("groth16", None))
    claim = (proved.proof / CLAIM).read_bytes().replace(proved.header.hash.hex().encode(), b"00" * 32)
    (proved.proof / CLAIM).write_bytes(claim)
    with pytest.raises(DisagreementError, match="is of the header 0000"):
        list(files_of(proved).circuits("groth16", None))


def test_tables_are_held_against_the_header(epoch, tmp_path):
    other = epoch.copy(tmp_path)
    path = other.public / "tables/instruments.json"
    path.write_bytes(path.read_bytes().replace(b"COIN", b"CASH"))
    with pytest.raises(DisagreementError, match="instruments"):
        list(files_of(other).circuits("groth16", None))
