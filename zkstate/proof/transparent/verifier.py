"""The verifier of transparent proofs: read it beside docs/spec.md, section "Transparent proofs".

It believes nothing but the circuit, the public inputs and a hash. It costs one pass over the entries of the circuit's
matrices, one transform as long as a codeword, and the hashing of the opened columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import (
    FR_BYTES,
    FR_MODULUS,
    FrVec,
    bit_reversed,
    eq_table,
    rows_columns,
    rows_dot,
    rows_encode,
)
from zkstate.proof.transparent import merkle
from zkstate.proof.transparent.claims import MaskedClaim
from zkstate.proof.transparent.lookups import CHALLENGES
from zkstate.proof.transparent.parameters import COLUMN_MESSAGE, ROW_MESSAGE, VALUES
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.transcript import Transcript

PROTOCOL = b"zkstate transparent v3"


def verify(
    system: System,
    public_inputs: Sequence[int],
    proof: Proof,
    columns: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> bool:
    """Whether the proof shows that someone knows a witness of the circuit with these public inputs.

    `columns` are the public values of a block circuit's blocks, by name; a short one's last value holds for the rest.
    Errors: LengthError for a wrong number of inputs, EncodingError for one not in [0, r); as `checked_columns`.
    """
    parameters, shape = system.parameters, system.parameters.shape
    inputs = checked_inputs(public_inputs, shape.n_public)
    public_columns = system.checked_columns(columns)
    if (proof.circuit, proof.parameters) != (system.digest, parameters):
        return False
    transcript = Transcript(PROTOCOL, system.digest, parameters.encode(), inputs)
    for column in public_columns:
        transcript.absorb_scalars("column", column)
    messages = iter(proof.messages.to_ints())

    # Tables are shown by fractions of challenges; what they speak of is committed before these are drawn.
    pool = system.matrix.pool
    if shape.phases == 2:
        transcript.absorb("first cap", proof.cap(0))
        pool = system.coefficients.at(transcript.challenges("tables", CHALLENGES))
    transcript.absorb("cap", proof.cap(shape.phases - 1))

    # First sumcheck: sum_x eq(tau, x) (A z(x) B z(x) - C z(x) + power (D z(x)^5 - E z(x))) = 0.
    rows_claim, row_point = MaskedClaim(0), []
    *taus, power = transcript.challenges("tau", parameters.row_variables + 1)
    for tau in taus:
        message = _message(transcript, "row round", messages, ROW_MESSAGE)
        row_point.append(transcript.challenge("row point"))
        rows_claim.after_rows(message, tau, row_point[-1])
    a, b, d, e = ends = _message(transcript, "values", messages, VALUES)

    # Second sumcheck: sum_y M(y) z(y) = the weighted sum of the four values, M the same sum of matrices at row_point.
    weights = transcript.challenges("weights", VALUES)
    claim, column_point = MaskedClaim(sum(w * v for w, v in zip(weights, ends, strict=True)) % FR_MODULUS), []
    for _ in range(parameters.column_variables):
        message = _message(transcript, "column round", messages, COLUMN_MESSAGE)
        column_point.append(transcript.challenge("column point"))
        claim.after_product(message, column_point[-1])

    # Both sumchecks end in a relation that is linear in what is committed; a random combination joins the two:
    #   factor * (the multilinear extension of the committed part of z at column_point) + <pad weights, pads> = target
    join = transcript.challenge("join")
    values = system.values_at(pool, row_point, column_point, public_columns)
    factor = sum(w * v for w, v in zip(of_matrices(weights, power), values, strict=True)) % FR_MODULUS
    public_value = FrVec.concat([FrVec.from_ints([1]), inputs]).dot(system.shared_at(column_point))
    target = claim.value - factor * public_value + join * (rows_claim.value - a * b - power * pow(d, 5, FR_MODULUS) + e)
    pad_weights = FrVec.from_ints([join * weight for weight in rows_claim.weights] + claim.weights)

    # The commitment is opened: `row` and `pad_row` are random combinations of its rows, checked at random columns.
    (mask_claim,) = _message(transcript, "mask claim", messages, 1)
    combine = transcript.challenge("combine")
    transcript.absorb_scalars("row", proof.row)
    transcript.absorb_scalars("pad row", proof.pad_row)
    low = eq_table(FrVec.from_ints(column_point[-parameters.log_width :]), parameters.width)
    found = factor * low.dot(proof.row.slice(0, parameters.width))
    found += pad_weights.dot(proof.pad_row.slice(0, parameters.pads))
    if (found - combine * target - mask_claim) % FR_MODULUS:
        return False

    chosen = transcript.places("columns", parameters.queries, parameters.length)
    if not _columns_lead_to_cap(proof, chosen):
        return False
    high = eq_table(FrVec.from_ints(column_point[: -parameters.log_width]), parameters.rows)
    return _columns_agree(proof, np.array(chosen), high.scale(combine), combine)


def of_matrices(weights: Sequence[int], power: int) -> list[int]:
    """The weights of A, B, C, D and E, from those of the values a, b, d and e, the last of which is of C + power·E."""
    of_a, of_b, of_d, of_e = weights
    return [of_a, of_b, of_e, of_d, power * of_e % FR_MODULUS]


def checked_inputs(public_inputs: Sequence[int], wanted: int) -> FrVec:
    """The public inputs as scalars. Errors: LengthError, EncodingError."""
    if len(public_inputs) != wanted:
        raise LengthError(f"{len(public_inputs)} public inputs, the circuit has {wanted}")
    for i, value in enumerate(public_inputs):
        if not 0 <= value < FR_MODULUS:
            raise EncodingError(f"public input {i} is {value}, not in [0, r): aliases of a value are refused")
    return FrVec.from_ints(public_inputs)


def _message(transcript: Transcript, label: str, messages: Iterator[int], count: int) -> list[int]:
    """The next message of the prover, absorbed."""
    message = list(islice(messages, count))
    transcript.absorb_scalars(label, FrVec.from_ints(message))
    return message


def _columns_lead_to_cap(proof: Proof, chosen: list[int]) -> bool:
    """Whether every opened column is under the commitments at its place: each phase has rows and a cap of its own."""
    parameters, columns = proof.parameters, proof.columns.to_bytes()
    width, cut = FR_BYTES * parameters.committed_rows, FR_BYTES * parameters.first_rows
    parts = [slice(0, cut), slice(cut, width)][-parameters.shape.phases :]
    return all(
        merkle.leads_to_cap(
            proof.cap(phase),
            place,
            merkle.leaf(proof.salt(i, phase), columns[i * width : (i + 1) * width][part]),
            proof.path(i, phase),
        )
        for i, place in enumerate(chosen)
        for phase, part in enumerate(parts)
    )


def _columns_agree(proof: Proof, chosen: npt.NDArray[np.intp], high: FrVec, combine: int) -> bool:
    """Whether combining each opened column as the rows were combined gives the value of the combined row there.

    Both combinations of a column at once: the witness rows and their mask, the pads and their mask.
    """
    parameters = proof.parameters
    one, zeros = FrVec.from_ints([1]), FrVec(parameters.rows + 1)
    combinations = (
        (proof.row, FrVec.concat([high, one, FrVec(2)])),
        (proof.pad_row, FrVec.concat([zeros, FrVec.from_ints([combine]), one])),
    )
    places = bit_reversed(parameters.length)[chosen]
    for row, weights in combinations:
        codeword = rows_encode(row, len(row), parameters.length)
        if rows_columns(codeword, parameters.length, places) != rows_dot(proof.columns, weights):
            return False
    return True
