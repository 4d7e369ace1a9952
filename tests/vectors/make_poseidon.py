"""Writes poseidon.json from the plain Python of tests/commitment/oracle.py, never from the code under test.

    python -m tests.vectors.make_poseidon

Field elements are decimal strings. `constants` holds, per width, the SHA-256 of the round constants and the
matrix rows, each element 32 bytes big-endian; they are circomlib's.
"""

import hashlib
import json
import random
from pathlib import Path

from tests.commitment import oracle

PATH = Path(__file__).with_name("poseidon.json")


def tag(name):
    return int.from_bytes(b"zkstate:" + name.encode("ascii"), "big")


def digest(width):
    rounds, matrix = oracle.constants(width)
    elements = [x for row in [*rounds, *matrix] for x in row]
    return hashlib.sha256(b"".join(x.to_bytes(32, "big") for x in elements)).hexdigest()


def vectors():
    rng = random.Random("zkstate poseidon vectors")

    def some(n):
        return [rng.randrange(oracle.R) for _ in range(n)]

    hashes, chains, trees = [], [], []
    for arity in range(1, 17):
        top = oracle.R - 1
        for capacity, inputs in ((0, [0] * arity), (top, [top] * arity), (tag("leaf"), some(arity))):
            hashes.append((capacity, inputs, oracle.hash_of(capacity, inputs)))
    for length in (1, 15, 16, 17, 32, 33, 129):
        inputs = some(length)
        chains.append((tag("totals"), inputs, oracle.chain(tag("totals"), inputs)))
    for arity, depth, counts in ((2, 4, (0, 1, 2, 5, 15, 16)), (16, 2, (0, 1, 17, 40)), (3, 2, (4,))):
        for count in counts:
            leaves = some(count)
            root = oracle.full_tree_root(tag("node"), arity, depth, leaves)
            trees.append((tag("node"), arity, depth, leaves, root))

    def text(value):
        return [str(x) for x in value] if isinstance(value, list) else str(value)

    def rows(names, tuples):
        return [{k: v if k in {"arity", "depth"} else text(v) for k, v in zip(names, t, strict=True)} for t in tuples]

    return {
        "source": "python -m tests.vectors.make_poseidon",
        "constants": {str(width): digest(width) for width in oracle.WIDTHS},
        "hashes": rows(("tag", "inputs", "hash"), hashes),
        "chains": rows(("tag", "inputs", "hash"), chains),
        "trees": rows(("tag", "arity", "depth", "leaves", "root"), trees),
    }


def encode(families):
    """JSON with one case a line."""
    parts = []
    for name, cases in families.items():
        if isinstance(cases, list):
            lines = ",\n  ".join(json.dumps(case) for case in cases)
            parts.append(f' "{name}": [\n  {lines}\n ]')
        else:
            parts.append(f' "{name}": {json.dumps(cases, indent=2)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(encode(vectors()), encoding="ascii")
