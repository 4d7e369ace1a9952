"""What a venue publishes for an epoch, and how it is written and read: docs/spec.md, sections 5 and 6."""
