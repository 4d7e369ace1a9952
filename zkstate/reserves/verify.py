"""What a file of reserves proves: which addresses count, what they hold at the block, and why others do not count.

Every balance is proved by nodes of the state trie under the block's state root, and every address by its own signature.
The block itself is believed as the caller says. A contract's address does not count: EIP-1271 is an answer of code, and
no Merkle proof shows what code answers. A key whose account delegates to code (EIP-7702) signs for itself and counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lightclient.execution.account import EMPTY_CODE_HASH, Account
from lightclient.execution.header import BlockHeader
from lightclient.execution.proof import verify_answer
from zkstate.errors import DisagreementError, InputError
from zkstate.kernels import keccak256
from zkstate.publication.header import Header
from zkstate.reserves.control import Control
from zkstate.reserves.document import Reserves
from zkstate.reserves.tokens import Token, Tokens

MAX_GAP_S = 86_400
MOST_AMOUNT = 1 << 128  # of no token that counts; some contracts keep flags above, as USDC one in bit 255
_DELEGATION = bytes.fromhex("ef0100")  # EIP-7702: the code of an account whose key lets other code act for it
DELEGATED_TO = "delegatedTo"


@dataclass(frozen=True, slots=True)
class Held:
    """What one address holds of one asset, in whole units."""

    chain_id: int
    address: str
    symbol: str
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Proved:
    """What one file shows. `reasons` name what is wrong; what it is wrong with is not among `held`."""

    chain_id: int
    block: BlockHeader
    tokens: Tokens
    held: tuple[Held, ...]
    reasons: tuple[str, ...]
    unpinned: tuple[str, ...]

    def totals(self) -> dict[str, Fraction]:
        """The sum of each asset."""
        return add_up(self.held)


def add_up(held: Sequence[Held]) -> dict[str, Fraction]:
    """The sum of each asset."""
    totals: dict[str, Fraction] = {}
    for each in held:
        totals[each.symbol] = totals.get(each.symbol, Fraction(0)) + each.amount
    return totals


def verify_reserves(
    found: Reserves, header: Header, pinned: Mapping[int, Tokens], max_gap_s: int = MAX_GAP_S
) -> Proved:
    """Judge a file against a header that is believed; `pinned` are the tokens that the reader vouches for, by chain:
    with any, another chain counts for nothing, as does all of a file of another header or too far a block.

    Errors: InputError for a block that is none. Everything else that is wrong is a reason.
    """
    block, chain_id = BlockHeader.decode(bytes.fromhex(found.block)), found.tokens.chain_id
    reasons: list[str] = []
    if found.header_hash != header.hash.hex():
        reasons.append(f"the reserves are for header {found.header_hash}, not for {header.hash.hex()}")
    gap = abs(block.timestamp - header.time)
    if gap > max_gap_s:
        reasons.append(
            f"block {block.number} of chain {chain_id} is of time {block.timestamp}, {gap} s from the epoch's "
            f"{header.time}, and at most {max_gap_s} s are accepted"
        )
    if pinned and chain_id not in pinned:
        reasons.append(f"chain {chain_id} is in no list of tokens given")
    unpinned = _unpinned(found.tokens, pinned)
    if reasons:
        return Proved(chain_id, block, found.tokens, (), tuple(reasons), unpinned)
    taken, refusals = _taken_tokens(found.tokens, pinned.get(chain_id))
    reasons += refusals
    counted = _counted(found, header, block, reasons)
    held: list[Held] = []
    coin = found.tokens.native
    if coin is not None and coin not in refusals_of(found.tokens, pinned.get(chain_id)):
        held += [
            Held(chain_id, control.address, coin.symbol, Fraction(account.balance, 10**coin.decimals))
            for control, account in counted.values()
        ]
    for token, answer in zip(found.tokens.tokens, found.holdings, strict=True):
        if token in taken:
            held += _token_balances(token, answer, found, block, counted, reasons)
    return Proved(chain_id, block, found.tokens, tuple(held), tuple(reasons), unpinned)


def refusals_of(stated: Tokens, pinned: Tokens | None) -> tuple[object, ...]:
    """What a venue states of coin and tokens, and its reader's list does not have so."""
    if pinned is None:
        return ()
    coin = () if stated.native in (None, pinned.native) else (stated.native,)
    return (*coin, *(token for token in stated.tokens if token not in pinned.tokens))


def _taken_tokens(stated: Tokens, pinned: Tokens | None) -> tuple[set[Token], list[str]]:
    refused = refusals_of(stated, pinned)
    reasons = [f"chain {stated.chain_id}: {each} is not in the list of tokens given" for each in refused]
    return {token for token in stated.tokens if token not in refused}, reasons


def _unpinned(stated: Tokens, pinned: Mapping[int, Tokens]) -> tuple[str, ...]:
    if stated.chain_id in pinned:
        return ()
    chain, coin, trusted = stated.chain_id, stated.native, "the venue's word; give --tokens"
    native = [] if coin is None else [f"that the coin of chain {chain} is {coin.symbol}, of {coin.decimals} decimals"]
    tokens = [
        f"that {token.address} of chain {chain} is {token.symbol}, of {token.decimals} decimals, and keeps balances in "
        f"mapping {token.slot} ({token.layout})"
        for token in stated.tokens
    ]
    return tuple(f"{words}: {trusted}" for words in (*native, *tokens))


def _counted(
    found: Reserves, header: Header, block: BlockHeader, reasons: list[str]
) -> dict[int, tuple[Control, Account]]:
    """The addresses that count, by their place, each with its account; why the others do not goes to `reasons`."""
    chain_id, counted = found.tokens.chain_id, {}
    seen: set[str] = set()
    for place, (control, answer) in enumerate(zip(found.controls, found.accounts, strict=True)):
        if control.address in seen:
            reasons.append(f"{control.address}: claimed twice on chain {chain_id}")
            continue
        seen.add(control.address)
        address = bytes.fromhex(control.address[2:])
        try:
            account = verify_answer(block.state_root, address, (), answer).account
        except (InputError, DisagreementError) as error:
            reasons.append(f"{control.address}: {error}")
            continue
        if account is None:
            reasons.append(f"{control.address}: proved absent at block {block.number}: it holds nothing")
        elif account.code_hash != EMPTY_CODE_HASH and not _delegates(answer, account):
            reasons.append(
                f"{control.address}: a contract: who controls it is what its code answers (EIP-1271), which no "
                "proof of state shows"
            )
        elif (objection := control.objection(header, chain_id, block.timestamp)) is not None:
            reasons.append(objection)
        else:
            counted[place] = control, account
    return counted


def _delegates(answer: Mapping[str, object], account: Account) -> bool:
    """Whether the account's code is a delegation to the address that the answer names beside it (EIP-7702)."""
    to = answer.get(DELEGATED_TO)
    if not isinstance(to, str) or len(to) != 42 or not set(to[2:]) <= set("0123456789abcdef"):
        return False
    return keccak256(_DELEGATION + bytes.fromhex(to[2:])) == account.code_hash


def _token_balances(
    token: Token, answer: Mapping[str, object], found: Reserves, block: BlockHeader,
    counted: Mapping[int, tuple[Control, Account]], reasons: list[str],
) -> list[Held]:  # fmt: skip
    chain_id = found.tokens.chain_id
    slots = [token.balance_slot(bytes.fromhex(control.address[2:])) for control in found.controls]
    try:
        proved = verify_answer(block.state_root, bytes.fromhex(token.address[2:]), slots, answer)
    except (InputError, DisagreementError) as error:
        reasons.append(f"{token.symbol}, {token.address}: {error}")
        return []
    if proved.account is None or proved.account.code_hash == EMPTY_CODE_HASH:
        reasons.append(f"{token.symbol}: there is no contract {token.address} at block {block.number}")
        return []
    held = []
    words = [(control, proved.words[slots[place]]) for place, (control, _) in counted.items()]
    for control, amount in words:
        if amount >= MOST_AMOUNT:
            reasons.append(
                f"{control.address}: {token.symbol}, {token.address}: the word stored is {amount:#x}, which is no "
                "balance alone: contracts keep flags there, as that an address is blocked"
            )
        elif amount:
            held.append(Held(chain_id, control.address, token.symbol, Fraction(amount, 10**token.decimals)))
    if not any(amount for _, amount in words):
        reasons.append(
            f"{token.symbol}, {token.address}: proved absent for every address: nothing is stored under mapping "
            f"{token.slot} ({token.layout})"
        )
    return held
