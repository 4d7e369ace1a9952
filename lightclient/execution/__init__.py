"""Ethereum's execution layer, verified: RLP, Merkle-Patricia proofs, accounts, block headers. No I/O."""
