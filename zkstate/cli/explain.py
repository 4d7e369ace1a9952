"""What a file is, told by its content, and what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from circuits import portable
from circuits.attestation import STATEMENT_FILE
from circuits.keys import status_of
from lightclient.bundle import Bundle
from lightclient.consensus.chains import BUILT_IN
from lightclient.evidence import MAGIC as EVIDENCE_MAGIC
from lightclient.evidence import MAX_EVIDENCE_BYTES, Outline
from zkstate.backup import sealed
from zkstate.cli.account import account_result, show_account
from zkstate.cli.explain_circom import explain_ptau, explain_r1cs, explain_wtns, explain_zkey
from zkstate.cli.explain_solvency import explain_claim
from zkstate.cli.explained import Explained, worded
from zkstate.cli.headers import header_facts, header_result, time_text
from zkstate.cli.named import read_header, read_named
from zkstate.cli.terminal import size_text
from zkstate.cli.trusted import trust_facts
from zkstate.cli.verdict import claim_facts, claim_result, setup_result, setup_text
from zkstate.errors import InputError
from zkstate.kernels import FR_BYTES, FR_MODULUS
from zkstate.proof import json_form, ptau_file, r1cs_file, wtns_file, zkey_file
from zkstate.proof.groth16 import Proof
from zkstate.proof.keys import VerifyingKey
from zkstate.proof.transparent.proof_file import MAGIC as TRANSPARENT_MAGIC
from zkstate.proof.transparent.proof_file import MAX_BYTES
from zkstate.proof.transparent.proof_file import Proof as TransparentProof
from zkstate.publication import segments
from zkstate.publication.header import MAGIC
from zkstate.publication.manifest import Manifest
from zkstate.publication.records import MAX_BUCKET_BYTES, parse_bucket
from zkstate.publication.regular import read_range
from zkstate.publication.tables import decode_totals
from zkstate.publication.tiles import TILE_NODES
from zkstate.registry.chain import address_text
from zkstate.solvency import files as solvency
from zkstate.state.decimals import render
from zkstate.state.identity import AccountKey
from zkstate.state.table import decode_table

PEEK = 64
JSON_LIMIT = 64 << 20
_HEX = set(b"0123456789abcdefABCDEF")
_ROOTS = ("previous_state_root", "accounts_root", "instruments_root", "totals_root", "order_book_root")


def explain(path: Path) -> Explained:
    """What lies at `path`. InputError if it is nothing known; the errors of its reader if it is damaged."""
    with path.open("rb") as file:
        start = file.read(PEEK)
    for magic, read in _BY_MAGIC.items():
        if start.startswith(magic):
            return read(path)
    if path.parent.name == "records":
        return _records(path)
    if path.parent.parent.name == "tiles" and path.parent.name.isdecimal() and path.stem.isdecimal():
        return _tile(path)
    if len(start) == PEEK and set(start) <= _HEX:
        return _account_key(path)
    if start.lstrip()[:1] in {b"{", b"["}:
        return _json(path)
    raise InputError(f"{path} is no file of zkstate, circom or snarkjs")


def _header(path: Path) -> Explained:
    header = read_header(path).header
    roots = {name: f"{getattr(header, name):#066x}" for name in _ROOTS} | {"data_root": header.data_root.hex()}
    depths = {"accounts_depth": header.accounts_depth, "table_depth": header.table_depth}
    return Explained(
        "the header of an epoch, with a valid signature of its operator key",
        {**header_result(header), **roots, **depths, "record_bits": header.record_bits},
        [*header_facts(header), *worded(roots), *worded(depths)],
    )


def _segment(path: Path) -> Explained:
    head, _ = segments.decode_head(read_range(path.parent, path.name, 0, segments.SIGNED_HEAD_BYTES), path.name)
    members = {name: getattr(head, name) for name in ("number", "epoch", "time", "first", "count", "recipients")}
    hashes = {name: getattr(head, name).hex() for name in ("operator_key", "venue", "previous", "content", "payload")}
    words = {"holds": ("a state", "events")[head.kind - 1], "closes_epoch": bool(head.closes)}
    shown = {**words, **members, **hashes, "journal_head": f"{head.journal_head:#066x}"}
    return Explained("a segment of a venue's journal, its head signed by the operator", shown, worded(shown))


def _account_key(path: Path) -> Explained:
    key = AccountKey.read(path)
    public = {"owner": f"{key.owner:064x}", "view_key": key.view_public.hex()}
    note = "keys of an operator and of a publisher look the same, and have other uses"
    return Explained("a 32-byte secret, not shown; read as an account key", public, [*worded(public), ("note", note)])


def _tile(path: Path) -> Explained:
    size = path.stat().st_size
    nodes, rest = divmod(size, FR_BYTES)
    if rest or not 1 <= nodes <= TILE_NODES:
        raise InputError(f"{path}: {size} bytes are not 1 to {TILE_NODES} tree nodes of {FR_BYTES} bytes")
    content = path.read_bytes()
    for at in range(nodes):
        if int.from_bytes(content[FR_BYTES * at : FR_BYTES * (at + 1)]) >= FR_MODULUS:
            raise InputError(f"{path}: node {at} is not a field element")
    counts = {"nodes": nodes, "tile_level": int(path.parent.name), "first_node": TILE_NODES * int(path.stem)}
    return Explained("a tile of the accounts tree", counts, worded(counts))


def _records(path: Path) -> Explained:
    entries = parse_bucket(read_named(path, MAX_BUCKET_BYTES), 0, 0)  # with 0 record bits all tags belong to bucket 0
    classes = Counter(entry.size_class for entry in entries)
    members = {"records": len(entries), "classes": {str(size): classes[size] for size in sorted(classes)}}
    shares = ", ".join(f"{classes[size]} of up to {size} rows" for size in sorted(classes))
    return Explained("encrypted account records", members, [("records", f"{len(entries)}: {shares}")])


def _json(path: Path) -> Explained:
    if path.stat().st_size > JSON_LIMIT:
        raise InputError(f"{path}: more than {size_text(JSON_LIMIT)} of JSON")
    content = path.read_bytes()
    value = json_form.parse(content, str(path))
    if isinstance(value, list):
        return _public(path, content)
    for member, read in _BY_MEMBER.items():
        if isinstance(value, dict) and member in value:
            return read(path, content)
    raise InputError(f"{path} is JSON of no kind that zkstate knows")


def _bundle(path: Path, _content: bytes) -> Explained:
    bundle = Bundle.read(path)
    account = account_result(bundle.account, bundle.table, bundle.header.time)
    trust = trust_facts(bundle.trust, bundle.recovered_at)
    return Explained(
        "an account bundle that proves itself; it holds a secret: keep it private",
        {**header_result(bundle.header), "account": account},
        [*header_facts(bundle.header), *trust],
        lambda console: show_account(console, bundle.account, bundle.table, bundle.header.time),
    )


def _statement(path: Path, content: bytes) -> Explained:
    fields = json_form.parse(content, str(path))
    assert isinstance(fields, dict)
    facts = [(name, str(fields.get(name, ""))) for name in ("circuit", "statement", "parameters", "context")]
    return Explained(f"the claim of a proof ({STATEMENT_FILE}); zkstate verify checks it", dict(facts), facts)


def _attestation(_path: Path, content: bytes) -> Explained:
    attestation = portable.decode(content)
    return Explained(
        "a portable attestation: well-formed; zkstate verify checks it against your challenge",
        claim_result(attestation),
        [*claim_facts(attestation, shown=False), ("key", f"digest {attestation.groth16[0].digest()}")],
    )


def _proof(path: Path, content: bytes) -> Explained:
    Proof.from_json(content, str(path))
    return Explained("a Groth16 proof over BN254: well-formed, its points on their curves; truth not checked", {}, [])


def _transparent_proof(path: Path) -> Explained:
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: more than {size_text(MAX_BYTES)}, as no transparent proof has")
    proof = TransparentProof.decode(path.read_bytes(), str(path))
    p, shape = proof.parameters, proof.parameters.shape
    members: dict[str, object] = {
        "constraints": shape.n_constraints,
        "wires": shape.n_wires,
        "public": shape.n_public,
        "r1cs_digest": proof.circuit.hex(),
        "bits": round(p.bits, 2),
        "columns_opened": p.queries,
        "columns": p.length,
    }
    return Explained("a transparent proof: well-formed; truth not checked", members, worded(members))


def _evidence(path: Path) -> Explained:
    outline = Outline.decode(read_named(path, MAX_EVIDENCE_BYTES))
    header, genesis = outline.signed.header, outline.genesis_validators_root
    members: dict[str, object] = {
        "network": next((c.name for c in BUILT_IN.values() if c.genesis_validators_root == genesis), "not built in"),
        "genesis_validators_root": f"0x{genesis.hex()}",
        "checkpoint": f"0x{outline.checkpoint.hex()}",
        "made_at": time_text(outline.time),
        "updates": outline.updates,
        "blobs": outline.blobs,
        "registry": address_text(outline.registry),
    }
    return Explained(
        "an evidence bundle: well-formed; zkstate verify replays it against your checkpoint and registry",
        {**header_result(header), **members},
        [*worded(members), *header_facts(header)],
    )


def _sealed(path: Path) -> Explained:
    with path.open("rb") as file:
        kind, cost = sealed.outline(file.read(sealed.OUTLINE_BYTES), str(path))
    members = {"holds": kind.title, "passes": cost.passes, "memory_kib": cost.memory_kib, "lanes": cost.lanes}
    guess = f"Argon2id, {cost.passes} passes over {size_text(cost.memory_kib << 10)} in {cost.lanes} lanes"
    return Explained("a sealed file", members, [("holds", kind.title), ("a guess costs", guess)])


def _batch(path: Path) -> Explained:
    batch = solvency.BatchFile.decode(read_named(path, MAX_BYTES), str(path))
    members = {"before": f"{batch.before:#066x}", "after": f"{batch.after:#066x}"}
    kind = "a batch of a solvency proof: well-formed; truth not checked"
    return Explained(kind, {**members, "proof_bytes": len(batch.proof)}, [*worded(members)])


def _verifying_key(path: Path, content: bytes) -> Explained:
    value = json_form.parse(content, str(path))
    mirage = json_form.member(value, "protocol", str(path)) == json_form.MIRAGE
    key = VerifyingKey.from_value(value, str(path), protocol=json_form.MIRAGE if mirage else json_form.PROTOCOL)
    setup = status_of(key)
    members = {"public": key.n_public, "key_digest": key.digest(), "setup": setup_result(setup)}
    facts = [("public inputs", str(key.n_public)), ("digest", key.digest()), ("setup", setup_text(setup))]
    title = "Mirage" if mirage else "Groth16"
    return Explained(f"a {title} verification key over BN254", members, facts)


def _public(path: Path, content: bytes) -> Explained:
    values = json_form.array(json_form.parse(content, str(path)), None, str(path))
    numbers = [json_form.decimal(value, FR_MODULUS, f"{path}[{i}]") for i, value in enumerate(values)]
    texts = [str(number) for number in numbers]
    return Explained("public inputs of a proof", {"public_inputs": texts}, worded(dict(enumerate(texts))))


def _manifest(_path: Path, content: bytes) -> Explained:
    manifest = Manifest.decode(content)
    members: dict[str, object] = {
        "files": len(manifest.files),
        "bytes": sum(entry.size for entry in manifest.files),
        "data_root": manifest.root.hex(),
    }
    return Explained("the manifest of an epoch", members, worded(members))


def _instruments(_path: Path, content: bytes) -> Explained:
    table = decode_table(content)
    kinds = Counter(instrument.kind for instrument in table.instruments)
    listed = [
        {"id": i.id, "symbol": i.symbol, "kind": i.kind, "price": render(i.price, i.price_decimals)}
        for i in table.instruments
    ]
    root = f"{table.root:#066x}"
    facts = [("root", root), *((kind, str(count)) for kind, count in sorted(kinds.items()))]
    return Explained("an instrument table", {"root": root, "instruments": listed}, facts)


def _totals(_path: Path, content: bytes) -> Explained:
    totals = decode_totals(content)
    members = {"credits": [str(c) for c in totals.credits], "debits": [str(d) for d in totals.debits]}
    return Explained("totals of an epoch", members, [("instruments", str(len(totals.credits)))])


_BY_MAGIC: dict[bytes, Callable[[Path], Explained]] = {
    MAGIC: _header,
    segments.MAGIC: _segment,
    r1cs_file.MAGIC: explain_r1cs,
    wtns_file.MAGIC: explain_wtns,
    zkey_file.MAGIC: explain_zkey,
    ptau_file.MAGIC: explain_ptau,
    TRANSPARENT_MAGIC: _transparent_proof,
    EVIDENCE_MAGIC: _evidence,
    sealed.MAGIC: _sealed,
    solvency.MAGIC: _batch,
}
_BY_MEMBER: dict[str, Callable[[Path, bytes], Explained]] = {
    "owner_secret": _bundle,
    "key_digest": _attestation,
    "shortfall": explain_claim,
    "circuit": _statement,
    "pi_a": _proof,
    "vk_alpha_1": _verifying_key,
    "files": _manifest,
    "instruments": _instruments,
    "totals": _totals,
}
