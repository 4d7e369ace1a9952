"""Commitments: Poseidon under domain tags, and Merkle trees of it."""
