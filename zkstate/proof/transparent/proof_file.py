"""The file of a transparent proof: a header that fixes its length, then every message in the order it was sent.

    "zkstate transparent proof" zero-padded to 32, version u32 = 3, circuit[32],
    constraints u64, wires u64, public u64, log2 of blocks u64, committed wires of a first phase u64, powers u64
    caps, messages, row, pad row, then for each opened column its salts and elements, then every path

Integers are big-endian, field elements 32 bytes big-endian below r. Parameters follow from the six counts. Of two
phases caps, salts and paths are there twice: a cap after a cap, a salt after a salt, all paths after all paths.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import DIGEST_BYTES, FR_BYTES, FrVec
from zkstate.proof.transparent.parameters import Parameters, Shape, parameters_for

MAGIC = b"zkstate transparent proof".ljust(32, b"\0")
VERSION = 3
MAX_BYTES = 64 << 20  # the largest that Shape allows has some 40 MiB
_HEADER = struct.Struct(">32sI32sQQQQQQ")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """A well-formed proof, true or not; `parameters` say how long each part is.

    Shapes: caps 2^cap_height digests for each phase; messages, row and pad_row as parameters.messages, .dimension,
    .pad_dimension; salts and columns for each query, a salt for each phase, committed_rows elements a column; paths of
    digests, query by query, of the first phase before those of the second.
    """

    circuit: bytes
    parameters: Parameters
    caps: bytes
    messages: FrVec
    row: FrVec
    pad_row: FrVec
    salts: bytes
    columns: FrVec
    paths: bytes

    def encode(self) -> bytes:
        """The file."""
        header = _HEADER.pack(MAGIC, VERSION, self.circuit, *self.parameters.shape.counts)
        width = FR_BYTES * self.parameters.committed_rows
        columns = self.columns.to_bytes()
        opened = b"".join(
            self.salts_of(i) + columns[i * width : (i + 1) * width] for i in range(self.parameters.queries)
        )
        elements = (self.messages.to_bytes(), self.row.to_bytes(), self.pad_row.to_bytes())
        return b"".join((header, self.caps, *elements, opened, self.paths))

    @classmethod
    def decode(cls, content: bytes | memoryview, name: str = "proof") -> Proof:
        """Read a file. Its length is checked against its header before anything else is.

        Errors: LengthError, EncodingError name what is wrong.
        """
        view = memoryview(content)
        circuit, parameters = read_header(view, name)
        expected = HEADER_BYTES + parameters.proof_bytes
        if len(view) != expected:
            raise LengthError(
                f"{name}: {len(view)} bytes, a proof of {parameters.shape.n_constraints} rows has {expected}"
            )
        reader = _Reader(view, HEADER_BYTES, name)
        phases = parameters.shape.phases
        caps = reader.take(phases * DIGEST_BYTES << parameters.cap_height)
        messages = reader.scalars(parameters.messages, "messages")
        row = reader.scalars(parameters.dimension, "row")
        pad_row = reader.scalars(parameters.pad_dimension, "pad row")
        opened = [
            (reader.take(phases * DIGEST_BYTES), reader.take(FR_BYTES * parameters.committed_rows))
            for _ in range(parameters.queries)
        ]
        salts = b"".join(salt for salt, _ in opened)
        columns = _scalars(b"".join(column for _, column in opened), f"{name}: columns")
        return cls(circuit, parameters, caps, messages, row, pad_row, salts, columns, reader.rest())

    def cap(self, phase: int) -> bytes:
        """The cap of a phase, numbered from 0."""
        size = DIGEST_BYTES << self.parameters.cap_height
        return self.caps[phase * size : (phase + 1) * size]

    def salts_of(self, query: int) -> bytes:
        """The salts of one opened column, of each phase."""
        size = DIGEST_BYTES * self.parameters.shape.phases
        return self.salts[size * query : size * (query + 1)]

    def salt(self, query: int, phase: int = 0) -> bytes:
        """One of them."""
        return self.salts_of(query)[DIGEST_BYTES * phase : DIGEST_BYTES * (phase + 1)]

    def path(self, query: int, phase: int) -> bytes:
        """The path of one opened column, from its leaf to the cap of a phase."""
        p = self.parameters
        size = DIGEST_BYTES * (p.log_length - p.cap_height)
        at = (phase * p.queries + query) * size
        return self.paths[at : at + size]


def read_header(view: bytes | memoryview, name: str) -> tuple[bytes, Parameters]:
    """The circuit that a file names, and the layout that its counts make. Errors: LengthError, EncodingError."""
    if len(view) < HEADER_BYTES:
        raise LengthError(f"{name}: {len(view)} bytes, and the header alone has {HEADER_BYTES}")
    magic, version, circuit, *counts = _HEADER.unpack_from(view)
    if magic != MAGIC:
        raise EncodingError(f"{name}: it is no transparent proof of zkstate")
    if version < VERSION:
        raise EncodingError(f"{name}: version is {version}, expected {VERSION}: a proof of an earlier protocol")
    if version != VERSION:
        raise EncodingError(f"{name}: version is {version}, expected {VERSION}")
    try:
        return circuit, parameters_for(Shape(*counts))
    except LengthError as error:
        raise LengthError(f"{name}: header: {error}") from None


class _Reader:
    """The parts of a file whose whole length is known to be right."""

    __slots__ = ("_at", "_name", "_view")

    def __init__(self, view: memoryview, at: int, name: str) -> None:
        self._view, self._at, self._name = view, at, name

    def take(self, count: int) -> bytes:
        part = bytes(self._view[self._at : self._at + count])
        self._at += count
        return part

    def scalars(self, count: int, title: str) -> FrVec:
        return _scalars(self.take(FR_BYTES * count), f"{self._name}: {title}")

    def rest(self) -> bytes:
        return self.take(len(self._view) - self._at)


def _scalars(content: bytes, where: str) -> FrVec:
    try:
        return FrVec.from_bytes(content)
    except EncodingError as error:
        raise EncodingError(f"{where}: {error}") from None
