"""The seam to the C core: bytes and integers in, vectors that Python owns out, one typed error per status.

The only package that touches `ffi` and `lib`; one module per family of kernels.
"""

from zkstate.kernels.constraints import (
    STEP_BITS,
    STEP_INVERSE,
    STEP_LINEAR,
    STEP_ONE_HOT,
    STEP_PRODUCT,
    STEP_SOLVE,
    WitnessProgram,
    broken_rows,
    check_sparse,
    sparse_product,
    wipe,
)
from zkstate.kernels.keccak import KECCAK_BYTES, keccak256
from zkstate.kernels.poseidon import (
    POSEIDON_FULL_ROUNDS,
    POSEIDON_MAX_ARITY,
    merkle_empty_roots,
    merkle_levels,
    poseidon_chain_many,
    poseidon_constants,
    poseidon_many,
    poseidon_permutation,
)
from zkstate.kernels.r1cs_file import r1cs_counts
from zkstate.kernels.scalars import FR_BYTES, FR_MODULUS, FrVec
from zkstate.kernels.seam import native_digest, thread_count

__all__ = [
    "FR_BYTES",
    "FR_MODULUS",
    "KECCAK_BYTES",
    "POSEIDON_FULL_ROUNDS",
    "POSEIDON_MAX_ARITY",
    "STEP_BITS",
    "STEP_INVERSE",
    "STEP_LINEAR",
    "STEP_ONE_HOT",
    "STEP_PRODUCT",
    "STEP_SOLVE",
    "FrVec",
    "WitnessProgram",
    "broken_rows",
    "check_sparse",
    "keccak256",
    "merkle_empty_roots",
    "merkle_levels",
    "native_digest",
    "poseidon_chain_many",
    "poseidon_constants",
    "poseidon_many",
    "poseidon_permutation",
    "r1cs_counts",
    "sparse_product",
    "thread_count",
    "wipe",
]
