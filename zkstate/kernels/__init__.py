"""The seam to the C core: bytes and integers in, vectors that Python owns out, one typed error per status.

The only package that touches `ffi` and `lib`; one module per family of kernels.
"""

from zkstate.kernels.blake2b import DIGEST_BYTES, ColumnHashes, blake2b_columns, blake2b_parents
from zkstate.kernels.blocks import BlockSlots, joined_slots, running_sums
from zkstate.kernels.bls12_381 import BLS_FP_MODULUS, BlsG1Vec, BlsG2Vec, bls_pairing_check
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
    sparse_blocks_product,
    sparse_product,
    unequal_products,
    wipe,
)
from zkstate.kernels.keccak import KECCAK_BYTES, keccak256
from zkstate.kernels.pairing import FixedPairing, pairing_check
from zkstate.kernels.points import (
    FP_MODULUS,
    G1Vec,
    G2Vec,
    PointVec,
    clear_cofactor,
    fixed_base_g1,
    fixed_base_g2,
    msm_g1,
    msm_g2,
)
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
from zkstate.kernels.prepared import PreparedPoints
from zkstate.kernels.r1cs_file import r1cs_counts
from zkstate.kernels.rows import bit_reversed, rows_beside, rows_columns, rows_dot, rows_encode, rows_filled, rows_sum
from zkstate.kernels.scalars import BLS_FR_MODULUS, FR_BYTES, FR_MODULUS, BlsFrVec, FrVec, divide_linear
from zkstate.kernels.seam import CPU_PATHS, best_path, cpu_path, cpu_words, native_digest, thread_count
from zkstate.kernels.sumcheck import SumcheckTable, eq_table, sumcheck_product, sumcheck_rows, wipe_bytes
from zkstate.kernels.transforms import FR_TWO_ADICITY, ntt, quotient

__all__ = [
    "BLS_FP_MODULUS",
    "BLS_FR_MODULUS",
    "CPU_PATHS",
    "DIGEST_BYTES",
    "FP_MODULUS",
    "FR_BYTES",
    "FR_MODULUS",
    "FR_TWO_ADICITY",
    "KECCAK_BYTES",
    "POSEIDON_FULL_ROUNDS",
    "POSEIDON_MAX_ARITY",
    "STEP_BITS",
    "STEP_INVERSE",
    "STEP_LINEAR",
    "STEP_ONE_HOT",
    "STEP_PRODUCT",
    "STEP_SOLVE",
    "BlockSlots",
    "BlsFrVec",
    "BlsG1Vec",
    "BlsG2Vec",
    "ColumnHashes",
    "FixedPairing",
    "FrVec",
    "G1Vec",
    "G2Vec",
    "PointVec",
    "PreparedPoints",
    "SumcheckTable",
    "WitnessProgram",
    "best_path",
    "bit_reversed",
    "blake2b_columns",
    "blake2b_parents",
    "bls_pairing_check",
    "broken_rows",
    "check_sparse",
    "clear_cofactor",
    "cpu_path",
    "cpu_words",
    "divide_linear",
    "eq_table",
    "fixed_base_g1",
    "fixed_base_g2",
    "joined_slots",
    "keccak256",
    "merkle_empty_roots",
    "merkle_levels",
    "msm_g1",
    "msm_g2",
    "native_digest",
    "ntt",
    "pairing_check",
    "poseidon_chain_many",
    "poseidon_constants",
    "poseidon_many",
    "poseidon_permutation",
    "quotient",
    "r1cs_counts",
    "rows_beside",
    "rows_columns",
    "rows_dot",
    "rows_encode",
    "rows_filled",
    "rows_sum",
    "running_sums",
    "sparse_blocks_product",
    "sparse_product",
    "sumcheck_product",
    "sumcheck_rows",
    "thread_count",
    "unequal_products",
    "wipe",
    "wipe_bytes",
]
