"""Regenerates native/src/constants_*.h: every number the C core holds, from curve parameters and first principles.

    python native/constants.py            print the headers
    python native/constants.py --write    replace them

Both curves have the tower Fp2 = Fp[i]/(i^2+1), Fp6 = Fp2[v]/(v^3-xi), Fp12 = Fp6[w]/(w^2-v), and one header each with
the same names in it. BN254 (Barreto, Naehrig 2005) and BLS12-381 (Barreto, Lynn, Scott 2002; Bowe 2017) are fixed by
one integer, u or x.
Field elements are written in Montgomery form, R = 2^(64 limbs), least significant limb first; those named LANE are five
limbs of 52 bits, for products with S = 2^260, or eight, with S = 2^416, for Fp of BLS12-381; those named QUAD are nine
of 29 bits, with S = 2^261, or fourteen of 28, with S = 2^392, for BLS12-381.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_spec = importlib.util.spec_from_file_location("zkn_isogenies", Path(__file__).with_name("isogenies.py"))
assert _spec
assert _spec.loader
isogenies = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(isogenies)

LANE_BITS = 52

Fp2 = tuple[int, int]
Point = tuple[Fp2, Fp2] | None


@dataclass(frozen=True)
class Curve:
    """y^2 = x^3 + b over Fp, and its sextic twist over Fp2: b/xi (type D) or b xi (type M). Points are over Fp2."""

    name: str
    parameter: int  # u of BN, |x| of BLS
    p: int
    r: int
    b: int
    xi: Fp2
    twist_is_m: bool
    g1: tuple[int, int]
    g2: tuple[Fp2, Fp2]
    fr_generator: int
    fr_two_adicity: int
    loop: list[int]  # of the Miller loop: signed digits, least significant first
    eigenvalue: int  # of (x, y) -> (beta x, y), mod r

    @property
    def twist_b(self) -> Fp2:
        return self.mul((self.b, 0), self.xi if self.twist_is_m else self.inverse(self.xi))

    @property
    def limbs(self) -> int:
        return -(-self.p.bit_length() // 64)

    def mul(self, a: Fp2, b: Fp2) -> Fp2:
        return (a[0] * b[0] - a[1] * b[1]) % self.p, (a[0] * b[1] + a[1] * b[0]) % self.p

    def power(self, a: Fp2, exponent: int) -> Fp2:
        result: Fp2 = (1, 0)
        for bit in f"{exponent:b}":
            result = self.mul(result, result)
            if bit == "1":
                result = self.mul(result, a)
        return result

    def inverse(self, a: Fp2) -> Fp2:
        norm = pow(a[0] * a[0] + a[1] * a[1], -1, self.p)
        return a[0] * norm % self.p, -a[1] * norm % self.p

    def add(self, a: Point, b: Point) -> Point:
        if a is None or b is None:
            return a or b
        (x1, y1), (x2, y2) = a, b
        if x1 == x2:
            if y1 != y2:
                return None
            square = self.mul(x1, x1)
            slope = self.mul((3 * square[0], 3 * square[1]), self.inverse((2 * y1[0], 2 * y1[1])))
        else:
            slope = self.mul((y2[0] - y1[0], y2[1] - y1[1]), self.inverse((x2[0] - x1[0], x2[1] - x1[1])))
        square = self.mul(slope, slope)
        x = ((square[0] - x1[0] - x2[0]) % self.p, (square[1] - x1[1] - x2[1]) % self.p)
        run = self.mul(slope, (x1[0] - x[0], x1[1] - x[1]))
        return x, ((run[0] - y1[0]) % self.p, (run[1] - y1[1]) % self.p)

    def multiple(self, k: int, point: Point) -> Point:
        result: Point = None
        for bit in f"{k:b}":
            result = self.add(result, result)
            if bit == "1":
                result = self.add(result, point)
        return result

    def cube_root(self, point: tuple[Fp2, Fp2]) -> int:
        """beta with (beta x, y) = eigenvalue (x, y)."""
        image = self.multiple(self.eigenvalue, point)
        assert image is not None
        c0, c1 = self.mul(image[0], self.inverse(point[0]))
        assert c1 == 0
        assert pow(c0, 3, self.p) == 1 != c0
        return c0


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


def short_basis(r: int, eigenvalue: int) -> list[tuple[int, int]]:
    """The two shortest (x, y) with x + y eigenvalue = 0 mod r (Gauss's reduction), x1 y2 - x2 y1 = r, y1 <= 0 <= y2."""
    a, b = (r, 0), (eigenvalue, -1)
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


def binary(k: int) -> list[int]:
    return [int(bit) for bit in reversed(f"{k:b}")]


def bn254() -> Curve:
    u = 4965661367192848881
    return Curve(
        name="BN254",
        parameter=u,
        p=36 * u**4 + 36 * u**3 + 24 * u**2 + 6 * u + 1,
        r=36 * u**4 + 36 * u**3 + 18 * u**2 + 6 * u + 1,
        b=3,
        xi=(9, 1),
        twist_is_m=False,
        g1=(1, 2),
        # The generator of EIP-197, real part first.
        g2=(
            (
                10857046999023057135944570762232829481370756359578518086990519993285655852781,
                11559732032986387107991004021392285783925812861821192530917403151452391805634,
            ),
            (
                8495653923123431417604973247489272438418190587263600148770280649306958101930,
                4082367875863433681332203403145435568316851327593401208105741076214120093531,
            ),
        ),
        fr_generator=5,
        fr_two_adicity=28,
        loop=naf(6 * u + 2),
        eigenvalue=36 * u**3 + 18 * u**2 + 6 * u + 1,
    )


def bls12_381() -> Curve:
    x = -0xD201000000010000
    r = x**4 - x**2 + 1
    return Curve(
        name="BLS12-381",
        parameter=-x,
        p=(x - 1) ** 2 * r // 3 + x,
        r=r,
        b=4,
        xi=(1, 1),
        twist_is_m=True,
        # The generators of draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1.
        g1=(
            0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
            0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1,
        ),
        g2=(
            (
                0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
                0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E,
            ),
            (
                0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
                0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE,
            ),
        ),
        fr_generator=7,
        fr_two_adicity=32,
        loop=binary(-x),
        eigenvalue=r - x**2,
    )


def limbs(value: int, n: int = 4) -> str:
    words = [value >> (64 * i) & (2**64 - 1) for i in range(n)]
    return "{" + ", ".join(f"0x{word:016x}ULL" for word in words) + "}"


def lane_limbs(value: int, n: int) -> str:
    words = [value >> (LANE_BITS * i) & (2**LANE_BITS - 1) for i in range(n)]
    return "{" + ", ".join(f"0x{word:013x}ULL" for word in words) + "}"


@dataclass(frozen=True, slots=True)
class Quad:
    """Limbs of four elements side by side (quad_field.h)."""

    bits: int
    count: int

    @classmethod
    def of(cls, modulus: int) -> Quad:
        return cls(29, 9) if modulus.bit_length() <= 254 else cls(28, 14)

    @property
    def montgomery(self) -> int:
        return 1 << (self.bits * self.count)

    @property
    def mask(self) -> int:
        return (1 << self.bits) - 1

    def limbs(self, value: int) -> list[int]:
        top = self.bits * (self.count - 1)
        return [value >> at & self.mask for at in range(0, top, self.bits)] + [value >> top]


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


def digits(name: str, values: Sequence[int], comment: str) -> Iterator[str]:
    yield from table("int8_t", name, [str(d) for d in values], f"{comment}, least significant first")


def field(prefix: str, modulus: int) -> Iterator[str]:
    n = -(-modulus.bit_length() // 64)
    montgomery = 1 << (64 * n)
    yield f"#define {prefix}_LIMBS {n}"
    yield f"#define {prefix}_BITS {modulus.bit_length()}\n"
    for name, value, comment in [
        ("MODULUS", modulus, "the modulus"),
        ("R1", montgomery % modulus, "R mod m: one in Montgomery form"),
        ("R2", montgomery**2 % modulus, "R^2 mod m: takes a canonical integer into Montgomery form"),
        (
            "R3",
            montgomery**3 % modulus,
            "R^3 mod m: takes the integer inverse of a Montgomery form to the form of the inverse",
        ),
    ]:
        yield from constant("uint64_t", f"{prefix}_{name}[{n}]", limbs(value, n), comment)
    minus_inverse = -pow(modulus, -1, 1 << 64) % (1 << 64)
    yield f"/* -1/m mod 2^64 */\n#define {prefix}_N0 0x{minus_inverse:016x}ULL"
    yield "/* sums of products (field_rows.h): R/m - 1 and R/m rounded down, the largest k with (k m/R + 1) m < R */"
    yield f"#define {prefix}_SHORT {montgomery // modulus - 1}"
    yield f"#define {prefix}_STEP {montgomery // modulus}"
    yield f"#define {prefix}_SUM_MAX {(montgomery - modulus) * montgomery // modulus**2}\n"
    lanes = -(-(modulus.bit_length() + 4) // LANE_BITS)
    yield f"#define {prefix}_LANE_LIMBS {lanes}\n"
    for name, value, comment in [
        ("MODULUS", modulus, "the modulus"),
        ("ONE", (1 << LANE_BITS * lanes) % modulus, "S mod m: one in the lanes' form"),
        ("CARRY", pow(2, -LANE_BITS, modulus), "2^-52 mod m: what a limb is in the limbs above it"),
    ]:
        yield from constant("uint64_t", f"{prefix}_LANE_{name}[{lanes}]", lane_limbs(value, lanes), comment)
    minus_inverse = -pow(modulus, -1, 1 << LANE_BITS) % (1 << LANE_BITS)
    yield f"/* -1/m mod 2^52 */\n#define {prefix}_LANE_N0 0x{minus_inverse:013x}ULL"
    fold = (1 << 60) // ((modulus >> LANE_BITS * (lanes - 1)) + 1)
    yield f"/* 2^60 over one more than the top limb of m, rounded down */\n#define {prefix}_LANE_FOLD {fold}ULL\n"


def quads(prefix: str, modulus: int) -> Iterator[str]:
    """What quad_field_template.h needs of a field."""
    form = Quad.of(modulus)
    limbs_of = form.limbs(modulus)
    lent = [1 << form.bits, *[form.mask] * (form.count - 2), -1]
    spare = [a + b for a, b in zip(form.limbs(4 * modulus), lent, strict=True)]
    yield from quad(f"{prefix}_QUAD_MODULUS", limbs_of, "the modulus")
    yield from quad(f"{prefix}_QUAD_SPARE", spare, f"4 m, 2^{form.bits} of each limb lent to the one below")
    bits = 30 + limbs_of[-1].bit_length()
    yield f"/* 2^{bits} over one more than the top limb of m, rounded down */"
    yield f"#define {prefix}_QUAD_FOLD {(1 << bits) // (limbs_of[-1] + 1)}U"
    yield f"#define {prefix}_QUAD_FOLD_BITS {bits}\n"


def quad_products(p: int) -> Iterator[str]:
    """What products in Fp need besides."""
    form = Quad.of(p)
    one, r = form.montgomery % p, (1 << -(-p.bit_length() // 64) * 64) % p
    yield from quad("FP_QUAD_ONE", form.limbs(one), "S mod m: one in the form of quads")
    yield from quad("FP_QUAD_R", form.limbs(r), "R mod m: a product with it leaves that form")
    words = [*form.limbs(p), form.mask, -pow(p, -1, 1 << form.bits) % (1 << form.bits)]
    comment = f"the limbs of the modulus, 2^{form.bits} - 1 and -1/m mod 2^{form.bits}"
    yield from four_times("FP_QUAD_TABLE", words, comment)


def quad_factors(r: int) -> Iterator[str]:
    """What products in Fr by prepared factors need besides."""
    form = Quad.of(r)
    inverse = form.limbs(-pow(r, -1, form.montgomery) % form.montgomery)
    yield from quad("FR_QUAD_MINUS_INVERSE", inverse, "-1/m mod S")
    words = [*form.limbs(form.montgomery - r), form.mask]
    yield from four_times("FR_QUAD_TABLE", words, f"the limbs of S - m, and 2^{form.bits} - 1")


def quad(name: str, words: Sequence[int], comment: str) -> Iterator[str]:
    value = "{" + ", ".join(f"0x{word:08x}U" for word in words) + "}"
    yield from constant("uint32_t", f"{name}[{len(words)}]", value, comment)


def four_times(name: str, words: Sequence[int], comment: str) -> Iterator[str]:
    value = "{" + ", ".join(f"0x{word:08x}U" for word in words for _ in range(4)) + "}"
    yield from constant("uint64_t", f"{name}[{4 * len(words)}]", value, f"{comment}, each four times")


def halves(name: str, r: int, eigenvalue: int) -> Iterator[str]:
    """What halves a scalar k: the multiples of a short basis nearest to (k, 0), by quotients over 2^(bits of r)."""
    (x1, y1), (x2, y2) = short_basis(r, eigenvalue)
    bits = r.bit_length()
    quotients = [(2 * (y << bits) + r) // (2 * r) for y in (y2, -y1)]
    yield "/* k + l eigenvalue = 0 mod r for (k, l) = (x1, y1) and (x2, y2)."
    yield f" * y2/r 2^{bits}, -y1/r 2^{bits}, x1, y1, x2, y2, each in two words; the last four in two's complement. */"
    yield f"static const uint64_t {name}_SPLIT[6][2] = {{"
    for value in (*quotients, x1, y1, x2, y2):
        yield f"    {{0x{value & (2**64 - 1):016x}ULL, 0x{value >> 64 & (2**64 - 1):016x}ULL}},"
    yield "};"
    yield ""


def determinant(rows: Sequence[Sequence[int]]) -> int:
    if not rows:
        return 1
    minors = ([[*row[:j], *row[j + 1 :]] for row in rows[1:]] for j in range(len(rows)))
    return sum((-1) ** j * rows[0][j] * determinant(minor) for j, minor in enumerate(minors))


def quarters(curve: Curve) -> str:
    """What takes a scalar s apart into four of a quarter of its length, for G2 of BN254: the multiples nearest to
    (s, 0, 0, 0) of short vectors (a, b, c, d) with a + b p + c p^2 + d p^3 = 0 mod r, p being what psi does.

    The vectors are those of Galbraith, Scott 2008 (eprint 2008/117), section 4; their determinant is -3 r.
    """
    u, r = curve.parameter, curve.r
    basis = [
        (u + 1, u, u, -2 * u),
        (2 * u + 1, -u, -(u + 1), -u),
        (2 * u, 2 * u + 1, 2 * u + 1, 2 * u + 1),
        (u - 1, 4 * u + 2, -(2 * u - 1), u - 1),
    ]
    assert all(sum(x * pow(curve.p, i, r) for i, x in enumerate(row)) % r == 0 for row in basis)
    volume, quotients = determinant(basis), []
    for i, row in enumerate(basis):
        others = [other[1:] for k, other in enumerate(basis) if k != i]
        numerator, denominator = (-1) ** i * determinant(others), volume
        if numerator * denominator < 0:
            basis[i], numerator = (-row[0], -row[1], -row[2], -row[3]), -numerator
        quotients.append((2 * (abs(numerator) << 256) + abs(denominator)) // (2 * abs(denominator)))
    lines = [
        "/* Generated by native/constants.py; tests/algebra/test_constants.py checks that it still is. */",
        "#ifndef ZKN_CONSTANTS_QUARTERS",
        "#define ZKN_CONSTANTS_QUARTERS",
        "",
        "#include <stdint.h>",
        "",
        "/* clang-format off */",
        "/* how much of each vector a scalar takes, times 2^256 */",
        "static const uint64_t QUARTERS_RATIO[4][4] = {",
        *(f"    {limbs(q)}," for q in quotients),
        "};",
        "",
        "/* the vectors, in two's complement of two words */",
        "static const uint64_t QUARTERS_BASIS[4][4][2] = {",
        *("    {" + ", ".join(limbs(x % (1 << 128), 2) for x in row) + "}," for row in basis),
        "};",
        "/* clang-format on */",
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def split(curve: Curve) -> Iterator[str]:
    """Sizes in two halves without signs (digits.h), by (longer, short) and (-short', long) that span the (a, b) with
    a + b lambda = 0 mod r, of determinant r: rounding k long/r and k short/r down splits k (Gallant, Lambert, Vanstone
    2001, section 4). For BLS12-381, where lambda = -x^2, k/x^2 rounded down and its remainder do.
    """
    u = curve.parameter
    if curve.name == "BN254":
        long, longer, short, bits = 6 * u * u + 2 * u, 6 * u * u + 4 * u + 1, 2 * u + 1, 127
        ratios = (long << 256) // curve.r, (short << 256) // curve.r
    else:
        long, longer, short, bits = 0, u * u, 1, 128
        ratios = (1 << 256) // (u * u), 0
    for name, value, words in [
        ("LONG", long, 2),
        ("LONGER", longer, 2),
        ("SHORT", short, 1),
        ("LONG_RATIO", ratios[0], 3),
        ("SHORT_RATIO", ratios[1], 2),
    ]:
        yield from constant("uint64_t", f"SPLIT_{name}[{words}]", limbs(value, words), name.lower().replace("_", " "))
    yield f"/* of either half */\n#define SPLIT_BITS {bits}\n"


def header(curve: Curve) -> str:
    guard = "ZKN_CONSTANTS_" + curve.name.replace("-", "_")
    p, r, n = curve.p, curve.r, curve.limbs

    def fp(value: int) -> str:
        return "{" + limbs((value << 64 * n) % p, n) + "}"

    def fr(value: int) -> str:
        return "{" + limbs((value << 256) % r) + "}"

    def fp2(value: Fp2) -> str:
        return "{" + fp(value[0]) + ",\n     " + fp(value[1]) + "}"

    def pair(of: Callable[..., str], value: Sequence[object]) -> str:
        return "{" + of(value[0]) + ",\n     " + of(value[1]) + "}"

    lines = [
        "/* Generated by native/constants.py; tests/algebra/test_constants.py checks that it still is. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        '#include "zkn.h"',
        "",
        "/* clang-format off */",
    ]
    lines += field("FP", p)
    lines += field("FR", r)
    if n == 4:
        lines += [*quads("FP", p), *quad_products(p), *quads("FR", r), *quad_factors(r)]
    else:
        lines += [*quads("FP", p), *quad_products(p)]

    adicity, g = curve.fr_two_adicity, curve.fr_generator
    lines += [f"#define FR_TWO_ADICITY {adicity}", ""]
    root = pow(g, (r - 1) >> adicity, r)
    roots = [fr(pow(root, 1 << (adicity - k), r)) for k in range(adicity + 1)]
    lines += table("zkn_fr", "FR_ROOTS", roots, f"FR_ROOTS[k] has order 2^k; the last is {g}^((r-1)/2^{adicity})")
    inverses = [fr(pow(1 << k, -1, r)) for k in range(adicity + 1)]
    lines += table("zkn_fr", "FR_INVERSE_POWERS_OF_TWO", inverses, "2^-k")
    lines += constant("uint64_t", "FR_MINUS_INVERSE[4]", limbs(-pow(r, -1, 1 << 256) % (1 << 256)), "-1/r mod 2^256")
    lines += constant("uint64_t", "FR_MINUS_MODULUS[4]", limbs((1 << 256) - r), "2^256 - r")
    lines += constant("uint64_t", "FR_TWICE_MODULUS[4]", limbs(2 * r), "2 r")

    lines += [f"/* xi = {curve.xi[0]} + i */\n#define XI_REAL {curve.xi[0]}"]
    lines += ["/* 1 for E': y^2 = x^3 + b xi, 0 for x^3 + b/xi */", f"#define TWIST_IS_M {int(curve.twist_is_m)}", ""]
    lines += constant("zkn_fp", "FP_CURVE_B", fp(curve.b), f"E: y^2 = x^3 + {curve.b}")
    lines += constant("zkn_fp2", "FP2_TWIST_B", fp2(curve.twist_b), "the b of E'")
    lines += constant("zkn_g1_aff", "G1_GENERATOR", pair(fp, curve.g1), "of G1")
    lines += constant("zkn_g2_aff", "G2_GENERATOR", pair(fp2, curve.g2), "of G2")

    for power in (1, 2, 3):
        gammas = [fp2(curve.power(curve.xi, k * (p**power - 1) // 6)) for k in range(6)]
        lines += table(
            "zkn_fp2", f"FROBENIUS_{power}", gammas, f"xi^(k (p^{power} - 1)/6): w^k -> w^k under x -> x^(p^{power})"
        )
    psi = [curve.power(curve.xi, k * (p - 1) // 6) for k in (2, 3)]
    if curve.twist_is_m:
        psi = [curve.inverse(c) for c in psi]
    lines += table("zkn_fp2", "PSI", [fp2(c) for c in psi], "the factors of x and y in untwist, Frobenius, twist")

    roots = [
        fp(curve.cube_root(((curve.g1[0], 0), (curve.g1[1], 0)))),
        fp(curve.cube_root(curve.g2)),
    ]
    lines += ["/* (x, y) -> (beta x, y) is lambda on G1 and, with the other cube root, on G2 */"]
    lines += table("zkn_fp", "FP_CUBE_ROOTS", roots, "of 1: beta of G1, and of G2")
    lines += constant("zkn_fr", "FR_CUBE_ROOT", fr(curve.eigenvalue), "lambda")
    lines += split(curve)
    lines += halves("G1", r, curve.eigenvalue)
    # psi has the eigenvalue p; on BLS12-381 that is x, too short to halve anything.
    lines += halves("G2", r, curve.eigenvalue if curve.twist_is_m else p % r)
    u = curve.parameter
    if curve.twist_is_m:
        lines += isogenies.lines(p, fp, fp2)
        words = limbs((p - 3) // 4, n)
        lines += constant(
            "uint64_t", f"FP_ROOT_EXPONENT[{n}]", words, "(p - 3)/4: a^it is 1/sqrt(a), up to sign, if a is a square"
        )
        words = limbs((p - 1) // 2, n)
        lines += constant(
            "uint64_t", f"FP_HALF[{n}]", words, "(p - 1)/2: the largest y that is not the larger of y, -y"
        )
    else:
        cofactor = limbs(2 * p - r)
        lines += constant("uint64_t", "G2_COFACTOR[4]", cofactor, "the points of E' are 2 p - r times those of G2")
    lines += [f"/* u, or |x| */\n#define CURVE_PARAMETER {u}ULL\n"]
    lines += digits("PARAMETER_DIGITS", binary(u) if curve.twist_is_m else naf(u), "of it: signed digits")
    odd = binary(u) if curve.twist_is_m else windows(u, 4)  # x has six bits, so that no table pays
    lines += [f"/* of the odd multiples that its windows take */\n#define PARAMETER_ODD {(max(odd) + 1) // 2}\n"]
    lines += digits("PARAMETER_WINDOWS", odd, "of it: windows of signed odd digits")
    lines += digits("ATE_LOOP", curve.loop, "of the Miller loop: signed digits")
    lines += ["/* clang-format on */", "", "#endif", ""]
    return "\n".join(lines)


def headers() -> dict[Path, str]:
    """The text of each header by its path."""
    folder = Path(__file__).resolve().parent / "src"
    texts = {folder / f"constants_{c.name.lower().replace('-', '_')}.h": header(c) for c in (bn254(), bls12_381())}
    return {**texts, folder / "constants_quarters.h": quarters(bn254())}


if __name__ == "__main__":
    for path, text in headers().items():
        if sys.argv[1:] == ["--write"]:
            path.write_text(text, encoding="ascii")
        else:
            sys.stdout.write(text)
