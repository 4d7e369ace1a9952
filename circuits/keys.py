"""The keys this program accepts: `keys.json` pins, by digest, the key of each circuit and says how it was made.

Until a ceremony has been held every one of them is insecure: it comes from a public seed, so anyone can make it
again, and anyone can forge with it. `python -m circuits.pin` writes the file anew after a circuit has changed.
"""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

from zkstate.constraint import Circuit, compile_statement
from zkstate.constraint.compiler import build
from zkstate.proof.keys import SetupStatus, VerifyingKey

from . import catalogue

KEYS_FILE = "keys.json"


class KnownKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A circuit with the verification key accepted for it; digests are SHA-256 in hex."""

    circuit: str
    verification_key: str
    constraints: int
    setup: str

    @property
    def status(self) -> SetupStatus:
        return SetupStatus[self.setup.upper()]


@functools.cache
def known() -> dict[str, KnownKey]:
    """Every known key by circuit name."""
    content = resources.files("circuits").joinpath(KEYS_FILE).read_bytes()
    return msgspec.json.decode(content, type=dict[str, KnownKey])


def trusted_circuit(name: str) -> Circuit:
    """The circuit that others will rely on: from the cache only if it has the digest that `known` pins, else built.

    A cache is a file that others may have written, and where a proof is judged or a key is made nothing else would
    tell a circuit without its rows.
    """
    statement, pinned = catalogue.parse(name), known().get(name)
    if pinned is not None and (cached := compile_statement(statement)).digest == pinned.circuit:
        return cached
    return build(statement)


def status_of(key: VerifyingKey) -> SetupStatus:
    """How a key was made, as far as it is known by its digest; otherwise what can be told from the key itself."""
    digest = key.digest()
    return next((each.status for each in known().values() if each.verification_key == digest), key.setup)
