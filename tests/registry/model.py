"""The rules of docs/registry.md once more, over plain values: what a registry and a vault refuse, and what they do.

`checks` of an act come in the contracts' order, each with the reason a contract gives; the first that fails is the one
it must name. An act that passes them changes the model by the method of the same name.
"""

from dataclasses import dataclass, field

from tests.registry.headers import VENUE

TOLERANCE = 900


@dataclass
class RegistryModel:
    """A StateRegistry. Accounts are numbers; times are of the block that an act comes in."""

    limit: int
    delay: int
    deployed: int = 0
    published: dict[int, bytes] = field(default_factory=dict)
    latest: int = 0
    root: int = 0
    time: int = 0
    halted: bool = False
    rollback: tuple[int, int] | None = None
    publisher: int = 1
    governance: int = 2
    pending: int | None = None

    def is_stale(self, now):
        return now - (self.time or self.deployed) > self.limit

    def is_down(self, now):
        return self.halted or self.is_stale(now)

    def governs(self, sender):
        return sender == self.governance, "sender is not the governance"

    def publishing(self, sender, now, epoch, time, previous, root, venue=VENUE):
        yield sender == self.publisher, "sender is not the publisher"
        yield not self.halted, "registry is halted"
        yield self.rollback is None, "a rollback is pending"
        yield venue == VENUE, "header is of another venue"
        if self.latest:
            yield epoch == self.latest + 1, "epoch does not follow the latest"
        else:
            yield epoch > 0, "epoch is zero"
        yield previous == self.root, "previous state root is not the latest"
        yield time > self.time, "time does not increase"
        yield time <= now + TOLERANCE, "time is in the future"
        yield root != 0, "state root is zero"

    def publish(self, data):
        self.latest, self.time, self.root = _number(data, 104, 8), _number(data, 112, 8), _number(data, 152, 32)
        self.published[self.latest] = data

    def halting(self, sender, on):
        yield self.governs(sender)
        yield self.halted != on, "registry is already halted" if on else "registry is not halted"

    def proposing_rollback(self, sender, epoch):
        yield self.governs(sender)
        yield self.rollback is None, "a rollback is pending"
        yield epoch < self.latest, "rollback epoch is not before the latest"
        yield epoch in self.published, "rollback epoch was not published"

    def cancelling_rollback(self, sender):
        yield self.governs(sender)
        yield self.rollback is not None, "no rollback is pending"

    def executing_rollback(self, sender, now, data):
        yield from self.cancelling_rollback(sender)
        epoch, ready = self.rollback
        yield now >= ready, "rollback delay has not passed"
        yield data == self.published[epoch], "header is not that of the rollback epoch"

    def execute_rollback(self, data):
        epoch, _ = self.rollback
        self.published = {e: h for e, h in self.published.items() if e <= epoch}
        self.rollback = None
        self.publish(data)


@dataclass
class VaultModel:
    """An ExitVault that pays `assets`: (token, multiplier, divisor) by instrument. Tokens are names."""

    registry: RegistryModel
    assets: dict[int, tuple[str, int, int]]
    suspension: int
    delay: int
    held: dict[str, int]
    owed: dict[str, int]
    paid_epoch: int = 0
    paid_header: bytes = b""
    spent: set[int] = field(default_factory=set)
    debts: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    release: tuple[str, int, int] | None = None

    def is_suspended(self, now):
        registry = self.registry
        return registry.rollback is not None and now <= registry.time + registry.limit + self.suspension

    def is_open(self, now):
        return self.registry.latest != 0 and self.registry.is_down(now) and not self.is_suspended(now)

    def claiming(self, now, instrument, amount, nullifier, expiry, is_true):
        """`is_true` says whether the proof is, of the latest root and of all that is claimed."""
        registry = self.registry
        yield expiry == 0 or now <= expiry, "proof has expired"
        yield registry.latest != 0, "registry has no epoch"
        yield registry.is_down(now), "registry is neither stale nor halted"
        yield not self.is_suspended(now), "a rollback is pending"
        same = registry.latest == self.paid_epoch and registry.published[registry.latest] == self.paid_header
        yield registry.latest > self.paid_epoch or same, "a later or other epoch was paid from"
        yield nullifier not in self.spent, "exit was paid before"
        yield instrument in self.assets, "instrument is not held here"
        yield is_true, "proof is false"
        yield self.units(instrument, amount) > 0, "amount is less than a unit of the token"

    def units(self, instrument, amount):
        _, multiplier, divisor = self.assets[instrument]
        return amount * multiplier // divisor

    def free(self, token):
        return max(0, self.held[token] - self.owed[token])

    def claim(self, instrument, amount, nullifier, recipient):
        """What is paid now; the rest is owed."""
        token = self.assets[instrument][0]
        units = self.units(instrument, amount)
        paid = min(units, self.free(token))
        self.spent.add(nullifier)
        self.paid_epoch = self.registry.latest
        self.paid_header = self.registry.published[self.registry.latest]
        self.held[token] -= paid
        if paid < units:
            self.debts[nullifier] = token, recipient, units - paid
            self.owed[token] += units - paid
        return paid

    def collecting(self, nullifier):
        yield nullifier in self.debts, "nothing is owed"
        yield self.held[self.debts[nullifier][0]] > 0, "vault holds nothing"

    def collect(self, nullifier):
        token, recipient, units = self.debts.pop(nullifier)
        paid = min(units, self.held[token])
        self.held[token] -= paid
        self.owed[token] -= paid
        if paid < units:
            self.debts[nullifier] = token, recipient, units - paid
        return token, recipient, paid

    def releasing(self, sender, now):
        registry = self.registry
        yield registry.governs(sender)
        yield self.release is not None, "no release is pending"
        token, units, ready = self.release
        yield now >= ready, "release delay has not passed"
        yield now - ready <= self.delay, "release was not carried out in time"
        yield not registry.is_down(now), "registry is stale or halted"
        yield registry.rollback is None, "a rollback is pending"
        yield units <= self.free(token), "vault does not hold as much"

    def execute_release(self):
        token, units, _ = self.release
        self.held[token] -= units
        self.release = None
        return token, units


def _number(data, at, length):
    return int.from_bytes(data[at : at + length], "big")
