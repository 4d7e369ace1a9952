"""A transparent proof system for every R1CS over Fr: sumchecks over a committed witness (docs/spec.md, section 11)."""
