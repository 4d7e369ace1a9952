"""Ethereum's sync-committee light client, as pure steps: what is signed by a committee that a checkpoint leads to."""
