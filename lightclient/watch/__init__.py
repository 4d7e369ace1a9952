"""Watching a venue for weeks: its registry, its mirrors, and a backup of one account that stays fresh."""
