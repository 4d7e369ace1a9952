"""zkstate inspect: explain a file, or the folder of a proof of solvency."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from zkstate.cli.arguments import Namespace, Parser, existing
from zkstate.cli.explain import explain
from zkstate.cli.explain_solvency import explain_folder
from zkstate.cli.terminal import Terminal, show_facts, size_text
from zkstate.errors import InputError
from zkstate.kernels import best_path, cpu_path, cpu_words, thread_count

USAGE = """\
usage: zkstate inspect FILE|FOLDER [--json]
       zkstate inspect --cpu [--json]

Explain a file, or say which CPU path the native core runs on (ZKSTATE_CPU=portable, adx or ifma forces one). What
a file is is told by its content:

  of a venue         header.bin, manifest.json, tables, tree tiles, record buckets, segments of a journal
  of a trader        account keys and account bundles; the account is shown, its secrets never; evidence; sealed files
  of a proof         portable attestations; statement.json, proof.json, public.json, verification_key.json; solvency
  FOLDER             of an epoch with its proof of solvency, or of that alone: what is claimed, and how many accounts
                     each class and rule has by its list. Nothing is checked: zkstate verify does
  of circom, snarkjs .r1cs, .wtns (how many values, never which), .zkey, .ptau: sections, counts, contributions

Example, after the example of snapshot:

  zkstate inspect epoch-1/public/header.bin
"""


def declare(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=existing, nargs="?")
    what.add_argument("--cpu", action="store_true")


def run(args: Namespace, terminal: Terminal) -> int:
    return _show_cpu(terminal) if args.cpu else _show_file(args.file, terminal)


def _show_cpu(terminal: Terminal) -> int:
    words = cpu_words()
    used, best = cpu_path(), best_path(words)
    features = dict(zip(("leaf1_ecx", "leaf7_ebx", "xcr0"), (f"{word:#010x}" for word in words), strict=True))

    def render(console: Console) -> None:
        said = " ".join(f"{name}={value}" for name, value in features.items())
        show_facts(console, [("path", used), ("best here", best), ("cpuid", said), ("threads", str(thread_count(0)))])

    result = {"verb": "inspect", "path": used, "best": best, "cpuid": features, "threads": thread_count(0)}
    terminal.emit(result, render)
    return 0


def _show_file(path: Path, terminal: Terminal) -> int:
    folder = path.is_dir()
    if not folder and not path.is_file():
        raise InputError(f"{path} is not a regular file")
    explained = explain_folder(path) if folder else explain(path)
    size = None if folder else path.stat().st_size
    what = ("folder", str(path)) if size is None else ("file", f"{path}, {size_text(size)}")

    def render(console: Console) -> None:
        show_facts(console, [what, ("is", explained.kind), *explained.facts])
        if explained.draw is not None:
            explained.draw(console)

    result = {"verb": "inspect", "file": str(path), "size": size, "kind": explained.kind, **explained.members}
    terminal.emit(result, render)
    return 0
