"""The contracts, their artefacts, and the clients that deploy, publish and verify through them."""
