"""Reserves: what addresses that the venue controls hold on a chain, beside what it owes (docs/spec.md, section 14)."""
