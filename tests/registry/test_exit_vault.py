"""ExitVault: each rule by name, tokens that are not quite ERC-20, reentrancy, what is lacking, and governance."""

from dataclasses import replace

import pytest

from tests.registry.headers import VENUE, header
from tests.registry.vaults import (
    COIN,
    DELAY,
    EXIT_KEY,
    GOVERNANCE,
    LIMIT,
    ODD,
    OTHER_KEY,
    PUBLISHER,
    RELEASE,
    START,
    STRANGER,
    SUSPENSION,
    TRADER,
    USD,
    Trapdoor,
    call_data,
    created,
    world,
)
from zkstate.errors import DisagreementError, InputError, RefusedError
from zkstate.kernels import FR_MODULUS as R
from zkstate.proof.groth16 import Proof
from zkstate.registry.artefacts import artefact
from zkstate.registry.embedded import PyEvmChain, RevmChain
from zkstate.registry.registry import Registry
from zkstate.registry.vault import MAX_ASSETS, NATIVE, Vault, VaultAsset, vault_challenge
from zkstate.registry.verifier import ProofVerifier
from zkstate.state.schema import Instrument, Tier

ROOT = 4242


def refused(call, *arguments):
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return caught.value.rule


@pytest.fixture
def down():
    """A venue that is halted at epoch 1, with funds in its vault."""
    made = world()
    made.publish(1, ROOT)
    made.fund(NATIVE, 10**20)
    made.fund(made.token, 10**12)
    made.halt()
    return made


def test_an_exit_is_paid_once_in_the_coin_and_in_tokens(down):
    vault, trader = down.vault, down.trader
    for nullifier, (instrument, amount, token, units) in enumerate(
        [(COIN, 3 * 10**8, NATIVE, 3 * 10**18), (USD, 123_456_799, down.token, 1_234_567), (ODD, 9, down.token, 9)]
    ):
        before = [down.balance(token, owner) for owner in (vault.address, trader)]
        call = down.exit(ROOT, instrument, amount, nullifier)
        payment = down.as_(STRANGER).vault.claim(call)
        assert (payment.token, payment.recipient, payment.paid, payment.owed) == (token, trader, units, 0)
        assert vault.asset(instrument).units(amount) == units
        after = [down.balance(token, owner) for owner in (vault.address, trader)]
        assert after == [before[0] - units, before[1] + units]
        assert vault.is_spent(nullifier)
        assert refused(vault.claim, call) == "exit was paid before"
        assert refused(vault.claim, down.exit(ROOT, instrument, 1, nullifier)) == "exit was paid before"
    assert vault.paid_epoch() == (1, down.registry.header_hash(1))


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 1},
        {"registry": b"\1" * 20},
        {"recipient": b"\2" * 20},
        {"challenge": bytes(32)},
        {"challenge": vault_challenge(b"\3" * 20)},
        {"expiry": 1},
    ],
    ids="-".join,
)
def test_a_proof_that_is_addressed_elsewhere(down, change):
    assert refused(down.vault.claim, down.exit(ROOT, USD, 500, 1, addressed=change)) == "proof is false"
    assert not down.vault.is_spent(1)


def test_what_is_claimed_is_what_was_proved(down):
    """Whoever sees a claim on its way can change none of its words, another proof of the same key apart."""
    call = down.exit(ROOT, USD, 500, 1, expiry=START + 10**6)
    changed = {
        "recipient": down.chain.accounts[STRANGER],
        "amount": 501,
        "instrument": ODD,
        "nullifier": 2,
        "expiry": START + 10**6 + 1,
    }
    for name, value in changed.items():
        assert refused(down.vault.claim, replace(call, **{name: value})) == "proof is false", name
    for name, value in {"amount": 500 + R, "nullifier": 1 + R}.items():
        assert refused(down.vault.claim, replace(call, **{name: value})) == "public input is not below r", name
    for expiry in (2**64, 2**64 + call.expiry, 2**256 - 1):
        assert refused(down.vault.claim, replace(call, expiry=expiry)) == "expiry is outside 64 bits"
    for instrument in (0, 3, 2**256 - 1):
        assert refused(down.vault.claim, replace(call, instrument=instrument)) == "instrument is not held here"
    for nobody in (bytes(20), down.vault.address):
        assert refused(down.vault.claim, replace(call, recipient=nobody)) == "recipient is nobody"
    assert refused(down.vault.claim, replace(call, key_digest=OTHER_KEY.key.digest())) == "key is not of an exit"
    other = down.exit(ROOT, USD, 500, 1, trapdoor=OTHER_KEY)
    assert refused(down.vault.claim, replace(other, key_digest=EXIT_KEY.key.digest())) == "proof is false"
    negated = Proof(call.proof.a, call.proof.b, -call.proof.c)
    assert refused(down.vault.claim, replace(call, proof=negated)) == "proof is false"
    down.vault.claim(call)
    assert down.balance(down.token, down.trader) == 5


def test_the_context_is_that_of_the_circuits(down):
    contract = artefact("ExitVault")
    for recipient, expiry in ((down.trader, 0), (b"\xff" * 20, 2**64 - 1)):
        call = down.exit(ROOT, USD, 1, 1, recipient, expiry)
        answer = down.chain.call(down.vault.address, contract.call_data("context", recipient, expiry))
        inputs = [ROOT, int.from_bytes(answer, "big"), USD, 1, 1]
        assert down.verifier.is_valid(call.proof, inputs)


def test_an_expired_proof(down):
    soon = down.chain.block_time() + 1
    down.vault.claim(down.exit(ROOT, USD, 500, 1, expiry=soon))
    assert refused(down.vault.claim, down.exit(ROOT, USD, 500, 2, expiry=soon)) == "proof has expired"


def test_nothing_is_paid_while_the_venue_lives():
    made = world()
    made.fund(made.token, 100)
    call = made.exit(ROOT, ODD, 5, 1)
    assert not made.vault.is_open()
    assert refused(made.vault.claim, call) == "registry has no epoch"
    made.publish(1, ROOT)
    assert refused(made.vault.claim, call) == "registry is neither stale nor halted"
    made.chain.set_time(START + 1 + LIMIT - 1)
    assert refused(made.vault.claim, call) == "registry is neither stale nor halted"
    made.wait(1)
    assert made.vault.is_open()
    made.vault.claim(call)
    made.publish(2, ROOT + 1, ROOT, time=made.chain.block_time())
    again = made.exit(ROOT + 1, ODD, 5, 2)
    assert refused(made.vault.claim, again) == "registry is neither stale nor halted"
    made.halt()
    made.vault.claim(again)
    assert made.balance(made.token, made.trader) == 10


def test_an_old_epoch_pays_nothing(down):
    down.registry.unhalt()
    down.publish(2, ROOT + 1, ROOT)
    down.halt()
    assert refused(down.vault.claim, down.exit(ROOT, USD, 500, 1)) == "proof is false"
    down.vault.claim(down.exit(ROOT + 1, USD, 500, 1))


def rolled_back(made, header_1):
    """Roll back to epoch 1, which governance of a halted registry may."""
    made.as_(GOVERNANCE).registry.propose_rollback(1)
    made.wait(DELAY)
    made.registry.execute_rollback(header_1)


def test_a_rolled_back_epoch_pays_nothing_and_nobody_is_paid_from_two():
    made = world()
    first = made.publish(1, ROOT)
    made.publish(2, ROOT + 1, ROOT)
    made.fund(made.token, 1000)
    made.halt()
    made.vault.claim(made.exit(ROOT + 1, ODD, 5, 1))
    rolled_back(made, first)
    later = "a later or other epoch was paid from"
    # The state of epoch 1 is on record again; whoever left at 2 has another nullifier there.
    assert refused(made.vault.claim, made.exit(ROOT, ODD, 5, 2)) == later
    assert refused(made.vault.claim, made.exit(ROOT + 1, ODD, 5, 3)) == later
    made.registry.unhalt()
    made.publish(2, ROOT + 2, ROOT, time=START + 5)
    made.halt()
    assert refused(made.vault.claim, made.exit(ROOT + 2, ODD, 5, 4)) == later
    made.registry.unhalt()
    made.publish(3, ROOT + 3, ROOT + 2, time=START + 6)
    made.halt()
    made.vault.claim(made.exit(ROOT + 3, ODD, 5, 5))
    assert made.balance(made.token, made.trader) == 10


def test_debts_outlive_a_rollback_and_the_first_to_collect_is_paid():
    made = world()
    first = made.publish(1, ROOT)
    made.publish(2, ROOT + 1, ROOT)
    made.halt()
    for nullifier in (1, 2):
        assert made.vault.claim(made.exit(ROOT + 1, ODD, 60, nullifier)).owed == 60
    rolled_back(made, first)
    made.registry.unhalt()
    made.fund(made.token, 70)
    # The later debt takes all of its 60, the earlier one the rest.
    assert [made.vault.collect(nullifier).paid for nullifier in (2, 1)] == [60, 10]
    assert (made.vault.debt(1).units, made.vault.debt(2).units) == (50, 0)


def test_a_rollback_before_any_payment_pays_from_where_it_leads():
    made = world()
    first = made.publish(1, ROOT)
    made.publish(2, ROOT + 1, ROOT)
    made.fund(made.token, 1000)
    made.halt()
    rolled_back(made, first)
    assert refused(made.vault.claim, made.exit(ROOT + 1, ODD, 5, 1)) == "proof is false"
    made.vault.claim(made.exit(ROOT, ODD, 5, 2))


def test_a_pending_rollback_holds_payments_up_for_so_long_and_no_longer(down):
    """Also if governance proposes one after the other: the age of the latest epoch bounds the wait."""
    down.registry.unhalt()
    down.publish(2, ROOT + 1, ROOT)
    down.halt()
    down.registry.propose_rollback(1)
    call = down.exit(ROOT + 1, ODD, 5, 1)
    assert not down.vault.is_open()
    assert refused(down.vault.claim, call) == "a rollback is pending"
    down.registry.cancel_rollback()
    assert down.vault.is_open()
    down.registry.propose_rollback(1)
    down.chain.set_time(START + 2 + LIMIT + SUSPENSION - 1)
    assert refused(down.vault.claim, call) == "a rollback is pending"
    assert down.vault.is_open() is False
    down.wait(1)
    assert down.vault.is_open()
    down.vault.claim(call)


def test_what_the_vault_lacks_stays_owed_and_comes_first(down):
    vault, token, trader = down.vault, down.token, down.trader
    stranger = down.chain.accounts[STRANGER]
    held = down.balance(token, vault.address)
    payment = vault.claim(down.exit(ROOT, ODD, held + 70, 1))
    assert (payment.paid, payment.owed) == (held, 70)
    debt = vault.debt(1)
    assert (debt.recipient, debt.token, debt.units, vault.owed(token)) == (trader, token, 70, 70)
    assert refused(vault.collect, 1) == "vault holds nothing"
    down.fund(token, 50)
    # Later claims wait behind what is owed, though they are smaller than what is there.
    payment = vault.claim(down.exit(ROOT, ODD, 8, 2, stranger))
    assert (payment.paid, payment.owed, vault.owed(token)) == (0, 8, 78)
    payment = down.as_(STRANGER).vault.collect(1)
    assert (payment.recipient, payment.paid, payment.owed) == (trader, 50, 20)
    down.as_(GOVERNANCE).registry.unhalt()
    down.fund(token, 1000)
    assert refused(down.as_(STRANGER).vault.collect, 1, stranger) == "sender is not the recipient"
    for nobody in (vault.address,):
        assert refused(down.as_(TRADER).vault.collect, 1, nobody) == "recipient is nobody"
    assert down.as_(TRADER).vault.collect(1, stranger).recipient == stranger
    assert vault.collect(2).paid == 8
    assert [refused(vault.collect, n) for n in (1, 2, 3)] == ["nothing is owed"] * 3
    assert vault.owed(token) == 0
    assert down.balance(token, stranger) == 28
    assert down.balance(token, vault.address) == 972


def test_less_than_a_unit_is_not_taken(down):
    call = down.exit(ROOT, USD, 99, 1)
    assert refused(down.vault.claim, call) == "amount is less than a unit of the token"
    assert not down.vault.is_spent(1)
    assert down.vault.claim(down.exit(ROOT, USD, 199, 1)).paid == 1


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("plain", 1000),
        ("silent", 1000),
        ("fee", 990),
        ("false", "token refused the transfer"),
        ("reverts", "token is paused"),
        ("greedy", "token took more than was paid"),
    ],
)
def test_tokens_as_they_are(mode, outcome):
    made = world(mode=mode)
    made.publish(1, ROOT)
    made.fund(made.token, 5000)
    made.fund(NATIVE, 10**10)
    made.halt()
    call = made.exit(ROOT, ODD, 1000, 1)
    if isinstance(outcome, str):
        assert refused(made.vault.claim, call) == outcome
        assert not made.vault.is_spent(1)
        assert made.balance(made.token, made.vault.address) == 5000
    else:
        assert made.vault.claim(call).paid == 1000
        assert made.balance(made.token, made.trader) == outcome
        assert made.balance(made.token, made.vault.address) == 4000
    assert made.vault.claim(made.exit(ROOT, COIN, 1, 2)).paid == 10**10


def test_a_token_that_calls_back_gets_nothing_more():
    made = world(mode="calls back")
    made.publish(1, ROOT)
    made.fund(made.token, 5000)
    made.halt()
    inner = made.exit(ROOT, ODD, 700, 2)
    hooks = {
        "claim": inner.call_data(),
        "collect": artefact("ExitVault").call_data("collect", 1),
        "execute_release": artefact("ExitVault").call_data("execute_release"),
    }
    for hook in hooks.values():
        made.chain.transact(made.token, call_data("Token", "set_hook", made.vault.address, hook))
        with pytest.raises(RefusedError):
            made.vault.claim(made.exit(ROOT, ODD, 1000, 1))
        assert not made.vault.is_spent(1)
    assert made.balance(made.token, made.vault.address) == 5000


def test_a_recipient_that_calls_back_or_refuses(down):
    recipient = created(down.chain, "Recipient")
    inner = down.exit(ROOT, COIN, 7, 2)
    prepared = call_data("Recipient", "prepare", down.vault.address, inner.call_data(), False)
    down.chain.transact(recipient, prepared)
    call = down.exit(ROOT, COIN, 5, 1, recipient)
    down.vault.claim(call)
    assert down.balance(NATIVE, recipient) == 5 * 10**10
    assert any(down.chain.call(recipient, call_data("Recipient", "failed")))
    assert not down.vault.is_spent(2)
    down.chain.transact(recipient, call_data("Recipient", "prepare", bytes(20), b"", True))
    again = down.exit(ROOT, COIN, 5, 3, recipient)
    assert refused(down.vault.claim, again) == "recipient refused the payment"
    # Nothing was spent, so the owner proves the same exit for another recipient.
    assert down.vault.claim(down.exit(ROOT, COIN, 5, 3)).paid == 5 * 10**10


def test_a_release_is_announced_and_only_a_live_venue_makes_it():
    made = world()
    made.publish(1, ROOT)
    made.fund(made.token, 1000)
    treasury, vault = made.chain.accounts[5], made.vault
    for act, arguments in (
        (vault.propose_release, (made.token, treasury, 10)),
        (vault.cancel_release, ()),
        (vault.execute_release, ()),
    ):
        assert refused(made.as_(PUBLISHER) and act, *arguments) == "sender is not the governance"
    made.as_(GOVERNANCE)
    assert refused(vault.execute_release) == refused(vault.cancel_release) == "no release is pending"
    assert refused(vault.propose_release, made.token, treasury, 0) == "nothing is released"
    assert refused(vault.propose_release, made.token, bytes(20), 1) == "recipient is nobody"
    vault.propose_release(made.token, treasury, 600)
    ready = made.chain.block_time() + RELEASE
    assert vault.pending_release() == (made.token, treasury, 600, ready)
    assert refused(vault.execute_release) == "release delay has not passed"
    made.chain.set_time(ready - 2)
    assert refused(vault.execute_release) == "release delay has not passed"
    assert made.chain.block_time() == ready - 1
    made.registry.halt()
    assert refused(vault.execute_release) == "registry is stale or halted"
    made.registry.unhalt()
    vault.execute_release()
    assert made.balance(made.token, treasury) == 600
    assert refused(vault.execute_release) == "no release is pending"
    vault.propose_release(made.token, treasury, 400)
    made.wait(2 * RELEASE + 1)
    assert refused(vault.execute_release) == "release was not carried out in time"
    vault.cancel_release()
    assert vault.pending_release() is None
    made.publish(2, ROOT + 1, ROOT, time=made.chain.block_time())
    made.as_(GOVERNANCE)
    vault.propose_release(made.token, treasury, 401)
    made.wait(RELEASE)
    assert refused(vault.execute_release) == "vault does not hold as much"
    vault.propose_release(made.token, treasury, 400)
    made.registry.propose_rollback(1)
    made.wait(RELEASE)
    assert refused(vault.execute_release) == "a rollback is pending"
    made.registry.cancel_rollback()
    made.wait(LIMIT)
    assert refused(vault.execute_release) in {"registry is stale or halted", "release was not carried out in time"}


def test_what_is_owed_is_not_released(down):
    held = down.balance(down.token, down.vault.address)
    down.vault.claim(down.exit(ROOT, ODD, held + 30, 1))
    down.fund(down.token, 100)
    down.as_(GOVERNANCE).registry.unhalt()
    treasury = down.chain.accounts[5]
    down.vault.propose_release(down.token, treasury, 71)
    down.wait(RELEASE)
    assert refused(down.vault.execute_release) == "vault does not hold as much"
    down.vault.propose_release(down.token, treasury, 70)
    down.wait(RELEASE)
    down.vault.execute_release()
    assert down.vault.collect(1).paid == 30
    assert down.balance(down.token, down.vault.address) == 0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"registry": b"\1" * 20}, "registry is not a contract"),
        ({"verifiers": ()}, "there is no verifier"),
        ({"verifiers": "twice"}, "key is bound twice"),
        ({"verifiers": "of four"}, "verifier is not of an exit"),
        ({"suspension": DELAY - 1}, "suspension is shorter than a rollback"),
        ({"release": 0}, "release delay is zero"),
        ({"assets": (VaultAsset(1, NATIVE, 1, 1), VaultAsset(1, NATIVE, 2, 1))}, "instrument is bound twice"),
        ({"assets": (VaultAsset(0, NATIVE, 1, 1),)}, "instrument is bound twice"),
        ({"assets": (VaultAsset(1, NATIVE, 2, 2),)}, "neither multiplier nor divisor is 1"),
        ({"assets": (VaultAsset(1, NATIVE, 0, 1),)}, "neither multiplier nor divisor is 1"),
        ({"assets": (VaultAsset(1, NATIVE, 10**36 + 1, 1),)}, "multiplier or divisor is too large"),
        ({"assets": (VaultAsset(1, b"\1" * 20, 1, 1),)}, "token is not a contract"),
        ({"assets": "registry"}, "token is the registry"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_vault_that_cannot_be_made(down, changes, rule):
    special = {"twice": (down.verifier.address,) * 2, "registry": (VaultAsset(1, down.registry.address, 1, 1),)}
    if changes.get("verifiers") == "of four":
        special["of four"] = (ProofVerifier.deploy(down.chain, Trapdoor(4).key)[0].address,)
    given = {"registry": down.registry.address, "verifiers": (down.verifier.address,), "assets": ()}
    given |= {name: special[value] if isinstance(value, str) else value for name, value in changes.items()}
    terms = {"suspension_limit_s": given.pop("suspension", SUSPENSION), "release_delay_s": given.pop("release", 1)}
    assert refused(lambda: Vault.deploy(down.chain, *given.values(), **terms)) == rule


def test_as_many_assets_as_a_vault_takes(down):
    assets = [VaultAsset(instrument, NATIVE, 1, 1) for instrument in range(1, MAX_ASSETS + 2)]
    make = (down.chain, down.registry.address, (down.verifier.address,))
    vault, _ = Vault.deploy(*make, assets[:-1], suspension_limit_s=SUSPENSION)
    assert vault.asset(MAX_ASSETS) == assets[-2]
    assert refused(lambda: Vault.deploy(*make, assets, suspension_limit_s=SUSPENSION)) == ""


def test_only_coins_come_without_a_call(down):
    with pytest.raises(RefusedError, match="there is no such function"):
        down.chain.transact(down.vault.address, b"\1\2\3\4")


def test_what_is_not_a_vault_is_named(down):
    with pytest.raises(DisagreementError, match="where a ExitVault gives 32"):
        Vault(down.chain, down.chain.accounts[6]).is_open()


def test_assets_from_instruments():
    tiers = (Tier(0, 2**64 - 1, 0, 0, 0),)
    coin = Instrument(id=4, symbol="ETH", flags=1, decimals=8, price=1, notional_price=1, funding=0, tiers=tiers)
    assert VaultAsset.of(coin, NATIVE, 18) == VaultAsset(4, NATIVE, 10**10, 1)
    assert VaultAsset.of(coin, b"\1" * 20, 6) == VaultAsset(4, b"\1" * 20, 1, 100)
    assert VaultAsset.of(coin, NATIVE, 8) == VaultAsset(4, NATIVE, 1, 1)
    with pytest.raises(InputError, match="37 decimals"):
        VaultAsset.of(coin, NATIVE, 37)
    with pytest.raises(InputError, match="only assets can leave"):
        VaultAsset.of(replace(coin, flags=0), NATIVE, 18)


@pytest.mark.parametrize("chain_type", [RevmChain, PyEvmChain])
def test_both_embedded_chains_do_the_same(chain_type):
    chain = chain_type(START)
    registry, _ = Registry.deploy(chain, VENUE, staleness_limit_s=LIMIT, rollback_delay_s=DELAY)
    registry.publish(header(1, START, 0, ROOT))
    verifier, _ = ProofVerifier.deploy(chain, EXIT_KEY.key)
    assets = [VaultAsset(COIN, NATIVE, 1, 1)]
    vault, _ = Vault.deploy(chain, registry.address, [verifier.address], assets)
    chain.transact(vault.address, b"", 1000)
    registry.halt()
    made = world(RevmChain(START))
    made.chain.chain_id, made.registry, made.vault = chain.chain_id, registry, vault
    call = made.exit(ROOT, COIN, 400, 1, b"\x77" * 20)
    assert vault.claim(call).paid == 400
    assert refused(vault.claim, call) == "exit was paid before"
    assert refused(vault.claim, replace(call, amount=5, nullifier=2)) == "proof is false"
