"""The registry as nodes show it, believed only as far as proofs and agreement carry.

Every word is proved by eth_getProof against the state root of one block, and that block's hash is recomputed from
its header. What no proof shows is that the block is on the chain: for that a reader pins its hash, or asks
several nodes. The word of one node alone is reported as just that.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from zkstate.errors import DisagreementError, InputError, MissingError, StaleError
from zkstate.kernels import keccak256
from zkstate.publication.trust import Trust
from zkstate.registry import slots
from zkstate.registry.artefacts import artefact
from zkstate.registry.chain import WORD_BYTES, address_text, checked_address
from zkstate.registry.rpc import TIMEOUT_S, read_data, read_quantity

from .execution.header import BlockHeader
from .execution.proof import ProvedState, verify_answer
from .nodes import Node, NodeReport, Panel

MAX_HEAD_AGE_S = 3600.0

T = TypeVar("T")

_STATE_SLOTS = (
    slots.LATEST_EPOCH,
    slots.LATEST_STATE_ROOT,
    slots.LATEST_TIME,
    slots.HALTED,
    slots.ROLLBACK_READY_AT,
    slots.ROLLBACK_EPOCH,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a StateRegistry was created with, as its code holds it. `venue` as in docs/spec.md, section 5."""

    venue: int
    staleness_limit_s: int
    rollback_delay_s: int
    deployed_at: int


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The registry at one block, proved. `terms` is None if its code is not the one of this version."""

    chain_id: int
    block: BlockHeader
    code_hash: bytes
    terms: Terms | None
    latest_epoch: int
    latest_state_root: int
    latest_time: int
    halted: bool
    rollback: tuple[int, int] | None  # the epoch to go back to, and from when on


class RegistryReader:
    """A TrustRoot over one or more nodes. All answers are as of the block that the first question settles on.

    Errors: SourceError if no node delivers; StaleError if all are behind; DisagreementError if nodes contradict
    each other, or all that answered lied; MissingError for an epoch or a contract that is not there. Each names
    the nodes. A node that fails its checks is left out, and `reports` says why.
    """

    def __init__(
        self,
        urls: Sequence[str],
        registry: bytes,
        *,
        chain_id: int | None = None,
        block_hash: bytes | None = None,
        depth: int = 0,
        max_head_age_s: float | None = MAX_HEAD_AGE_S,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`block_hash` pins the block; otherwise it is the newest that all nodes have, less `depth`.

        `timeout_s` bounds all requests of one question to one node together. An age of None is any age.
        """
        if block_hash is not None and len(block_hash) != WORD_BYTES:
            raise InputError(f"a block hash has {WORD_BYTES} bytes, not {len(block_hash)}")
        self._panel = Panel(urls, timeout_s)
        self._registry = checked_address(registry)
        self._chain_id, self._pinned, self._depth = chain_id, block_hash, depth
        self._max_head_age_s, self._now = max_head_age_s, now
        self._settled: tuple[RegistryState, Trust] | None = None

    def reports(self) -> tuple[NodeReport, ...]:
        """The conduct of every node so far, in the order given."""
        return self._panel.reports()

    def state(self) -> RegistryState:
        """The registry's own state at the block."""
        return self._settle()[0]

    def latest_epoch(self) -> tuple[int, bytes, Trust]:
        """The newest epoch, its header hash, and why that is believed."""
        state, trust = self._settle()
        return state.latest_epoch, self.epoch_hash(state.latest_epoch), trust

    def epoch_hash(self, epoch: int) -> bytes:
        """The header hash of an epoch that the registry has at the block."""
        state, _ = self._settle()
        word = 0
        if 0 < epoch <= state.latest_epoch:
            slot = slots.header_hash_slot(epoch)
            word = self._panel.ask(lambda node: self._proved(node, state.block, (slot,)))[0][1].words[slot]
        if word == 0:
            where = f"registry {address_text(self._registry)} at block {state.block.number}"
            raise MissingError(f"{where} has no epoch {epoch}" if epoch else f"{where} has no epochs yet")
        return word.to_bytes(WORD_BYTES, "big")

    def _settle(self) -> tuple[RegistryState, Trust]:
        if self._settled is None:
            chain_id = self._one("chain id", self._panel.ask(self._chain))
            pinned = self._pinned is not None
            block = self._panel.ask(self._pinned_block)[0][1] if pinned else self._shared_block()
            # Two proved states of one block are the same state.
            states = self._panel.ask(lambda node: self._state(node, chain_id, block))
            self._settled = states[0][1], self._trust(states[0][1], [node.name for node, _ in states])
        return self._settled

    def _shared_block(self) -> BlockHeader:
        """The newest block that all nodes have, less `depth`; a node that takes back its head is left out."""
        heads = {node.index: head for node, head in self._panel.ask(self._head)}
        while True:
            number = max(min(head.number for head in heads.values()) - self._depth, 0)
            blocks = self._panel.ask(functools.partial(_block_at, number=number, heads=heads))
            if len(blocks) == len(heads):
                break
            heads = {node.index: heads[node.index] for node, _ in blocks}
        block = self._one("block", blocks)
        names = " and ".join(dict.fromkeys(node.name for node, _ in blocks))
        self._check_age(block, f"block {block.number}, the newest to read at {names},")
        return block

    def _check_age(self, block: BlockHeader, what: str) -> None:
        age = self._now() - block.timestamp
        if self._max_head_age_s is not None and age > self._max_head_age_s:
            raise StaleError(f"{what} is {age:.0f} s old, more than {self._max_head_age_s:g} s")

    def _one(self, what: str, answers: Sequence[tuple[Node, T]]) -> T:
        """The answer that all nodes give. Two well-formed ones that differ cannot be told apart here."""
        first_node, first = answers[0]
        for node, answer in answers[1:]:
            if answer != first:
                raise DisagreementError(
                    f"{first_node.name} and {node.name} are on different chains: {what} {_named(first)} "
                    f"against {_named(answer)}"
                )
        return first

    def _chain(self, node: Node) -> int:
        chain_id = read_quantity(node.call("eth_chainId", []), "chain id", 1 << 64)
        if self._chain_id not in (None, chain_id):
            raise DisagreementError(f"chain id {chain_id}, and {self._chain_id} is expected")
        return chain_id

    def _head(self, node: Node) -> BlockHeader:
        head = BlockHeader.from_json(node.call("eth_getBlockByNumber", ["latest", False]))
        self._check_age(head, f"its newest block {head.number}")
        return head

    def _pinned_block(self, node: Node) -> BlockHeader:
        assert self._pinned is not None
        pinned = f"0x{self._pinned.hex()}"
        answer = node.call("eth_getBlockByHash", [pinned, False])
        if answer is None:
            raise MissingError(f"it has no block {pinned}")
        block = BlockHeader.from_json(answer)
        if block.hash != self._pinned:
            raise DisagreementError(f"block 0x{block.hash.hex()}, and {pinned} was asked for")
        return block

    def _proved(self, node: Node, block: BlockHeader, wanted: tuple[int, ...]) -> ProvedState:
        keys = [f"0x{slot:064x}" for slot in wanted]
        answer = node.call("eth_getProof", [address_text(self._registry), keys, hex(block.number)])
        return verify_answer(block.state_root, self._registry, wanted, answer)

    def _state(self, node: Node, chain_id: int, block: BlockHeader) -> RegistryState:
        proved = self._proved(node, block, _STATE_SLOTS)
        if proved.account is None:
            raise MissingError(f"there is no contract {address_text(self._registry)} at block {block.number}")
        code = node.call("eth_getCode", [address_text(self._registry), hex(block.number)])
        word = proved.words
        ready_at = word[slots.ROLLBACK_READY_AT]
        return RegistryState(
            chain_id,
            block,
            proved.account.code_hash,
            _terms(read_data(code, "code"), proved.account.code_hash),
            word[slots.LATEST_EPOCH],
            word[slots.LATEST_STATE_ROOT],
            word[slots.LATEST_TIME],
            bool(word[slots.HALTED]),
            (word[slots.ROLLBACK_EPOCH], ready_at) if ready_at else None,
        )

    def _trust(self, state: RegistryState, names: Sequence[str]) -> Trust:
        """The level, and all that a reader should know about how it came about."""
        block = f"block {state.block.number}, hash 0x{state.block.hash.hex()}, of chain {state.chain_id}"
        several = len(set(map(_server, names))) > 1
        if self._pinned is not None:
            level, text = "c", f"proved against the block the reader pinned: {block}"
        elif several:
            level, text = "b", f"{' and '.join(dict.fromkeys(names))} agree, each with proofs against {block}"
        else:
            level = "d"
            text = f"proved against {block}, which {names[0]} alone vouches for: one node can invent a chain"
        remarks = [f"left out: {report.fault}" for report in self.reports() if report.fault]
        if state.terms is None:
            remarks.append(f"the contract's code, hash 0x{state.code_hash.hex()}, is not this version's StateRegistry")
        if state.halted:
            remarks.append("governance has halted the registry")
        if state.rollback is not None:
            epoch, ready_at = state.rollback
            remarks.append(f"governance may roll back to epoch {epoch} from {ready_at} on")
        return Trust(level, "; ".join([text, *remarks]), state.block.number, state.block.hash)


def _block_at(node: Node, number: int, heads: Mapping[int, BlockHeader]) -> BlockHeader:
    block = BlockHeader.from_json(node.call("eth_getBlockByNumber", [hex(number), False]))
    if block.number != number:
        raise DisagreementError(f"block {block.number}, and {number} was asked for")
    head = heads[node.index]
    if head.number == number and head.hash != block.hash:
        raise DisagreementError(
            f"its newest block {number} was 0x{head.hash.hex()} a moment ago and is 0x{block.hash.hex()}"
        )
    return block


def _server(name: str) -> tuple[str, int | None]:
    """The server behind an origin, however it is spelled: its case, a final dot, the scheme, the usual port."""
    parts = urlsplit(name)
    return (parts.hostname or "").rstrip("."), None if parts.port in {80, 443} else parts.port


def _named(answer: object) -> str:
    return f"{answer.number} 0x{answer.hash.hex()}" if isinstance(answer, BlockHeader) else str(answer)


def _terms(code: bytes, code_hash: bytes) -> Terms | None:
    """The immutables behind the code of StateRegistry, or None for any other code."""
    digest = keccak256(code)
    if digest != code_hash:
        raise DisagreementError(f"code with hash 0x{digest.hex()}; the account has 0x{code_hash.hex()}")
    contract = artefact("StateRegistry")
    runtime, length = contract.runtime, WORD_BYTES * len(contract.immutables)
    if len(code) != len(runtime) + length or not code.startswith(runtime):
        return None

    def immutable(name: str) -> int:
        at = len(runtime) + contract.immutables[name]
        return int.from_bytes(code[at : at + WORD_BYTES], "big")

    return Terms(
        immutable("VENUE"), immutable("STALENESS_LIMIT"), immutable("ROLLBACK_DELAY"), immutable("DEPLOYED_AT")
    )
