"""Long arrays are used again once nothing holds them, and are zero where zeros were asked for."""

import pytest

from zkstate.kernels import FrVec
from zkstate.kernels.rooms import Rooms

PAGE = 2 << 20


class Holder:
    """What views hold."""


def test_pages_come_back_with_their_holder():
    rooms, holder = Rooms(), Holder()
    pages, fresh = rooms.take(PAGE + 1)
    assert (fresh, len(pages)) == (True, 2 * PAGE)
    rooms.let_go_after(holder, pages)
    assert rooms.take(2 * PAGE)[1]
    del holder
    assert rooms.take(2 * PAGE - 5) == (pages, False)


@pytest.mark.parametrize(("kept", "wanted", "again"), [(8, 8, True), (8, 7, True), (8, 6, False), (8, 9, False)])
def test_pages_fit_or_are_left(kept, wanted, again):
    rooms, holder = Rooms(), Holder()
    rooms.let_go_after(holder, rooms.take(kept * PAGE)[0])
    del holder
    assert rooms.take(wanted * PAGE)[1] is not again


def test_no_more_is_kept_than_was_said():
    rooms, holder = Rooms(kept=3 * PAGE), Holder()
    for _ in range(3):
        rooms.let_go_after(holder, rooms.take(PAGE + 1)[0])
    del holder
    assert [rooms.take(2 * PAGE)[1] for _ in range(2)] == [False, True]


def test_a_view_holds_the_pages_of_its_vector():
    n = 3 * PAGE // 32
    vec = FrVec.ones(n)
    part = vec.view(n - 2, n)
    del vec
    others = [FrVec(n) for _ in range(2)]
    assert part.to_ints() == [1, 1]
    assert all(other.to_ints() == [0] * n for other in others)


def test_vectors_of_zeros_are_zero_in_used_pages():
    n = 5 * PAGE // 32
    for _ in range(3):
        assert not any(FrVec(n).raw())
        assert FrVec.ones(n)[n - 1] == 1
