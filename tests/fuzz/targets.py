"""What is fuzzed: seeds that are valid, and a run that raises a ZkstateError or finds its own law kept."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace

import rlp as pyrlp
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from lightclient.beacon import _bootstrap, _json, _update, _updates
from lightclient.consensus import store, wire
from lightclient.consensus.forks import Fork
from lightclient.consensus.types import formats
from lightclient.evidence import MAGIC, Evidence
from lightclient.execution import mpt, rlp
from lightclient.execution.account import Account
from lightclient.execution.header import BlockHeader
from lightclient.execution.receipts import Log, Receipt
from lightclient.network import chain_of
from lightclient.registry_reader import RegistryProofs
from tests.fuzz.formats import FORMATS
from tests.fuzz.target import Target
from tests.lightclient.beaconchain import BeaconChain, Library, answer, chain_at
from tests.lightclient.consensus.committees import SIZE, started
from tests.lightclient.execution.tries import grow, proof
from tests.proof import shop
from tests.proof.circuits import bits, cubic
from tests.proof.transparent.systems import system_of
from tests.publication.test_header import example
from tests.publication.venue import OPERATOR
from tests.state.venues import quiet_ledger, traded
from zkstate.algebra import bls12_381, bn254
from zkstate.kernels import FR_BYTES, keccak256
from zkstate.proof import groth16, json_form, mirage, zkey_file
from zkstate.proof.keys import ProvingKey, VerifyingKey
from zkstate.proof.setup import insecure_setup
from zkstate.proof.transparent import proof_file, prover, verifier
from zkstate.publication import segments
from zkstate.publication.header import sign
from zkstate.state.venue import Venue
from zkstate.state.venue_close import epoch_ledger, state_after
from zkstate.state.venue_events import decode_events, linked
from zkstate.state.venue_replay import ReplayedVenue
from zkstate.state.venue_state import VenueState, state_of

SEED = b"a seed for fuzzing"
CHAIN = chain_at(1_900_000_000, 180)
BEACONS = BeaconChain(CHAIN)


def objects():
    update, finality = BEACONS.update(40, 24), BEACONS.finality(50, 32)
    return {
        "bootstrap": BEACONS.bootstrap(8),
        "update": update,
        "finality_update": finality,
        "optimistic_update": finality,
    }


def ssz() -> Target:
    """Every object of every fork: what decodes has no other encoding."""
    seeds = [
        bytes([Fork.FULU - 1, i]) + getattr(formats(Fork.FULU, SIZE), kind).encode(value)
        for i, (kind, value) in enumerate(objects().items())
    ]
    names = list(objects())

    def run(data: bytes) -> None:
        kind = getattr(formats(Fork(1 + data[0] % 6), SIZE), names[data[1] % 4]) if len(data) > 1 else None
        if kind is None:
            return
        value = kind.decode(data[2:], "object")
        assert kind.encode(value) == data[2:]
        kind.root(value)

    page = next(digest for digest, fork in CHAIN.digests().items() if fork is Fork.FULU)
    body = page + formats(Fork.FULU, SIZE).update.encode(objects()["update"])
    pages = b"\xff\xff" + len(body).to_bytes(8, "little") + body

    def either(data: bytes) -> None:
        if data[:2] == b"\xff\xff":
            wire.decode_updates(data[2:], CHAIN)
        else:
            run(data)

    return Target((*seeds, pages), either)


def beacon() -> Target:
    """JSON of nodes, and of networks."""
    library = Library.of(BEACONS, BEACONS.bootstrap(8), [BEACONS.update(40, 24)], BEACONS.finality(50, 32))
    seeds = [
        *(b"b" + json.dumps(one).encode() for one in library.bootstraps.values()),
        b"p" + json.dumps(list(library.updates.values())).encode(),
        b"f" + json.dumps(library.finality).encode(),
        b"n" + json.dumps({"genesis_time": "1", "ALTAIR_FORK_EPOCH": "0", "BLOB_SCHEDULE": [{"EPOCH": "1"}]}).encode(),
    ]
    assert answer("update", objects()["update"])["version"] == "fulu"

    def run(data: bytes) -> None:
        value = _json(data[1:], "answer")
        match data[:1]:
            case b"b":
                _bootstrap(value, CHAIN)
            case b"p":
                _updates(value, CHAIN)
            case b"n":
                chain_of(value if isinstance(value, dict) else {})
            case _:
                _update(value, CHAIN)

    return Target(tuple(seeds), run)


CONTENT = {
    **{keccak256(bytes([i])): rlp.encode(bytes([i]) * (1 + i % 40)) for i in range(60)},
    **{b"key" + bytes([i]): b"v" * (1 + i) for i in range(8)},
}


def trie() -> Target:
    """RLP has one spelling; what nodes prove under a root is true, whoever put them together."""
    tree = grow(CONTENT.items())
    absent = [keccak256(bytes([200 + i])) for i in range(4)]
    keys = [*CONTENT, *absent]
    seeds = [bytes([i]) + pyrlp.encode(proof(tree, key)) for i, key in enumerate(keys)]
    log = Log(b"\1" * 20, (b"\2" * 32,), b"data")
    account = [b"\1", b"\2", mpt.EMPTY_ROOT, keccak256(b"")]
    header = [bytes(32), bytes(32), bytes(20), *[bytes(32)] * 3, bytes(256), b"", b"\1", b"\2", b"", b"\3", b"x"]
    header += [bytes(32), bytes(8), b"\7", bytes(32), b"", b"", bytes(32), bytes(32)]
    seeds += [b"\xf0" + Receipt(2, b"\1", 7, (log, log)).encode(), b"\xf1" + pyrlp.encode(account)]
    seeds += [b"\xf2" + pyrlp.encode(header)]

    def run(data: bytes) -> None:
        kind, body = data[:1], data[1:]
        if kind == b"\xf0":
            assert Receipt.decode(body).encode() == body
        elif kind == b"\xf1":
            Account.decode(body)
        elif kind == b"\xf2":
            assert BlockHeader.decode(body).hash == keccak256(body)
        else:
            item = rlp.decode(body)
            assert rlp.encode(item) == body
            if kind and isinstance(item, list) and all(isinstance(node, bytes) for node in item):
                key = keys[kind[0] % len(keys)]
                assert mpt.prove(tree.root_hash, key, item) == CONTENT.get(key)

    return Target(tuple(seeds), run)


def points() -> Target:
    """Compressed and affine points of both curves: in the group, with one encoding."""
    groups = (bls12_381.G1, bls12_381.G2)
    seeds = [bytes([i]) + (group.generator() * k).encode() for i, group in enumerate(groups) for k in (1, 2, 0xB0B, -1)]
    seeds += [bytes([i]) + group.infinity().encode() for i, group in enumerate(groups)]
    seeds += [bytes([2 + i]) + (group.generator() * 5).encode() for i, group in enumerate((bn254.G1, bn254.G2))]

    def run(data: bytes) -> None:
        if not data:
            return
        group = (*groups, bn254.G1, bn254.G2)[data[0] % 4]
        point = group.decode(data[1:])
        assert point.encode() == data[1:]
        assert (point * bls12_381.FR_MODULUS).is_infinity or data[0] % 4 > 1

    return Target(tuple(seeds), run, fixed=1)


def proofs() -> Target:
    """Proofs of all systems: none but the one that was made is accepted. Every process makes the same: inputs stay."""
    small = bits()
    system = system_of(small)
    transparent = prover.prove(system, small.values, random.Random(SEED).randbytes).encode()
    key = insecure_setup(cubic().r1cs, SEED)
    plain = groth16.prove(key, cubic().values, random.Random(SEED).randbytes).to_json().encode()
    mirage_key, about, committing = _mirage()

    def run(data: bytes) -> None:
        if data[:1] == b"t":
            found = proof_file.Proof.decode(data[1:])
            assert found.encode() == data[1:]
            assert not verifier.verify(system, small.public, found) or data[1:] == transparent
        elif data[:1] == b"m":
            words = [int.from_bytes(data[at : at + FR_BYTES]) for at in range(1, len(data), FR_BYTES)]
            proof = mirage.Proof.from_evm_words(words)
            assert not mirage.verify(mirage_key.vk, about, proof) or data[1:] == committing
        else:
            found = groth16.Proof.from_json(data[1:])
            assert groth16.Proof.from_json(found.to_json()) == found
            if groth16.verify(key.vk, cubic().public, found):
                assert found == groth16.Proof.from_json(plain)

    return Target((b"t" + transparent, b"g" + plain, b"m" + committing), run)


def _mirage() -> tuple[ProvingKey, mirage.Statement, bytes]:
    """A key of Mirage, what its proof is about, and the proof: its words, big-endian."""
    circuit, witness = shop.circuit(), shop.witness()
    key = insecure_setup(circuit.r1cs, SEED, circuit.n_committed)
    about = mirage.Statement(witness.public, tuple(circuit.block.known_values(witness.columns, circuit.blocks)))
    proof = mirage.prove(key, circuit, witness, random.Random(SEED).randbytes)
    return key, about, b"".join(word.to_bytes(FR_BYTES) for word in proof.evm_words())


def keys() -> Target:
    """Verifying keys, proving keys, and files that hold a light client's state or evidence."""
    key = insecure_setup(cubic().r1cs, SEED)
    vk = key.vk.to_json().encode()
    zkey = b"".join(bytes(part) for part in zkey_file.encode(key))
    committing, _, _ = _mirage()
    mirage_vk, mirage_zkey = committing.vk.to_json().encode(), b"".join(map(bytes, zkey_file.encode(committing)))
    state = store.encode(replace(started(), chain=CHAIN))
    evidence = _evidence()

    def run(data: bytes) -> None:
        match data[:1]:
            case b"v":
                VerifyingKey.from_json(data[1:]).digest()
            case b"m":
                VerifyingKey.from_json(data[1:], protocol=json_form.MIRAGE).digest()
            case b"z":
                zkey_file.decode(data[1:])
            case b"s":
                assert store.encode(store.decode(data[1:], CHAIN)) == data[1:]
            case _:
                assert Evidence.decode(sealed(data[1:]), CHAIN).encode(CHAIN) == sealed(data[1:])

    seeds = (b"v" + vk, b"m" + mirage_vk, b"z" + zkey, b"z" + mirage_zkey, b"s" + state, b"e" + evidence)
    return Target(seeds, run)


def _evidence() -> bytes:
    """The body of a bundle whose proofs prove nothing."""
    signed = sign(example(operator_key=OPERATOR.public_key), OPERATOR.signing_key)
    made = Evidence(
        CHAIN.genesis_validators_root, bytes(32), 1_900_000_000, BEACONS.bootstrap(8), (BEACONS.update(40, 24),),
        bytes(20), RegistryProofs((b"\xc0",), ((b"\xc0",),) * 8, b"code"), signed,
    )  # fmt: skip
    return made.encode(CHAIN)[len(MAGIC) + 32 :]


def sealed(body: bytes) -> bytes:
    """A bundle with the right checksum."""
    return MAGIC + hashlib.sha256(body).digest() + body


def journal() -> Target:
    """Segments and states have one encoding; events that are linked anew run, or are refused by number."""
    ledger = quiet_ledger()
    venue, events = traded(ledger, 3, 120)
    state = state_of(ledger).encode()
    reader = X25519PrivateKey.from_private_bytes(bytes([7] * 32)).public_key().public_bytes_raw()
    key, none = OPERATOR.public_key, bytes(32)
    head = segments.SegmentHead(
        key, none, 2, 1, ledger.time, 0, 1, segments.EVENTS, 0, 0, 1, none, none, none, none, 0, 48
    )
    segment = segments.seal(head, b"body", b"", [reader], OPERATOR.signing_key).encode()
    later = state_after(venue, epoch_ledger(venue, venue.time)).encode()

    def run(data: bytes) -> None:
        if data[:1] == b"s":
            assert segments.Segment.decode(data[1:]).encode() == data[1:]
        elif data[:1] == b"v":
            found = VenueState.decode(data[1:])
            assert found.encode() == data[1:]
            Venue(found)
            found.ledger()
        elif data[:1] == b"e":
            made = decode_events(data[1:], 1).copy()
            linked(made, 0)
            other = ReplayedVenue(state_of(ledger))
            other.replay(made)
            assert not any(book.crossed for book in other.books.values())
            epoch_ledger(other, max(other.time, ledger.time))

    return Target((b"s" + segment, b"v" + state, b"v" + later, b"e" + events.tobytes()), run, 1)


TARGETS = {
    "ssz": ssz, "beacon": beacon, "trie": trie, "points": points, "proofs": proofs, "keys": keys, "journal": journal
}  # fmt: skip
TARGETS |= FORMATS
