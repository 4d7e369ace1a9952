"""The evidence bundle: it replays to the same header, under the reader's pins alone, and only as it is."""

import hashlib
import random
from dataclasses import replace

import pytest
import rlp as pyrlp

from lightclient.beacon import beacons_at
from lightclient.consensus.store import encode_update
from lightclient.evidence import MAGIC, MAX_EVIDENCE_BYTES, Evidence, replay
from lightclient.finality import follow
from lightclient.registry_reader import RegistryReader
from tests.lightclient import nodes
from tests.lightclient.beaconchain import BeaconChain, Library, chain_at, executed, serve
from tests.lightclient.consensus.committees import committee
from tests.lightclient.venues import publish_chain
from tests.publication.venue import OPERATOR
from zkstate.errors import DisagreementError, EncodingError, InputError, MissingError, StaleError, ZkstateError
from zkstate.publication.blobs import pack
from zkstate.publication.header import sign
from zkstate.registry.embedded import PyEvmChain
from zkstate.registry.registry import Registry

NOW = 1_900_000_000
EPOCHS = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The chain, evidence for each of three epochs of a registry in a finalized block, and evidence for a twin."""
    signed = publish_chain(tmp_path_factory.mktemp("venue"), EPOCHS, accounts=20)
    execution = PyEvmChain(signed[-1].header.time + 60)
    registry, _ = Registry.deploy(execution, signed[0].header.venue)
    for one in signed[:-1]:
        registry.publish(one.header.encode())
    chain = replace(chain_at(NOW, 180), chain_id=execution.chain_id)
    beacons = BeaconChain(chain, executed(execution._backend.chain.get_canonical_head()))
    earlier = BeaconChain(chain)  # blocks in which the registry was not there yet
    bootstrap = earlier.bootstrap(8)
    updates = [earlier.update(40, 24), earlier.update(104, 88), earlier.update(168, 152)]
    library = Library.of(beacons, bootstrap, updates, beacons.finality(178, 160))
    root = bootstrap.header.beacon.root
    with serve(library.get) as beacon, nodes.serve(nodes.pyevm_node(execution)) as rpc:
        followed = follow(beacons_at(beacon, 5), chain, root, timeout_s=5, clock=lambda: NOW)
        reader = RegistryReader([rpc], registry.address, finalized=followed.finalized)
        epoch, header_hash, trust = reader.latest_epoch()
        assert (epoch, header_hash, trust.level) == (EPOCHS - 1, signed[-2].header.hash, "a")
        made = [
            Evidence(
                chain.genesis_validators_root, root, NOW, bootstrap, followed.updates, registry.address,
                reader.proofs(one.header.epoch, one.header.hash), one,
            )
            for one in signed
        ]  # fmt: skip
    return chain, made, trust


def pins(evidence, **changes):
    return {"checkpoint": evidence.checkpoint, "registry": evidence.registry, "now": NOW} | changes


def test_it_comes_back_and_shows_what_the_reader_saw(world):
    chain, made, trust = world
    for evidence in made[:2]:
        data = evidence.encode(chain)
        again = Evidence.decode(data, chain)
        assert again.encode(chain) == data
        found = replay(again, chain, **pins(evidence))
        assert found.signed == evidence.signed
        assert (found.trust, found.made_at) == (trust, NOW)
        assert found.is_newest == (evidence is made[1])
        assert found.state.terms.venue == evidence.signed.header.venue


def test_an_epoch_that_the_registry_does_not_hold_is_not_shown(world):
    chain, made, _ = world
    with pytest.raises(DisagreementError, match=f"holds {'00' * 32} for epoch 3 of 2"):
        replay(made[2], chain, **pins(made[2]))


def test_nothing_is_shown_but_under_the_readers_own_pins(world):
    chain, made, _ = world
    evidence = made[1]
    for name in ("checkpoint", "registry"):
        other = b"\1" * len(getattr(evidence, name))
        with pytest.raises(DisagreementError, match=f"about {name} .* and 0x{other.hex()} is expected"):
            replay(evidence, chain, **pins(evidence, **{name: other}))
        with pytest.raises((DisagreementError, MissingError)):
            replay(replace(evidence, **{name: other}), chain, **pins(evidence, **{name: other}))
    other = replace(chain, genesis_validators_root=b"\1" * 32, name="another")
    with pytest.raises(DisagreementError, match="of the network with genesis validators 7777"):
        Evidence.decode(evidence.encode(chain), other)
    with pytest.raises(DisagreementError, match="is false"):
        replay(evidence, other, **pins(evidence))


def test_the_checkpoint_is_young_as_of_the_stated_time(world):
    chain, made, _ = world
    evidence = made[1]
    with pytest.raises(StaleError, match="the trusted header of slot 8 is"):
        replay(evidence, chain, **pins(evidence, now=NOW + 15 * 86_400))
    replay(evidence, chain, **pins(evidence, now=NOW + 13 * 86_400))
    with pytest.raises(DisagreementError, match="slots out of order"):
        replay(evidence, chain, **pins(evidence, now=NOW - 100))
    with pytest.raises(DisagreementError, match="says it was made at"):
        replay(replace(evidence, time=NOW - 1000), chain, **pins(evidence))


def changes(evidence, chain):
    """(what was done, evidence that must be refused)."""
    account, storage, code = evidence.proofs.account, evidence.proofs.storage, evidence.proofs.code
    updates = evidence.updates
    yield "no updates", replace(evidence, updates=())
    yield "updates of other periods", replace(evidence, updates=updates[1:])
    yield "updates reordered", replace(evidence, updates=updates[::-1])
    last = updates[-1]
    yield (
        "a finalized header of its own",
        replace(evidence, updates=(*updates[:-1], replace(last, finalized_header=updates[0].finalized_header))),
    )
    yield (
        "another committee",
        replace(evidence, bootstrap=replace(evidence.bootstrap, current_sync_committee=committee(9))),
    )
    for name, bent in (
        ("cut", account[:-1]),
        ("none", ()),
        ("twice", (*account, account[-1])),
        ("reordered", account[::-1] if len(account) > 1 else (account[0], account[0])),
    ):
        yield f"account proof {name}", replace(evidence, proofs=replace(evidence.proofs, account=bent))
    for i, nodes_ in enumerate(storage):
        for name, bent in (("cut", nodes_[:-1]), ("twice", (*nodes_, *nodes_[-1:]))):
            if bent != nodes_:
                proofs = replace(evidence.proofs, storage=(*storage[:i], bent, *storage[i + 1 :]))
                yield f"storage proof {i} {name}", replace(evidence, proofs=proofs)
    yield "a blob that the registry knows nothing of", replace(evidence, blobs=(pack(b"another epoch")[0],))
    yield "a storage proof missing", replace(evidence, proofs=replace(evidence.proofs, storage=storage[:-1]))
    yield "a storage proof more", replace(evidence, proofs=replace(evidence.proofs, storage=(*storage, storage[0])))
    yield (
        "storage proofs exchanged",
        replace(evidence, proofs=replace(evidence.proofs, storage=(storage[1], storage[0], *storage[2:]))),
    )
    yield "other code", replace(evidence, proofs=replace(evidence.proofs, code=code + b"\0"))


def test_no_part_can_be_left_out_or_changed(world):
    chain, made, _ = world
    evidence, count = made[1], 0
    for what, bent in changes(evidence, chain):
        count += 1
        with pytest.raises(ZkstateError):
            pytest.fail(f"{what}: {replay(Evidence.decode(bent.encode(chain), chain), chain, **pins(evidence))}")
    assert count >= 15
    with pytest.raises(DisagreementError, match="its parent names"):
        replay(replace(evidence, signed=made[0].signed), chain, **pins(evidence))
    second = sign(replace(evidence.signed.header, time=evidence.signed.header.time + 1), OPERATOR.signing_key)
    with pytest.raises(DisagreementError, match=f"for epoch 2 of 2, and .* has hash {second.header.hash.hex()}"):
        replay(replace(evidence, signed=second), chain, **pins(evidence))


def resealed(data, change):
    """The bundle with its body changed and its checksum made right."""
    body = change(data[len(MAGIC) + 32 :])
    return MAGIC + hashlib.sha256(body).digest() + body


def test_damage_anywhere_is_a_typed_error(world):
    chain, made, _ = world
    evidence = made[1]
    data, rng = evidence.encode(chain), random.Random(11)
    for i in [*range(len(MAGIC) + 40), *(rng.randrange(len(data)) for _ in range(60))]:
        with pytest.raises(EncodingError):
            Evidence.decode(data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1 :], chain)
        with pytest.raises(EncodingError):
            Evidence.decode(data[:i], chain)
    with pytest.raises(EncodingError):
        Evidence.decode(data + b"\0", chain)
    with pytest.raises(EncodingError, match="at most"):
        Evidence.decode(MAGIC + bytes(MAX_EVIDENCE_BYTES), chain)


def test_a_changed_body_with_a_right_checksum_is_refused_or_says_the_same(world):
    """Bytes that no rule reads (the time of making, parts of headers that nobody signed) cannot be of other headers."""
    chain, made, _ = world
    evidence = made[1]
    data, rng = evidence.encode(chain), random.Random(12)
    for _ in range(120):
        i = rng.randrange(len(data) - len(MAGIC) - 32)
        bent = resealed(data, lambda body, i=i: body[:i] + bytes([body[i] ^ 1 << rng.randrange(8)]) + body[i + 1 :])
        try:
            found = replay(Evidence.decode(bent, chain), chain, **pins(evidence))
        except ZkstateError:
            continue
        assert found.signed.header == evidence.signed.header


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda items: items[:-1], "10 fields"),
        (lambda items: [*items, b""], "12 fields"),
        (lambda items: [*items[:10], [b"\0" * 131071]], "blob 0 has 131071 bytes"),
        (lambda items: [*items[:10], [b"\0" * 131072] * 7], "blobs is no list of at most 6"),
        (lambda items: [items[0][1:], *items[1:]], "genesis validators root has 31 bytes"),
        (lambda items: [*items[:2], b"\0", *items[3:]], "leading zero"),
        (lambda items: [*items[:3], [items[3]], *items[4:]], "bootstrap is a list"),
        (lambda items: [*items[:3], items[3][1:], *items[4:]], "bootstrap"),
        (lambda items: [*items[:4], b"", *items[5:]], "updates is no list"),
        (lambda items: [*items[:4], [b""] * 4097, *items[5:]], "updates is no list of at most 4096"),
        (lambda items: [*items[:6], [b"\1" * 1025], *items[7:]], "account proof node 0 has 1025 bytes"),
        (lambda items: [*items[:6], [b"\1"] * 66, *items[7:]], "account proof is no list of at most 65"),
        (lambda items: [*items[:7], [[]] * 65, *items[8:]], "storage is no list"),
        (lambda items: [*items[:8], b"\1" * 24577, *items[9:]], "code has 24577 bytes"),
        (lambda items: b"string", "where a list is due"),
    ],
)  # fmt: skip
def test_other_forms_are_refused_by_name(world, change, words):
    chain, made, _ = world
    with pytest.raises(InputError, match=words):
        Evidence.decode(resealed(made[1].encode(chain), lambda body: pyrlp.encode(change(pyrlp.decode(body)))), chain)


def test_more_than_a_file_holds_is_not_written(world):
    chain, made, _ = world
    evidence = made[1]
    size = len(encode_update(evidence.updates[0], chain))
    with pytest.raises(InputError, match="start from a younger checkpoint"):
        replace(evidence, updates=evidence.updates[:1] * (MAX_EVIDENCE_BYTES // size + 1)).encode(chain)
