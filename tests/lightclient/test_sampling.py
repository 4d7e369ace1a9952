"""Sampling: its bound against counting, and what it says of mirrors that lose, lie, stall or stand in for others."""

import itertools
import random
import shutil
import time
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightclient.sampling import DOUBT, Sample, sample_epoch
from tests.lightclient.venues import Silent, publish_chain
from tests.publication.sharded import EPOCH, sharded
from zkstate.errors import InputError, SourceError
from zkstate.publication.layout import epoch_folder
from zkstate.publication.mirrors import FolderMirror


def drawn(units, asked):
    return Sample(1, "stripe", units, asked, 0, 1, 2, 2, 0, ())


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n), st.integers(0, n))))
def test_the_chance_is_what_counting_every_draw_gives(case):
    units, asked, lost = case
    draws = list(itertools.combinations(range(units), asked))
    unseen = sum(min(draw) >= lost for draw in draws)  # units 0 to lost - 1 are the lost ones
    assert drawn(units, asked).chance_unseen(lost) == Fraction(unseen, len(draws))


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, min(n, 60)))))
def test_the_bound_is_the_last_number_of_losses_that_is_likely_enough_to_be_missed(case):
    units, asked = case
    bound = drawn(units, asked).at_most_lost()
    total = comb(units, asked)
    assert comb(units - bound, asked) > DOUBT * total or bound == 0
    assert comb(units - bound - 1, asked) <= DOUBT * total
    assert drawn(units, units).at_most_lost() == 0


def mirrors_of(epoch):
    return [FolderMirror(root) for root in epoch.mirrors]


def take(mirrors, epoch, asked=1000, seed=1):
    return sample_epoch(mirrors, epoch.signed.header, asked, request_s=5, draw=random.Random(seed))


def test_shards_that_are_all_there(tmp_path):
    epoch = sharded(tmp_path, 3, 5, stripes=6)
    found = take(mirrors_of(epoch), epoch)
    assert (found.unit, found.units, found.asked, found.lost, found.needed, found.count, found.fewest) == (
        "stripe", 6, 6, 0, 3, 5, 5
    )  # fmt: skip
    assert found.bytes_read == sum(len(data) for data in epoch.kept.values())
    assert "the epoch can be rebuilt now" in str(found)
    few = take(mirrors_of(epoch), epoch, asked=2)
    assert (few.asked, few.lost) == (2, 0)
    assert "at most" in str(few)


@pytest.mark.parametrize("gone", [gone for n in range(5) for gone in itertools.combinations(range(4), n)])
def test_every_set_of_lost_mirrors(tmp_path, gone):
    """As many slices are right as mirrors are left, and below two of them every stripe is lost."""
    epoch = sharded(tmp_path, 2, 4, stripes=3)
    places = [Silent() if i in gone else FolderMirror(root) for i, root in enumerate(epoch.mirrors)]
    if len(gone) == 4:
        with pytest.raises(SourceError):
            take(places, epoch)
        return
    found = take(places, epoch)
    assert found.fewest == 4 - len(gone)
    assert found.lost == (3 if len(gone) > 2 else 0)


def test_single_slices_that_are_lost_or_wrong(tmp_path):
    """Which stripes are lost is exact, whatever pattern the damage has."""
    epoch = sharded(tmp_path, 2, 4, stripes=8)
    rng = random.Random(3)
    for _ in range(60):
        for _ in range(rng.randrange(24)):
            path = epoch.touch(rng.randrange(4), rng.randrange(8))
            if rng.random() < 0.5:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(b"other")
        right = [sum(epoch.is_right(shard, stripe) for shard in range(4)) for stripe in range(8)]
        found = take(mirrors_of(epoch), epoch, seed=rng.random())
        assert found.lost == sum(count < 2 for count in right)
        assert found.fewest <= max(min(right), 2)
        epoch.mend()


def test_a_stripe_is_not_lost_where_its_files_are_whole(tmp_path):
    epoch = sharded(tmp_path, 2, 3)
    whole = tmp_path / "whole" / epoch_folder(EPOCH)
    shutil.copytree(tmp_path / "public", whole)
    found = take([FolderMirror(tmp_path / "whole"), FolderMirror(epoch.mirrors[0])], epoch)
    assert (found.lost, found.fewest) == (0, 2)
    victim = max((path for path in whole.rglob("tiles/0/*.bin")), key=lambda path: path.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    assert take([FolderMirror(tmp_path / "whole"), FolderMirror(epoch.mirrors[0])], epoch).lost > 0


def test_shards_on_the_wrong_mirrors_are_found(tmp_path):
    epoch = sharded(tmp_path, 2, 3, stripes=4)
    a, b, c = mirrors_of(epoch)
    assert take([c, a, b], epoch).fewest == 3
    (epoch.mirrors[1] / epoch_folder(EPOCH) / "shards/01").rename(epoch.mirrors[0] / epoch_folder(EPOCH) / "shards/01")
    assert take([c, a], epoch).fewest == 3


def test_a_mirror_that_hangs_is_asked_once(tmp_path):
    epoch = sharded(tmp_path, 2, 3, stripes=6)
    asked = []

    class Dead(FolderMirror):
        def get(self, path, *, max_bytes, timeout_s):
            asked.append(path)
            raise SourceError("no answer")

    found = take([Dead(tmp_path), *mirrors_of(epoch)[1:]], epoch)
    assert (found.lost, found.fewest) == (0, 2)
    assert len([path for path in asked if "shards/" in path]) == 1


def test_an_epoch_without_shards_is_sampled_by_files(tmp_path):
    (signed,) = publish_chain(tmp_path, 1)
    shutil.copytree(tmp_path / "mirror", tmp_path / "copy")
    mirrors = [FolderMirror(tmp_path / "mirror"), FolderMirror(tmp_path / "copy")]

    def take_files():
        return sample_epoch(mirrors, signed.header, 10_000, request_s=5)

    found = take_files()
    assert (found.unit, found.lost, found.fewest, found.asked) == ("file", 0, 2, found.units)
    lost = "epochs/00000001/tables/totals.json"
    (tmp_path / "mirror" / lost).unlink()
    assert (take_files().lost, take_files().fewest) == (0, 1)
    (tmp_path / "copy" / lost).write_bytes(b"other")
    found = take_files()
    assert (found.lost, found.fewest) == (1, 0)
    assert "totals.json" in str(found)


def test_no_draw_and_no_mirror(tmp_path):
    epoch = sharded(tmp_path, 2, 3)
    with pytest.raises(InputError, match="shows nothing"):
        take(mirrors_of(epoch), epoch, asked=0)
    with pytest.raises(InputError, match="no mirror"):
        take([], epoch)


class Slow(FolderMirror):
    """A mirror that is right, and takes its time over all but the manifest."""

    asked = 0

    def get(self, path, *, max_bytes, timeout_s):
        if not path.endswith(".json"):
            self.asked += 1
            time.sleep(0.05)
        return super().get(path, max_bytes=max_bytes, timeout_s=timeout_s)


def test_a_slow_mirror_is_left_out_and_no_unit_counts_as_lost_for_it(tmp_path):
    epoch = sharded(tmp_path, 2, 4, stripes=20)
    mirrors = mirrors_of(epoch)
    slow = Slow(epoch.mirrors[0])
    found = sample_epoch([slow, *mirrors[1:]], epoch.signed.header, 16, request_s=0.1)
    assert 1 <= slow.asked <= 8  # 0.4 s of its own, at 0.05 s each
    assert (found.asked, found.lost, found.fewest) == (16, 0, 3)
    assert "too slow" in " ".join(found.faults)
