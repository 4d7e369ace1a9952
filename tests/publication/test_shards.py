"""Shards: the code against a field of galois, every choice of shards, and mirrors that lose, lie and mix them."""

import hashlib
import itertools
import random

import galois
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightclient.shards import Shards, rebuild, with_shards
from lightclient.source import Fleet
from tests.publication.sharded import EPOCH, sharded
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, SourceError
from zkstate.publication.erasure import SLICE, Code
from zkstate.publication.layout import SHARDS, epoch_folder
from zkstate.publication.manifest import Manifest, check_folder
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.publish import publish_shards
from zkstate.publication.shards import ShardPlan, plan_shards, slice_path

FIELD = galois.GF(2**8, irreducible_poly="x^8 + x^4 + x^3 + x^2 + 1", primitive_element="x", verify=False)
SHAPES = [(k, n) for n in range(2, 9) for k in range(1, n)]


def random_bytes(size, seed=0):
    return np.random.default_rng(seed).bytes(size)


@pytest.mark.parametrize(("k", "n"), [(1, 2), (2, 3), (3, 5), (5, 8), (10, 14), (20, 32)])
def test_parity_is_the_cauchy_matrix_of_the_specification(k, n):
    data = random_bytes(k * SLICE, k)
    slices = Code(k, n).encode(data)
    assert b"".join(slices[:k]) == data
    columns = FIELD(np.frombuffer(data, np.uint8).reshape(k, SLICE)[:, :257])
    for j in range(k, n):
        row = FIELD([i ^ j for i in range(k)]) ** -1
        assert bytes(np.asarray(row @ columns, dtype=np.uint8)) == slices[j][:257]


@pytest.mark.parametrize(("k", "n"), SHAPES)
def test_every_choice_of_enough_slices(k, n):
    code, data = Code(k, n), random_bytes(k * SLICE, n)
    slices = dict(enumerate(code.encode(data)))
    for places in itertools.combinations(range(n), k):
        assert code.decode({place: slices[place] for place in places}) == data
    with pytest.raises(LengthError, match=f"{k - 1} slices"):
        code.decode({place: slices[place] for place in range(k - 1)})


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 3), (4, 3), (1, 33), (-1, 4)])
def test_codes_that_cannot_be(k, n):
    with pytest.raises(InputError):
        Code(k, n)


def test_slices_of_a_wrong_length_or_place():
    code = Code(2, 3)
    for slices in ({0: bytes(SLICE), 1: bytes(SLICE - 1)}, {0: bytes(SLICE), 3: bytes(SLICE)}, {-1: b"", 0: b""}):
        with pytest.raises(LengthError):
            code.decode(slices)
    with pytest.raises(LengthError):
        code.encode(bytes(2 * SLICE + 1))


def fleet(mirrors):
    return Fleet([FolderMirror(root) for root in mirrors], request_s=10, grace_s=0.1)


def restored(epoch, mirrors, out):
    signed = rebuild(fleet(mirrors), EPOCH, epoch.signed.header.hash, out)
    assert check_folder(out, signed) == []
    return {path: (out / path).read_bytes() for path in epoch.files}


@pytest.mark.parametrize(("k", "n"), [(1, 2), (2, 3), (3, 5), (7, 8)])
def test_any_mirrors_that_are_enough_give_every_byte(tmp_path, k, n):
    epoch = sharded(tmp_path, k, n)
    for number, chosen in enumerate(itertools.combinations(epoch.mirrors, k)):
        assert restored(epoch, chosen, tmp_path / f"out{number}") == epoch.files
    for number, chosen in enumerate(itertools.combinations(epoch.mirrors, k - 1)):
        if chosen:
            with pytest.raises(SourceError, match=f"{k - 1} right slices of the {k} needed"):
                restored(epoch, chosen, tmp_path / f"few{number}")
            assert not (tmp_path / f"few{number}").exists()


def damage(rng, shard, epoch):
    """Lose or change something of a shard."""
    stripe = rng.randrange(epoch.plan.stripes)
    path = epoch.touch(shard, stripe)
    data = bytearray(path.read_bytes() if path.exists() else b"?")
    match rng.choice(("gone", "flip", "cut", "longer", "other stripe", "other shard", "empty")):
        case "gone":
            path.unlink(missing_ok=True)
            return
        case "flip":
            data[:1] = bytes([data[0] ^ 1 << rng.randrange(8)]) if data else b"?"
        case "cut":
            data = data[: rng.randrange(len(data) + 1)]
        case "longer":
            data += b"x"
        case "other stripe":
            data = epoch.slice(shard, (stripe + 1) % epoch.plan.stripes)
        case "other shard":
            data = epoch.slice((shard + 1) % len(epoch.mirrors), stripe)
        case "empty":
            data = b""
    path.write_bytes(data)


def test_a_thousand_patterns_of_loss_and_corruption(tmp_path):
    """Exact bytes or a typed failure, never other bytes; and exact bytes wherever k slices of a stripe are right."""
    epoch = sharded(tmp_path, 4, 10, stripes=2)
    rng = random.Random(7)
    outcomes = set()
    for number in range(1000):
        for _ in range(rng.randrange(40)):
            damage(rng, rng.randrange(10), epoch)
        right = [sum(epoch.is_right(shard, stripe) for shard in range(10)) for stripe in range(epoch.plan.stripes)]
        shards = Shards(fleet(epoch.mirrors), epoch.signed.header)
        for stripe in range(epoch.plan.stripes):
            try:
                found = shards.stripe(stripe)
            except (SourceError, DisagreementError):
                found = None
            assert found == (epoch.stripe(stripe) if right[stripe] >= 4 else None), (number, stripe)
            outcomes.add(found is None)
        epoch.mend()
    assert outcomes == {True, False}


def test_a_wrong_shard_is_named(tmp_path):
    epoch = sharded(tmp_path, 3, 5)
    path = epoch.mirrors[0] / epoch_folder(EPOCH) / slice_path(0, 0)
    path.write_bytes(bytes(path.stat().st_size))
    source = fleet(epoch.mirrors)
    rebuild(source, EPOCH, epoch.signed.header.hash, tmp_path / "out")
    liars = [report for report in source.reports() if report.lied]
    assert [report.name for report in liars] == [str(epoch.mirrors[0])]
    assert "slice 0 of shard 0" in liars[0].lied[0]


def test_shards_in_other_places_than_were_planned(tmp_path):
    """Two shards on one mirror, and mirrors in another order: nothing depends on which mirror has what."""
    epoch = sharded(tmp_path, 2, 3)
    a, b, c = epoch.mirrors
    (b / epoch_folder(EPOCH) / "shards/01").rename(a / epoch_folder(EPOCH) / "shards/01")
    assert restored(epoch, [b, a], tmp_path / "out") == epoch.files
    assert restored(epoch, [c, b, a], tmp_path / "out2") == epoch.files


def test_a_lost_mirror_is_not_waited_for_at_every_stripe(tmp_path):
    epoch = sharded(tmp_path, 2, 3, stripes=6)
    asked = []

    class Dead(FolderMirror):
        def get(self, path, *, max_bytes, timeout_s):
            asked.append(path)
            raise SourceError("no answer")

    mirrors = [Dead(tmp_path / "dead"), *(FolderMirror(root) for root in epoch.mirrors[1:])]
    shards = Shards(Fleet(mirrors, request_s=10, grace_s=0.1), epoch.signed.header)
    before = len(asked)
    for stripe in range(6):
        assert shards.stripe(stripe) == epoch.stripe(stripe)
    assert len(asked) == before + 1


def test_a_malformed_file_that_the_venue_listed_is_a_reason_to_try_an_older_epoch(tmp_path):
    """As without shards, where a mirror gives such a file: recovery goes on to the epoch before."""
    epoch = sharded(tmp_path, 2, 3)

    def check(data):
        raise EncodingError("not a tile")

    path = next(path for path, data in epoch.files.items() if path.startswith("tiles/") and data)
    with pytest.raises(DisagreementError, match="malformed: not a tile"):
        with_shards(fleet(epoch.mirrors), epoch.signed.header)(path, 1 << 20, check)


def test_a_plan_that_the_manifest_does_not_list_is_not_published(tmp_path):
    epoch = sharded(tmp_path, 2, 3)
    public = tmp_path / "public"
    manifest = Manifest.of_folder(public)
    (public / SHARDS).write_bytes(plan_shards(public, manifest, Code(1, 3)).encode())
    with pytest.raises(DisagreementError, match="is not the file that"):
        publish_shards(public, [tmp_path / f"other-{i}" for i in range(3)])
    (public / SHARDS).write_bytes(epoch.plan.encode())
    with pytest.raises(InputError, match="named twice"):
        publish_shards(public, [tmp_path / "a", tmp_path / "b", tmp_path / "b/../a"])
    assert not list(tmp_path.glob("other-*")) + list(tmp_path.glob("a"))


def test_an_epoch_of_another_venue_on_the_same_mirrors_is_not_taken(tmp_path):
    ours, theirs = sharded(tmp_path / "a", 2, 3, seed=1), sharded(tmp_path / "b", 2, 3, seed=2)
    with pytest.raises(DisagreementError):
        rebuild(fleet(theirs.mirrors), EPOCH, ours.signed.header.hash, tmp_path / "out")
    assert restored(ours, [theirs.mirrors[0], *ours.mirrors], tmp_path / "out") == ours.files


PLAN = ShardPlan(2, 5 * SLICE, tuple(hashlib.sha256(bytes([i])).digest() for i in range(3)))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 31), st.integers(1, 1 << 40), st.data())
def test_plans_come_back(needed, size, data):
    roots = data.draw(st.lists(st.binary(min_size=32, max_size=32), min_size=needed + 1, max_size=32))
    plan = ShardPlan(needed, size, tuple(roots))
    assert ShardPlan.decode(plan.encode()) == plan
    assert (plan.stripes - 1) * plan.stripe_bytes < size <= plan.stripes * plan.stripe_bytes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"version":1', '"version":2'),
        ('"needed":2', '"needed":0'),
        ('"needed":2', '"needed":3'),
        ('"needed":2', '"needed":2.0'),
        ('"needed":2', '"needed": 2'),
        (f'"size":{5 * SLICE}', '"size":0'),
        (f'"size":{5 * SLICE}', '"size":-1'),
        (f'"size":{5 * SLICE}', f'"size":{1 << 60}'),
        ('"roots":["', '"roots":["A'),
        ('"roots":["', '"extra":1,"roots":["'),
        ('"needed":2,', ""),
        ('"version":1', '"version":1' + "0" * 5000),
    ],
)
def test_plans_that_are_malformed(before, after):
    text = PLAN.encode().decode()
    assert before in text
    with pytest.raises(InputError):
        ShardPlan.decode(text.replace(before, after, 1).encode())


def test_a_plan_that_is_not_text():
    with pytest.raises(EncodingError):
        ShardPlan.decode(b"\xff\xfe")
