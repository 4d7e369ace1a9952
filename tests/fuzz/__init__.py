"""Mutated input for every decoder that strangers' bytes reach: a typed error, or a value with one encoding."""
