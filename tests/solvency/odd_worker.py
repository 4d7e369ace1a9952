"""Preloaded by a worker of a test cluster: what is wrong with it, before or after the real prover has run."""

import os
import time
from dataclasses import replace
from pathlib import Path

from zkstate.errors import WitnessError
from zkstate.solvency.files import BatchFile
from zkstate.solvency.provers import TransparentProver

FOLDER, ODD = Path(os.environ["ODD_FOLDER"]), os.environ["ODD_WORKER"]
sound = TransparentProver.prove
answered = []


def halted(self, accounts, before, blinds):
    """Prove, tell it, and never answer."""
    batch = sound(self, accounts, before, blinds)
    part = accounts.part
    (FOLDER / "halted.partial").write_bytes(batch.encode())
    (FOLDER / "halted.partial").rename(FOLDER / f"halted-{part.rows}-{part.number}")
    while True:
        time.sleep(1)


def halted_after_one(self, accounts, before, blinds):
    answered.append(accounts.part)
    return (sound if len(answered) == 1 else halted)(self, accounts, before, blinds)


def damaged(self, accounts, before, blinds):
    batch = sound(self, accounts, before, blinds)
    return replace(batch, proof=batch.proof[:-1] + bytes([batch.proof[-1] ^ 1]))


def other_sums(self, accounts, before, blinds):
    """A true proof, of other sums than it was given."""
    return sound(self, accounts, replace(before, unhealthy=before.unhealthy + 1), blinds)


def untrue(self, accounts, before, blinds):
    raise WitnessError(f"these accounts break a rule: {accounts.holdings.parts.salts[0].tobytes().hex()}")


def broken(self, accounts, before, blinds):
    return broken(self, accounts, before, blinds)


class Shapeless(BatchFile):
    def encode(self):
        return b"no batch"


def shapeless(self, accounts, before, blinds):
    return Shapeless(0, 0, b"")


def other_circuit(self, accounts, before, blinds):
    return sound(self, accounts, before, blinds)


SORTS = (halted, halted_after_one, damaged, other_sums, untrue, broken, shapeless, other_circuit)
TransparentProver.prove = {each.__name__: each for each in SORTS}[ODD]
if ODD == "other_circuit":
    TransparentProver.digest = property(lambda self: "00")
