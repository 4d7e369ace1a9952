"""Commitments: Poseidon under domain tags, Merkle trees of it, and KZG over BLS12-381 for blobs."""
