"""Print the proven soundness of transparent proofs; exit status 1 if a shape has less than 128 bits.

python -m zkstate.proof.transparent.bits [CONSTRAINTS WIRES PUBLIC [LOG_BLOCKS [FIRST_PHASE [POWERS]]]]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from zkstate.proof.transparent.parameters import SECURITY_BITS, Shape, parameters_for

_SHAPES = [Shape(n, n, 4) for n in (8, 1000, 39_125, 1 << 20, 1 << 26)] + [Shape(2500, 2600, 4, 19, 1300, 600)]


def main(arguments: Sequence[str]) -> int:
    """The figures of one shape, or of some from 1 to 2^26 rows."""
    shapes = [Shape(*map(int, arguments))] if arguments else _SHAPES
    weak = 0
    for shape in shapes:
        p = parameters_for(shape)
        field = math.log2(p.field_error.denominator) - math.log2(p.field_error.numerator)
        sys.stdout.write(
            f"{shape.n_constraints} rows, {shape.n_wires} wires, {shape.powers} powers, {shape.blocks} times, "
            f"{shape.n_uses} uses of tables: {p.bits:.2f} bits "
            f"({p.queries} of {p.length} columns, rate {p.dimension / p.length:.4f}, radius {p.radius}; "
            f"challenges in the field {field:.0f}), {p.proof_bytes} bytes\n"
        )
        weak += p.bits < SECURITY_BITS
    return int(weak > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
