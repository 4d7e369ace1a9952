"""Compiles the contracts into the artefacts beside them: `python -m zkstate.registry.build` after a change.

An artefact is what a client needs without a compiler: ABI, bytecode, storage layout, and the SHA-256 of the
source it came from. The same source and compiler give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from zkstate.atomic import replace_file
from zkstate.errors import EnvironmentFailure

CONTRACTS = ("StateRegistry", "Groth16Verifier", "ExitVault")
COMPILER = "0.4.3"
FOLDER = Path(__file__).parent

_OUTPUTS = ("abi", "bytecode", "bytecode_runtime", "layout", "method_identifiers")


def compile_contract(name: str, folder: Path = FOLDER) -> bytes:
    """The artefact of `name`.vy as JSON. EnvironmentFailure if vyper of that version is not installed."""
    try:
        import vyper  # noqa: PLC0415 (optional dependency)
        from vyper.compiler import compile_code  # noqa: PLC0415 (optional dependency)
    except ImportError as error:
        raise EnvironmentFailure(f"vyper is not installed: pip install vyper=={COMPILER}") from error
    if vyper.__version__ != COMPILER:
        raise EnvironmentFailure(f"vyper {vyper.__version__} is installed; the artefacts need {COMPILER}")
    source = (folder / f"{name}.vy").read_text(encoding="utf-8")
    output: dict[str, Any] = compile_code(source, output_formats=_OUTPUTS)
    artefact = {
        "contract": name,
        "compiler": f"vyper {COMPILER}",
        "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
        "abi": output["abi"],
        "selectors": {
            signature: f"0x{int(selector, 16):08x}"
            for signature, selector in sorted(output["method_identifiers"].items())
        },
        "storage": {
            variable: {"slot": entry["slot"], "type": entry["type"]}
            for variable, entry in output["layout"].get("storage_layout", {}).items()
        },
        "immutables": {
            variable: {"offset": entry["offset"], "type": entry["type"]}
            for variable, entry in output["layout"].get("code_layout", {}).items()
        },
        "bytecode": output["bytecode"],
        "runtime": output["bytecode_runtime"],
    }
    return (json.dumps(artefact, indent=1) + "\n").encode()


def main() -> None:
    """Write every artefact."""
    for name in CONTRACTS:
        replace_file(FOLDER / f"{name}.json", compile_contract(name))


if __name__ == "__main__":
    main()
