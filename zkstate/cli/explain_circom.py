"""The four binary files of circom and snarkjs: sections, counts, contributions. Of a witness, counts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from zkstate.cli.explained import Explained, worded
from zkstate.cli.verdict import setup_result, setup_text
from zkstate.proof import ceremony, container, ptau_file, r1cs_file, wtns_file, zkey_file
from zkstate.proof.container import Container
from zkstate.proof.contribution import Author
from zkstate.proof.keys import domain_size

Entries = Sequence[Mapping[str, object]]
_POWERS = ptau_file.NAMES | {
    ptau_file.LAGRANGE + number: f"Lagrange basis of {ptau_file.NAMES[number]}" for number in ptau_file.POWERS
}
SECTIONS = {
    r1cs_file.MAGIC: {1: "header", 2: "constraints", 3: "labels of wires"},
    wtns_file.MAGIC: {1: "header", 2: "values"},
    zkey_file.MAGIC: {
        1: "protocol",
        2: "header",
        3: "IC",
        4: "matrices A and B",
        5: "A",
        6: "B1",
        7: "B2",
        8: "C",
        9: "H",
        10: "circuit hash, contributions",
        zkey_file.SETUP_SECTION: "zkstate setup",
        zkey_file.COMMITTED_SECTION: "committed wires",
    },
    ptau_file.MAGIC: {1: "header", **_POWERS, ptau_file.CONTRIBUTIONS: "contributions"},
}


def explain_r1cs(path: Path) -> Explained:
    """A constraint system."""
    content = container.map_file(path, r1cs_file.SIZE_LIMIT)
    file = r1cs_file.decode(content, str(path))
    r1cs = file.r1cs
    counts = {
        "constraints": r1cs.n_constraints,
        "wires": r1cs.n_wires,
        "public": r1cs.n_public,
        "outputs": file.n_outputs,
        "private_inputs": file.n_private_inputs,
        "labels": file.n_labels,
        "terms": r1cs.a.nnz + r1cs.b.nnz + r1cs.c.nnz,
        "domain": domain_size(r1cs),
        "digest": r1cs_file.digest(r1cs).hex(),
    }
    kind = "a constraint system over BN254 (circom .r1cs)"
    return _explained(kind, counts, worded(counts), _sections(content, r1cs_file.MAGIC, r1cs_file.VERSION, path))


def explain_wtns(path: Path) -> Explained:
    """A witness: how many values, never which."""
    content = container.map_file(path, wtns_file.SIZE_LIMIT)
    counts = {"values": len(wtns_file.decode(content, str(path)))}
    kind = "a witness over BN254 (circom .wtns): its values are secrets and are not shown"
    return _explained(kind, counts, worded(counts), _sections(content, wtns_file.MAGIC, wtns_file.VERSION, path))


def explain_zkey(path: Path) -> Explained:
    """A proving key."""
    content = container.map_file(path, zkey_file.SIZE_LIMIT)
    key = zkey_file.decode(content, str(path), check_points=False)
    counts = {
        "wires": key.n_wires,
        "public": key.n_public,
        **({"committed": key.n_committed} if key.n_committed else {}),
        "domain": key.domain_size,
        "terms": key.matrix_a.nnz + key.matrix_b.nnz,
        "circuit_hash": key.circuit_hash.hex(),
    }
    made = [(c.author, c.hash) for c in ceremony.by_author(key.vk, ceremony.contributions_of(key, str(path)))]
    members = {**counts, "key_digest": key.vk.digest(), "setup": setup_result(key.setup)}
    facts = [*worded(counts), ("verification key", f"digest {key.vk.digest()}"), ("setup", setup_text(key.setup))]
    form = (
        "Mirage proving key over BN254 (.zkey)" if key.n_committed else "Groth16 proving key over BN254 (snarkjs .zkey)"
    )
    kind = f"a {form}; neither points nor contributions were checked"
    sections = _sections(content, zkey_file.MAGIC, zkey_file.VERSION, path)
    return _explained(kind, members, facts, sections, made)


def explain_ptau(path: Path) -> Explained:
    """Powers of tau."""
    content = container.map_file(path, ptau_file.SIZE_LIMIT)
    file = ptau_file.decode(content, str(path))
    counts = {
        "power": file.power,
        "ceremony_power": file.ceremony_power,
        "largest_circuit": 1 << file.power,
        "prepared": file.prepared,
    }
    made = [(c.author, c.response(f"{path}: contribution {i}")) for i, c in enumerate(file.contributions, 1)]
    facts = [
        ("powers", f"for circuits of up to 2^{file.power} rows"),
        ("ceremony", f"held for 2^{file.ceremony_power}" + (", cut" if file.ceremony_power > file.power else "")),
        ("phase 2", "prepared" if file.prepared else "not prepared: zkstate setup prepare adds the Lagrange bases"),
    ]
    kind = "powers of tau over BN254 (snarkjs .ptau); neither points nor contributions were checked"
    sections = _sections(content, ptau_file.MAGIC, ptau_file.VERSION, path)
    return _explained(kind, counts, facts, sections, made)


def _sections(content: container.Buffer, magic: bytes, version: int, path: Path) -> Entries:
    """Every section in file order, those that nobody reads included."""
    titles = SECTIONS[magic]
    found = Container.decode(content, magic, version, str(path)).sections
    return [{"section": n, "name": titles.get(n, "unknown, ignored"), "bytes": len(part)} for n, part in found]


def _contributions(made: Sequence[tuple[Author, bytes]]) -> Entries:
    """Who, with a name nobody has checked, and the hash by which an author knows a contribution again."""
    return [
        {
            "name": author.name,
            "beacon": None
            if author.beacon is None
            else {"value": author.beacon.value.hex(), "exponent": author.beacon.exponent},
            "hash": digest.hex(),
        }
        for author, digest in made
    ]


def _explained(
    kind: str,
    members: Mapping[str, object],
    facts: Sequence[tuple[str, str]],
    sections: Entries,
    made: Sequence[tuple[Author, bytes]] | None = None,
) -> Explained:
    told = dict(members) | {"sections": sections}
    said = list(facts)
    if made is not None:
        told["contributions"] = _contributions(made)
        said.append(("contributions", str(len(made))))
        said += [(f"contribution {i}", f"{author.title}, hash {h.hex()}") for i, (author, h) in enumerate(made, 1)]
    return Explained(kind, told, said, lambda console: console.print(_grid(sections)))


def _grid(sections: Entries) -> Table:
    """One line a section."""
    grid = Table(show_edge=False, pad_edge=False)
    for name in ("section", "name", "bytes"):
        grid.add_column(name, justify="left" if name == "name" else "right")
    for each in sections:
        grid.add_row(str(each["section"]), str(each["name"]), f"{each['bytes']:,}")
    return grid
