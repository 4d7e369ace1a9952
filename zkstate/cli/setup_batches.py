"""What `setup batches` does: the circuits of an epoch's solvency batches as files, for ceremonies."""

from __future__ import annotations

import json
from pathlib import Path

from zkstate.atomic import new_folder, write_new
from zkstate.cli.arguments import Parser, whole
from zkstate.cli.solvency_prove import LEAST_ROWS, MOST_ROWS
from zkstate.errors import InputError
from zkstate.proof import r1cs_file
from zkstate.proof.keys import domain_size
from zkstate.publication.annex import beside
from zkstate.publication.epoch import PRIVATE
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.holdings import HOLDINGS
from zkstate.publication.layout import HEADER, PUBLIC
from zkstate.publication.progress import Progress
from zkstate.publication.regular import read_below
from zkstate.solvency.circuits import BatchCircuit, EpochFiles
from zkstate.solvency.classes import class_name
from zkstate.solvency.files import KEYED, SOLVENCY
from zkstate.solvency.plan import LAYOUTS

LIST = "batches.json"


def declare_batches(parser: Parser) -> None:
    parser.add_argument("--system", choices=KEYED)
    parser.add_argument("--batch-rows", type=whole(LEAST_ROWS, MOST_ROWS))


def write_circuits(place: Path, system: str, rows: int | None, out: Path, progress: Progress) -> list[tuple[str, str]]:
    """NAME.r1cs for every class of an epoch, and the list of them. InputError for more rows than a batch has."""
    most = LAYOUTS[system].most_rows
    if rows is not None and rows > most:
        raise InputError(f"--batch-rows {rows}: a batch by {system} has at most {most}")
    epoch, listed, facts = _epoch(place), list[dict[str, object]](), [("circuits", str(out))]
    with new_folder(out) as unfinished:
        for circuit in epoch.circuits(system, rows):
            progress(f"writing {circuit.name}", 0, 0)
            r1cs_file.write(unfinished / f"{circuit.name}.r1cs", r1cs_file.R1csFile.of(circuit.r1cs))
            listed.append(_members(circuit))
            committed = f"--committed {circuit.n_committed}, " if circuit.n_committed else ""
            domain = domain_size(circuit.r1cs).bit_length() - 1
            facts.append((f"class {class_name(circuit.kind)}", f"{circuit.name}.r1cs, {committed}powers of 2^{domain}"))
        document = {"system": system, "header_hash": epoch.header.hash.hex(), "circuits": listed}
        write_new(unfinished / LIST, json.dumps(document, indent=1).encode() + b"\n")
    return [*facts, ("list", str(out / LIST))]


def _members(circuit: BatchCircuit) -> dict[str, object]:
    return {
        "class": class_name(circuit.kind),
        "accounts": circuit.accounts,
        "name": circuit.name,
        "constraints": circuit.r1cs.n_constraints,
        "domain": domain_size(circuit.r1cs),
        "committed": circuit.n_committed,
        "digest": circuit.digest.hex(),
    }


def _epoch(place: Path) -> EpochFiles:
    """An epoch in one folder with its proof or its holdings, or on a mirror."""
    if (place / PUBLIC / HEADER).exists():
        return EpochFiles(place / PUBLIC, place / SOLVENCY, place / PRIVATE / HOLDINGS)
    epoch = SignedHeader.decode(read_below(place, HEADER, SIGNED_BYTES)).header.epoch
    found = beside(place, SOLVENCY, epoch)
    if found is None:
        raise InputError(f"{place} has no proof of solvency beside it, and so nothing says which class a leaf has")
    return EpochFiles(place, found, place / PRIVATE / HOLDINGS)
