"""Hold a venue to what it committed: state proofs, their verification, and recovery without the venue."""

__version__ = "0.1.0"
