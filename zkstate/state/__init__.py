"""What a venue commits to: instruments, accounts, ledgers, margin, and the trees over them (docs/spec.md §2-§5)."""
