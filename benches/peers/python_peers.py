"""Peers that are Python packages, each imported alone: python python_peers.py NAME (requirements.txt pins them)."""

from __future__ import annotations

import sys
from importlib.metadata import version

from serving import Operation, Request, contents, hashed, integers, serve

Operations = dict[str, Operation]


def encoded(*words: int, size: int = 32) -> str:
    return hashed(b"".join(int(word).to_bytes(size, "big") for word in words))


def zksnake() -> Operations:
    from zksnake._algebra import ec_bn254, polynomial_bn254  # noqa: PLC0415

    r = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001

    def ntt(ask: Request):
        values, found = integers(ask, "a"), []
        return (lambda _: found.append(polynomial_bn254.fft(values, ask["size"]))), (lambda: encoded(*found[-1]))

    def msm_g1(ask: Request):
        data = contents(ask, "points", 64)
        words = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
        points = [ec_bn254.PointG1(x, y) for x, y in zip(words[::2], words[1::2], strict=True)]
        factors, found = integers(ask, "scalars"), []
        return (
            lambda _: found.append(ec_bn254.multiscalar_mul_g1(points, factors)),
            lambda: encoded(found[-1].x, found[-1].y),
        )

    def pairing_check(ask: Request):
        g, h, found = ec_bn254.g1(), ec_bn254.g2(), []
        a, b = [0x5EED + i for i in range(ask["size"])], [0xB0B + i for i in range(ask["size"])]
        if len(a) > 1:
            a[-1], b[-1] = -sum(x * y for x, y in zip(a[:-1], b[:-1], strict=True)) % r, 1
        p, q = [g * x for x in a], [h * y for y in b]
        one = ec_bn254.multi_pairing([g, -g], [h, h])
        return (lambda _: found.append(ec_bn254.multi_pairing(p, q) == one)), (lambda: str(found[-1]).lower())

    return {"ntt": ntt, "msm_g1": msm_g1, "pairing_check": pairing_check}


def py_ecc() -> Operations:
    from py_ecc.fields import optimized_bn128_FQ as FQ  # noqa: PLC0415
    from py_ecc.optimized_bn128 import FQ12, G1, G2, multiply, pairing  # noqa: PLC0415

    def fp_mul(ask: Request):
        a, b = ([FQ(x) for x in integers(ask, name)] for name in ("a", "b"))
        found: list[list[FQ]] = []
        return (
            lambda _: found.append([x * y for x, y in zip(a, b, strict=True)]),
            lambda: encoded(*(x.n for x in found[-1])),
        )

    def pairing_check(_ask: Request):
        p, q, found = multiply(G1, 0x5EED), multiply(G2, 0xB0B), []
        return (lambda _: found.append(pairing(q, p) == FQ12.one())), (lambda: str(found[-1]).lower())

    return {"fp_mul": fp_mul, "pairing_check": pairing_check, **_py_ecc_bls()}


def _py_ecc_bls() -> Operations:
    from py_ecc.bls import G2ProofOfPossession as Scheme  # noqa: PLC0415
    from py_ecc.bls.g2_primitives import G1_to_pubkey, G2_to_signature  # noqa: PLC0415
    from py_ecc.bls.hash_to_curve import hash_to_G2  # noqa: PLC0415
    from py_ecc.optimized_bls12_381 import FQ12, G1, G2, Z1, add, curve_order, multiply, pairing  # noqa: PLC0415

    def msm_g1(ask: Request):
        factors, found = integers(ask, "scalars"), []
        points = [multiply(G1, x) for x in factors]

        def call(_: int) -> None:
            total = Z1
            for point, factor in zip(points, factors, strict=True):
                total = add(total, multiply(point, factor))
            found.append(total)

        return call, (lambda: hashed(G1_to_pubkey(found[-1])))

    def pairing_check(_ask: Request):
        p, q, found = multiply(G1, 0x5EED), multiply(G2, 0xB0B), []
        return (lambda _: found.append(pairing(q, p) == FQ12.one())), (lambda: str(found[-1]).lower())

    def hash_to_g2(_ask: Request):
        found: list = []
        return (
            lambda _: found.append(hash_to_G2(b"\x5a" * 32, Scheme.DST, Scheme.xmd_hash_function)),
            lambda: hashed(G2_to_signature(found[-1])),
        )

    def fast_aggregate_verify(ask: Request):
        secrets, message, found = integers(ask, "scalars"), b"\x5a" * 32, []
        keys = [Scheme.SkToPk(secret) for secret in secrets]
        signature = Scheme.Sign(sum(secrets) % curve_order, message)  # what the signatures add up to
        call = Scheme.FastAggregateVerify
        return (lambda _: found.append(call(keys, message, signature))), (lambda: str(found[-1]).lower())

    return {
        "bls12_381_msm_g1": msm_g1,
        "bls12_381_pairing_check": pairing_check,
        "bls12_381_hash_to_g2": hash_to_g2,
        "bls12_381_fast_aggregate_verify": fast_aggregate_verify,
    }


def galois() -> Operations:
    import galois as library  # noqa: PLC0415

    r = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
    field = library.GF(r, primitive_element=5, verify=False)

    def ntt(ask: Request):
        values, found = field(integers(ask, "a")), []
        library.ntt(values)  # its first factors r - 1
        return (lambda _: found.append(library.ntt(values))), (lambda: encoded(*found[-1]))

    return {"ntt": ntt}


def py_arkworks_bls12381() -> Operations:
    from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar  # noqa: PLC0415

    def msm_g1(ask: Request):
        factors = [Scalar(x) for x in integers(ask, "scalars")]
        points, found = [G1Point() * x for x in factors], []
        return (
            lambda _: found.append(G1Point.multiexp_unchecked(points, factors)),
            lambda: hashed(bytes(found[-1].to_compressed_bytes())),
        )

    def pairing_check(_ask: Request):
        p, q, found = G1Point() * Scalar(0x5EED), G2Point() * Scalar(0xB0B), []
        return (lambda _: found.append(GT.pairing(p, q) == GT.one())), (lambda: str(found[-1]).lower())

    return {"bls12_381_msm_g1": msm_g1, "bls12_381_pairing_check": pairing_check}


def ckzg() -> Operations:
    """Its trusted setup is no part of the package: the request must name one."""
    import ckzg as library  # noqa: PLC0415

    def given(ask: Request):
        if "trusted_setup" not in ask["files"]:
            raise FileNotFoundError("no trusted setup of EIP-4844 was given")
        return contents(ask, "scalars", 32), library.load_trusted_setup(ask["files"]["trusted_setup"], 0), []

    def commit(ask: Request):
        blob, setup, found = given(ask)
        return (lambda _: found.append(library.blob_to_kzg_commitment(blob, setup))), (lambda: hashed(found[-1]))

    def cell_proofs(ask: Request):
        blob, setup, found = given(ask)
        return (lambda _: found.append(library.compute_cells_and_kzg_proofs(blob, setup))), (
            lambda: hashed(b"".join(found[-1][1]))
        )

    def cell_verification(ask: Request):
        blob, setup, found = given(ask)
        cells, proofs = library.compute_cells_and_kzg_proofs(blob, setup)
        listed = [library.blob_to_kzg_commitment(blob, setup)] * len(cells), list(range(len(cells)))
        return (lambda _: found.append(library.verify_cell_kzg_proof_batch(*listed, cells, proofs, setup))), (
            lambda: str(found[-1]).lower()
        )

    return {"kzg_commit": commit, "kzg_cell_proofs": cell_proofs, "kzg_cell_verification": cell_verification}


if __name__ == "__main__":
    name = sys.argv[1]
    distribution = {"py_ecc": "py-ecc"}.get(name, name)
    serve(f"{name} {version(distribution)}", globals()[name]())
