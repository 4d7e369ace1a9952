"""The attacks on a light client and on trie proofs, one named test each. Variants stand elsewhere."""

from dataclasses import replace

import pytest
import rlp as pyrlp
from eth_utils import keccak

from lightclient.consensus import sync
from lightclient.consensus.forks import ROWS, Fork
from lightclient.consensus.types import formats
from lightclient.execution.mpt import prove
from tests.lightclient.beaconchain import BeaconChain, chain_at
from tests.lightclient.consensus.committees import SIZE, branch, committee, node, signed
from tests.lightclient.execution.tries import grow, proof
from zkstate.errors import DisagreementError, EncodingError, InputError, StaleError

SLOT = 180
CHAIN = chain_at(1_900_000_000, SLOT)
BEACONS = BeaconChain(CHAIN)
GOOD = BEACONS.update(40, 24)


def client():
    bootstrap = BEACONS.bootstrap(8)
    sync.verify_bootstrap(bootstrap, bootstrap.header.beacon.root, CHAIN)
    return sync.start(bootstrap, CHAIN)


def refused(update, words, at=None):
    sync.verify_update(client(), GOOD, SLOT)
    with pytest.raises(sync.UpdateError, match=words):
        sync.verify_update(at or client(), update, SLOT)


def test_341_of_512_signers_make_nothing_final():
    assert not sync.has_supermajority(341, 512)
    assert sync.has_supermajority(342, 512)
    few, enough = 2 * SIZE // 3, 2 * SIZE // 3 + 1
    for signers, final in ((few, 8), (enough, 24)):
        update = BEACONS.update(40, 24, signers=signers)
        sync.verify_update(client(), update, SLOT)
        assert sync.apply_update(client(), update).finalized.slot == final


def test_the_wrong_committee_for_the_slot():
    refused(BEACONS.update(40, 24, by=1), "is false")
    ahead = sync.apply_update(client(), GOOD)
    refused(BEACONS.update(104, 88, by=0), "is false", ahead)


def test_a_period_relabelled():
    """The signature slot is not signed: moving it to another period calls for another committee or another order."""
    ahead = sync.apply_update(client(), GOOD)
    refused(replace(BEACONS.update(104, 88), signature_slot=63), "slots out of order", ahead)
    refused(replace(BEACONS.update(50, 40), signature_slot=70), "is false", ahead)
    refused(replace(BEACONS.update(50, 40), signature_slot=140), "known committees are of", ahead)


def test_the_branch_of_another_header():
    other = BEACONS.update(104, 88)
    for name in ("finality_branch", "next_sync_committee_branch"):
        assert getattr(other, name) != getattr(GOOD, name)
        refused(replace(GOOD, **{name: getattr(other, name)}), "is not in the attested state")
    header = replace(GOOD.attested_header, execution_branch=b"\1" * 128)
    refused(replace(GOOD, attested_header=header), "is not in the block body")


def test_the_depth_of_another_fork():
    """A state that keeps its committees where forks before Electra did, signed: refused after it, padded or not."""
    before, now = ROWS[Fork.DENEB], ROWS[Fork.FULU]
    assert before.next_sync_committee != now.next_sync_committee
    final = GOOD.finalized_header
    leaves = {before.next_sync_committee: committee(1).root, before.finalized_root: final.beacon.root}
    header, _ = BEACONS.block(40)
    attested = replace(header, beacon=replace(header.beacon, state_root=node(leaves, 1)))
    old = replace(
        GOOD,
        attested_header=attested,
        next_sync_committee_branch=branch(leaves, before.next_sync_committee),
        finality_branch=branch(leaves, before.finalized_root),
    )
    padded = replace(
        old,
        next_sync_committee_branch=bytes(32) + old.next_sync_committee_branch,
        finality_branch=bytes(32) + old.finality_branch,
    )
    for update in (old, padded):
        refused(signed(update, chain=CHAIN), "is not in the attested state")


@pytest.mark.parametrize("signature", [b"\xc0" + bytes(95), b"\xe0" + bytes(95), bytes(96)])
def test_infinity_points(signature):
    aggregate = replace(GOOD.sync_aggregate, sync_committee_signature=signature)
    refused(replace(GOOD, sync_aggregate=aggregate), "is false|no valid encoding")
    keys = b"\xc0" + bytes(47) + client().current.pubkeys[48:]
    infinite = replace(client(), current=replace(client().current, pubkeys=keys))
    refused(BEACONS.update(40, 24, signers=3), "no valid encoding", infinite)


def test_non_canonical_encodings():
    raw = GOOD.sync_aggregate.sync_committee_signature
    beyond = int.from_bytes(raw, "big") | ((1 << 381) - 1) << 384
    for bent in (bytes([raw[0] & 0x7F]) + raw[1:], bytes([raw[0] | 0x40]) + raw[1:], beyond.to_bytes(96, "big")):
        aggregate = replace(GOOD.sync_aggregate, sync_committee_signature=bent)
        refused(replace(GOOD, sync_aggregate=aggregate), "no valid encoding")
    kind = formats(Fork.FULU, SIZE).aggregate
    data = kind.encode(GOOD.sync_aggregate)
    assert kind.decode(data, "aggregate") == GOOD.sync_aggregate
    with pytest.raises(InputError):
        kind.decode(b"\1" + data, "aggregate")


def test_future_slots():
    refused(BEACONS.update(SLOT, 160), "slots out of order")
    refused(BEACONS.update(SLOT + 1000, 160), "slots out of order")


def test_a_checkpoint_too_old():
    header = BEACONS.bootstrap(8).header
    sync.verify_age(header, CHAIN, SLOT, SLOT - 8)
    with pytest.raises(StaleError, match="of slot 8 is 172 slots"):
        sync.verify_age(header, CHAIN, SLOT, SLOT - 9)


@pytest.mark.parametrize("name", ["bootstrap", "update", "finality_update"])
def test_malformed_ssz_at_every_offset(name):
    """Four bytes set to an edge, at each offset: another value with one encoding, or a typed error."""
    value = {"bootstrap": BEACONS.bootstrap(8), "update": GOOD, "finality_update": BEACONS.finality(50, 32)}[name]
    kind = getattr(formats(Fork.FULU, SIZE), name)
    data = kind.encode(value)
    edges = (b"\0\0\0\0", b"\xff\xff\xff\xff", (len(data) + 1).to_bytes(4, "little"))
    refusals = 0
    for at in range(len(data) - 4):
        bent = data[:at] + edges[at % 3] + data[at + 4 :]
        try:
            other = kind.decode(bent, name)
        except InputError:
            refusals += 1
        else:
            assert kind.encode(other) == bent
    assert refusals >= 4


# ---- tries ----

CONTENT = {keccak(bytes([i])): bytes([1 + i]) * 40 for i in range(40)}
TREE = grow(CONTENT.items())
KEY = max(CONTENT, key=lambda key: len(proof(TREE, key)))
NODES = proof(TREE, KEY)
assert len(NODES) >= 3


def trie_refuses(nodes, root=None, key=KEY):
    assert prove(TREE.root_hash, KEY, NODES) == CONTENT[KEY]
    with pytest.raises((DisagreementError, EncodingError)):
        prove(root or TREE.root_hash, key, nodes)


def test_extra_nodes():
    for extra in (NODES[0], NODES[-1], b"\x80", b"\xc0"):
        trie_refuses([*NODES, extra])
        trie_refuses([NODES[0], extra, *NODES[1:]])


def test_missing_nodes():
    for i in range(len(NODES)):
        trie_refuses(NODES[:i] + NODES[i + 1 :])


def test_reordered_nodes():
    trie_refuses(NODES[::-1])
    trie_refuses([NODES[0], *NODES[1:][::-1]])


def test_self_rooted_nodes():
    """A proof that is right under a root of its own: that root is not the block's. And a part of the true one."""
    own = grow([(KEY, b"forged")])
    forged = proof(own, KEY)
    assert prove(own.root_hash, KEY, forged) == b"forged"
    trie_refuses(forged)
    trie_refuses(NODES[1:])
    trie_refuses(NODES, root=keccak(NODES[1]))


def test_embedded_nodes():
    """A child that stands inside its parent although it is long, and one by hash although it is short."""
    leaf = [b"\x20" + KEY[1:], b"v" * 40]
    ways = [leaf if i == KEY[0] >> 4 else b"" for i in range(16)]
    ways[(KEY[0] >> 4) ^ 1] = keccak(b"another")
    root = pyrlp.encode([*ways, b""])
    trie_refuses([root], root=keccak(root))
    small = pyrlp.encode([b"\x3b", b"v"])
    parent = pyrlp.encode([*[keccak(small) if i in {6, 7} else b"" for i in range(16)], b""])
    trie_refuses([parent, small], root=keccak(parent), key=b"\x6b")


def test_padded_rlp():
    for i, data in enumerate(NODES):
        trie_refuses([*NODES[:i], data + b"\0", *NODES[i + 1 :]])
    fields = pyrlp.decode(NODES[-1])
    long_form = b"\xf8" + bytes([len(pyrlp.encode(fields[0])) + len(pyrlp.encode(fields[1]))])
    padded = long_form + pyrlp.encode(fields[0]) + b"\xb9\0" + bytes([len(fields[1])]) + fields[1]
    trie_refuses([padded], root=keccak(padded))


def test_absence_claimed_for_a_present_key():
    for other in [*CONTENT, *(keccak(bytes([100 + i])) for i in range(40))]:
        nodes = proof(TREE, other)
        for end in range(len(nodes) + 1):
            try:
                found = prove(TREE.root_hash, KEY, nodes[:end])
            except (DisagreementError, EncodingError):
                continue
            assert found == CONTENT[KEY]
