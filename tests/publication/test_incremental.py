"""An epoch that reuses what the one before computed is, byte for byte, the epoch that computes everything."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings

from tests.publication.test_epoch import tree_files
from tests.publication.venue import OPERATOR, ledger
from tests.state.ledgers import changes, named_ledger
from zkstate.publication.epoch import write_epoch
from zkstate.state.computed import Computed

MINUTE = 60


def fixed(size):
    return b"\x31" * size


def epochs(folder, one, two):
    """An epoch, and the next one twice: by reuse, and all anew."""
    first = write_epoch(one, OPERATOR, folder / "one", entropy=fixed)
    computed = Computed.decode((first.folder / "private/computed.bin").read_bytes())
    later = replace(two, time=two.time + MINUTE)
    header = first.signed.header
    return (
        write_epoch(later, OPERATOR, folder / "two", previous=header, computed=computed, entropy=fixed),
        write_epoch(later, OPERATOR, folder / "anew", previous=header, entropy=fixed),
    )


@given(changes())
@settings(max_examples=8, deadline=None)
def test_any_change_gives_the_epoch_of_computing_everything(plain):
    table, before, after = plain
    with tempfile.TemporaryDirectory() as place:
        two, anew = epochs(Path(place), named_ledger(table, before), named_ledger(table, after))
        assert tree_files(two.folder) == tree_files(anew.folder)
        assert (two.signed, two.reused["keys"]) == (anew.signed, len(before.keys() & after.keys()))


def test_one_change_of_many_accounts_computes_one_digest(tmp_path):
    one = replace(ledger(), owners=None, view_keys=None)
    amount = one.rows.amount.copy()
    amount[one.rows.start[7]] += 1 if amount[one.rows.start[7]] > 0 else -1
    two, anew = epochs(tmp_path, one, replace(one, rows=replace(one.rows, amount=amount)))
    assert tree_files(two.folder) == tree_files(anew.folder)
    busy = int((one.orders.counts > 0).sum())
    assert two.reused == {"keys": 40, "rows": 39, "orders": busy, "secrets": 0}
    assert anew.reused == {"keys": 0, "rows": 0, "orders": 0, "secrets": 0}
    assert (two.folder / "private/computed.bin").stat().st_mode & 0o777 == 0o600


def test_records_sealed_by_two_processes_are_those_of_one(tmp_path):
    alone = write_epoch(ledger(), OPERATOR, tmp_path / "alone", entropy=fixed)
    two = write_epoch(ledger(), OPERATOR, tmp_path / "two", entropy=fixed, jobs=2)
    assert tree_files(two.folder) == tree_files(alone.folder)
