"""StateRegistry: each rule by name, gas, and random sequences against a model in plain Python."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.registry.headers import VENUE, header
from tests.registry.model import TOLERANCE, RegistryModel
from zkstate.errors import DisagreementError, InputError, LengthError, MissingError, RefusedError
from zkstate.publication.header import Header
from zkstate.registry import slots
from zkstate.registry.embedded import EmbeddedTrustRoot, PyEvmChain, RevmChain
from zkstate.registry.registry import Registry

START = 1_800_000_000
LIMIT, DELAY = 3600, 600


def deploy(chain=None, **terms):
    chain = chain or RevmChain(START)
    publisher, governance = chain.accounts[1:3]
    registry, receipt = Registry.deploy(
        chain,
        VENUE,
        publisher=publisher,
        governance=governance,
        staleness_limit_s=terms.get("limit", LIMIT),
        rollback_delay_s=terms.get("delay", DELAY),
    )
    chain.send_from(publisher)
    return chain, registry, receipt


def publish_raw(registry, data, mirrors=""):
    """Publish past the client's own checks."""
    return registry._send("publish", data, mirrors)


def refused(call, *arguments):
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return caught.value.rule


@pytest.fixture
def three():
    """A registry with epochs 5, 6 and 7, and their headers."""
    chain, registry, _ = deploy()
    headers, previous = [], 0
    for i in range(3):
        data = header(5 + i, START + i, previous, 100 + i)
        registry.publish(data, f"https://mirror.example/{i}")
        headers.append(data)
        previous = 100 + i
    return chain, registry, headers


def test_a_real_header_is_read_as_it_was_written():
    """Offsets agree with the encoder of publication, and values are far from zero."""
    operator = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    fields = dict.fromkeys(("accounts_root", "instruments_root", "totals_root", "journal_head"), 2**240 + 1)
    made = Header(
        operator_key=operator, record_key=b"\xaa" * 32, venue_name="Registry test", epoch=41, time=START - 5,
        previous_state_root=0, data_root=b"\xbb" * 32, account_count=3, table_depth=2, record_bits=1, **fields,
    )  # fmt: skip
    chain = RevmChain(START)
    registry, _ = Registry.deploy(chain, made.venue)
    registry.publish(made.encode(), "here")
    assert registry.latest_epoch() == 41
    assert registry.latest_time() == START - 5
    assert registry.latest_state_root() == made.state_root
    assert registry.header_hash(41) == made.hash
    assert registry.venue() == made.venue
    (event,) = registry.published()
    assert (event.epoch, event.header, event.mirrors) == (41, made.encode(), "here")
    assert (event.header_hash, event.state_root) == (made.hash, made.state_root)


def test_publishing_fills_the_slots_light_clients_read(three):
    chain, registry, headers = three
    hashes = [hashlib.sha256(data).digest() for data in headers]
    for epoch, digest in zip((5, 6, 7), hashes, strict=True):
        assert registry.header_hash(epoch) == digest
        assert chain.storage(registry.address, slots.header_hash_slot(epoch)) == int.from_bytes(digest, "big")
    words = {
        slots.LATEST_EPOCH: 7,
        slots.LATEST_STATE_ROOT: 102,
        slots.LATEST_TIME: START + 2,
        slots.HALTED: 0,
        slots.ROLLBACK_READY_AT: 0,
        slots.PUBLISHER: int.from_bytes(chain.accounts[1], "big"),
        slots.GOVERNANCE: int.from_bytes(chain.accounts[2], "big"),
    }
    assert {slot: chain.storage(registry.address, slot) for slot in words} == words
    assert [event.mirrors for event in registry.published()] == [f"https://mirror.example/{i}" for i in range(3)]
    root = EmbeddedTrustRoot(chain, registry.address)
    assert root.latest_epoch()[:2] == (7, hashes[2])
    assert root.latest_epoch()[2].level == "c"
    assert root.epoch_hash(5) == hashes[0]
    for unknown in (0, 4, 8):
        with pytest.raises(MissingError, match=f"no epoch {unknown}"):
            root.epoch_hash(unknown)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (header(8, START + 3, 102, 103, size=479), "header is not 480 bytes"),
        (b"", "header is not 480 bytes"),
        (header(8, START + 3, 102, 103, magic=b"zkstate\2"), "header magic or version differs"),
        (header(8, START + 3, 102, 103, magic=b"zkState\1"), "header magic or version differs"),
        (header(8, START + 3, 102, 103, venue=VENUE + 1), "header is of another venue"),
        (header(7, START + 3, 102, 103), "epoch does not follow the latest"),
        (header(9, START + 3, 102, 103), "epoch does not follow the latest"),
        (header(2**64 - 1, START + 3, 102, 103), "epoch does not follow the latest"),
        (header(8, START + 3, 101, 103), "previous state root is not the latest"),
        (header(8, START + 3, 0, 103), "previous state root is not the latest"),
        (header(8, START + 2, 102, 103), "time does not increase"),
        (header(8, START + TOLERANCE + 100, 102, 103), "time is in the future"),
        (header(8, 2**64 - 1, 102, 103), "time is in the future"),
        (header(8, START + 3, 102, 0), "state root is zero"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_rule_of_publishing(three, bad, rule):
    _, registry, _ = three
    assert refused(publish_raw, registry, bad) == rule
    assert registry.latest_epoch() == 7
    assert registry.header_hash(8) is None
    publish_raw(registry, header(8, START + 3, 102, 103))
    assert registry.latest_epoch() == 8


def test_the_first_epoch():
    _, registry, _ = deploy()
    assert refused(publish_raw, registry, header(0, START, 0, 1)) == "epoch is zero"
    assert refused(publish_raw, registry, header(3, START, 1, 2)) == "previous state root is not the latest"
    assert refused(publish_raw, registry, header(3, 0, 0, 2)) == "time does not increase"
    publish_raw(registry, header(3, 1, 0, 2, filler=0))
    assert registry.latest_epoch() == 3


def test_the_future_begins_after_the_tolerance():
    chain, registry, _ = deploy()
    block = chain.block_time() + 1
    assert refused(publish_raw, registry, header(1, block + TOLERANCE + 2, 0, 1)) == "time is in the future"
    block = chain.block_time() + 1
    publish_raw(registry, header(1, block + TOLERANCE, 0, 1))
    assert registry.latest_time() == block + TOLERANCE


def test_only_the_publisher_publishes(three):
    chain, registry, _ = three
    good = header(8, START + 3, 102, 103)
    for other in (chain.accounts[0], chain.accounts[2]):
        chain.send_from(other)
        assert refused(publish_raw, registry, good) == "sender is not the publisher"
    chain.send_from(chain.accounts[2])
    registry.set_publisher(chain.accounts[3])
    chain.send_from(chain.accounts[1])
    assert refused(publish_raw, registry, good) == "sender is not the publisher"
    chain.send_from(chain.accounts[3])
    registry.publish(good)


def test_the_client_repeats_safely_and_sees_a_conflict(three):
    _, registry, headers = three
    assert registry.publish(headers[1]) is None
    assert len(registry.published()) == 3
    with pytest.raises(DisagreementError, match="epoch 6 is published with header hash"):
        registry.publish(header(6, START + 1, 100, 999))
    with pytest.raises(LengthError):
        registry.publish(headers[0][:-1])
    with pytest.raises(LengthError, match="mirrors"):
        registry.publish(header(8, START + 3, 102, 103), "é" * 257)


def test_no_registry_at_an_address():
    chain = RevmChain(START)
    with pytest.raises(DisagreementError, match="gave 0 bytes"):
        Registry(chain, b"\1" * 20).latest_epoch()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"venue": 0}, "venue is zero"),
        ({"publisher": bytes(20)}, "publisher is zero"),
        ({"governance": bytes(20)}, "governance is zero"),
        ({"staleness_limit_s": 0}, "staleness limit is zero"),
        ({"rollback_delay_s": 0}, "rollback delay is zero"),
    ],
    ids=str,
)
def test_terms_that_make_no_registry(change, rule):
    chain = RevmChain(START)
    good = {"venue": VENUE, "publisher": b"\1" * 20, "governance": b"\2" * 20, **change}
    assert refused(lambda: Registry.deploy(chain, **good)) == rule


def test_governance_alone_governs(three):
    chain, registry, headers = three
    acts = [
        registry.halt,
        registry.unhalt,
        lambda: registry.propose_rollback(5),
        registry.cancel_rollback,
        lambda: registry.execute_rollback(headers[0]),
        lambda: registry.set_publisher(b"\1" * 20),
        lambda: registry.propose_governance(b"\1" * 20),
    ]
    for other in (chain.accounts[0], chain.accounts[1]):
        chain.send_from(other)
        assert {refused(act) for act in acts} == {"sender is not the governance"}


def test_governance_is_handed_over_in_two_steps(three):
    chain, registry, _ = three
    chain.send_from(chain.accounts[2])
    registry.propose_governance(chain.accounts[4])
    registry.halt()  # still in office
    assert refused(registry.accept_governance) == "sender is not the pending governance"
    chain.send_from(chain.accounts[4])
    registry.accept_governance()
    registry.unhalt()
    assert refused(registry.accept_governance) == "sender is not the pending governance"
    assert refused(lambda: registry.set_publisher(bytes(20))) == "publisher is zero"
    chain.send_from(chain.accounts[2])
    assert refused(registry.halt) == "sender is not the governance"


def test_staleness_counts_from_the_time_of_the_header():
    chain, registry, _ = deploy()
    deployed = chain.block_time()
    chain.set_time(deployed + LIMIT)
    assert not registry.is_stale()
    chain.set_time(deployed + LIMIT + 1)
    assert registry.is_stale()
    stated = deployed + LIMIT - 100  # published late: the state is as old as it says
    registry.publish(header(1, stated, 0, 1))
    assert not registry.is_stale()
    chain.set_time(stated + LIMIT)
    assert not registry.is_stale()
    chain.set_time(stated + LIMIT + 1)
    assert registry.is_stale()


def test_a_header_from_the_near_future_is_not_stale():
    chain, registry, _ = deploy()
    registry.publish(header(1, chain.block_time() + TOLERANCE, 0, 1))
    assert not registry.is_stale()


def test_halting(three):
    chain, registry, _ = three
    chain.send_from(chain.accounts[2])
    assert refused(registry.unhalt) == "registry is not halted"
    registry.halt()
    assert registry.is_halted()
    assert refused(registry.halt) == "registry is already halted"
    chain.send_from(chain.accounts[1])
    assert refused(publish_raw, registry, header(8, START + 3, 102, 103)) == "registry is halted"
    chain.send_from(chain.accounts[2])
    registry.unhalt()
    chain.send_from(chain.accounts[1])
    registry.publish(header(8, START + 3, 102, 103))


def test_a_rollback_is_announced_waits_and_forgets(three):
    chain, registry, headers = three
    chain.send_from(chain.accounts[2])
    registry.propose_rollback(5)
    proposed = chain.block_time()
    assert registry.pending_rollback() == (5, proposed + DELAY)
    assert chain.storage(registry.address, slots.ROLLBACK_READY_AT) == proposed + DELAY
    assert chain.storage(registry.address, slots.ROLLBACK_EPOCH) == 5
    assert refused(registry.propose_rollback, 6) == "a rollback is pending"
    assert refused(registry.execute_rollback, headers[0]) == "rollback delay has not passed"
    chain.send_from(chain.accounts[1])
    assert refused(publish_raw, registry, header(8, START + 3, 102, 103)) == "a rollback is pending"
    chain.send_from(chain.accounts[2])
    chain.set_time(proposed + DELAY - 2)
    assert refused(registry.execute_rollback, headers[0]) == "rollback delay has not passed"
    assert refused(registry.execute_rollback, headers[1]) == "header is not that of the rollback epoch"
    registry.execute_rollback(headers[0])
    assert (registry.latest_epoch(), registry.latest_state_root(), registry.latest_time()) == (5, 100, START)
    assert [registry.header_hash(epoch) for epoch in (6, 7)] == [None, None]
    assert registry.pending_rollback() is None
    with pytest.raises(MissingError):
        EmbeddedTrustRoot(chain, registry.address).epoch_hash(6)
    chain.send_from(chain.accounts[1])
    registry.publish(header(6, START + 10, 100, 200))
    assert registry.latest_state_root() == 200
    assert [event.epoch for event in registry.published()] == [5, 6, 7, 6]


def test_a_rollback_that_cannot_be_proposed(three):
    chain, registry, headers = three
    chain.send_from(chain.accounts[2])
    assert refused(registry.propose_rollback, 7) == "rollback epoch is not before the latest"
    assert refused(registry.propose_rollback, 2**256 - 1) == "rollback epoch is not before the latest"
    assert refused(registry.propose_rollback, 4) == "rollback epoch was not published"
    assert refused(registry.propose_rollback, 0) == "rollback epoch was not published"
    assert refused(registry.cancel_rollback) == "no rollback is pending"
    assert refused(registry.execute_rollback, headers[0]) == "no rollback is pending"
    registry.propose_rollback(6)
    registry.cancel_rollback()
    assert registry.pending_rollback() is None
    assert refused(registry.execute_rollback, headers[1]) == "no rollback is pending"


def test_the_deepest_rollback_fits_a_block():
    chain, registry, _ = deploy()
    first = header(1, START, 0, 1)
    registry.publish(first)
    for i in range(1, 514):
        publish_raw(registry, header(1 + i, START + i, i, 1 + i))
    chain.send_from(chain.accounts[2])
    assert refused(registry.propose_rollback, 1) == "rollback is too deep"
    registry.propose_rollback(2)
    chain.set_time(chain.block_time() + DELAY)
    receipt = registry.execute_rollback(header(2, START + 1, 1, 2))
    assert registry.latest_epoch() == 2
    assert [registry.header_hash(e) for e in (2, 3, 514)] == [registry.header_hash(2), None, None]
    assert receipt.gas_used < 10_000_000


@pytest.mark.parametrize("chain_type", [RevmChain, PyEvmChain])
def test_both_embedded_chains_do_the_same(chain_type):
    chain, registry, _ = deploy(chain_type(START))
    data = header(5, START, 0, 100)
    registry.publish(data, "m")
    assert registry.latest_epoch() == 5
    assert registry.published()[0].header == data
    assert refused(publish_raw, registry, header(5, START + 1, 100, 2)) == "epoch does not follow the latest"
    with pytest.raises(RefusedError, match="sender is not the governance"):
        registry.halt()
    assert chain.storage(registry.address, slots.LATEST_EPOCH) == 5
    chain.set_time(START + LIMIT + 1)
    assert chain.block_time() == START + LIMIT + 1
    assert registry.is_stale()
    with pytest.raises(InputError, match="before"):
        chain.set_time(START)
    with pytest.raises(InputError, match="not one of its accounts"):
        chain.send_from(b"\1" * 20)


def test_gas_of_publishing():
    """On py-evm, whose storage prices are those of a chain. Most is the event with the header (EIP-2929, 2200)."""
    _, registry, receipt = deploy(PyEvmChain(START))
    assert receipt.gas_used < 1_500_000
    first = registry.publish(header(1, START, 0, 1, filler=0xAB)).gas_used
    second = registry.publish(header(2, START + 1, 1, 2, filler=0xAB)).gas_used
    assert first < 150_000
    assert second < 90_000


roots = st.integers(1, 2**254)
governors = st.sampled_from([None, None, None, 2, 4, 1])  # None: whoever governs
SEQUENCES = settings(max_examples=300, stateful_step_count=25)


class RegistryMachine(RuleBasedStateMachine):
    """Random acts by random senders; the chain does what the model says, and refuses by the rule it names."""

    @initialize()
    def start(self):
        self.chain, self.registry, _ = deploy()
        self.model, self.seen = RegistryModel(LIMIT, DELAY, self.chain.block_time()), set()

    def attempt(self, sender, act, checks, *arguments):
        """Whether the act went through, after holding it to the first check that fails."""
        self.chain.send_from(self.chain.accounts[self.governor(sender)])
        broken = next((rule for holds, rule in checks if not holds), None)
        if broken is None:
            act(*arguments)
            return True
        assert refused(act, *arguments) == broken
        return False

    @property
    def next_block(self):
        return self.chain.block_time() + 1

    def governor(self, sender):
        return self.model.governance if sender is None else sender

    def publish_one(self, sender, epoch, time, previous, root, venue=VENUE):
        model = self.model
        data = header(epoch, time, previous, root, venue=venue)
        checks = model.publishing(sender, self.next_block, epoch, time, previous, root, venue)
        if self.attempt(sender, publish_raw, checks, self.registry, data):
            model.publish(data)
            self.seen.add(epoch)

    @rule(count=st.integers(1, 4), root=roots)
    def publish(self, count, root):
        for i in range(count):
            model = self.model
            self.publish_one(model.publisher, model.latest + 1, (model.time or START) + 1, model.root, root + i)

    @rule(flaw=st.sampled_from(["sender", "epoch", "gap", "time", "future", "previous", "root", "venue"]), root=roots)
    def publish_flawed(self, flaw, root):
        model = self.model
        self.publish_one(
            0 if flaw == "sender" else model.publisher,
            model.latest + {"epoch": 0, "gap": 2}.get(flaw, 1),
            {"time": model.time, "future": self.next_block + TOLERANCE + 2}.get(flaw, (model.time or START) + 1),
            model.root ^ (flaw == "previous"),
            0 if flaw == "root" else root,
            VENUE ^ (flaw == "venue"),
        )

    @rule(sender=governors, on=st.sampled_from([True, False, False]))
    def set_halted(self, sender, on):
        checks = self.model.halting(self.governor(sender), on)
        if self.attempt(sender, self.registry.halt if on else self.registry.unhalt, checks):
            self.model.halted = on

    @precondition(lambda self: len(self.model.published) > 1)
    @rule(sender=governors, back=st.integers(0, 3))
    def propose_rollback(self, sender, back):
        model = self.model
        epoch = max(model.latest - back, 0)
        checks = model.proposing_rollback(self.governor(sender), epoch)
        ready = self.next_block + DELAY
        if self.attempt(sender, self.registry.propose_rollback, checks, epoch):
            model.rollback = epoch, ready

    @precondition(lambda self: self.model.rollback is not None)
    @rule(sender=governors)
    def cancel_rollback(self, sender):
        checks = self.model.cancelling_rollback(self.governor(sender))
        if self.attempt(sender, self.registry.cancel_rollback, checks):
            self.model.rollback = None

    @precondition(lambda self: self.model.rollback is not None)
    @rule(sender=governors, right=st.sampled_from([True, True, True, False]), patient=st.booleans())
    def execute_rollback(self, sender, right, patient):
        model = self.model
        if patient and model.rollback is not None:
            self.chain.set_time(max(self.chain.block_time(), model.rollback[1] - 1))
        data = model.published[model.rollback[0]] if right else header(9, START, 0, 1)
        checks = model.executing_rollback(self.governor(sender), self.next_block, data)
        if self.attempt(sender, self.registry.execute_rollback, checks, data):
            model.execute_rollback(data)

    @rule(sender=governors, publisher=st.sampled_from([1, 1, 3]))
    def set_publisher(self, sender, publisher):
        checks = [self.model.governs(self.governor(sender))]
        if self.attempt(sender, self.registry.set_publisher, checks, self.chain.accounts[publisher]):
            self.model.publisher = publisher

    @rule(sender=governors, heir=st.sampled_from([2, 4]))
    def propose_governance(self, sender, heir):
        checks = [self.model.governs(self.governor(sender))]
        if self.attempt(sender, self.registry.propose_governance, checks, self.chain.accounts[heir]):
            self.model.pending = heir

    @precondition(lambda self: self.model.pending is not None)
    @rule(sender=st.sampled_from([2, 4, 1]))
    def accept_governance(self, sender):
        checks = [(sender == self.model.pending, "sender is not the pending governance")]
        if self.attempt(sender, self.registry.accept_governance, checks):
            self.model.governance, self.model.pending = sender, None

    @rule(seconds=st.sampled_from([1, DELAY // 2, DELAY, LIMIT, TOLERANCE]))
    def wait(self, seconds):
        self.chain.set_time(self.chain.block_time() + seconds)

    @invariant()
    def chain_and_model_agree(self):
        model, registry, storage = self.model, self.registry, self.chain.storage
        words = [storage(registry.address, slot) for slot in range(7)]
        ready = model.rollback or (0, 0)
        assert words[:3] == [model.latest, model.root, model.time]
        assert words[4:] == [model.halted, ready[1], ready[0]]
        for epoch in self.seen | {0, model.latest + 1}:
            data = model.published.get(epoch)
            expected = 0 if data is None else int.from_bytes(hashlib.sha256(data).digest(), "big")
            assert storage(registry.address, slots.header_hash_slot(epoch)) == expected
        assert registry.is_stale() == model.is_stale(self.chain.block_time())

    @invariant()
    def the_latest_epoch_has_a_hash_and_none_follows(self):
        assert self.model.latest == max(self.model.published, default=0)


RegistryMachine.TestCase.settings = SEQUENCES
TestSequences = RegistryMachine.TestCase
