"""Regenerates native/src/constants.h: every number the C core holds, from the curve parameter and first principles.

    python native/constants.py            print the header
    python native/constants.py --write    replace native/src/constants.h

BN254 (Barreto, Naehrig 2005) is fixed by u; its tower is Fp2 = Fp[i]/(i^2+1), Fp6 = Fp2[v]/(v^3-xi), xi = 9+i,
Fp12 = Fp6[w]/(w^2-v).
Field elements are written in Montgomery form, R = 2^256, least significant limb first; those named LANE are five
limbs of 52 bits, for products with S = 2^260.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

U = 4965661367192848881
P = 36 * U**4 + 36 * U**3 + 24 * U**2 + 6 * U + 1
R = 36 * U**4 + 36 * U**3 + 18 * U**2 + 6 * U + 1
LIMBS = 4
MONTGOMERY = 1 << (64 * LIMBS)
LANE_BITS, LANE_LIMBS = 52, 5
LANE_MONTGOMERY = 1 << (LANE_BITS * LANE_LIMBS)
FR_GENERATOR = 5
FR_TWO_ADICITY = 28

Fp2 = tuple[int, int]
XI: Fp2 = (9, 1)
G1_GENERATOR = (1, 2)
# The generator of EIP-197, real part first.
G2_GENERATOR: tuple[Fp2, Fp2] = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def fp2_mul(a: Fp2, b: Fp2) -> Fp2:
    return (a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


def fp2_pow(a: Fp2, exponent: int) -> Fp2:
    result: Fp2 = (1, 0)
    for bit in f"{exponent:b}":
        result = fp2_mul(result, result)
        if bit == "1":
            result = fp2_mul(result, a)
    return result


def fp2_inverse(a: Fp2) -> Fp2:
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, P)
    return a[0] * norm % P, -a[1] * norm % P


def naf(k: int) -> list[int]:
    """Signed binary digits of k without two adjacent non-zeros, least significant first."""
    digits = []
    while k:
        digit = 2 - k % 4 if k % 2 else 0
        digits.append(digit)
        k = (k - digit) // 2
    return digits


def windows(k: int, width: int) -> list[int]:
    """Signed odd digits of k below 2^(width - 1), then width - 1 zeros at least; least significant first."""
    digits = []
    while k:
        digit = k % (1 << width) if k % 2 else 0
        digit -= (1 << width) * (digit >> (width - 1))
        digits.append(digit)
        k = (k - digit) // 2
    return digits


def short_basis(eigenvalue: int) -> list[tuple[int, int]]:
    """The two shortest (x, y) with x + y eigenvalue = 0 mod r (Gauss's reduction), x1 y2 - x2 y1 = r, y1 <= 0 <= y2."""
    a, b = (R, 0), (eigenvalue, -1)
    while True:
        if b[0] ** 2 + b[1] ** 2 < a[0] ** 2 + a[1] ** 2:
            a, b = b, a
        norm = a[0] ** 2 + a[1] ** 2
        times = (2 * (a[0] * b[0] + a[1] * b[1]) + norm) // (2 * norm)
        if times == 0:
            break
        b = (b[0] - times * a[0], b[1] - times * a[1])
    minus_a, minus_b = (-a[0], -a[1]), (-b[0], -b[1])
    turned = [(a, b), (b, minus_a), (minus_a, minus_b), (minus_b, a)]
    if a[0] * b[1] - a[1] * b[0] < 0:
        turned = [(second, first) for first, second in turned]
    return next([first, second] for first, second in turned if first[1] <= 0 <= second[1])


def split(name: str, eigenvalue: int) -> Iterator[str]:
    """What halves a scalar k: the multiples of a short basis nearest to (k, 0), by quotients over 2^254."""
    (x1, y1), (x2, y2) = short_basis(eigenvalue)
    quotients = [(2 * (y << 254) + R) // (2 * R) for y in (y2, -y1)]
    yield "/* k + l eigenvalue = 0 mod r for (k, l) = (x1, y1) and (x2, y2). y2/r 2^254, -y1/r 2^254, x1, y1, x2, y2,"
    yield " * each in two words; all but the first two in two's complement. */"
    yield f"static const uint64_t {name}_SPLIT[6][2] = {{"
    for value in (*quotients, x1, y1, x2, y2):
        yield f"    {{0x{value & (2**64 - 1):016x}ULL, 0x{value >> 64 & (2**64 - 1):016x}ULL}},"
    yield "};"
    yield ""


def limbs(value: int, n: int = LIMBS) -> str:
    words = [value >> (64 * i) & (2**64 - 1) for i in range(n)]
    return "{" + ", ".join(f"0x{word:016x}ULL" for word in words) + "}"


def lane_limbs(value: int) -> str:
    words = [value >> (LANE_BITS * i) & (2**LANE_BITS - 1) for i in range(LANE_LIMBS)]
    return "{" + ", ".join(f"0x{word:013x}ULL" for word in words) + "}"


def fp(value: int) -> str:
    return "{" + limbs(value * MONTGOMERY % P) + "}"


def fr(value: int) -> str:
    return "{" + limbs(value * MONTGOMERY % R) + "}"


def fp2(value: Fp2) -> str:
    return "{" + fp(value[0]) + ",\n     " + fp(value[1]) + "}"


def table(ctype: str, name: str, entries: Sequence[str], comment: str) -> Iterator[str]:
    yield f"/* {comment} */"
    yield f"static const {ctype} {name}[{len(entries)}] = {{"
    for entry in entries:
        yield f"    {entry},"
    yield "};"
    yield ""


def constant(ctype: str, name: str, value: str, comment: str) -> Iterator[str]:
    yield f"/* {comment} */"
    yield f"static const {ctype} {name} = {value};"
    yield ""


def field(prefix: str, modulus: int) -> Iterator[str]:
    for name, value, comment in [
        ("MODULUS", modulus, "the modulus"),
        ("R1", MONTGOMERY % modulus, "R mod m: one in Montgomery form"),
        ("R2", MONTGOMERY**2 % modulus, "R^2 mod m: takes a canonical integer into Montgomery form"),
        (
            "R3",
            MONTGOMERY**3 % modulus,
            "R^3 mod m: takes the integer inverse of a Montgomery form to the form of the inverse",
        ),
    ]:
        yield from constant("uint64_t", f"{prefix}_{name}[{LIMBS}]", limbs(value), comment)
    minus_inverse = -pow(modulus, -1, 1 << 64) % (1 << 64)
    yield f"/* -1/m mod 2^64, and the length of m */\n#define {prefix}_N0 0x{minus_inverse:016x}ULL"
    yield f"#define {prefix}_BITS {modulus.bit_length()}\n"
    for name, value, comment in [
        ("MODULUS", modulus, "the modulus"),
        ("ONE", LANE_MONTGOMERY % modulus, "S mod m: one in the lanes' form"),
    ]:
        yield from constant("uint64_t", f"{prefix}_LANE_{name}[{LANE_LIMBS}]", lane_limbs(value), comment)
    minus_inverse = -pow(modulus, -1, 1 << LANE_BITS) % (1 << LANE_BITS)
    yield f"/* -1/m mod 2^52 */\n#define {prefix}_LANE_N0 0x{minus_inverse:013x}ULL"
    fold = (1 << 60) // ((modulus >> 208) + 1)
    yield f"/* 2^60 over one more than the top limb of m, rounded down */\n#define {prefix}_LANE_FOLD {fold}ULL\n"


def endomorphism() -> Iterator[str]:
    """(x, y) -> (beta x, y) is lambda on G1 and, with the other cube root, on G2; lambda = 36u^3 + 18u^2 + 6u + 1.

    (6u^2 + 4u + 1, 2u + 1) and (-(2u + 1), 6u^2 + 2u) span the (a, b) with a + b lambda = 0 mod r, and have
    determinant r, so rounding k (6u^2 + 2u)/r and k (2u + 1)/r splits k (Gallant, Lambert, Vanstone 2001, section 4).
    """
    beta = pow(3, 2 * (P - 1) // 3, P)
    yield from table("zkn_fp", "FP_CUBE_ROOTS", [fp(beta), fp(beta * beta % P)], "of 1: beta of G1, and of G2")
    yield from constant("zkn_fr", "FR_CUBE_ROOT", fr(36 * U**3 + 18 * U**2 + 6 * U + 1), "lambda")
    for name, value, comment in [
        ("LONG", 6 * U * U + 2 * U, "6u^2 + 2u"),
        ("LONGER", 6 * U * U + 4 * U + 1, "6u^2 + 4u + 1"),
        ("SHORT", 2 * U + 1, "2u + 1"),
        ("LONG_RATIO", (6 * U * U + 2 * U << 256) // R, "2^256 (6u^2 + 2u)/r"),
        ("SHORT_RATIO", (2 * U + 1 << 256) // R, "2^256 (2u + 1)/r"),
    ]:
        words = -(-value.bit_length() // 64)
        yield from constant("uint64_t", f"SPLIT_{name}[{words}]", limbs(value, words), comment)


def header() -> str:
    lines = [
        "/* Generated by native/constants.py; tests/algebra/test_constants.py checks that it still is. */",
        "#ifndef ZKN_CONSTANTS_H",
        "#define ZKN_CONSTANTS_H",
        "",
        '#include "zkn.h"',
        "",
        "/* clang-format off */",
    ]
    lines += field("FP", P)
    lines += field("FR", R)

    lines += [f"#define FR_TWO_ADICITY {FR_TWO_ADICITY}", ""]
    root = pow(FR_GENERATOR, (R - 1) >> FR_TWO_ADICITY, R)
    roots = [fr(pow(root, 1 << (FR_TWO_ADICITY - k), R)) for k in range(FR_TWO_ADICITY + 1)]
    lines += table("zkn_fr", "FR_ROOTS", roots, "FR_ROOTS[k] has order 2^k; the last is 5^((r-1)/2^28)")
    inverses = [fr(pow(1 << k, -1, R)) for k in range(FR_TWO_ADICITY + 1)]
    lines += table("zkn_fr", "FR_INVERSE_POWERS_OF_TWO", inverses, "2^-k")
    minus_inverse = -pow(R, -1, MONTGOMERY) % MONTGOMERY
    lines += constant("uint64_t", f"FR_MINUS_INVERSE[{LIMBS}]", limbs(minus_inverse), "-1/r mod 2^256")
    lines += constant("uint64_t", f"FR_MINUS_MODULUS[{LIMBS}]", limbs(MONTGOMERY - R), "2^256 - r")
    lines += constant("uint64_t", f"FR_TWICE_MODULUS[{LIMBS}]", limbs(2 * R), "2 r")

    lines += constant("zkn_fp", "FP_CURVE_B", fp(3), "E: y^2 = x^3 + 3")
    twist_b = fp2_mul((3, 0), fp2_inverse(XI))
    lines += constant("zkn_fp2", "FP2_TWIST_B", fp2(twist_b), "E': y^2 = x^3 + 3/xi")
    lines += endomorphism()
    lines += constant(
        "zkn_g1_aff", "G1_GENERATOR", "{" + fp(G1_GENERATOR[0]) + ",\n     " + fp(G1_GENERATOR[1]) + "}", "(1, 2)"
    )
    lines += constant(
        "zkn_g2_aff",
        "G2_GENERATOR",
        "{" + fp2(G2_GENERATOR[0]) + ",\n     " + fp2(G2_GENERATOR[1]) + "}",
        "the generator of EIP-197",
    )

    for power in (1, 2, 3):
        gammas = [fp2(fp2_pow(XI, k * (P**power - 1) // 6)) for k in range(6)]
        lines += table(
            "zkn_fp2", f"FROBENIUS_{power}", gammas, f"xi^(k (p^{power} - 1)/6): w^k -> w^k under x -> x^(p^{power})"
        )

    beta, eigenvalue = 18 * U**3 + 18 * U**2 + 9 * U + 1, 36 * U**3 + 18 * U**2 + 6 * U + 1
    lines += constant(
        "zkn_fp", "FP_CUBE_ROOT", fp(beta), "(x, y) -> (beta x, y) multiplies G1 by 36 u^3 + 18 u^2 + 6 u + 1"
    )
    lines += split("G1", eigenvalue)
    lines += split("G2", P % R)
    lines += constant(
        "uint64_t", f"G2_COFACTOR[{LIMBS}]", limbs(2 * P - R), "the points of E' are 2 p - r times those of G2"
    )
    lines += [f"/* the curve parameter u */\n#define BN_U {U}ULL\n"]
    lines += table("int8_t", "BN_U_NAF", [str(d) for d in naf(U)], "u, signed digits, least significant first")
    lines += table(
        "int8_t", "BN_U_WINDOWS", [str(d) for d in windows(U, 4)], "u, windows of 4 bits, least significant first"
    )
    lines += table(
        "int8_t", "ATE_LOOP", [str(d) for d in naf(6 * U + 2)], "6u + 2, signed digits, least significant first"
    )
    lines += ["/* clang-format on */", "", "#endif", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        (Path(__file__).parent / "src" / "constants.h").write_text(header(), encoding="ascii")
    else:
        sys.stdout.write(header())
