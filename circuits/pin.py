"""Write `keys.json`: compile every standard circuit and pin the digest of the insecure key its public seed gives."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zkstate.atomic import replace_file
from zkstate.constraint import compile_statement

from . import catalogue
from .keys import KEYS_FILE, KnownKey
from .proving import insecure_key


def pin(target: Path) -> None:
    """Compile and set up every standard circuit; minutes of work."""
    found = {}
    for statement in catalogue.standard():
        name = catalogue.name(statement)
        circuit = compile_statement(statement)
        key = insecure_key(name, circuit)
        found[name] = KnownKey(circuit.digest, key.vk.digest(), circuit.r1cs.n_constraints, "insecure")
    replace_file(target, msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


if __name__ == "__main__":
    pin(Path(__file__).with_name(KEYS_FILE))
