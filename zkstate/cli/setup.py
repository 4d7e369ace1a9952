"""zkstate setup: make a circuit's key in a ceremony of several parties, and verify it."""

from __future__ import annotations

import hashlib
import os
import re
from functools import partial
from pathlib import Path

from circuits.keys import known, trusted_circuit
from zkstate.atomic import create_file, new_folder
from zkstate.cli.arguments import Namespace, Parser, directory, existing, positional, require_options, whole
from zkstate.cli.named import read_named
from zkstate.cli.setup_batches import declare_batches, write_circuits
from zkstate.cli.terminal import Terminal, show_facts, show_judgement
from zkstate.constraint.r1cs import R1cs
from zkstate.errors import EnvironmentFailure, InputError
from zkstate.proof import beacon, ceremony, container, powers, ptau_file, r1cs_file, sym_file, zkey_file
from zkstate.proof.contribution import Author
from zkstate.proof.keys import ProvingKey
from zkstate.proof.phase2 import initial_key
from zkstate.proof.record import CeremonyRecord, Powers, PowersContribution, RecordedCircuit
from zkstate.publication.progress import Progress

USAGE = """\
usage: zkstate setup prepare    --ptau FILE --out FILE
       zkstate setup new        CIRCUIT --ptau FILE --out ZKEY
       zkstate setup contribute ZKEY --name WORDS [--entropy FILE] --out ZKEY
       zkstate setup beacon     ZKEY --value HEX [--exponent N] [--name WORDS] --out ZKEY
       zkstate setup verify     ZKEY CIRCUIT --ptau FILE [--out RECORD]
       zkstate setup verify     --ptau FILE
       zkstate setup export     ZKEY --out FILE
       zkstate setup circuit    CIRCUIT --out DIR
       zkstate setup batches    EPOCH --system SYSTEM [--batch-rows N] --out DIR       each with [--json]

Make the proving key of a circuit so that nobody can forge if only one of those who contributed erased their secret.

  CIRCUIT     a circuit of zkstate by name, such as margin-8, or --r1cs FILE, any circuit of circom; with --committed N
              beside --r1cs for a key of mirage, whose proofs commit to the first N secret wires
  --ptau      powers of tau (phase 1), for instance of a public ceremony; new and prepare verify them first
  prepare     add the Lagrange bases to powers, which every later step then need not compute
  new         the key before any contribution, which no command accepts
  contribute  one party's part: draws a secret from the system (and from --entropy), and prints the hash to publish
  beacon      a part that nobody chose: VALUE, public and fixed beforehand, hashed 2^N times (N is 10 if not given)
  verify      the whole chain: powers, circuit, every contribution, the key; with --out leave a ceremony record, which
              prove and verify take as --ceremony
  export      the verification key, as JSON
  circuit     a circuit of zkstate as CIRCUIT.r1cs and, with the names of its wires, CIRCUIT.sym
  batches     the circuits of an epoch's proof of solvency by SYSTEM, groth16 or mirage: for each class NAME.r1cs, and
              batches.json with their sizes, digests and N. EPOCH is what snapshot wrote, or an epoch with its proof.
              N rows to a batch as prove solvency takes them, which wants each key as NAME.zkey in --keys

The files are those of snarkjs, in both directions, but for keys of mirage, which nobody else reads. It is not shown
that anyone erased anything, or who they are.

Example:

  zkstate setup verify --ptau powers.ptau
"""

Facts = list[tuple[str, str]]
_SILENT: tuple[str, ...] = ()
MAX_COMMITTED = (1 << 32) - 1


def declare(parser: Parser) -> None:
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("given", nargs="*")
    parser.add_argument("--r1cs", type=existing)
    parser.add_argument("--committed", type=whole(1, MAX_COMMITTED))
    declare_batches(parser)
    parser.add_argument("--ptau", type=existing)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--name")
    parser.add_argument("--entropy", type=existing)
    parser.add_argument("--value", type=_hexadecimal)
    parser.add_argument("--exponent", type=whole(beacon.MIN_EXPONENT, beacon.MAX_EXPONENT))


def run(args: Namespace, terminal: Terminal) -> int:
    if args.out is not None and os.path.lexists(args.out):  # before hours of work, not after
        raise EnvironmentFailure(f"{args.out} exists already: remove it or choose another")
    return _ACTIONS[args.action](args, terminal)


def _hexadecimal(text: str) -> bytes:
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        raise InputError(f"{text[:80]!r} is not a value in hexadecimal")
    return bytes.fromhex(text)


def _takes(args: Namespace, positions: int, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    options = ("r1cs", "committed", "ptau", "out", "name", "entropy", "value", "exponent", "system", "batch_rows")
    require_options(args, "setup", options, needed, optional)
    if len(args.given) != positions:
        raise InputError(f"setup {args.action} takes {positions} names, {len(args.given)} are given (see --help)")
    if args.committed is not None and args.r1cs is None:
        raise InputError("--committed is for --r1cs: no circuit that zkstate knows by name commits to wires")


def _prepare(args: Namespace, terminal: Terminal) -> int:
    _takes(args, 0, ("ptau", "out"))
    with terminal.progress("setup prepare") as progress:
        ptau = ptau_file.read(args.ptau)
        verdict = powers.verify_powers(ptau, progress=partial(_step, progress))
        if verdict.accepted:
            create_file(args.out, powers.prepare(verdict.file, partial(_step, progress)))
    return _judge(terminal, "prepare", verdict.reasons, [("powers", str(args.out)), *_powers_facts(ptau, verdict)])


def _new(args: Namespace, terminal: Terminal) -> int:
    _takes(args, int(args.r1cs is None), ("ptau", "out"), ("r1cs", "committed"))
    with terminal.progress("setup new") as progress:
        r1cs, committed, _ = _circuit(args.given, args)
        ptau = ptau_file.read(args.ptau)
        verdict = powers.verify_powers(ptau, progress=partial(_step, progress))
        facts: Facts = _powers_facts(ptau, verdict)
        if verdict.accepted:
            key = initial_key(r1cs, verdict.file, committed, progress=partial(_step, progress))
            create_file(args.out, zkey_file.encode(key))
            facts = [
                ("key", f"{args.out}, unusable until someone contributes"),
                *_committed_facts(key),
                ("circuit hash", key.circuit_hash.hex()),
            ]
    return _judge(terminal, "new", verdict.reasons, facts)


def _contribute(args: Namespace, terminal: Terminal) -> int:
    _takes(args, 1, ("name", "out"), ("entropy",))
    entropy = b"" if args.entropy is None else read_named(args.entropy, 1 << 20)
    return _add(args, terminal, Author(args.name), entropy)


def _beacon(args: Namespace, terminal: Terminal) -> int:
    _takes(args, 1, ("value", "out"), ("name", "exponent"))
    exponent = beacon.MIN_EXPONENT if args.exponent is None else args.exponent
    return _add(args, terminal, Author(args.name or "", beacon.Beacon(args.value, exponent)))


def _add(args: Namespace, terminal: Terminal, author: Author, entropy: bytes = b"") -> int:
    path = _key_file(args)
    with terminal.progress(f"setup {args.action}"):
        key = zkey_file.read_zkey(path)
        made, contribution = ceremony.contribute(key, author, entropy)
        create_file(args.out, zkey_file.encode(made))
    number = len(ceremony.by_author(made.vk, ceremony.contributions_of(made)))
    facts = [
        ("key", str(args.out)),
        ("contribution", f"{number}, {author.title}"),
        ("hash", contribution.hash.hex()),
    ]
    return _judge(terminal, args.action, _SILENT, facts)


def _verify(args: Namespace, terminal: Terminal) -> int:
    if not args.given:
        return _verify_powers(args, terminal)
    _takes(args, 2 - int(args.r1cs is not None), ("ptau",), ("r1cs", "committed", "out"))
    path = _key_file(args)
    with terminal.progress("setup verify") as progress:
        listen = partial(_step, progress)
        r1cs, committed, circuit = _circuit(args.given[1:], args)
        ptau = ptau_file.read(args.ptau)
        verdict = powers.verify_powers(ptau, progress=listen)
        facts: Facts = _powers_facts(ptau, verdict)
        reasons = verdict.reasons
        if verdict.accepted:
            initial = initial_key(r1cs, verdict.file, committed, progress=listen)
            listen("checking the key")
            key = zkey_file.read_zkey(path)
            found = ceremony.verify_key(key, initial, r1cs, name=str(path))
            reasons = found.reasons
            facts += [
                *_committed_facts(key),
                *(
                    (f"contribution {i}", f"{c.author.title}, hash {c.hash.hex()}")
                    for i, c in enumerate(ceremony.by_author(key.vk, found.contributions), 1)
                ),
            ]
            facts.append(("verification key", f"digest {key.vk.digest()}"))
            if found.accepted and args.out is not None:
                record = CeremonyRecord(
                    circuit=circuit,
                    powers=_recorded(args.ptau, ptau, verdict),
                    circuit_hash=key.circuit_hash,
                    contributions=found.contributions,
                    zkey=zkey_file.file_pin(path),
                    verification_key=key.vk.digest(),
                )
                create_file(args.out, record.encode())
                facts.append(("record", str(args.out)))
    facts.append(("not shown", "that any author erased their secret, or who the authors are"))
    return _judge(terminal, "verify", reasons, facts)


def _verify_powers(args: Namespace, terminal: Terminal) -> int:
    _takes(args, 0, ("ptau",))
    with terminal.progress("setup verify") as progress:
        ptau = ptau_file.read(args.ptau)
        verdict = powers.verify_powers(ptau, progress=partial(_step, progress))
    facts = [
        *_powers_facts(ptau, verdict),
        ("not shown", "that any author erased their secret, or who the authors are"),
    ]
    return _judge(terminal, "verify", verdict.reasons, facts)


def _export(args: Namespace, terminal: Terminal) -> int:
    _takes(args, 1, ("out",))
    path = _key_file(args)
    with terminal.progress("setup export"):
        key = zkey_file.read_zkey(path)
        create_file(args.out, key.vk.to_json().encode())
    return _judge(terminal, "export", _SILENT, [("verification key", str(args.out)), ("digest", key.vk.digest())])


def _export_circuit(args: Namespace, terminal: Terminal) -> int:
    _takes(args, 1, ("out",))
    name = args.given[0]
    with terminal.progress("setup circuit"), new_folder(args.out) as unfinished:
        circuit = trusted_circuit(name)
        r1cs_file.write(unfinished / f"{name}.r1cs", r1cs_file.R1csFile.of_circuit(circuit))
        sym_file.write(unfinished / f"{name}.sym", circuit)
    facts = [
        ("circuit", str(args.out / f"{name}.r1cs")),
        ("names", str(args.out / f"{name}.sym")),
        ("constraints", str(circuit.r1cs.n_constraints)),
        ("digest", r1cs_file.digest(circuit.r1cs).hex()),
    ]
    return _judge(terminal, "circuit", _SILENT, facts)


def _export_batches(args: Namespace, terminal: Terminal) -> int:
    _takes(args, 1, ("system", "out"), ("batch_rows",))
    place = positional("setup batches", directory, args.given[0])
    with terminal.progress("setup batches") as progress:
        facts = write_circuits(place, args.system, args.batch_rows, args.out, progress)
    return _judge(terminal, "batches", _SILENT, facts)


def _key_file(args: Namespace) -> Path:
    return positional(f"setup {args.action}", existing, args.given[0])


def _circuit(names: list[str], args: Namespace) -> tuple[R1cs, int, RecordedCircuit]:
    """A circuit by name or file, how many wires proofs of it commit to, and how a record names both."""
    if args.r1cs is not None:
        found, committed = r1cs_file.read(args.r1cs).r1cs, args.committed or 0
        return found, committed, RecordedCircuit(r1cs_file.circuit_digest(found, committed).hex(), "", "")
    circuit = trusted_circuit(names[0])
    pinned = known().get(names[0])
    if pinned is not None and pinned.circuit != circuit.digest:
        raise InputError(f"{names[0]} compiles to {circuit.digest}, this version knows {pinned.circuit}")
    return circuit.r1cs, 0, RecordedCircuit(r1cs_file.digest(circuit.r1cs).hex(), names[0], circuit.digest)


def _committed_facts(key: ProvingKey) -> Facts:
    return [("commits to", f"{key.n_committed} wires, with a delta of their own")] if key.n_committed else []


def _recorded(path: Path, ptau: ptau_file.PtauFile, verdict: powers.PowersVerdict) -> Powers:
    content = container.map_file(path, ptau_file.SIZE_LIMIT)
    contributions = tuple(
        PowersContribution(c.author.name, c.author.beacon is not None, response.hex())
        for c, response in zip(ptau.contributions, verdict.responses, strict=True)
    )
    return Powers(hashlib.sha256(content).hexdigest(), ptau.power, ptau.ceremony_power, contributions)


def _powers_facts(ptau: ptau_file.PtauFile, verdict: powers.PowersVerdict) -> Facts:
    cut = (
        "" if ptau.power == ptau.ceremony_power else f", cut from 2^{ptau.ceremony_power}: their last hash is unchecked"
    )
    facts = [("powers", f"up to 2^{ptau.power} rows, {len(ptau.contributions)} contributions{cut}")]
    for i, (c, response) in enumerate(zip(ptau.contributions, verdict.responses, strict=True), 1):
        facts.append((f"to the powers {i}", f"{c.author.title}, response {response.hex()}"))
    return facts


def _step(progress: Progress, words: str) -> None:
    progress(words, 0, 0)


def _judge(terminal: Terminal, action: str, reasons: tuple[str, ...], facts: Facts) -> int:
    result = {
        "verb": "setup",
        "action": action,
        "accepted": not reasons,
        "reasons": list(reasons),
        "facts": dict(facts),
    }
    if action in {"verify", "prepare", "new"} and (reasons or action == "verify"):
        terminal.emit(result, lambda console: show_judgement(console, not reasons, reasons, facts))
    else:
        terminal.emit(result, lambda console: show_facts(console, facts))
    return int(bool(reasons))


_ACTIONS = {
    "prepare": _prepare,
    "new": _new,
    "contribute": _contribute,
    "beacon": _beacon,
    "verify": _verify,
    "export": _export,
    "circuit": _export_circuit,
    "batches": _export_batches,
}
