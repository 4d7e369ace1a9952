"""Ethereum's execution layer, verified: RLP, Merkle-Patricia proofs and roots, accounts, headers, receipts. No I/O."""
