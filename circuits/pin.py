"""Write `keys.json`: compile every standard circuit and pin the digest of the insecure key its public seed gives.

A circuit that has not changed keeps its pin, and no key is made for it; `--all` makes every key again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from zkstate.atomic import replace_file
from zkstate.constraint.compiler import build

from . import catalogue
from .keys import KEYS_FILE, KnownKey, known
from .proving import insecure_key


def pin(target: Path, *, again: bool = False) -> None:
    """Compile every standard circuit and set up the changed ones, or all `again`; minutes of work."""
    found = {}
    for statement in catalogue.standard():
        name = catalogue.name(statement)
        circuit = build(statement)
        pinned = known().get(name)
        if again or pinned is None or pinned.circuit != circuit.digest:
            key = insecure_key(name, circuit.r1cs)
            pinned = KnownKey(circuit.digest, key.vk.digest(), circuit.r1cs.n_constraints, "insecure")
        found[name] = pinned
    replace_file(target, msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


if __name__ == "__main__":
    pin(Path(__file__).with_name(KEYS_FILE), again=sys.argv[1:] == ["--all"])
