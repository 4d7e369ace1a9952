"""Products of pairings with fixed second arguments, against the product that takes all of them as they come."""

import pytest

from tests.algebra import oracle
from zkstate.errors import LengthError
from zkstate.kernels import BlsFrVec, BlsG1Vec, BlsG2Vec, FixedPairing, G1Vec, G2Vec


def vectors(scalars):
    """Points of both groups made by py-ecc: k G1 and l G2 for each (k, l)."""
    return (
        G1Vec.from_affine([oracle.g1(k) for k, _ in scalars]),
        G2Vec.from_affine([oracle.g2(at) for _, at in scalars]),
    )


@pytest.mark.parametrize("n", [0, 1, 9])
def test_fixed_arguments_change_nothing(n):
    """e(3, 5) e(7, 2) Π e(i + 1, i + 2) by lines, with the product known from its exponents alone."""
    free = [(i + 1, i + 2) for i in range(n)]
    fixed = [(3, 5), (7, 2)]
    exponent = sum(k * at for k, at in free + fixed)
    prepared = FixedPairing(vectors(fixed)[1], vectors([(exponent, 1)]))
    g1, g2 = vectors(free)
    assert [prepared.check(g1, g2, vectors(fixed)[0], threads=t) for t in (1, 2)] == [True, True]
    assert not prepared.check(g1, g2, vectors([(3, 1), (8, 1)])[0])
    assert not prepared.check(g1, g2, vectors([(7, 1), (3, 1)])[0])
    if n:
        assert not prepared.check(-g1, g2, vectors(fixed)[0])


def test_fixed_arguments_of_the_second_curve():
    def multiples(kind, factors):
        return kind.fixed_base(BlsFrVec.from_ints(factors))

    fixed = multiples(BlsG2Vec, [5, 2])
    prepared = FixedPairing(fixed, (multiples(BlsG1Vec, [29 + 77]), multiples(BlsG2Vec, [1])))
    free = multiples(BlsG1Vec, [7]), multiples(BlsG2Vec, [11])
    assert [prepared.check(*free, multiples(BlsG1Vec, [3, 7]), threads=t) for t in (1, 2)] == [True, True]
    assert not prepared.check(*free, multiples(BlsG1Vec, [7, 3]))
    assert not prepared.check(-free[0], free[1], multiples(BlsG1Vec, [3, 7]))
    none = FixedPairing(fixed, (BlsG1Vec(0), BlsG2Vec(0)))
    assert none.check(BlsG1Vec(0), BlsG2Vec(0), multiples(BlsG1Vec, [2, -5]))
    assert none.check(BlsG1Vec(0), BlsG2Vec(0), BlsG1Vec(2))
    assert not none.check(BlsG1Vec(0), BlsG2Vec(0), multiples(BlsG1Vec, [2, 5]))


def test_infinity_contributes_one():
    infinity = FixedPairing(G2Vec(1), (G1Vec(0), G2Vec(0)))
    assert infinity.check(G1Vec(0), G2Vec(0), G1Vec.generator())
    generator = FixedPairing(G2Vec.generator(), (G1Vec(1), G2Vec.generator()))
    assert generator.check(G1Vec(0), G2Vec(0), G1Vec(1))
    assert not generator.check(G1Vec(0), G2Vec(0), G1Vec.generator())
    assert generator.check(G1Vec.generator(), G2Vec.generator(), -G1Vec.generator())


def test_lengths_are_checked():
    with pytest.raises(LengthError, match="1 points of G1 and 2 of G2"):
        FixedPairing(G2Vec(1), (G1Vec(1), G2Vec(2)))
    with pytest.raises(LengthError, match="9 fixed points, at most 8"):
        FixedPairing(G2Vec(9), (G1Vec(0), G2Vec(0)))
    prepared = FixedPairing(G2Vec(2), (G1Vec(0), G2Vec(0)))
    with pytest.raises(LengthError, match="1 points of G1 and 2 fixed"):
        prepared.check(G1Vec(0), G2Vec(0), G1Vec(1))
    with pytest.raises(LengthError, match="1 points of G1 and 0 of G2"):
        prepared.check(G1Vec(1), G2Vec(0), G1Vec(2))
