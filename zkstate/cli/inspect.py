"""zkstate inspect: explain a file."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from zkstate.cli.arguments import Namespace, Parser, existing
from zkstate.cli.explain import explain
from zkstate.cli.terminal import Terminal, show_facts, size_text
from zkstate.errors import InputError

USAGE = """\
usage: zkstate inspect FILE [--json]

Explain a file. What it is is told by its content:

  of a venue         header.bin, manifest.json, tables, tree tiles, record buckets
  of a trader        account keys and account bundles; the account is shown, its secrets never
  of a proof         statement.json, proof.json, public.json, verification_key.json
  of circom, snarkjs .r1cs, .wtns (how many values, never which), .zkey

Example, after the example of snapshot:

  zkstate inspect epoch-1/public/header.bin
"""


def declare(parser: Parser) -> None:
    parser.add_argument("file", type=existing)


def run(args: Namespace, terminal: Terminal) -> int:
    path: Path = args.file
    if not path.is_file():
        raise InputError(f"{path} is not a regular file; zkstate verify takes folders")
    explained = explain(path)
    size = path.stat().st_size

    def render(console: Console) -> None:
        show_facts(console, [("file", f"{path}, {size_text(size)}"), ("is", explained.kind), *explained.facts])
        if explained.draw is not None:
            explained.draw(console)

    result = {"verb": "inspect", "file": str(path), "size": size, "kind": explained.kind, **explained.members}
    terminal.emit(result, render)
    return 0
