"""Which key belongs to which circuit. `keys.json` pins, by digest, the keys this program knows, and how each was made.

Until a ceremony has been held every known key is insecure: it comes from a public seed, so anyone can make it
again, and anyone can forge with it. `python -m circuits.keys` writes `keys.json` anew after a circuit changed.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import msgspec

from circuits import catalogue
from circuits.account import AccountStatement
from zkstate.constraint import Circuit, cache_folder, compile_statement
from zkstate.errors import DisagreementError
from zkstate.proof.keys import ProvingKey, SetupStatus
from zkstate.proof.setup import insecure_setup
from zkstate.proof.zkey_file import read_zkey, write_zkey

KEYS_FILE = "keys.json"
_SEED = "zkstate insecure setup v1: "

Progress = Callable[[str], None]


class KnownKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A circuit with the verification key that this program accepts for it; digests are SHA-256 in hex."""

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


def proving_key(statement: AccountStatement, circuit: Circuit, progress: Progress = lambda step: None) -> ProvingKey:
    """The proving key of a circuit: from the cache, else made (insecurely) from the public seed and cached.

    DisagreementError if what was made is not the key that `keys.json` pins for the circuit.
    """
    name = catalogue.name(statement)
    path = cache_folder() / "keys" / f"{name}-{circuit.digest[:32]}.zkey"
    if path.exists():
        key = read_zkey(path)
    else:
        progress(f"making the insecure key of {name}")
        key = insecure_setup(circuit.r1cs, (_SEED + name).encode())
        path.parent.mkdir(parents=True, exist_ok=True)
        write_zkey(path, key)
    pinned = known().get(name)
    if pinned is not None and pinned.verification_key != key.vk.digest():
        raise DisagreementError(
            f"the key of {name} has digest {key.vk.digest()}, and {KEYS_FILE} pins {pinned.verification_key}: "
            f"remove {path} and try again"
        )
    return key


def _write_known(target: Path) -> None:
    found = {}
    for statement in catalogue.standard():
        name = catalogue.name(statement)
        circuit = compile_statement(statement)
        key = insecure_setup(circuit.r1cs, (_SEED + name).encode())
        found[name] = KnownKey(circuit.digest, key.vk.digest(), circuit.r1cs.n_constraints, "insecure")
        sys.stderr.write(f"{name}: {circuit.r1cs.n_constraints} constraints\n")
    encoded = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    partial = target.with_suffix(".partial")
    partial.write_bytes(encoded)
    partial.replace(target)


if __name__ == "__main__":
    _write_known(Path(__file__).with_name(KEYS_FILE))
