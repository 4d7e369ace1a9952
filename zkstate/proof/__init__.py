"""Groth16 over BN254: keys, prover, verifier, and the files of snarkjs they travel in."""
