"""KZG of blobs and cells against the reference tests of the consensus specifications, and against c-kzg where it is."""

from __future__ import annotations

import random
import tarfile
from functools import cache

import pytest
import yaml

from tests.shared import shared_path
from zkstate.algebra.bls12_381 import FR_MODULUS
from zkstate.commitment import kzg
from zkstate.commitment.kzg import blobs, cells, trusted_setup
from zkstate.errors import DisagreementError, InputError
from zkstate.kernels import BlsFrVec, BlsG1Vec, BlsG2Vec, bls_pairing_check


def unhex(value):
    if isinstance(value, list):
        return [unhex(item) for item in value]
    return bytes.fromhex(value[2:]) if isinstance(value, str) else value


@cache
def archive():
    """The cases of a handler by name, unread: unpacked they have 62 MB."""
    found = {}
    with tarfile.open(shared_path("vectors/kzg/ckzg_vectors.tar.xz")) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith("data.yaml"):
                parts = member.name.removeprefix("./").split("/")
                handler = parts[parts.index("kzg-mainnet") - 1]
                found.setdefault(handler, {})[parts[-2]] = tar.extractfile(member).read()
    return found


def cell_challenge(commitments, commitment_indices, cell_indices, cosets_evals, proofs):
    values = [b"".join(evals) for evals in cosets_evals]
    number = cells._challenge(commitments, commitment_indices, cell_indices, values, proofs)
    return number.to_bytes(32, "big")


HANDLERS = {
    "blob_to_kzg_commitment": (kzg.blob_to_commitment, 9),
    "compute_kzg_proof": (lambda blob, z: list(kzg.compute_proof(blob, z)), 34),
    "verify_kzg_proof": (kzg.verify_proof, 85),
    "compute_blob_kzg_proof": (kzg.compute_blob_proof, 11),
    "verify_blob_kzg_proof": (kzg.verify_blob_proof, 14),
    "verify_blob_kzg_proof_batch": (kzg.verify_blob_proof_batch, 17),
    "compute_challenge": (lambda blob, commitment: blobs.challenge(blob, commitment).to_bytes(32, "big"), 8),
    "compute_cells": (kzg.compute_cells, 7),
    "verify_cell_kzg_proof_batch": (kzg.verify_cell_proof_batch, 14),
    "compute_verify_cell_kzg_proof_batch_challenge": (cell_challenge, 6),
}
SLOW = {
    "compute_cells_and_kzg_proofs": (lambda blob: list(kzg.compute_cells_and_proofs(blob)), 8),
    "recover_cells_and_kzg_proofs": (lambda i, c: list(kzg.recover_cells_and_proofs(i, c)), 12),
}


def run(handler, call, counted):
    found = archive()[handler]
    for name, data in found.items():
        case = yaml.load(data, Loader=yaml.CSafeLoader)
        given = [unhex(value) for value in case["input"].values()]
        wanted = unhex(case["output"])
        if wanted is None:
            with pytest.raises(InputError):
                call(*given)
        else:
            assert call(*given) == wanted, name
    assert len(found) == counted


@pytest.mark.parametrize("handler", HANDLERS)
def test_reference_cases(handler):
    run(handler, *HANDLERS[handler])


@pytest.mark.slow
@pytest.mark.parametrize("handler", SLOW)
def test_reference_cases_with_proofs_of_all_cells(handler):
    run(handler, *SLOW[handler])


def blob(seed):
    rng = random.Random(seed)
    return b"".join(rng.randrange(FR_MODULUS).to_bytes(32, "big") for _ in range(4096))


def test_cells_give_back_the_blob_and_prove_themselves():
    data = blob(1)
    commitment = kzg.blob_to_commitment(data)
    all_cells, proofs = kzg.compute_cells_and_proofs(data)
    assert all_cells == kzg.compute_cells(data)
    assert b"".join(all_cells[:64]) == data
    some = sorted(random.Random(2).sample(range(128), 64))
    assert kzg.verify_cell_proof_batch([commitment] * 64, some, [all_cells[i] for i in some], [proofs[i] for i in some])
    other = [*some[:-1], next(i for i in range(128) if i not in some)]
    assert not kzg.verify_cell_proof_batch(
        [commitment] * 64, other, [all_cells[i] for i in some], [proofs[i] for i in some]
    )
    assert kzg.recover_cells_and_proofs(some, [all_cells[i] for i in some]) == (all_cells, proofs)


def test_cells_of_two_blobs_are_not_recovered_from():
    """Of 65 cells each single one, swapped for that of another blob, contradicts the rest."""
    mixed = kzg.compute_cells(blob(5))[:65]
    other = kzg.compute_cells(blob(6))
    for i in (0, 31, 64):
        with pytest.raises(DisagreementError, match="65 cells contradict each other"):
            kzg.recover_cells_and_proofs(range(65), [*mixed[:i], other[i], *mixed[i + 1 :]])


def test_the_setup_is_the_one_of_the_ceremony():
    """Of its powers each is tau times the one before, by pairings; and the Lagrange points are theirs."""
    g1, g2 = trusted_setup.powers_g1(), trusted_setup.powers_g2()
    g1.validate()
    g2.validate()
    assert (g1.slice(0, 1), g2.slice(0, 1)) == (BlsG1Vec.generator(), BlsG2Vec.generator())
    rng = random.Random(3)
    weights = BlsFrVec.from_ints(rng.randrange(FR_MODULUS) for _ in range(4095))
    low, high = g1.slice(0, 4095).msm(weights), g1.slice(1, 4096).msm(weights)
    assert bls_pairing_check(BlsG1Vec.concat([-high, low]), g2.slice(0, 2))
    weights = BlsFrVec.from_ints(rng.randrange(FR_MODULUS) for _ in range(64))
    low2, high2 = g2.slice(0, 64).msm(weights), g2.slice(1, 65).msm(weights)
    assert bls_pairing_check(BlsG1Vec.concat([-g1.slice(0, 1), g1.slice(1, 2)]), BlsG2Vec.concat([high2, low2]))
    values = BlsFrVec.from_ints(rng.randrange(FR_MODULUS) for _ in range(4096))
    assert trusted_setup.lagrange().msm(values) == g1.msm(blobs.coefficients(values))


@pytest.mark.slow
def test_c_kzg_agrees():
    ckzg = pytest.importorskip("ckzg")
    data = blob(4)
    settings = ckzg.load_trusted_setup(str(trusted_setup.source()), 0)
    commitment = kzg.blob_to_commitment(data)
    assert commitment == ckzg.blob_to_kzg_commitment(data, settings)
    assert kzg.compute_blob_proof(data, commitment) == ckzg.compute_blob_kzg_proof(data, commitment, settings)
    cells, proofs = kzg.compute_cells_and_proofs(data)
    assert (cells, proofs) == tuple(map(list, ckzg.compute_cells_and_kzg_proofs(data, settings)))
    assert kzg.recover_cells_and_proofs(range(64, 128), cells[64:]) == (cells, proofs)
    sparse = bytes(32 * 4000) + (5).to_bytes(32, "big") + bytes(32 * 95)
    assert kzg.compute_cells_and_proofs(sparse)[1] == list(ckzg.compute_cells_and_kzg_proofs(sparse, settings)[1])
