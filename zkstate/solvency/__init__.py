"""Solvency: every account of an epoch judged in batches, and what the whole venue owes (docs/spec.md, section 13)."""
