"""The running claim of a sumcheck whose messages are masked: a number, and a linear form in the committed pads.

Both sides keep it. A round polynomial h of degree 2 is sent as h(0) and its highest coefficient, each plus a pad of its
own. The claim before the round fixes a third relation, and the claim after it is h(r), which is linear in all of these:
so what the true claim would be is known up to a linear form in pads, and that form is left to the commitment to check.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zkstate.kernels import FR_MODULUS


@dataclass(slots=True)
class MaskedClaim:
    """The true claim is value − Σ weights[i] · pad i."""

    value: int
    weights: list[int] = field(default_factory=list)

    def after_rows(self, at_zero: int, leading: int, tau: int, r: int) -> None:
        """A round of Σ_x eq(tau, x) F(x), where (1 − tau) h(0) + tau h(1) is the claim: then
        h(r) = (r/tau) claim + (1 − r/tau) h(0) + (r² − r) leading. 1/0 counts as 0.
        """
        share = r * pow(tau, FR_MODULUS - 2, FR_MODULUS) % FR_MODULUS
        self._advance(share, 1 - share, r * r - r, at_zero, leading)

    def after_product(self, at_zero: int, leading: int, r: int) -> None:
        """A round of a plain sum, where h(0) + h(1) is the claim: then
        h(r) = r claim + (1 − 2 r) h(0) + (r² − r) leading.
        """
        self._advance(r, 1 - 2 * r, r * r - r, at_zero, leading)

    def _advance(self, kept: int, of_zero: int, of_leading: int, at_zero: int, leading: int) -> None:
        self.value = (kept * self.value + of_zero * at_zero + of_leading * leading) % FR_MODULUS
        self.weights = [kept * weight % FR_MODULUS for weight in self.weights]
        self.weights += [of_zero % FR_MODULUS, of_leading % FR_MODULUS]
