"""The client that believes nothing it has not checked against a commitment: recovery without the venue."""
