"""A small venue in blocks: everything that a block circuit can say, for the tests of circuits and of proofs."""

import random
from dataclasses import dataclass

from circuits.gadgets.poseidon import poseidon as poseidon_rows
from zkstate.commitment.poseidon import poseidon
from zkstate.constraint import FELT, BlockBuilder, BlockStatement, compile_blocks, public, secret, solve_blocks, uint
from zkstate.constraint.wire import bounded

TAG = 77
RANGE_BITS = 6
ASSETS = 5
LEAST_LOG_BLOCKS = 3  # the table of assets has to fit


@dataclass(frozen=True)
class Venue(BlockStatement):
    """Accounts with rising ids and one balance each, under a root; what they are worth in sum, and owed per asset."""

    log_blocks: int

    worth = public(uint(64))
    root = public(FELT)
    id = secret(uint(16))
    asset = secret(FELT)
    low, high = secret(FELT), secret(FELT)
    price = secret(FELT)

    def define(self, c: BlockBuilder) -> None:
        before = c.previous("id", uint(16))
        c.require(self.id > before, "ids rise")
        c.carry("id", self.id)

        c.provide_range(RANGE_BITS, self.log_blocks)
        low, high = c.ranged(self.low, RANGE_BITS), c.ranged(self.high, RANGE_BITS)
        balance = low + 2**RANGE_BITS * high

        c.lookup("prices", [self.asset, self.price])
        price = bounded(self.price, 0, 2**20 - 1)  # as every price that is provided
        c.provide("prices", [c.column("assets", uint(8)), c.column("prices", uint(20))])

        sums = c.previous("worth", uint(64))
        total = bounded(sums + balance * price, 0, 2**64 - 1)
        c.carry("worth", total)
        c.require_where(c.last, total, self.worth, "the venue is worth what it says")
        c.require_where(c.first, sums, 0, "the sum begins at zero")

        c.lookup("owed", [self.asset], balance)
        c.provide("owed", [c.column("assets", uint(8))], c.column("owed", uint(64)))

        left, right = c.children("tree", FELT)
        leaf = poseidon_rows(c, TAG, [self.id, self.asset, balance])
        node = poseidon_rows(c, TAG, [left, right])
        c.parent("tree", node=node, leaf=leaf)
        c.require_where(c.root, node, self.root, "the root is that of all accounts")


def inputs(log_blocks: int, seed: object = 0) -> dict:
    """Good inputs of 2^log_blocks accounts, worked out in integers and hashes."""
    rng, n = random.Random(f"venue {log_blocks} {seed}"), 1 << log_blocks
    assets = rng.sample(range(1, 256), ASSETS)
    prices = [rng.randrange(1 << 20) for _ in assets]
    ids = sorted(rng.sample(range(1, 1 << 16), n))
    held = [rng.randrange(ASSETS) for _ in range(n)]
    balances = [rng.choice([0, 1, rng.randrange(1 << 2 * RANGE_BITS), (1 << 2 * RANGE_BITS) - 1]) for _ in range(n)]
    level = [poseidon(TAG, [i, assets[a], x]) for i, a, x in zip(ids, held, balances, strict=True)]
    while len(level) > 1:
        level = [poseidon(TAG, level[i : i + 2]) for i in range(0, len(level), 2)]
    owed = [sum(x for x, a in zip(balances, held, strict=True) if a == i) for i in range(ASSETS)]
    return {
        "public": {"worth": sum(x * prices[a] for x, a in zip(balances, held, strict=True)), "root": level[0]},
        "secret": {
            "id": ids,
            "asset": [assets[a] for a in held],
            "low": [x % (1 << RANGE_BITS) for x in balances],
            "high": [x >> RANGE_BITS for x in balances],
            "price": [prices[a] for a in held],
        },
        # Behind the last asset nothing more is owed: its row is repeated, and its total is not.
        "columns": {"assets": assets, "prices": prices, "owed": [*owed, 0]},
    }


def circuit(log_blocks: int):
    return compile_blocks(Venue(log_blocks))


def solved(block, log_blocks: int, seed: object = 0, **changed):
    """The witness of good inputs, or of those with some secrets, columns or public inputs replaced."""
    given = inputs(log_blocks, seed)
    for name, value in changed.items():
        next(values for values in given.values() if name in values)[name] = value
    return solve_blocks(block, 1 << log_blocks, **given)
