"""Building blocks of statements: bits, choices, lookups, order, Poseidon and Merkle paths."""
