"""How often each tuple that is provided is looked up: the multiplicities of a block circuit's tables."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zkstate.constraint.block_circuit import BlockCircuit, Use
from zkstate.errors import WitnessError
from zkstate.kernels import FrVec, wipe

Words = npt.NDArray[np.uint64]  # (.., 4): the limbs of scalars
HALF = 32  # bits of a limb of a weight: sums of 2^20 of them are exact in a float's 53 bits
CHUNK = 1 << 20
TRIES = 3


def multiplicities(block: BlockCircuit, readings: FrVec, blocks: int) -> dict[int, FrVec]:
    """For each multiplicity wire its value in every block, from the readings of all uses, row by row.

    Of equal tuples the first that is provided has all of the weight. WitnessError for a tuple nobody provides.
    """
    words = np.frombuffer(readings.raw(), dtype="<u8").reshape(-1, blocks, 4)
    found: dict[int, FrVec] = {}
    for number, table in enumerate(block.tables):
        provided = [use for use in block.uses if use.table == number and use.multiplicity]
        if not provided:
            continue
        lookups = [use for use in block.uses if use.table == number and not use.provides]
        entries = _Entries(table, [_tuples(words, use) for use in provided])
        try:
            for use in lookups:
                weights = readings.view(use.first * blocks, (use.first + 1) * blocks).to_limbs()
                try:
                    entries.add(_tuples(words, use), weights, use.label)
                finally:
                    weights[:] = 0
            totals = entries.totals()
        finally:
            entries.wipe()
        for i, use in enumerate(provided):
            found[use.multiplicity] = totals.slice(i * blocks, (i + 1) * blocks)
        wipe(totals)
    return found


def _tuples(words: Words, use: Use) -> Words:
    """(blocks, size, 4): the tuple of a use in every block."""
    return words[use.first + 1 : use.first + 1 + use.size].transpose(1, 0, 2)


class _Entries:
    """The tuples of one table, and the weight of each so far, in halves of limbs."""

    def __init__(self, table: str, tuples: Sequence[Words]) -> None:
        self.table = table
        self.tuples = np.concatenate(tuples).reshape(sum(map(len, tuples)), -1)
        for _ in range(TRIES):  # a hash of 64 bits: among 2^20 tuples two are alike once in 2^25 times
            self.factors = np.array([secrets.randbits(64) | 1 for _ in range(self.tuples.shape[1])], dtype=np.uint64)
            hashes = self._hashed(self.tuples)
            self.hashes, self.first, place = np.unique(hashes, return_index=True, return_inverse=True)
            if not self._differ(self.first[place], self.tuples).any():
                break
        self.sums = np.zeros((2 * 4, len(self.tuples)), dtype=np.uint64)

    def wipe(self) -> None:
        """Overwrite tuples, what finds them, and weights."""
        for values in (self.tuples, self.hashes, self.sums):
            values[:] = 0

    def _differ(self, entry: npt.NDArray[np.intp], tuples: Words) -> npt.NDArray[np.bool_]:
        """Which of some tuples are not these entries."""
        found = self.tuples[entry]
        found ^= tuples
        differ: npt.NDArray[np.bool_] = np.asarray(found.any(axis=1), dtype=np.bool_)
        found[:] = 0
        return differ

    def _hashed(self, tuples: Words) -> npt.NDArray[np.uint64]:
        mixed = tuples >> np.uint64(29)
        mixed ^= tuples
        mixed *= self.factors
        high = mixed >> np.uint64(32)
        mixed ^= high
        high[:] = 0
        mixed *= self.factors[::-1]
        hashed: npt.NDArray[np.uint64] = mixed.sum(axis=1, dtype=np.uint64)
        mixed[:] = 0
        return hashed

    def add(self, tuples: Words, weights: Words, label: str) -> None:
        """The lookups of one use. WitnessError names the first block whose tuple is not here, and what it is about."""
        flat = np.array(tuples).reshape(len(tuples), -1)
        at = np.searchsorted(self.hashes, self._hashed(flat))
        entry = self.first[np.minimum(at, len(self.first) - 1)]
        counts = weights.any(axis=1)
        wrong = np.flatnonzero(counts & self._differ(entry, flat))
        flat[:] = 0
        if len(wrong):
            many = f"{len(wrong)} blocks look up" if len(wrong) > 1 else "a block looks up"
            about = f"{label}: " if label else ""
            raise WitnessError(f"{about}{many} what table {self.table} does not have, block {wrong[0]} first")
        chosen = np.flatnonzero(counts)
        for begin in range(0, len(chosen), CHUNK):
            part = chosen[begin : begin + CHUNK]
            for i in range(2 * 4):
                halves = weights[part, i // 2] >> np.uint64(HALF * (i % 2)) & np.uint64((1 << HALF) - 1)
                if halves.any():
                    sums = np.bincount(entry[part], weights=halves.astype(np.float64), minlength=len(self.tuples))
                    self.sums[i] += sums.astype(np.uint64)

    def totals(self) -> FrVec:
        """The weight of each entry."""
        total = FrVec(len(self.tuples))
        for i in range(2 * 4):
            if self.sums[i].any():
                limbs = np.zeros((len(self.tuples), 4), dtype=np.uint64)
                limbs[:, 0] = self.sums[i]
                total += FrVec.from_limbs(limbs).scale(1 << (HALF * i))
        return total
