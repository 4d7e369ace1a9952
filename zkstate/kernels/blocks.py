"""Slots of many equal blocks: a witness program run in each, with links between blocks, and sums along blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from zkstate.errors import LengthError
from zkstate.kernels.constraints import WitnessProgram, wipe
from zkstate.kernels.scalars import FrVec
from zkstate.kernels.seam import ffi, lib, room

_GROUP = 16  # vectors whose slots are put beside each other at a time: two lines of a cache


class BlockSlots:
    """All slots of all blocks, zero at first; block by block. They may be secret: `wipe` overwrites them."""

    __slots__ = ("_words", "blocks", "n_slots", "values")

    def __init__(self, blocks: int, n_slots: int) -> None:
        self.blocks, self.n_slots, self.values = blocks, n_slots, FrVec(blocks * n_slots)
        self._words = np.frombuffer(ffi.buffer(self.values.array), dtype="<u8").reshape(blocks, n_slots, 4)

    def put(self, first: int, values: FrVec) -> None:
        """Slots from `first` on, equally many in every block, block by block. LengthError if they do not fit."""
        count, rest = divmod(len(values), self.blocks)
        if rest or first + count > self.n_slots:
            raise LengthError(f"{len(values)} scalars from slot {first} of {self.n_slots} on in {self.blocks} blocks")
        self._words[:, first : first + count] = _words(values).reshape(self.blocks, count, 4)

    def put_all(self, first: int, values: FrVec) -> None:
        """The same values in every block. LengthError if they do not fit."""
        if first + len(values) > self.n_slots:
            raise LengthError(f"{len(values)} scalars from slot {first} of {self.n_slots} on")
        self._words[:, first : first + len(values)] = _words(values)

    def take(self, slots: npt.NDArray[np.uint32]) -> FrVec:
        """These slots of all blocks, slot by slot and within a slot block by block. LengthError beyond the slots."""
        if len(slots) and int(slots.max()) >= self.n_slots:
            raise LengthError(f"slot {slots.max()} of {self.n_slots}")
        taken = np.ascontiguousarray(slots, dtype=np.uint32)
        out = FrVec.uninitialised(len(taken) * self.blocks)
        places = ffi.from_buffer("uint32_t[]", taken)
        lib.zkn_blocks_take(out.array, self.values.array, self.n_slots, self.blocks, places, len(taken))
        return out

    def run_apart(self, program: WitnessProgram) -> None:
        """Every block by itself. LengthError for a program of other blocks."""
        if program.n_slots != self.n_slots:
            raise LengthError(f"a program of {program.n_slots} slots for {self.n_slots}")
        scratch = room("uint8_t[]", size := lib.zkn_witness_apart_scratch_size(program.struct))
        lib.zkn_witness_apart(self.values.array, program.struct, self.blocks, scratch)
        lib.zkn_wipe(scratch, size)

    def run_forward(self, program: WitnessProgram, previous: Sequence[Sequence[int]]) -> None:
        """Blocks rising: (port, source), the port reads the source of the block before, 0 in the first."""
        links = self._links(program, previous, 2)
        lib.zkn_witness_forward(self.values.array, program.struct, links, len(previous), self.blocks)

    def run_upward(self, program: WitnessProgram, children: Sequence[Sequence[int]]) -> None:
        """Blocks falling: (left, right, node, leaf), the ports read what zkn.h says of the tree over all blocks.

        LengthError for an odd number of blocks, as the last node would have one child.
        """
        if self.blocks % 2:
            raise LengthError(f"a tree over {self.blocks} blocks: their number has to be even")
        links = self._links(program, children, 4)
        lib.zkn_witness_upward(self.values.array, program.struct, links, len(children), self.blocks)

    def wipe(self) -> None:
        wipe(self.values)

    def _links(self, program: WitnessProgram, links: Sequence[Sequence[int]], width: int) -> object:
        flat = [slot for link in links for slot in link]
        if program.n_slots != self.n_slots or len(flat) != width * len(links) or any(s >= self.n_slots for s in flat):
            raise LengthError(f"links {list(links)} and a program of {program.n_slots} slots for {self.n_slots}")
        return ffi.new("uint32_t[]", flat)


def slots_taken(values: FrVec, blocks: int, slots: npt.NDArray[np.intp], *, out: FrVec | None = None) -> FrVec:
    """Some slots of values that stand slot by slot and within a slot block by block; in `out`, if that is given.

    Errors: LengthError for another number of values than whole slots, a slot beyond them, or another room.
    """
    count, rest = divmod(len(values), blocks)
    if rest or (len(slots) and not 0 <= int(slots.min()) <= int(slots.max()) < count):
        raise LengthError(f"{len(slots)} slots of {len(values)} scalars in {blocks} blocks")
    if out is None:
        out = FrVec.uninitialised(len(slots) * blocks)
    if len(out) != len(slots) * blocks:
        raise LengthError(f"room for {len(out)} scalars, {len(slots)} slots of {blocks} blocks are another number")
    if not len(out):
        return out
    taken = np.frombuffer(ffi.buffer(out.array), dtype="<u8").reshape(len(slots), 4 * blocks)
    np.take(_words(values).reshape(count, 4 * blocks), slots, axis=0, out=taken, mode="clip")  # else it is buffered
    return out


def joined_slots(vectors: Iterable[FrVec], n_slots: int, count: int) -> FrVec:
    """`count` vectors of n_slots scalars, slot by slot and within a slot vector by vector.

    They are taken one after another, and copies of few are held at a time. LengthError for another number or length.
    """
    out = FrVec.uninitialised(n_slots * count)
    try:
        _join(vectors, np.frombuffer(ffi.buffer(out.array), dtype="<u8").reshape(n_slots, count, 4))
    except BaseException:
        wipe(out)
        raise
    return out


def _join(vectors: Iterable[FrVec], words: npt.NDArray[np.uint64]) -> None:
    n_slots, count, _ = words.shape
    group = np.empty((min(_GROUP, count), n_slots, 4), dtype="<u8")
    at = 0
    try:
        for vector in vectors:
            if len(vector) != n_slots or at == count:
                raise LengthError(f"vector {at} of {count} has {len(vector)} scalars, wanted {n_slots}")
            group[at % _GROUP] = _words(vector)
            at += 1
            if at % _GROUP == 0 or at == count:
                first = (at - 1) // _GROUP * _GROUP
                words[:, first:at] = group[: at - first].transpose(1, 0, 2)
    finally:
        group[:] = 0
    if at != count:
        raise LengthError(f"{at} vectors, wanted {count}")


def running_sums(values: FrVec) -> FrVec:
    """out[i] = values[0] + .. + values[i]."""
    out = FrVec.uninitialised(len(values))
    lib.zkn_fr_vec_running_sums(out.array, values.array, len(values))
    return out


def _words(values: FrVec) -> npt.NDArray[np.uint64]:
    return np.frombuffer(values.raw(), dtype="<u8").reshape(-1, 4)
