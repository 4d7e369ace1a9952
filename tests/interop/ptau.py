"""A prepared `.ptau` file with a known tau: what lets snarkjs make the very key that our setup should make."""

from zkstate.algebra.bn254 import root_of_unity
from zkstate.algebra.polynomial import Domain
from zkstate.kernels import FP_MODULUS, FR_MODULUS, FrVec, fixed_base_g1, fixed_base_g2
from zkstate.proof import container
from zkstate.proof.setup import Trapdoor


def known_ptau(power: int, t: Trapdoor) -> bytes:
    """Powers of t.tau up to 2^power, with Lagrange bases; no contributions, so nobody should ever use it."""
    n = 1 << power
    powers = FrVec.ones(2 * n - 1).scale_powers(t.tau)
    low = powers.slice(0, n)
    levels = [Domain(1 << k).lagrange_at(t.tau) for k in range(power + 1)]
    lagrange = FrVec.concat(levels)
    header = b"".join(
        (
            (32).to_bytes(4, "little"),
            FP_MODULUS.to_bytes(32, "little"),
            power.to_bytes(4, "little"),
            power.to_bytes(4, "little"),
        )
    )
    sections = {
        1: [header],
        2: [fixed_base_g1(powers).raw()],
        3: [fixed_base_g2(low).raw()],
        4: [fixed_base_g1(low.scale(t.alpha)).raw()],
        5: [fixed_base_g1(low.scale(t.beta)).raw()],
        6: [fixed_base_g2(FrVec.from_ints([t.beta])).raw()],
        7: [bytes(4)],
        12: [fixed_base_g1(FrVec.concat([lagrange, _without_top_power(2 * n, t.tau)])).raw()],
        13: [fixed_base_g2(lagrange).raw()],
        14: [fixed_base_g1(lagrange.scale(t.alpha)).raw()],
        15: [fixed_base_g1(lagrange.scale(t.beta)).raw()],
    }
    return b"".join(bytes(chunk) for chunk in container.encode(b"ptau", 1, sections))


def _without_top_power(n: int, tau: int) -> FrVec:
    """L_i(tau) less its term in tau^(n-1), which is w^(-i(n-1))/n = w^i/n: the file holds one power too few for it."""
    top = pow(tau, n - 1, FR_MODULUS) * pow(n, -1, FR_MODULUS)
    return Domain(n).lagrange_at(tau) - FrVec.ones(n).scale_powers(root_of_unity(n), top)
