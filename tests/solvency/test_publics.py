"""What a verifier of Groth16 batches computes of many at once is what the specification says of each alone."""

from tests.solvency.venue import published
from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.solvency import challenges
from zkstate.solvency.plan import LAYOUTS, Plan, stated_leaves
from zkstate.solvency.publics import Committed
from zkstate.state.synthetic import synthetic_ledger


def chain(name, elements):
    state = tag(name)
    for at in range(0, len(elements), 16):
        state = poseidon(state, elements[at : at + 16])
    return state


def test_public_inputs_of_many_batches(tmp_path):
    of, _ = published(tmp_path / "private", synthetic_ledger(1, 80))
    classes = (of.leaves[:, 0] * 0 + 4).astype("u1")
    plan = Plan(classes, {4: 2}, LAYOUTS["groth16"])
    batches = [(part, Committed(3 * i, 3 * i + 1, 3 * i + 2)) for i, part in enumerate(plan.parts())]
    assert len(batches) == 40  # more than are hashed side by side, twice
    for (part, committed), found in zip(batches, of.inputs_of(batches), strict=True):
        leaves = chain("solvency leaves", stated_leaves(part, of.leaves, of.bounds).to_ints())
        sums = (committed.before, committed.after, committed.reads)
        drawn = challenges.of_batch(bytes(32), 4, part.number, (leaves, *sums))
        table = chain("solvency table", of.table.keys(drawn.mix).to_ints())
        epoch = challenges.of_epoch(bytes(32))
        assert found == [leaves, table, *sums, epoch.point, epoch.mix, drawn.point, drawn.mix]
        assert of.inputs(part, committed) == found


def test_no_batch_has_no_inputs(tmp_path):
    of, _ = published(tmp_path / "private", synthetic_ledger(1, 80))
    assert of.inputs_of([]) == []
