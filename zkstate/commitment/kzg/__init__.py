"""KZG commitments of Ethereum: blobs (EIP-4844), and the cells of extended blobs (EIP-7594)."""

from zkstate.commitment.kzg.blobs import (
    BLOB_BYTES,
    blob_to_commitment,
    compute_blob_proof,
    compute_proof,
    verify_blob_proof,
    verify_blob_proof_batch,
    verify_proof,
)
from zkstate.commitment.kzg.cells import (
    CELL_BYTES,
    compute_cells,
    compute_cells_and_proofs,
    recover_cells_and_proofs,
    verify_cell_proof_batch,
)
from zkstate.commitment.kzg.proofs import CELLS

__all__ = [
    "BLOB_BYTES",
    "CELLS",
    "CELL_BYTES",
    "blob_to_commitment",
    "compute_blob_proof",
    "compute_cells",
    "compute_cells_and_proofs",
    "compute_proof",
    "recover_cells_and_proofs",
    "verify_blob_proof",
    "verify_blob_proof_batch",
    "verify_cell_proof_batch",
    "verify_proof",
]
