"""The outside tools, run from tests/interop/node_modules, which `make interop` fills. Nothing is installed here."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
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


@dataclass(frozen=True)
class Compiled:
    """A circom circuit with the witness of one input."""

    r1cs: Path
    wtns: Path


def compiled(name: str, inputs: dict[str, str], folder: Path) -> Compiled:
    """Compile circuits/<name>.circom with circom2 and let snarkjs compute the witness of `inputs`."""
    outcome = run("circom2", f"circuits/{name}.circom", "--r1cs", "--wasm", "-l", "node_modules", "-o", folder)
    assert outcome.code == 0, outcome.text
    given, wtns = folder / f"{name}.json", folder / f"{name}.wtns"
    given.write_text(json.dumps(inputs), encoding="utf-8")
    snarkjs("wtns", "calculate", folder / f"{name}_js" / f"{name}.wasm", given, wtns)
    return Compiled(folder / f"{name}.r1cs", wtns)
