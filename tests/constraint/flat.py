"""The wires of an unrolled circuit in plain integers, from the definition in `zkstate/constraint/unrolled.py`."""

from zkstate.constraint.block_check import wires_of
from zkstate.kernels import FR_MODULUS


def flat_wires(block, witness, challenges):
    """Every wire. ZeroDivisionError where a fraction has no denominator."""
    point, mix, at = challenges
    each = wires_of(block, witness)
    known = [values[item.wire] for item in block.known for values in each]
    own = [values[wire] for wire in block.own.tolist() for values in each]
    most = max((use.size for use in block.uses), default=1)
    products, fractions = [], []
    for use in block.uses:
        weight, *tuples = (block.readings.row(use.first + i) for i in range(1 + use.size))
        for i, value in enumerate(tuples):
            if i and any(wire for wire in value):
                products += [pow(mix, i, FR_MODULUS) * dot(value, values) for values in each]
        for values in each:
            key = sum(pow(mix, i, FR_MODULUS) * dot(value, values) for i, value in enumerate(tuples))
            key += pow(mix, most, FR_MODULUS) * use.table
            fractions.append(divided(dot(weight, values), point - key))
    sums = [0] * (len(known) + 1)
    for j in reversed(range(len(known))):
        sums[j] = (known[j] + at * sums[j + 1]) % FR_MODULUS
    powers = [pow(mix, i, FR_MODULUS) for i in range(2, most + 1)]
    public = [*witness.public.to_ints(), point, mix, at, sums[0]]
    return [
        x % FR_MODULUS for x in (1, *public, *known, *own, *powers, *products, *fractions, *sums[1 : len(known) - 1])
    ]


def divided(x, y):
    if y % FR_MODULUS == 0:
        raise ZeroDivisionError
    return x * pow(y, -1, FR_MODULUS)


def dot(terms, values):
    return sum(factor * values[wire] for wire, factor in terms.items()) % FR_MODULUS


def broken_rows(r1cs, values):
    """The rows that integers do not satisfy, one entry at a time."""
    return [
        row
        for row in range(r1cs.n_constraints)
        if (dot(r1cs.a.row(row), values) * dot(r1cs.b.row(row), values) - dot(r1cs.c.row(row), values)) % FR_MODULUS
    ]
