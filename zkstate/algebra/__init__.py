"""BN254 as values: scalars, checked points, sums of multiples, pairings, polynomials over the scalar field."""
