"""zkstate as an engine of the benches, on the CPU path that ZKSTATE_CPU names."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))

from serving import Operation, Request, contents, hashed, serve

import zkstate
from zkstate.algebra import bls12_381
from zkstate.commitment import kzg
from zkstate.constraint.r1cs import R1cs
from zkstate.kernels import (
    FR_MODULUS,
    BlsFrVec,
    BlsG1Vec,
    BlsG2Vec,
    FixedPairing,
    FrVec,
    G1Vec,
    G2Vec,
    bls_pairing_check,
    cpu_path,
    fixed_base_g1,
    fixed_base_g2,
    ntt,
    pairing_check,
    poseidon_many,
)
from zkstate.proof import r1cs_file, wtns_file, zkey_file
from zkstate.proof.groth16 import Proof, prove, verify, verify_batch
from zkstate.proof.setup import insecure_setup
from zkstate.proof.transparent import proof_file, prover, verifier
from zkstate.proof.transparent.system import System

SEED = b"the seed of a benchmark"
Prepared = tuple


@cache
def scalars(path: str) -> FrVec:
    return FrVec.from_bytes(Path(path).read_bytes())


@cache
def points_g1(path: str) -> G1Vec:
    return G1Vec.from_bytes(Path(path).read_bytes())


@cache
def points_g2(path: str) -> G2Vec:
    return G2Vec.from_bytes(Path(path).read_bytes())


def fr_mul(ask: Request) -> Prepared:
    a, b = (scalars(ask["files"][name]).slice(0, ask["size"]) for name in ("a", "b"))
    return (lambda _: a * b), (lambda: hashed((a * b).to_bytes()))


@cache
def fp_products() -> ctypes.CDLL:
    """fp_mul.c, compiled as the core is, for the path in use."""
    root = Path(__file__).resolve().parent.parent
    library = root / "build" / "bench" / f"fp_mul-{cpu_path()}.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "native/build.py", "--program", "benches/fp_mul.c", str(library), "field"]
    subprocess.run([*command, "--path", cpu_path()], cwd=root, check=True)
    return ctypes.CDLL(str(library))


def fp_mul(ask: Request) -> Prepared:
    core, n = fp_products(), ask["size"]
    size = ctypes.c_size_t(n)
    a, b, out, words = (ctypes.create_string_buffer(32 * n) for _ in range(4))
    for values, name in ((a, "a"), (b, "b")):
        core.bench_fp_decode(values, contents(ask, name, 32), size)

    def answer() -> str:
        core.bench_fp_encode(words, out, size)
        return hashed(words.raw)

    return (lambda _: core.bench_fp_mul(out, a, b, size)), answer


def transform(ask: Request) -> Prepared:
    before = scalars(ask["files"]["a"]).slice(0, ask["size"])
    copies = [before.copy() for _ in range(ask["repeat"])]
    return (lambda i: ntt(copies[i], threads=ask["threads"])), (lambda: hashed(copies[0].to_bytes()))


def _msm(points: G1Vec | G2Vec, ask: Request) -> Prepared:
    factors, n, sums = scalars(ask["files"]["scalars"]), ask["size"], []
    bases, factors = points.slice(0, n), factors.slice(0, n)
    return (lambda _: sums.append(bases.msm(factors, ask["threads"]))), (lambda: hashed(sums[-1].to_bytes()))


def sum_g1(ask: Request) -> Prepared:
    return _msm(points_g1(ask["files"]["points"]), ask)


def sum_g2(ask: Request) -> Prepared:
    return _msm(points_g2(ask["files"]["points"]), ask)


def multiples(ask: Request) -> Prepared:
    factors, out = scalars(ask["files"]["scalars"]).slice(0, ask["size"]), []
    return (lambda _: out.append(fixed_base_g1(factors, ask["threads"]))), (lambda: hashed(out[-1].to_bytes()))


def pairs(n: int) -> tuple[G1Vec, G2Vec]:
    """(a_i G, b_i H) with sum a_i b_i = 0, or, of a single pair, one whose pairing is not one."""
    a, b = [0x5EED + i for i in range(n)], [0xB0B + i for i in range(n)]
    if n > 1:
        a[-1], b[-1] = -sum(x * y for x, y in zip(a[:-1], b[:-1], strict=True)) % FR_MODULUS, 1
    return fixed_base_g1(FrVec.from_ints(a)), fixed_base_g2(FrVec.from_ints(b))


def product(ask: Request) -> Prepared:
    (p, q), found = pairs(ask["size"]), []
    return (lambda _: found.append(pairing_check(p, q, ask["threads"]))), (lambda: str(found[-1]).lower())


def product_fixed(ask: Request) -> Prepared:
    """Every second argument is fixed, and the product is compared with the empty one."""
    (p, q), found = pairs(ask["size"]), []
    none = G1Vec(0), G2Vec(0)
    fixed = FixedPairing(q, none)
    return (lambda _: found.append(fixed.check(*none, p, ask["threads"]))), (lambda: str(found[-1]).lower())


def hashes(ask: Request) -> Prepared:
    inputs, found = scalars(ask["files"]["a"]).slice(0, 2 * ask["size"]), []
    return (lambda _: found.append(poseidon_many(0, inputs, 2, ask["threads"]))), (lambda: hashed(found[-1].to_bytes()))


def bls_sum(ask: Request) -> Prepared:
    """Of multiples of the generator, each by its own scalar."""
    factors, sums = BlsFrVec.from_bytes(contents(ask, "scalars", 32)), []
    points = BlsG1Vec.fixed_base(factors)
    return (lambda _: sums.append(points.msm(factors, ask["threads"]))), (lambda: hashed(sums[-1].to_compressed()))


def bls_product(ask: Request) -> Prepared:
    p, q = BlsG1Vec.fixed_base(BlsFrVec.from_ints([0x5EED])), BlsG2Vec.fixed_base(BlsFrVec.from_ints([0xB0B]))
    found = []
    return (lambda _: found.append(bls_pairing_check(p, q, ask["threads"]))), (lambda: str(found[-1]).lower())


def bls_hash(_ask: Request) -> Prepared:
    """Of one message under the domain of signatures, as one point: expansion in Python included."""
    found: list[bls12_381.G2] = []
    return (lambda _: found.append(bls12_381.hash_to_g2(b"\x5a" * 32))), (lambda: hashed(found[-1].encode()))


def cell_proofs(ask: Request) -> Prepared:
    blob, found = contents(ask, "scalars", 32), []
    kzg.compute_cells_and_proofs(blob)  # makes the points that serve every blob
    return (lambda _: found.append(kzg.compute_cells_and_proofs(blob, ask["threads"]))), (
        lambda: hashed(b"".join(found[-1][1]))
    )


def cell_verification(ask: Request) -> Prepared:
    blob, found = contents(ask, "scalars", 32), []
    given = [kzg.blob_to_commitment(blob)] * kzg.CELLS, range(kzg.CELLS), *kzg.compute_cells_and_proofs(blob)
    return (lambda _: found.append(kzg.verify_cell_proof_batch(*given))), (lambda: str(found[-1]).lower())


def bls_committee(ask: Request) -> Prepared:
    data, message, found = contents(ask, "scalars", 32), b"\x5a" * 32, []
    secrets = [bls12_381.SecretKey(data[i : i + 32]) for i in range(0, len(data), 32)]
    keys = bls12_381.PublicKeys.of(secret.public_key() for secret in secrets)
    signature = bls12_381.aggregate(secret.sign(message) for secret in secrets)
    call = bls12_381.fast_aggregate_verify
    return (lambda _: found.append(call(keys, message, signature))), (lambda: str(found[-1]).lower())


def blob_commitment(ask: Request) -> Prepared:
    blob, found = contents(ask, "scalars", 32), [kzg.blob_to_commitment(bytes(kzg.BLOB_BYTES))]
    return (lambda _: found.append(kzg.blob_to_commitment(blob, ask["threads"]))), (lambda: hashed(found[-1]))


@cache
def circuit(path: str) -> R1cs:
    return r1cs_file.read(Path(path)).r1cs


@cache
def key(path: str):
    """The key as a prover opens it: pinned, mapped, not checked again."""
    return zkey_file.read_zkey(Path(path), zkey_file.file_pin(Path(path)))


def setup(ask: Request) -> Prepared:
    r1cs, found = circuit(ask["files"]["r1cs"]), []

    def accepted() -> str:
        zkey_file.write_zkey(Path(ask["files"]["zkey"]), found[-1])
        return "accepted"

    return (lambda _: found.append(insecure_setup(r1cs, SEED))), accepted


def proven(ask: Request):
    """The key, the public inputs and the call that proves them."""
    pk, witness = key(ask["files"]["zkey"]), wtns_file.read(Path(ask["files"]["wtns"]))
    return pk, witness.slice(1, pk.n_public + 1).to_ints(), lambda: prove(pk, witness, threads=ask["threads"])


def make_proof(ask: Request) -> Prepared:
    (pk, public, proof), found = proven(ask), []
    return (lambda _: found.append(proof())), (lambda: verdict(verify(pk.vk, public, found[-1])))


def check_proof(ask: Request) -> Prepared:
    pk, public, proof = proven(ask)
    made, found = proof(), []
    return (lambda _: found.append(verify(pk.vk, public, made))), (lambda: verdict(found[-1]))


def check_batch(ask: Request) -> Prepared:
    pk, public, proof = proven(ask)
    distinct: list[Proof] = [proof() for _ in range(8)]
    batch, found = [(public, distinct[i % 8]) for i in range(ask["size"])], []
    return (lambda _: found.append(verify_batch(pk.vk, batch))), (lambda: verdict(found[-1]))


@cache
def layout(path: str) -> System:
    system = System.of(circuit(path))
    assert system.transposed
    return system


def transparent(ask: Request):
    """The layout, the public inputs and the call that proves them, as bytes."""
    system, witness = layout(ask["files"]["r1cs"]), wtns_file.read(Path(ask["files"]["wtns"]))
    public = witness.slice(1, system.parameters.shape.n_public + 1).to_ints()
    return system, public, lambda: prover.prove(system, witness, threads=ask["threads"]).encode()


def judged(system: System, public: list[int], content: bytes) -> bool:
    return verifier.verify(system, public, proof_file.Proof.decode(content))


def make_transparent_proof(ask: Request) -> Prepared:
    (system, public, proof), found = transparent(ask), []

    def answer() -> tuple[str, int]:
        assert not judged(system, [(public[0] + 1) % FR_MODULUS, *public[1:]], found[-1])
        return verdict(judged(system, public, found[-1])), len(found[-1])

    return (lambda _: found.append(proof())), answer


def check_transparent_proof(ask: Request) -> Prepared:
    system, public, proof = transparent(ask)
    content, found = proof(), []
    return (lambda _: found.append(judged(system, public, content))), (lambda: (verdict(found[-1]), len(content)))


def verdict(accepted: bool) -> str:
    return "accepted" if accepted else "rejected"


OPERATIONS: dict[str, Operation] = {
    "fp_mul": fp_mul,
    "fr_mul": fr_mul,
    "ntt": transform,
    "msm_g1": sum_g1,
    "msm_g2": sum_g2,
    "fixed_base_g1": multiples,
    "pairing_check": product,
    "pairing_check_fixed": product_fixed,
    "poseidon_t3": hashes,
    "bls12_381_msm_g1": bls_sum,
    "bls12_381_pairing_check": bls_product,
    "bls12_381_hash_to_g2": bls_hash,
    "kzg_cell_proofs": cell_proofs,
    "kzg_cell_verification": cell_verification,
    "bls12_381_fast_aggregate_verify": bls_committee,
    "kzg_commit": blob_commitment,
    "groth16_setup": setup,
    "groth16_prove": make_proof,
    "groth16_verify": check_proof,
    "groth16_verify_batch": check_batch,
    "chain_prove": make_transparent_proof,
    "chain_verify": check_transparent_proof,
    "hashes_prove": make_transparent_proof,
    "hashes_verify": check_transparent_proof,
}

if __name__ == "__main__":
    serve(f"zkstate {zkstate.__version__}, {cpu_path()} path", OPERATIONS)
