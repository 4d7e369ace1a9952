"""Compiled circuits kept on disk, so that proving does not compile.

A file is a line of format, the SHA-256 of what follows, then an .npz archive. Its name has the statement, its
parameters and a key over every source it came from, so a stale one is never found; what does not match its
hash or its circuit's digest counts as absent. The folder is $ZKSTATE_CACHE (empty: keep nothing), else
zkstate/ in $XDG_CACHE_HOME or ~/.cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import os
import sys
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np

from zkstate.atomic import replace_file
from zkstate.constraint.circuit import Circuit, InputField
from zkstate.constraint.compiler import build, title_of
from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.constraint.record import BlockUses
from zkstate.constraint.statement import Kind, Statement
from zkstate.errors import EnvironmentFailure, InputError
from zkstate.kernels import FrVec, native_digest

FORMAT = b"zkstate circuit cache 1\n"
MATRICES = ("a", "b", "c", "combinations", "sides")


class _Field(msgspec.Struct, frozen=True):
    name: str
    kind: str
    lo: str
    hi: str
    is_felt: bool
    shape: tuple[int, ...]
    first: int
    is_public: bool


class _Meta(msgspec.Struct, frozen=True):
    """What of a circuit is not an array."""

    title: str
    digest: str
    n_wires: int
    n_public: int
    n_slots: int
    inputs: list[_Field]
    labels: list[str]
    names: list[tuple[int, str]]
    blocks: dict[str, BlockUses]


def cache_folder() -> Path | None:
    """Where circuits and demonstration keys are kept; None if nothing is."""
    folder = os.environ.get("ZKSTATE_CACHE")
    if folder is None:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "zkstate"
    return Path(folder) if folder else None


def compile_statement(statement: Statement) -> Circuit:
    """The circuit of a statement, from the cache when nothing it came from has changed.

    Errors: CircuitError as `build`. A cache that cannot be read or written is passed over.
    """
    path = _path(statement)
    if path is None:
        return build(statement)
    circuit = load(path)
    if circuit is None:
        circuit = build(statement)
        store(path, circuit)
    return circuit


def load(path: Path) -> Circuit | None:
    """The circuit in a cache file; None if there is none or it is damaged."""
    try:
        return _decoded(path.read_bytes())
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, msgspec.MsgspecError, InputError):
        return None


def _decoded(content: bytes) -> Circuit | None:
    head = len(FORMAT) + 65
    payload = memoryview(content)[head:]
    if content[:head] != FORMAT + hashlib.sha256(payload).hexdigest().encode() + b"\n":
        return None
    with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    meta = msgspec.json.decode(arrays["meta"].tobytes(), type=_Meta)
    pool = FrVec.from_limbs(arrays["pool"])
    columns = [meta.n_wires, meta.n_wires, meta.n_wires, meta.n_slots, meta.n_wires]
    a, b, c, combinations, sides = (
        SparseMatrix(arrays[f"{m}_row_ptr"], arrays[f"{m}_wire"], arrays[f"{m}_coefficient"], pool, n)
        for m, n in zip(MATRICES, columns, strict=True)
    )
    circuit = Circuit(
        title=meta.title,
        r1cs=R1cs(meta.n_wires, meta.n_public, a, b, c),
        inputs=tuple(_input_field(item) for item in meta.inputs),
        combinations=combinations,
        sides=sides,
        steps=arrays["steps"],
        requirements=arrays["requirements"],
        row_labels=arrays["row_labels"],
        labels=tuple(meta.labels),
        names=tuple(meta.names),
        blocks=meta.blocks,
    )
    return circuit if circuit.digest == meta.digest else None


def store(path: Path, circuit: Circuit) -> None:
    """Write a cache file whole or not at all, and remove what older sources left under the same name."""
    arrays = {"steps": circuit.steps, "requirements": circuit.requirements, "row_labels": circuit.row_labels}
    r1cs = circuit.r1cs
    matrices = (r1cs.a, r1cs.b, r1cs.c, circuit.combinations, circuit.sides)
    for name, matrix in zip(MATRICES, matrices, strict=True):
        for part in ("row_ptr", "wire", "coefficient"):
            arrays[f"{name}_{part}"] = getattr(matrix, part)
    meta = _Meta(
        title=circuit.title,
        digest=circuit.digest,
        n_wires=r1cs.n_wires,
        n_public=r1cs.n_public,
        n_slots=circuit.combinations.n_columns,
        inputs=[_field(item) for item in circuit.inputs],
        labels=list(circuit.labels),
        names=list(circuit.names),
        blocks=dict(circuit.blocks),
    )
    packed = io.BytesIO()
    meta_bytes = np.frombuffer(msgspec.json.encode(meta), dtype=np.uint8)
    np.savez(packed, allow_pickle=False, meta=meta_bytes, pool=r1cs.a.pool.to_limbs(), **arrays)
    payload = packed.getbuffer()
    head = FORMAT + hashlib.sha256(payload).hexdigest().encode() + b"\n"
    with contextlib.suppress(OSError, EnvironmentFailure):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, (head, payload))
        for other in path.parent.glob(f"{path.name.rsplit('.', 2)[0]}.*.circuit"):
            if other != path:
                other.unlink(missing_ok=True)


def _field(item: InputField) -> _Field:
    kind = item.kind
    return _Field(
        item.name, kind.name, str(kind.lo), str(kind.hi), kind.is_felt, item.shape, item.first, item.is_public
    )


def _input_field(item: _Field) -> InputField:
    kind = Kind(item.kind, int(item.lo), int(item.hi), item.is_felt)
    return InputField(item.name, kind, item.shape, item.first, item.is_public)


def _path(statement: Statement) -> Path | None:
    """Where the circuit of a statement is kept; None if it is not."""
    folder = cache_folder()
    if folder is None:
        return None
    modules = {base.__module__ for base in type(statement).__mro__ if base not in {Statement, object}}
    sources = [_sources_digest(module) for module in sorted({"zkstate.constraint", *modules})]
    if "" in sources:
        return None
    kind = type(statement)
    who = f"{kind.__module__}.{kind.__qualname__}"
    parameters = msgspec.json.encode([who, statement.parameters(), title_of(statement)])
    key = hashlib.sha256(b"\n".join([FORMAT, parameters, native_digest().encode(), *map(str.encode, sources)]))
    name = f"{kind.__name__}-{hashlib.sha256(parameters).hexdigest()[:16]}"
    return folder / "circuits" / f"{name}.{key.hexdigest()[:32]}.circuit"


@cache
def _sources_digest(module: str) -> str:
    """A hash of the Python sources that a module may draw on; empty if they cannot be read.

    These are its whole top-level package; of zkstate the floors up to this one, and `state`, whose widths and limits
    statements are made of.
    """
    top = module.split(".", maxsplit=1)[0]
    roots = [Path(p) for p in getattr(sys.modules.get(top), "__path__", [])]
    if top == "zkstate":
        roots = [root / floor for root in roots for floor in ("kernels", "commitment", "constraint", "state")]
    files = sorted(path for root in roots for path in root.rglob("*.py"))
    if not roots:
        try:
            files = [Path(inspect.getfile(sys.modules[module]))]
        except (KeyError, TypeError):
            return ""
    digest = hashlib.sha256()
    try:
        for path in files:
            digest.update(f"{path.name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    except OSError:
        return ""
    return digest.hexdigest()
