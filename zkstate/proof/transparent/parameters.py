"""Parameters: what the shape of a constraint system determines, and how many bits of soundness are proven for it.

Everything here is integer arithmetic on public numbers; docs/soundness.md has the theorem behind `error_bound`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache

from zkstate.constraint.block_circuit import MAX_TUPLE
from zkstate.errors import LengthError
from zkstate.kernels import DIGEST_BYTES, FR_BYTES, FR_MODULUS, FR_TWO_ADICITY

SECURITY_BITS = 128
QUERY_BITS = SECURITY_BITS + 1  # of the queries alone: the other half of 2^-128 is for all that field elements decide
MASK_WIRES, MASK_ROWS, MASK_POWERS = 5, 3, 1
ROW_MESSAGE, COLUMN_MESSAGE = 5, 2  # elements of a round: all coefficients but one of degrees 5 and 2
VALUES = 4  # that the first sumcheck ends in
MAX_WIRES, MAX_LOG_BLOCKS = 1 << 31, 31
MIN_LOG_WIDTH, LOG_EXPANSIONS = 8, range(2, 6)
CELLS_PER_BYTE = 4  # of proof size: what an encoded element costs the prover, weighed against the verifier's bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """The counts of a circuit: rows, wires with the constant, public wires; and it stands 2^log_blocks times.

    `powers` are three of its rows each, and do without two of its secret wires (powers.py); the others are committed.
    Of a block's committed wires `first_phase` come before the challenges of its tables are drawn; the others are a
    fraction for each use of a table, and their sum. 0 for a circuit without tables.
    Blocks share the public inputs. LengthError outside the limits, and for blocks without rows or committed wires.
    """

    n_constraints: int
    n_wires: int
    n_public: int
    log_blocks: int = 0
    first_phase: int = 0
    powers: int = 0

    def __post_init__(self) -> None:
        found = f"{self.n_constraints} rows over {self.n_wires} wires, {self.n_public} of them public"
        if not 0 <= self.n_public < self.n_wires <= MAX_WIRES or not 0 <= self.n_constraints <= MAX_WIRES:
            raise LengthError(found)
        if not 0 <= self.log_blocks <= MAX_LOG_BLOCKS or self._most << self.log_blocks > MAX_WIRES:
            raise LengthError(f"{found}, 2^{self.log_blocks} times")
        if not 0 <= 3 * self.powers <= self.n_constraints or self.committed < 0:
            raise LengthError(f"{found}, and {self.powers} powers of three rows and two secret wires each")
        if self.log_blocks and (not self.n_constraints or not self.committed):
            raise LengthError(f"{found}: a block needs a row and a secret wire")
        if self.first_phase and not 0 < self.first_phase < self.committed - 1:
            raise LengthError(f"{found}, and {self.first_phase} of the secret ones in a first phase")

    @property
    def _most(self) -> int:
        return max(self.n_constraints, self.n_wires - 1 - self.n_public)

    @property
    def committed(self) -> int:
        """Committed wires of one block."""
        return self.n_wires - 1 - self.n_public - 2 * self.powers

    @property
    def products(self) -> int:
        """Rows of one block that are a product: all but those of powers."""
        return self.n_constraints - 3 * self.powers

    @property
    def counts(self) -> tuple[int, ...]:
        """What a proof's header says of its shape."""
        return (
            self.n_constraints,
            self.n_wires,
            self.n_public,
            self.log_blocks,
            self.first_phase,
            self.powers,
        )

    @property
    def blocks(self) -> int:
        return 1 << self.log_blocks

    @property
    def n_rows(self) -> int:
        """Rows of all blocks that are a product."""
        return self.products << self.log_blocks

    @property
    def n_powers(self) -> int:
        """Powers of all blocks."""
        return self.powers << self.log_blocks

    @property
    def n_secret(self) -> int:
        """Committed wires of all blocks."""
        return self.committed << self.log_blocks

    @property
    def n_first(self) -> int:
        """Those of the first phase."""
        return self.first_phase << self.log_blocks

    @property
    def phases(self) -> int:
        return 2 if self.first_phase else 1

    @property
    def n_uses(self) -> int:
        """Uses of tables in all blocks."""
        return (self.committed - 1 - self.first_phase) << self.log_blocks if self.first_phase else 0


@dataclass(frozen=True, slots=True)
class Parameters:
    """The layout of one proof: rows of 2^log_width witness values, codewords of 2^log_length, `queries` columns."""

    shape: Shape
    log_width: int
    log_length: int
    queries: int

    @property
    def width(self) -> int:
        """Witness values in a row."""
        return 1 << self.log_width

    @property
    def length(self) -> int:
        """Elements of a codeword, and so columns."""
        return 1 << self.log_length

    @property
    def dimension(self) -> int:
        """Coefficients of a row: its witness values and as many random ones as columns are opened."""
        return self.width + self.queries

    @property
    def rows(self) -> int:
        """Rows of witness values: of the first phase, then of the second."""
        return self.first_rows - (-(self.shape.n_secret - self.shape.n_first + MASK_WIRES) // self.width)

    @property
    def first_rows(self) -> int:
        """Rows of witness values that are committed before the challenges of tables are drawn."""
        return -(-self.shape.n_first // self.width)

    @property
    def second_start(self) -> int:
        """The place of the first wire of the second phase: a multiple of the number of blocks too."""
        return self.first_rows * self.width

    @property
    def mask_start(self) -> int:
        """The place of the first mask wire, behind all others."""
        return self.second_start + self.shape.n_secret - self.shape.n_first

    @property
    def committed_rows(self) -> int:
        """All rows of the matrix: the witness, its mask, the pads, their mask."""
        return self.rows + 3

    @property
    def row_variables(self) -> int:
        """Rounds of the first sumcheck: bits of the index of a product or power."""
        return (max(self.shape.n_rows + MASK_ROWS, self.shape.n_powers + MASK_POWERS) - 1).bit_length()

    @property
    def public_start(self) -> int:
        """The place of the constant wire: behind all rows, so that nothing committed can stand there."""
        return self.rows * self.width

    @property
    def places(self) -> int:
        """Places of the vector z."""
        return self.public_start + self.shape.n_public + 1

    @property
    def column_variables(self) -> int:
        """Rounds of the second sumcheck: bits of a place."""
        return (self.places - 1).bit_length()

    @property
    def pads(self) -> int:
        """Masks of the round polynomials: one for each element that is sent of them."""
        return ROW_MESSAGE * self.row_variables + COLUMN_MESSAGE * self.column_variables

    @property
    def pad_dimension(self) -> int:
        return self.pads + self.queries

    @property
    def cap_height(self) -> int:
        """Levels of the Merkle tree that are sent whole, counted from the root."""
        return min(self.log_length, self.queries.bit_length())

    @property
    def messages(self) -> int:
        """Single field elements in a proof: those of rounds, four values, one claim about the masks."""
        return self.pads + VALUES + 1

    @property
    def proof_bytes(self) -> int:
        """Bytes of the proof behind its header: every proof of one shape has this length."""
        elements = self.messages + self.dimension + self.pad_dimension + self.queries * self.committed_rows
        digests = (1 << self.cap_height) + self.queries * (1 + self.log_length - self.cap_height)
        return FR_BYTES * elements + DIGEST_BYTES * digests * self.shape.phases

    @property
    def cost(self) -> int:
        """What `parameters_for` makes least."""
        return self.proof_bytes + self.committed_rows * self.length // CELLS_PER_BYTE

    @property
    def radius(self) -> int:
        """Errors up to which a codeword is decoded uniquely: half the distance, rounded down, less than that."""
        return (self.length - self.dimension) // 2

    @property
    def query_error(self) -> Fraction:
        """The probability that `queries` distinct columns miss more than `radius` wrong ones."""
        return missing(self.length, self.radius + 1, self.queries)

    @property
    def field_error(self) -> Fraction:
        """The probability that any challenge in Fr helps a false claim (docs/soundness.md, term by term)."""
        folds = self.column_variables - self.log_width
        closeness = self.length * (folds + 2)
        rounds = 5 * self.row_variables + 2 * self.column_variables  # the degrees of their polynomials
        single = 2 * self.row_variables + 4  # tau, and that no part of it is 0; power, weights, join, combine
        return Fraction(closeness + rounds + single + self.table_terms, FR_MODULUS)

    @property
    def table_terms(self) -> int:
        """Of the order of the field, the challenges that help false tables: two tuples meet at gamma, or a sum of
        fractions of different tuples vanishes at beta, or has a pole there.
        """
        uses = self.shape.n_uses
        return MAX_TUPLE * uses * (uses - 1) // 2 + 2 * uses if uses else 0

    @property
    def error_bound(self) -> Fraction:
        """The soundness error of the interactive argument."""
        return self.query_error + self.field_error

    @property
    def bits(self) -> float:
        """−log2 of the error bound."""
        error = self.error_bound
        return math.log2(error.denominator) - math.log2(error.numerator)

    def encode(self) -> bytes:
        """What the transcript absorbs: nine unsigned 64-bit numbers."""
        chosen = (self.log_width, self.log_length, self.queries)
        return b"".join(count.to_bytes(8, "big") for count in (*self.shape.counts, *chosen))


def missing(n: int, wrong: int, queries: int) -> Fraction:
    """The probability that `queries` distinct places of n, drawn uniformly, avoid `wrong` given ones."""
    return Fraction(math.prod(range(n - wrong - queries + 1, n - wrong + 1)), math.prod(range(n - queries + 1, n + 1)))


@cache
def queries_for(width: int, length: int) -> int | None:
    """The least number of columns to open for QUERY_BITS at a rate of at most 1/2, or None if there is none.

    One more column costs half an error of the radius and gains a factor below 3/4, so what is enough stays so until
    the rate is used up; the tests hold this against a search that tries every number.
    """

    def enough(t: int) -> bool:
        radius = (length - width - t) // 2
        return missing(length, radius + 1, t) <= Fraction(1, 1 << QUERY_BITS)

    low, most = 1, length // 2 - width
    high = QUERY_BITS
    while high <= most and not enough(high):
        low, high = high + 1, high + high // 4
    high = min(high, most)
    if high < low or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


@lru_cache(maxsize=64)
def parameters_for(shape: Shape) -> Parameters:
    """The one choice for a shape: of least `cost`, then of least width, then of least length."""
    most = max(MIN_LOG_WIDTH, (shape.n_secret + MASK_WIRES - 1).bit_length())
    found: Parameters | None = None
    for log_width in range(MIN_LOG_WIDTH, most + 1):
        for expansion in LOG_EXPANSIONS:
            log_length = log_width + expansion
            queries = queries_for(1 << log_width, 1 << log_length) if log_length <= FR_TWO_ADICITY else None
            if queries is not None:
                candidate = Parameters(shape, log_width, log_length, queries)
                if found is None or candidate.cost < found.cost:
                    found = candidate
    assert found is not None
    return found
