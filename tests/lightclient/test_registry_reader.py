"""The registry read through proofs, from a node over py-evm's tries, and from nodes that lie about each answer."""

import contextlib
import hashlib
from dataclasses import replace

import pytest

from lightclient.consensus.chains import MAINNET
from lightclient.execution.header import BlockHeader
from lightclient.finality import Finalized
from lightclient.registry_reader import RegistryReader, Terms
from tests.lightclient.nodes import Refusal, hexadecimal, lying, member, pyevm_node, rehashed, serve
from tests.publication import servers
from tests.registry.headers import VENUE, header
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError, StaleError
from zkstate.publication.trust import Finality
from zkstate.registry.embedded import PyEvmChain
from zkstate.registry.registry import Registry

START = 1_800_000_000
WRONG = "0x" + "11" * 32


@pytest.fixture(scope="module")
def world():
    """A chain with a registry of epochs 7, 8 and 9; the headers by epoch."""
    chain = PyEvmChain(START)
    registry, _ = Registry.deploy(chain, VENUE, staleness_limit_s=100, rollback_delay_s=50)
    headers = {}
    for i, epoch in enumerate((7, 8, 9)):
        headers[epoch] = header(epoch, START + i, 10 + i if i else 0, 11 + i)
        registry.publish(headers[epoch])
    return chain, registry, headers


@pytest.fixture(scope="module")
def node(world):
    return pyevm_node(world[0])


def reader(urls, world, **options):
    chain, registry, _ = world
    defaults = {"now": lambda: chain.block_time() + 5, "timeout_s": 5}
    return RegistryReader(urls, registry.address, **{**defaults, **options})


def digest(data):
    return hashlib.sha256(data).digest()


def test_one_node_is_the_word_of_one_node(world, node):
    chain, registry, headers = world
    with serve(node) as url:
        read = reader([url], world, chain_id=chain.chain_id)
        epoch, header_hash, trust = read.latest_epoch()
        assert (epoch, header_hash) == (9, digest(headers[9]))
        assert (trust.level, trust.block_number) == ("d", 4)
        assert f"{url} alone vouches for" in trust.text
        assert [read.epoch_hash(e) for e in (7, 8)] == [digest(headers[e]) for e in (7, 8)]
        for unknown in (0, 6, 10, 2**64):
            with pytest.raises(MissingError, match=f"no epoch {unknown}|no epochs yet"):
                read.epoch_hash(unknown)
        state = read.state()
        assert state.terms == Terms(VENUE, 100, 50, START + 1)
        assert (state.latest_state_root, state.latest_time, state.halted, state.rollback) == (
            13,
            START + 2,
            False,
            None,
        )
        assert [report.fault for report in read.reports()] == [""]
    assert registry.latest_epoch() == 9


def test_several_nodes_that_agree(world, node):
    with serve(node) as one, serve(node) as two:
        _, header_hash, trust = reader([one, two], world).latest_epoch()
        assert header_hash == digest(world[2][9])
        assert trust.level == "b"
        assert f"{one} and {two} agree" in trust.text
        # The same server twice is one voice.
        assert reader([one, f"{one}/other"], world).latest_epoch()[2].level == "d"
        port = one.rpartition(":")[2]
        spelled = [f"http://{host}:{port}" for host in ("localhost", "LocalHost", "LOCALHOST")]
        assert reader(spelled, world).latest_epoch()[2].level == "d"


def test_a_pinned_block(world, node):
    _, _, headers = world
    block = node("eth_getBlockByNumber", ["0x3", False])
    pinned = bytes.fromhex(block["hash"][2:])
    with serve(node) as url:
        epoch, header_hash, trust = reader([url], world, block_hash=pinned).latest_epoch()
        assert (epoch, header_hash) == (8, digest(headers[8]))
        assert (trust.level, trust.block_number, trust.block_hash) == ("c", 3, pinned)
        with pytest.raises(MissingError, match="has no block"):
            reader([url], world, block_hash=b"\1" * 32).latest_epoch()
    other = lying(node, "eth_getBlockByHash", lambda _: node("eth_getBlockByNumber", ["0x2", False]))
    with serve(other) as url, pytest.raises(DisagreementError, match=f"{url}: block .* was asked for"):
        reader([url], world, block_hash=pinned).latest_epoch()


def test_depth_reads_an_older_block(world, node):
    with serve(node) as url:
        assert reader([url], world, depth=1).latest_epoch()[0] == 8
        assert reader([url], world, depth=2).latest_epoch()[0] == 7
        with pytest.raises(MissingError, match="no epochs yet"):
            reader([url], world, depth=3).latest_epoch()
        with pytest.raises(MissingError, match="there is no contract"):
            reader([url], world, depth=99).latest_epoch()


def test_no_contract_there(world, node):
    with serve(node) as url, pytest.raises(MissingError, match=f"{url}: there is no contract 0x0101"):
        RegistryReader([url], b"\1" * 20, max_head_age_s=None).latest_epoch()


def test_another_contract_is_said_to_be_another():
    """Same slots, other code: the proofs hold, and the trust text says what was read."""
    chain_of = PyEvmChain(START)
    twin = chain_of.deploy(bytes.fromhex("6005600c60003960056000f3") + bytes.fromhex("6001600055")).contract
    chain_of.transact(twin, b"")
    with serve(pyevm_node(chain_of)) as url:
        read = RegistryReader([url], twin, max_head_age_s=None)
        assert read.state().terms is None
        assert read.state().latest_epoch == 1
        with pytest.raises(MissingError):
            read.latest_epoch()


LIES = {
    "chain id": ("eth_chainId", lambda _: "0x1", DisagreementError, "chain id 1, and .* is expected"),
    "chain id malformed": ("eth_chainId", lambda _: "61", SourceError, "quantity"),
    "no block": ("eth_getBlockByNumber", lambda _: None, SourceError, "not an object"),
    "state root": ("eth_getBlockByNumber", member("stateRoot", WRONG), DisagreementError, "its fields have"),
    "block hash": ("eth_getBlockByNumber", member("hash", WRONG), DisagreementError, "its fields have"),
    "timestamp": ("eth_getBlockByNumber", member("timestamp", hex(START + 99)), DisagreementError, "its fields have"),
    "field missing": ("eth_getBlockByNumber", member("mixHash", None), SourceError, "mixHash"),
    "invented root": ("eth_getBlockByNumber", rehashed(stateRoot=WRONG), DisagreementError, "has hash"),
    "invented number": ("eth_getBlockByNumber", rehashed(number="0x2"), DisagreementError, "a moment ago"),
    "stale head": ("eth_getBlockByNumber", rehashed(timestamp="0x1"), StaleError, "s old, more than"),
    "no proof": ("eth_getProof", lambda _: None, SourceError, "not an object"),
    "proof of another account": ("eth_getProof", member("address", "0x" + "11" * 20), DisagreementError, "asked for"),
    "account proof absent": ("eth_getProof", member("accountProof", []), DisagreementError, "ends after 0"),
    "storage hash": ("eth_getProof", member("storageHash", WRONG), DisagreementError, "storageHash is stated"),
    "code hash": ("eth_getProof", member("codeHash", WRONG), DisagreementError, "codeHash is stated"),
    "storage proofs absent": ("eth_getProof", member("storageProof", []), DisagreementError, "0 of"),
    "other code": ("eth_getCode", lambda _: "0x6001", DisagreementError, "code with hash"),
    "code malformed": ("eth_getCode", lambda _: "0x6", SourceError, "hexadecimal data"),
}


def entry(**changes):
    """A change of the first storage entry of a proof."""

    def change(answer):
        answer["storageProof"][0].update(changes)
        return answer

    return change


def cut(name):
    """A proof without its last node."""

    def change(answer):
        nodes = answer["accountProof"] if name == "account" else answer["storageProof"][0]["proof"]
        nodes.pop()
        return answer

    return change


def exchanged(answer):
    """Each slot with the value and the nodes of the next one."""
    entries = answer["storageProof"]
    keys = [e["key"] for e in entries]
    answer["storageProof"] = [{**e, "key": key} for e, key in zip(entries[1:] + entries[:1], keys, strict=True)]
    return answer


LIES |= {
    "value": ("eth_getProof", entry(value="0xa"), DisagreementError, "states 0xa and proves 0x9"),
    "key": ("eth_getProof", entry(key="0x5"), DisagreementError, "the answer is for slot 0x5"),
    "word absent": ("eth_getProof", entry(value="0x0", proof=[]), DisagreementError, "ends after 0"),
    "storage proof cut": ("eth_getProof", cut("storage"), DisagreementError, "ends after"),
    "account proof cut": ("eth_getProof", cut("account"), DisagreementError, "ends after"),
    "slots exchanged": ("eth_getProof", exchanged, DisagreementError, "proof"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_and_named(world, node, lie):
    method, change, error, message = LIES[lie]
    options = {"chain_id": world[0].chain_id, "max_head_age_s": 60}
    with serve(lying(node, method, change)) as url:
        read = reader([url], world, **options)
        with pytest.raises(error, match=message) as caught:
            read.latest_epoch()
        assert str(caught.value).startswith(url)
        assert type(caught.value) is error
        assert read.reports()[0].fault == str(caught.value)


def finalized(chain, **changes):
    """The newest block of a chain as a light client would hand it over."""
    head = chain._backend.chain.get_canonical_head()
    block = BlockHeader(
        head.hash, head.parent_hash, head.state_root, head.receipt_root, head.block_number, head.timestamp
    )
    network = replace(MAINNET, chain_id=chain.chain_id)
    return Finalized(network, replace(block, **changes), Finality(8, START, b"\7" * 32), 400, False)


FINAL_LIES = {name: lie for name, lie in LIES.items() if lie[0] != "eth_getBlockByNumber"}


@pytest.mark.parametrize("lie", FINAL_LIES)
def test_a_lie_below_a_finalized_block_is_refused_and_named(world, node, lie):
    """No node is asked which block it is, so no lie about blocks is left to tell."""
    method, change, error, message = LIES[lie]
    with serve(lying(node, method, change)) as liar, serve(node) as honest:
        read = reader([liar], world, finalized=finalized(world[0]))
        with pytest.raises(error, match=message) as caught:
            read.latest_epoch()
        assert str(caught.value).startswith(liar)
        read = reader([liar, honest], world, finalized=finalized(world[0]))
        epoch, header_hash, trust = read.latest_epoch()
        assert (epoch, header_hash, trust.level) == (9, digest(world[2][9]), "a")
        assert f"left out: {liar}: " in trust.text
        assert read.proofs(9, header_hash).code == read.proofs(8, digest(world[2][8])).code


def test_a_finalized_block_needs_one_node_and_its_own_chain(world, node):
    with serve(node) as url:
        trust = reader([url], world, finalized=finalized(world[0])).latest_epoch()[2]
        assert trust.level == "a"
        assert trust.text.startswith(
            "400 of 512 members of mainnet's sync committee made slot 8 final, from checkpoint"
        )
        assert (trust.block_number, trust.finality.checkpoint) == (4, b"\7" * 32)
        for changes in ({"state_root": bytes(32)}, {"number": 3}):
            with pytest.raises(DisagreementError, match=f"{url}: proof node 1 of"):
                reader([url], world, finalized=finalized(world[0], **changes)).latest_epoch()
        with pytest.raises(InputError, match="chain id 5, and mainnet has"):
            reader([url], world, finalized=finalized(world[0]), chain_id=5)
        with pytest.raises(InputError, match="either pinned or the finalized one"):
            reader([url], world, finalized=finalized(world[0]), block_hash=b"\1" * 32)


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_among_honest_nodes_is_left_out_or_stops_all(world, node, lie):
    """A refuted lie costs the liar its voice; one that cannot be refuted is a disagreement, and nothing is read."""
    method, change, _, _ = LIES[lie]
    with serve(node) as honest, serve(lying(node, method, change)) as liar, serve(node) as third:
        read = reader([honest, liar, third], world, chain_id=world[0].chain_id, max_head_age_s=60)
        if lie == "invented root":
            with pytest.raises(DisagreementError, match=f"{honest} and {liar} are on different chains"):
                read.latest_epoch()
            return
        epoch, header_hash, trust = read.latest_epoch()
        assert (epoch, header_hash) == (9, digest(world[2][9]))
        assert trust.level == "b"
        assert liar not in trust.text.partition(";")[0]
        assert f"left out: {liar}: " in trust.text
        assert [bool(report.fault) for report in read.reports()] == [False, True, False]


def test_a_whole_invented_chain_needs_a_second_opinion(world, node):
    """One node can make everything up, consistently; it is believed at level d and no further."""
    invented = PyEvmChain(START)
    Registry.deploy(invented, VENUE)
    twin, _ = Registry.deploy(invented, VENUE)
    with serve(node) as honest, serve(pyevm_node(invented)) as liar:
        read = RegistryReader([honest, liar], world[1].address, max_head_age_s=None, timeout_s=5)
        with pytest.raises(DisagreementError, match=f"{honest} and {liar} are on different chains: block"):
            read.latest_epoch()
    assert twin.latest_epoch() == 0


def test_nodes_on_different_chains(world, node):
    with serve(node) as one, serve(lying(node, "eth_chainId", lambda _: "0x5")) as two:
        read = reader([one, two], world)
        with pytest.raises(DisagreementError, match=rf"{one} and {two} are on .* chain id \d+ against 5"):
            read.latest_epoch()


def test_a_proof_that_fails_later_is_not_believed(world, node):
    """The second question, for the epoch's own slot, is checked as the first was."""

    def handle(method, params):
        answer = node(method, params)
        if method == "eth_getProof" and len(params[1]) == 1:
            answer["storageProof"][0]["value"] = WRONG
        return answer

    with serve(handle) as liar, serve(node) as honest:
        with pytest.raises(DisagreementError, match=f"{liar}: storage slot .* and proves"):
            reader([liar], world).latest_epoch()
        assert reader([liar, honest], world).latest_epoch()[1] == digest(world[2][9])


def test_an_old_block_is_stale_whoever_offers_it(world, node):
    """The heads are fresh, and the block that would be read is not."""
    with serve(node) as one, serve(node) as two:
        read = reader([one, two], world, depth=3, max_head_age_s=6)
        with pytest.raises(StaleError, match=f"block 1, the newest to read at {one} and {two}, is 8 s old"):
            read.latest_epoch()


def test_nodes_that_do_not_deliver(world, node):
    def refusing(method, params):
        raise Refusal(-32000, "pruned")

    flood = servers.flood(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b" " * 2**20 + b"\r\n"
    )
    with contextlib.ExitStack() as stack:
        urls = [
            stack.enter_context(server)
            for server in (serve(refusing), servers.raw(servers.mute), servers.raw(flood), servers.raw(
                servers.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")))
        ]  # fmt: skip
        with pytest.raises(SourceError) as caught:
            reader(urls, world, timeout_s=1).latest_epoch()
        for url, words in zip(urls, ("pruned", "not finished", "goes on", "not finished"), strict=True):
            assert f"{url}: eth_chainId" in str(caught.value)
            assert words in str(caught.value)
        honest = stack.enter_context(serve(node))
        read = reader([*urls, honest], world, timeout_s=1)
        assert read.latest_epoch()[2].level == "d"
        assert [bool(report.fault) for report in read.reports()] == [True] * 4 + [False]


def test_what_governance_does_is_in_the_trust_text():
    chain = PyEvmChain(START)
    registry, _ = Registry.deploy(chain, VENUE, rollback_delay_s=50)
    for i in range(2):
        registry.publish(header(1 + i, START + i, 10 + i if i else 0, 11 + i))
    registry.propose_rollback(1)
    registry.halt()
    with serve(pyevm_node(chain)) as url:
        text = RegistryReader([url], registry.address, max_head_age_s=None).latest_epoch()[2].text
    assert "governance has halted the registry" in text
    assert "governance may roll back to epoch 1 from" in text


def test_arguments(world):
    with pytest.raises(InputError, match="no node"):
        RegistryReader([], world[1].address)
    with pytest.raises(InputError, match="32 bytes"):
        RegistryReader(["http://127.0.0.1:1"], world[1].address, block_hash=b"\1")
    with pytest.raises(InputError, match="20 bytes"):
        RegistryReader(["http://127.0.0.1:1"], b"\1")
    assert hexadecimal(b"\1") == "0x01"
