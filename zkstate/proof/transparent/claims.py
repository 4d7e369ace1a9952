"""The running claim of a sumcheck whose messages are masked: a number, and a linear form in the committed pads.

Both sides keep it. A round polynomial h is sent as h(0) and its coefficients h_2, h_3, .., each plus a pad of its own.
The claim before the round fixes one relation more, and the claim after it is h(r), which is linear in all of these: so
what the true claim would be is known up to a linear form in pads, and that form is left to the commitment to check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zkstate.kernels import FR_MODULUS


@dataclass(slots=True)
class MaskedClaim:
    """The true claim is value − Σ weights[i] · pad i."""

    value: int
    weights: list[int] = field(default_factory=list)

    def after_rows(self, message: Sequence[int], tau: int, r: int) -> None:
        """A round of Σ_x eq(tau, x) F(x), where (1 − tau) h(0) + tau h(1) is the claim: then
        h(r) = (r/tau) claim + (1 − r/tau) h(0) + Σ_{i>1} (r^i − r) h_i. 1/0 counts as 0.
        """
        share = r * pow(tau, FR_MODULUS - 2, FR_MODULUS) % FR_MODULUS
        self._advance(share, 1 - share, message, r)

    def after_product(self, message: Sequence[int], r: int) -> None:
        """A round of a plain sum, where h(0) + h(1) is the claim: then
        h(r) = r claim + (1 − 2 r) h(0) + Σ_{i>1} (r^i − r) h_i.
        """
        self._advance(r, 1 - 2 * r, message, r)

    def _advance(self, kept: int, of_zero: int, message: Sequence[int], r: int) -> None:
        factors = [of_zero] + [pow(r, i, FR_MODULUS) - r for i in range(2, len(message) + 1)]
        self.value = (kept * self.value + sum(f * m for f, m in zip(factors, message, strict=True))) % FR_MODULUS
        self.weights = [kept * weight % FR_MODULUS for weight in self.weights]
        self.weights += [factor % FR_MODULUS for factor in factors]
