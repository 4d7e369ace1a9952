"""The outside tools, run from tests/interop/node_modules, which `make interop` fills. Nothing is installed here."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zkstate.kernels import FR_MODULUS

HERE = Path(__file__).resolve().parent
Json = Any
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def tool(name: str) -> str:
    """The path of a tool that npm put beside the tests."""
    path = HERE / "node_modules" / ".bin" / name
    if not path.exists():
        pytest.fail(f"{name} is not installed beside the tests: run make interop")
    return str(path)


@dataclass(frozen=True)
class Outcome:
    code: int
    text: str


def run(name: str, *arguments: object, cwd: Path = HERE) -> Outcome:
    """Run a tool to its end; its output without colours."""
    command = [tool(name), *(str(argument) for argument in arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    return Outcome(done.returncode, _COLOUR.sub("", done.stdout + done.stderr))


def snarkjs(*arguments: object) -> str:
    """Run snarkjs and expect it to succeed."""
    outcome = run("snarkjs", *arguments)
    assert outcome.code == 0, f"snarkjs {arguments[:2]}: {outcome.text}"
    return outcome.text


def triple(folder: Path) -> list[Json]:
    """Key, public inputs and proof in a proof directory, parsed."""
    names = ("verification_key.json", "public.json", "proof.json")
    return [json.loads((folder / name).read_text(encoding="utf-8")) for name in names]


def judged(cases: Sequence[Sequence[Json]]) -> list[bool]:
    """Whether snarkjs accepts each (key, public inputs, proof), all in one process: starting it is what takes long."""
    command, given = ["node", "judge.mjs"], json.dumps(cases)
    done = subprocess.run(command, cwd=HERE, input=given, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    verdicts: list[bool] = json.loads(done.stdout)
    return verdicts


def accepted(folder: Path) -> bool:
    """Whether the command of snarkjs accepts a proof directory as it is."""
    verdict = run("snarkjs", "groth16", "verify", "verification_key.json", "public.json", "proof.json", cwd=folder)
    assert ("OK!" in verdict.text) is (verdict.code == 0), verdict.text
    return verdict.code == 0


def refuses_each_changed_input(folder: Path) -> None:
    """snarkjs accepts a proof with its public inputs, and with none of them changed."""
    key, public, proof = triple(folder)
    changed = [[*public[:i], str((int(value) + 1) % FR_MODULUS), *public[i + 1 :]] for i, value in enumerate(public)]
    assert judged([(key, inputs, proof) for inputs in (public, *changed)]) == [True] + [False] * len(public)


@dataclass(frozen=True)
class Compiled:
    """A circom circuit with the witness of one input."""

    r1cs: Path
    wtns: Path


def compiled(name: str, inputs: Mapping[str, Json], folder: Path) -> Compiled:
    """Compile circuits/<name>.circom with circom2 and let snarkjs compute the witness of `inputs`."""
    outcome = run("circom2", f"circuits/{name}.circom", "--r1cs", "--wasm", "-l", "node_modules", "-o", folder)
    assert outcome.code == 0, outcome.text
    given, wtns = folder / f"{name}.json", folder / f"{name}.wtns"
    given.write_text(json.dumps(inputs), encoding="utf-8")
    snarkjs("wtns", "calculate", folder / f"{name}_js" / f"{name}.wasm", given, wtns)
    return Compiled(folder / f"{name}.r1cs", wtns)
