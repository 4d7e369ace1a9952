"""Tests of the sync-committee light client."""
