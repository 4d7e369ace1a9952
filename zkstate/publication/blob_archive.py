"""Blobs kept where they outlive the chain's eighteen days: whole in one folder, or as cells over several mirrors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zkstate.atomic import replace_file
from zkstate.commitment.kzg import blob_to_commitment, compute_cells_and_proofs
from zkstate.publication.blobs import (
    blob_path,
    blobs_root,
    cell_path,
    commitment_path,
    encode_list,
    list_path,
    versioned_hash,
)


def keep_blobs(blobs: Sequence[bytes], archives: Sequence[Path], spread: Sequence[Path]) -> bytes:
    """Write the blobs whole into each archive, and cell i of each into folder i mod n of `spread`; their blobs root.

    Files are named by what they hash to, so what is there already is the same.
    """
    commitments = [blob_to_commitment(blob) for blob in blobs]
    hashes = [versioned_hash(commitment) for commitment in commitments]
    root = blobs_root(hashes)
    for folder in (*archives, *spread):
        _put(folder, list_path(root), encode_list(hashes))
    for blob, commitment, found in zip(blobs, commitments, hashes, strict=True):
        for folder in archives:
            _put(folder, blob_path(found), blob)
        if not spread:
            continue
        for folder in spread:
            _put(folder, commitment_path(found), commitment)
        for i, (cell, proof) in enumerate(zip(*compute_cells_and_proofs(blob), strict=True)):
            _put(spread[i % len(spread)], cell_path(found, i), cell + proof)
    return root


def _put(folder: Path, path: str, content: bytes) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, content)
