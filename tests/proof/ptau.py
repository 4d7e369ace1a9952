"""`.ptau` files of ceremonies whose every secret is known: by multiples of the generator, not by our own transforms."""

import hashlib
from dataclasses import dataclass, replace

from tests.proof.frames import joined
from zkstate.algebra.bn254 import G1, G2, root_of_unity
from zkstate.algebra.polynomial import Domain
from zkstate.kernels import FR_MODULUS, FrVec, fixed_base_g1, fixed_base_g2
from zkstate.proof import powers, ptau_file
from zkstate.proof.beacon import Beacon
from zkstate.proof.contribution import Author
from zkstate.proof.ptau_file import PowersContribution, PtauFile, Secret
from zkstate.proof.setup import Trapdoor

EMPTY_STATE = bytes(128) + b"".join(
    (word ^ (0x01010040 if i == 0 else 0)).to_bytes(8, "little")
    for i, word in enumerate(
        (
            0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
            0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
        )
    )
) + bytes(24)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One contribution: its secrets tau, alpha, beta, and its author. A beacon brings its own secrets."""

    secrets: tuple[int, int, int]
    author: Author

    @classmethod
    def of_beacon(cls, name: str, value: bytes, exponent: int = 10) -> "Part":
        stream = Beacon(value, exponent).stream()
        return cls((stream.fr(), stream.fr(), stream.fr()), Author(name, Beacon(value, exponent)))


PARTS = (Part((11, 13, 17), Author("first")), Part((1 << 200, 5, 7), Author("second")), Part.of_beacon("last", b"dice"))


def total(parts) -> Trapdoor:
    """What the secrets of all parts multiply to."""
    product = [1, 1, 1]
    for part in parts:
        product = [a * b % FR_MODULUS for a, b in zip(product, part.secrets, strict=True)]
    return Trapdoor(*product, delta=1)


def ceremony_ptau(power: int, parts=PARTS, *, prepared: bool = True) -> bytes:
    """The file that these contributors would leave; the states of their hashes begin with nothing hashed."""
    sections = known_sections(power, total(parts), prepared=prepared)
    chain, challenge, so_far = [], powers.first_challenge(power), []
    for i, part in enumerate(parts):
        so_far.append(part)
        t = total(so_far)
        keys = []
        if part.author.beacon is None:
            bases = [G1.generator() * (100 + 3 * i + which) for which in range(3)]
        else:
            stream = part.author.beacon.stream()
            assert tuple(stream.fr() for _ in range(3)) == part.secrets
            bases = [stream.g1() for _ in range(3)]
        for which, (secret, s) in enumerate(zip(part.secrets, bases, strict=True)):
            sx = s * secret
            keys.append(Secret(s, sx, powers.key_base(which, challenge, s, sx) * secret))
        g1, g2 = G1.generator(), G2.generator()
        after = g1 * t.tau, g2 * t.tau, g1 * t.alpha, g1 * t.beta, g2 * t.beta
        challenge = hashlib.blake2b(b"challenge %d" % i).digest()
        chain.append(PowersContribution(*after, *keys, EMPTY_STATE, challenge, part.author))
    return sealed(power, sections, chain)


def sealed(power: int, sections, chain, ceremony_power: int | None = None) -> bytes:
    """A file whose last contribution names the hash of the points that are in it."""
    if chain and ceremony_power is None:
        state = hashlib.blake2b(chain[-1].response("test"))
        for number in (2, 3, 4, 5, 6):
            group = fixed_base_g2 if number in {3, 6} else fixed_base_g1
            vec = type(group(FrVec(0))).from_raw(sections[number], check=False)
            state.update(vec.to_bytes())
        chain = [*chain[:-1], replace(chain[-1], next_challenge=state.digest())]
    parts = {number: [part] for number, part in sections.items()}
    return joined(ptau_file.encode(power, ceremony_power or power, parts, chain))


def resealed(file: PtauFile, changed: dict[int, bytes] | None = None, chain=None) -> bytes:
    """A file with other points or contributions, its last hash made to fit."""
    sections = {number: bytes(part) for number, part in file.sections.items()} | (changed or {})
    return sealed(file.power, sections, list(file.contributions if chain is None else chain))


def known_ptau(power: int, t: Trapdoor) -> bytes:
    """Powers of t.tau up to 2^power, with Lagrange bases; no contributions, so nobody should ever use it."""
    return sealed(power, known_sections(power, t), [])


def known_sections(power: int, t: Trapdoor, *, prepared: bool = True) -> dict[int, bytes]:
    """The points of a `.ptau` file."""
    n = 1 << power
    exponents = FrVec.ones(2 * n - 1).scale_powers(t.tau)
    low = exponents.slice(0, n)
    sections = {
        2: fixed_base_g1(exponents),
        3: fixed_base_g2(low),
        4: fixed_base_g1(low.scale(t.alpha)),
        5: fixed_base_g1(low.scale(t.beta)),
        6: fixed_base_g2(FrVec.from_ints([t.beta])),
    }
    if prepared:
        lagrange = FrVec.concat([Domain(1 << k).lagrange_at(t.tau) for k in range(power + 1)])
        sections |= {
            12: fixed_base_g1(FrVec.concat([lagrange, _without_top_power(2 * n, t.tau)])),
            13: fixed_base_g2(lagrange),
            14: fixed_base_g1(lagrange.scale(t.alpha)),
            15: fixed_base_g1(lagrange.scale(t.beta)),
        }
    return {number: bytes(points.raw()) for number, points in sections.items()}


def _without_top_power(n: int, tau: int) -> FrVec:
    """L_i(tau) less its term in tau^(n-1), which is w^(-i(n-1))/n = w^i/n: the file holds one power too few for it."""
    top = pow(tau, n - 1, FR_MODULUS) * pow(n, -1, FR_MODULUS)
    return Domain(n).lagrange_at(tau) - FrVec.ones(n).scale_powers(root_of_unity(n), top)
