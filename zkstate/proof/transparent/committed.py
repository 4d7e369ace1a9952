"""Rows of one phase under a Merkle tree of their encoded columns, which are kept if small and else made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from zkstate.kernels import (
    DIGEST_BYTES,
    ColumnHashes,
    FrVec,
    bit_reversed,
    rows_beside,
    rows_columns,
    rows_encode,
    rows_filled,
    rows_sum,
    wipe,
    wipe_bytes,
)
from zkstate.proof.transparent.masks import Masks
from zkstate.proof.transparent.merkle import LEAF_PERSON, MerkleTree
from zkstate.proof.transparent.parameters import Parameters

KEPT = 1 << 23  # elements of an encoded matrix that is kept, 256 MiB: beyond, its columns cost another encoding
PART = 1 << 22  # elements of a part otherwise
TOGETHER = 32  # rows whose coefficients are laid out at a time, if all are kept
STOP = 4  # rows: where a hash may stop and go on


class Committed:
    """`count` rows of values, random elements behind each, and further rows; committed to when made.

    Shapes: `values` and then `rest` fill the rows from the first place on, zeros follow; `more` rows are as long as the
    code's dimension, zeros following. `values` is read until the end, and stays the caller's; what is made of it is
    wiped by `wipe`.
    """

    def __init__(
        self,
        parameters: Parameters,
        values: FrVec,
        rest: FrVec,
        count: int,
        more: Sequence[FrVec],
        masks: Masks,
        threads: int,
    ) -> None:
        p = self._parameters = parameters
        self._values, self.count, self._more, self._threads = values, count, more, threads
        self._whole = min(count, len(values) // p.width)
        last = values.slice(self._whole * p.width, len(values))
        self._last = FrVec((count - self._whole) * p.width)
        self._last.put(0, last)
        self._last.put(len(last), rest)
        wipe(last)
        self._tails, self._salts = FrVec(0), bytearray()
        self._kept: FrVec | None = None
        self._coefficients: FrVec | None = None
        try:
            self._tails = masks.take(count * p.queries)
            self._salts = masks.take_bytes(DIGEST_BYTES * p.length)
            self.tree = self._commit()
        except BaseException:
            self.wipe()
            raise

    @property
    def rows(self) -> int:
        return self.count + len(self._more)

    def _commit(self) -> MerkleTree:
        order = bit_reversed(self._parameters.length)
        salts = _in_order(self._salts, order)
        try:
            return MerkleTree(bytes(_in_order(self._hashed(salts), order)), self._threads)
        finally:
            wipe_bytes(salts)

    def _hashed(self, salts: bytearray) -> bytes:
        """The hashes of all columns, in the order in which the code has them."""
        hashes, length = ColumnHashes(LEAF_PERSON, salts), self._parameters.length
        try:
            if self.rows * length <= KEPT:
                self._kept = FrVec.uninitialised(self.rows * length)
                for begin, end in self._parts(TOGETHER):
                    self._encode(begin, end, self._kept.view(begin * length, end * length))
                return hashes.last(self._kept, self._threads)
            for end, matrix in self._encoded():
                if end < self.rows:
                    hashes.add(matrix, self._threads)
                else:
                    return hashes.last(matrix, self._threads)
            raise AssertionError("there is a last part")
        finally:
            hashes.wipe()

    def _parts(self, step: int) -> Iterator[tuple[int, int]]:
        """Of so many rows at most, ending where a hash may stop."""
        begin = 0
        while begin < self.rows:
            end = min(self.rows, (begin + step) // STOP * STOP + STOP - 1)
            yield begin, end
            begin = end

    def _encoded(self) -> Iterator[tuple[int, FrVec]]:
        """The encoded rows in parts, and how many rows there are up to each end; each is there until the next."""
        length = self._parameters.length
        step = max(1, PART // length // STOP) * STOP
        room = FrVec.uninitialised(min(self.rows, step + STOP) * length)
        try:
            for begin, end in self._parts(step):
                matrix = room.view(0, (end - begin) * length)
                self._encode(begin, end, matrix)
                yield end, matrix
        finally:
            wipe(room)

    def _encode(self, begin: int, end: int, out: FrVec) -> None:
        p, size = self._parameters, (end - begin) * self._parameters.dimension
        if self._coefficients is None or len(self._coefficients) < size:
            self._coefficients = FrVec.uninitialised(size)
        coefficients = self._coefficients.view(0, size)
        rows_filled(p.dimension, [self._row(i) for i in range(begin, end)], out=coefficients)
        rows_encode(coefficients, p.dimension, p.length, self._threads, out=out)

    def _row(self, i: int) -> list[FrVec]:
        if i >= self.count:
            return [self._more[i - self.count]]
        p = self._parameters
        source, at = (self._values, i) if i < self._whole else (self._last, i - self._whole)
        return [
            source.view(at * p.width, (at + 1) * p.width),
            self._tails.view(i * p.queries, (i + 1) * p.queries),
        ]

    def combined(self, weights: FrVec) -> FrVec:
        """Σ weights[i] · row i, over the rows of values."""
        p, cut = self._parameters, self._whole
        tails = rows_sum(self._tails, p.queries, weights, self._threads)
        low = FrVec(p.width)
        for source, part in ((self._values, weights.slice(0, cut)), (self._last, weights.slice(cut, len(weights)))):
            if len(part):
                whole = source.view(0, len(source) // p.width * p.width)
                before, low = low, low + (added := rows_sum(whole, p.width, part, self._threads))
                wipe(before)
                wipe(added)
        try:
            return FrVec.concat([low, tails])
        finally:
            wipe(low)
            wipe(tails)

    def columns(self, chosen: Sequence[int]) -> FrVec:
        """The chosen columns of the encoded rows, column by column."""
        length = self._parameters.length
        at = bit_reversed(length)[np.array(chosen)]
        if self._kept is not None:
            return rows_columns(self._kept, length, at)
        return rows_beside([rows_columns(matrix, length, at) for _, matrix in self._encoded()], len(chosen))

    def salt(self, column: int) -> bytes:
        return bytes(self._salts[DIGEST_BYTES * column : DIGEST_BYTES * (column + 1)])

    def wipe(self) -> None:
        """Overwrite random elements, salts and what was kept of the rows."""
        for values in (self._last, self._tails, self._kept, self._coefficients):
            if values is not None:
                wipe(values)
        wipe_bytes(self._salts)


def _in_order(hashes: bytes | bytearray, order: npt.NDArray[np.intp]) -> bytearray:
    """Strings as long as a hash, the one at order[i] in place i."""
    out = bytearray(len(hashes))
    np.take(_strings(hashes), order, axis=0, out=_strings(out))
    return out


def _strings(hashes: bytes | bytearray) -> npt.NDArray[np.uint64]:
    return np.frombuffer(hashes, dtype="<u8").reshape(-1, DIGEST_BYTES // 8)
