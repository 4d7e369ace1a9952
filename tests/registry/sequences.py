"""Random sequences of calls to a registry and its vault on an embedded chain, each held to the model and to what must
hold whatever the model says: money is conserved, an exit is paid once, only a venue that is down pays, roots continue,
delays pass."""

import random
from collections import Counter
from copy import deepcopy
from functools import cache

from eth_abi import encode

from tests.registry.headers import header
from tests.registry.model import RegistryModel, VaultModel
from tests.registry.vaults import (
    COIN,
    DELAY,
    EXIT_KEY,
    GOVERNANCE,
    LIMIT,
    ODD,
    PUBLISHER,
    RELEASE,
    START,
    STRANGER,
    SUSPENSION,
    TRADER,
    USD,
    call_data,
    world,
)
from zkstate.errors import RefusedError
from zkstate.kernels import keccak256
from zkstate.registry import slots
from zkstate.registry.artefacts import artefact
from zkstate.registry.chain import WORD_BYTES
from zkstate.registry.vault import NATIVE

STEPS = 10
TREASURY, NULLIFIERS = 5, 30
TOKEN, COINS = "token", "coins"
ASSETS = {COIN: (COINS, 10**10, 1), USD: (TOKEN, 1, 100), ODD: (TOKEN, 1, 1)}
# Flawed acts come as often as their refusals are cheap, proofs seldom: a pairing takes longer than all the rest.
ACTS = {
    "publish": 4, "publish_flawed": 1, "set_halted": 4, "propose_rollback": 1, "cancel_rollback": 1,
    "execute_rollback": 2, "wait": 3, "fund": 2, "claim": 4, "claim_flawed": 1, "claim_again": 1, "collect": 1,
    "propose_release": 1, "execute_release": 1,
}  # fmt: skip


@cache
def _selector(contract, signature):
    return keccak256(signature.encode())[:4]


def packed(contract, signature, *arguments):
    """A call by its signature, encoded without the checks of the clients, which take longer than the call."""
    kinds = signature[signature.index("(") + 1 : -1]
    kinds = kinds.split(",") if kinds else []
    return _selector(contract, signature) + encode(kinds, arguments)


class Sequences:
    """One world, gone back to its start for every sequence. `seen` counts what happened, refusals by their rule."""

    def __init__(self):
        self.world = world()
        self.chain, self.vault = self.world.chain, self.world.vault.address
        self.registry, self.accounts = self.world.registry.address, self.chain.accounts
        self.seen, self.done = Counter(), 0
        self._base = RegistryModel(LIMIT, DELAY, self._deployed_at())
        self._start = self.chain._number, self.chain._time
        self._digest = bytes.fromhex(EXIT_KEY.key.digest())

    def _deployed_at(self):
        answer = self.chain.call(self.registry, artefact("StateRegistry").call_data("DEPLOYED_AT"))
        return int.from_bytes(answer, "big")

    def play(self, seed):
        """One sequence."""
        before = self.chain._evm.snapshot()
        self.random = random.Random(seed)
        self.model = deepcopy(self._base)
        nothing = {TOKEN: 0, COINS: 0}
        self.vaulted = VaultModel(self.model, ASSETS, SUSPENSION, RELEASE, dict(nothing), dict(nothing))
        self.minted, self.got, self.claims, self.roots = dict(nothing), Counter(), {}, []
        self.proposed = self.announced = None
        try:
            if self.random.random() < 0.9:  # else from nothing
                self.publish()
                self.fund()
            for _ in range(STEPS):
                (act,) = self.random.choices(list(ACTS), ACTS.values())
                getattr(self, act)()
                self._agree()
            self.done += 1
        finally:
            self.chain._evm.revert(before)
            self.chain._number, self.chain._time = self._start
            self.chain._logs.clear()

    @property
    def now(self):
        """The time of the next block."""
        return self.chain.block_time() + 1

    def attempt(self, sender, to, data, checks):
        """Whether the call went through, after holding it to the first check that fails."""
        broken = next((rule for holds, rule in checks if not holds), None)
        self.chain.send_from(self.accounts[sender])
        try:
            self.chain.transact(to, data)
            rule = None
        except RefusedError as error:
            rule = error.rule
        assert rule == broken, (rule, broken)
        self.seen[rule or "done"] += 1
        return rule is None

    def governor(self):
        return self.random.choice([GOVERNANCE] * 7 + [TRADER])

    def publish(self):
        for _ in range(self.random.randint(1, 2)):
            time = max(self.model.time + 1, min(self.now, START + self.random.randrange(4000)))
            self._publish(PUBLISHER, self.model.latest + 1, time, self.model.root, self.random.randrange(1, 2**250))

    def publish_flawed(self):
        model, flaw = self.model, self.random.choice(["sender", "epoch", "time", "future", "previous", "root"])
        self._publish(
            STRANGER if flaw == "sender" else PUBLISHER,
            model.latest + (2 if flaw == "epoch" and model.latest else 1),
            {"time": model.time, "future": self.now + 901}.get(flaw, max(model.time + 1, START)),
            model.root ^ (flaw == "previous"),
            0 if flaw == "root" else 7,
        )

    def _publish(self, sender, epoch, time, previous, root):
        data = header(epoch, time, previous, root)
        checks = list(self.model.publishing(sender, self.now, epoch, time, previous, root))
        if self.attempt(sender, self.registry, packed("registry", "publish(bytes)", data), checks):
            assert not self.roots or previous == self.model.root
            self.model.publish(data)
            self.roots.append(root)

    def set_halted(self):
        sender, on = self.governor(), not self.model.halted or self.random.random() < 0.2
        data = packed("registry", "halt()" if on else "unhalt()")
        if self.attempt(sender, self.registry, data, self.model.halting(sender, on)):
            self.model.halted = on

    def propose_rollback(self):
        sender, epoch = self.governor(), max(0, self.model.latest - self.random.randint(0, 3))
        ready = self.now + DELAY
        data = packed("registry", "propose_rollback(uint256)", epoch)
        if self.attempt(sender, self.registry, data, self.model.proposing_rollback(sender, epoch)):
            self.model.rollback = epoch, ready
            self.proposed = self.chain.block_time()

    def cancel_rollback(self):
        sender = self.governor()
        data = packed("registry", "cancel_rollback()")
        if self.attempt(sender, self.registry, data, self.model.cancelling_rollback(sender)):
            self.model.rollback = None

    def execute_rollback(self):
        sender, model = self.governor(), self.model
        if model.rollback is None:
            return self.propose_rollback()
        if self.random.random() < 0.7:
            self.chain.set_time(max(self.chain.block_time(), model.rollback[1] - 1))
        data = model.published[model.rollback[0]]
        call = packed("registry", "execute_rollback(bytes)", data)
        if self.attempt(sender, self.registry, call, model.executing_rollback(sender, self.now, data)):
            assert self.chain.block_time() - self.proposed >= DELAY
            model.execute_rollback(data)
            self.roots = [_root(each) for each in model.published.values()]
        return None

    def wait(self):
        self.chain.set_time(self.chain.block_time() + self.random.choice([1, DELAY, RELEASE, LIMIT, SUSPENSION]))

    def fund(self):
        token, units = self.random.choice([(TOKEN, 1000), (COINS, 10**12)])
        units += self.random.randrange(units)
        self.chain.send_from(self.accounts[0])
        if token == COINS:
            self.chain.transact(self.vault, b"", units)
        else:
            self.chain.transact(self.world.token, call_data("Token", "mint", self.vault, units))
        self.vaulted.held[token] += units
        self.minted[token] += units

    def claim(self):
        nullifier = self.random.randrange(1, NULLIFIERS)
        instrument = self.random.choice(list(ASSETS))
        amount = self.random.randrange(1, 2 * self._worth(instrument) + 200)
        expiry = self.random.choice([0, 0, self.now, self.now + 5000])
        self._claim(nullifier, instrument, amount, self.random.choice([TRADER, STRANGER]), expiry, self.model.root)

    def claim_flawed(self):
        """Of another root, past its time, for another recipient or amount, or of an instrument that is not held."""
        flaw = self.random.choice(["root", "expiry", "recipient", "amount", "instrument"])
        old = [root for root in self.roots if root != self.model.root] or [self.model.root + 1]
        self._claim(
            self.random.randrange(1, NULLIFIERS),
            9 if flaw == "instrument" else ODD,
            5,
            TRADER,
            self.now - 1 if flaw == "expiry" else 0,
            self.random.choice(old) if flaw == "root" else self.model.root,
            flaw if flaw in {"recipient", "amount"} else None,
        )

    def claim_again(self):
        """One that was paid: as it was, or proved anew, or of the epoch before."""
        if not self.claims:
            return self.claim()
        nullifier = self.random.choice(list(self.claims))
        root = self.random.choice([self.model.root, *self.roots])
        return self._claim(nullifier, self.random.choice(list(ASSETS)), 100, TRADER, 0, root)

    def _claim(self, nullifier, instrument, amount, recipient, expiry, root, flaw=None):
        whom = self.accounts[recipient]
        is_true = flaw is None and root == self.model.root
        checks = self.vaulted.claiming(self.now, instrument, amount, nullifier, expiry, is_true)
        broken = next((rule for holds, rule in checks if not holds), None)
        # A proof is made where it is looked at; any will do elsewhere.
        looked_at = broken in {None, "proof is false", "amount is less than a unit of the token"}
        proof = self._proof(looked_at, root, instrument, amount, nullifier, whom, expiry)
        told = TREASURY if flaw == "recipient" else recipient
        data = packed(
            "vault",
            "claim(bytes32,uint256[2],uint256[2][2],uint256[2],uint256,uint256,uint256,address,uint256)",
            self._digest,
            proof[:2],
            (proof[2:4], proof[4:6]),
            proof[6:],
            instrument,
            amount + (flaw == "amount"),
            nullifier,
            f"0x{self.accounts[told].hex()}",
            expiry,
        )
        before = self._gains()
        if self.attempt(self.random.choice([TRADER, STRANGER]), self.vault, data, [(broken is None, broken)]):
            assert nullifier not in self.claims
            words = [self.chain.storage(self.registry, slot) for slot in (slots.HALTED, slots.LATEST_TIME)]
            assert words[0] == 1 or self.chain.block_time() - words[1] > LIMIT
            token = ASSETS[instrument][0]
            self.claims[nullifier] = self.vaulted.units(instrument, amount)
            self._paid(token, recipient, self.vaulted.claim(instrument, amount, nullifier, recipient), before)

    def _proof(self, looked_at, root, instrument, amount, nullifier, recipient, expiry):
        if not looked_at:
            return (1,) * 8
        return self.world.exit(root, instrument, amount, nullifier, recipient, expiry).proof.evm_words()

    def collect(self):
        nullifier = self.random.choice([*self.vaulted.debts, 99])
        checks = self.vaulted.collecting(nullifier)
        before = self._gains()
        if self.attempt(STRANGER, self.vault, packed("vault", "collect(uint256)", nullifier), checks):
            token, recipient, paid = self.vaulted.collect(nullifier)
            self._paid(token, recipient, paid, before)

    def propose_release(self):
        sender, token = self.governor(), self.random.choice([TOKEN, COINS])
        units = self.random.randrange(1, self.vaulted.held[token] + 2)
        place = self.world.token if token == TOKEN else NATIVE
        to = f"0x{self.accounts[TREASURY].hex()}"
        data = packed("vault", "propose_release(address,address,uint256)", f"0x{place.hex()}", to, units)
        ready = self.now + RELEASE
        if self.attempt(sender, self.vault, data, [self.model.governs(sender)]):
            self.vaulted.release = token, units, ready
            self.announced = self.chain.block_time()

    def execute_release(self):
        sender = self.governor()
        if self.vaulted.release is not None and self.random.random() < 0.7:
            self.chain.set_time(max(self.chain.block_time(), self.vaulted.release[2] - 1))
        checks, before = self.vaulted.releasing(sender, self.now), self._gains()
        if self.attempt(sender, self.vault, packed("vault", "execute_release()"), checks):
            assert RELEASE <= self.chain.block_time() - self.announced <= 2 * RELEASE
            token, units = self.vaulted.execute_release()
            self._paid(token, TREASURY, units, before)

    def _paid(self, token, recipient, units, before):
        """What arrived is what was paid, and to nobody else."""
        after = self._gains()
        changed = {key: after[key] - before[key] for key in after if after[key] != before[key]}
        assert changed == ({(token, recipient): units} if units else {})
        self.got[token] += units

    def _gains(self):
        return {
            (token, who): self._held(token, who) for token in (TOKEN, COINS) for who in (TRADER, STRANGER, TREASURY)
        }

    def _agree(self):
        """The chain is what the model says, and all that came is in the vault or was paid."""
        vault, model = self.vaulted, self.model
        for token, place in ((TOKEN, self.world.token), (COINS, NATIVE)):
            held = self._token(self.vault) if token == TOKEN else self.world.balance(NATIVE, self.vault)
            assert held == vault.held[token] == self.minted[token] - self.got[token]
            assert self.chain.storage(self.vault, _entry(4, place)) == vault.owed[token]
            assert vault.owed[token] == sum(units for of, _, units in vault.debts.values() if of == token)
        words = [self.chain.storage(self.registry, slot) for slot in range(7)]
        assert words[:3] == [model.latest, model.root, model.time]
        assert words[4:] == [model.halted, *(reversed(model.rollback) if model.rollback else (0, 0))]
        assert self.chain.storage(self.vault, 0) == vault.paid_epoch
        some = self.random.sample(range(1, NULLIFIERS), 4)
        assert [bool(self.chain.storage(self.vault, _entry(2, n))) for n in some] == [n in vault.spent for n in some]

    def _worth(self, instrument):
        """An amount that takes about all that the vault holds."""
        token, multiplier, divisor = ASSETS[instrument]
        return self.vaulted.held[token] * divisor // multiplier

    def _held(self, token, who):
        return self._token(self.accounts[who]) if token == TOKEN else self._coins(who)

    def _coins(self, who):
        return self.world.balance(NATIVE, self.accounts[who])

    def _token(self, owner):
        return self.chain.storage(self.world.token, _entry(0, owner))


@cache
def _entry(slot, key):
    """The slot of a map's entry (docs/registry.md)."""
    word = key.to_bytes(WORD_BYTES, "big") if isinstance(key, int) else key.rjust(WORD_BYTES, b"\0")
    return int.from_bytes(keccak256(slot.to_bytes(WORD_BYTES, "big") + word), "big")


def _root(data):
    return int.from_bytes(data[152:184], "big")
