"""A small block circuit that looks prices up, unrolled: what keys and ceremonies of Mirage are tried on."""

from functools import cache

from zkstate.constraint import FELT, BlockBuilder, BlockStatement, compile_blocks, public, secret, solve_blocks, uint
from zkstate.constraint.unrolled import Unrolled
from zkstate.constraint.wire import bounded

BLOCKS = 3
ITEMS, PRICES = [4, 9, 7], [50, 3, 11]


class Shop(BlockStatement):
    """What was bought is worth what it says, at listed prices."""

    worth = public(uint(32))
    item, price = secret(FELT), secret(FELT)

    def define(self, c: BlockBuilder) -> None:
        c.lookup("prices", [self.item, self.price])
        c.provide("prices", [c.column("items", uint(8)), c.column("prices", uint(8))])
        total = bounded(c.previous("worth", uint(32)) + bounded(self.price, 0, 255), 0, 2**32 - 1)
        c.carry("worth", total)
        c.require_where(c.last, total, self.worth, "the sum is what it says")


@cache
def circuit() -> Unrolled:
    return Unrolled(compile_blocks(Shop()), BLOCKS)


def witness(bought=(9, 4, 9)):
    prices = dict(zip(ITEMS, PRICES, strict=True))
    paid = [prices[item] for item in bought]
    return solve_blocks(
        circuit().block,
        BLOCKS,
        public={"worth": sum(paid)},
        secret={"item": list(bought), "price": paid},
        columns={"items": ITEMS, "prices": PRICES},
    )
