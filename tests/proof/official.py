"""Files made by snarkjs, circom and rapidsnark, unpacked in memory from the shared vectors."""

import json
import tarfile
from functools import cache

from tests.shared import shared_path

FAMILY = "vectors/groth16_snarkjs"


@cache
def archive() -> dict[str, bytes]:
    with tarfile.open(shared_path(f"{FAMILY}/files.tar.xz")) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}


def official(name: str) -> bytes:
    """A file such as "rapidsnark/circuit_final.zkey"."""
    return archive()[name]


@cache
def proofs(name: str) -> dict:
    """{"vk": ..., "proofs": [...]} of one proofs file."""
    return json.loads(shared_path(f"{FAMILY}/{name}").read_text(encoding="utf-8"))
