"""Slots of many blocks: what does not fit, or leads past the last block, is refused before the core sees it."""

from types import SimpleNamespace

import numpy as np
import pytest

from zkstate.errors import LengthError
from zkstate.kernels import BlockSlots, FrVec, WitnessProgram

EMPTY = SimpleNamespace(row_ptr=np.zeros(1, np.uint64), wire=np.zeros(0, np.uint32), coefficient=np.zeros(0, np.uint32))


@pytest.fixture
def program():
    """No steps, over four slots: what a run leaves is what its links put there."""
    return WitnessProgram([EMPTY] * 4, FrVec.ones(1), np.zeros((0, 4), np.uint32), n_fixed=1, n_slots=4)


@pytest.mark.parametrize("blocks", [2, 4, 6])
def test_a_tree_over_blocks_reads_its_children(program, blocks):
    slots = BlockSlots(blocks, 4)
    slots.put(3, FrVec.from_ints(range(1, blocks + 1)))
    slots.run_upward(program, [(0, 1, 3, 3)])
    left, right = (slots.take(np.array([port], np.uint32)).to_ints() for port in (0, 1))
    for block in range(1, blocks):
        first = 2 * block if 2 * block < blocks else 2 * block - blocks
        assert (left[block], right[block]) == (first + 1, first + 2)
    assert left[0] == right[0] == 0


@pytest.mark.parametrize("blocks", [1, 3, 5])
def test_a_tree_over_an_odd_number_of_blocks_is_refused(program, blocks):
    with pytest.raises(LengthError, match=f"over {blocks} blocks"):
        BlockSlots(blocks, 4).run_upward(program, [(0, 1, 3, 3)])


def test_links_and_values_past_the_slots_are_refused(program):
    slots = BlockSlots(2, 4)
    with pytest.raises(LengthError, match="links"):
        slots.run_upward(program, [(0, 1, 4, 3)])
    with pytest.raises(LengthError, match="1 scalars from slot 4 of 4"):
        slots.put_all(4, FrVec.ones(1))
    with pytest.raises(LengthError, match="4 scalars from slot 3 of 4"):
        slots.put(3, FrVec.ones(4))


def test_slots_and_programs_of_other_blocks_are_refused(program):
    with pytest.raises(LengthError, match="slot 4 of 4"):
        BlockSlots(2, 4).take(np.array([0, 4], np.uint32))
    with pytest.raises(LengthError, match="a program of 4 slots for 5"):
        BlockSlots(2, 5).run_apart(program)
