"""Keeping an account's key through the loss of a machine, a wallet or a guardian (docs/spec.md, section 12)."""
