"""The registry as nodes show it, believed only as far as proofs and agreement carry.

Every word is proved by eth_getProof against the state root of one block, and that block's hash is recomputed from
its header. What no proof shows is that the block is on the chain: for that a reader follows a light client to a
finalized block, pins its hash, or asks several nodes. The word of one node alone is reported as just that.
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
from zkstate.registry.rpc import TIMEOUT_S, JsonRpc, read_data, read_quantity

from .execution.header import BlockHeader
from .execution.proof import ProvedState, proof_nodes, verify_answer
from .finality import Finalized
from .nodes import Node, NodeReport, Panel

MAX_HEAD_AGE_S = 3600.0

T = TypeVar("T")
Asked = Node[JsonRpc]

STATE_SLOTS = (
    slots.LATEST_EPOCH,
    slots.LATEST_STATE_ROOT,
    slots.LATEST_TIME,
    slots.HALTED,
    slots.ROLLBACK_READY_AT,
    slots.ROLLBACK_EPOCH,
)


def evidence_slots(epoch: int, header_hash: bytes) -> tuple[int, ...]:
    """What shows an epoch to others: the registry's state, its word of the header, its word of the header's blobs."""
    return (*STATE_SLOTS, slots.header_hash_slot(epoch), slots.blobs_slot(header_hash))


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

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should know beside the newest epoch."""
        words = []
        if self.terms is None:
            words.append(f"the contract's code, hash 0x{self.code_hash.hex()}, is not this version's StateRegistry")
        if self.halted:
            words.append("governance has halted the registry")
        if self.rollback is not None:
            epoch, ready_at = self.rollback
            words.append(f"governance may roll back to epoch {epoch} from {ready_at} on")
        return tuple(words)


@dataclass(frozen=True, slots=True)
class RegistryProofs:
    """The nodes from a state root to the registry's account and on to STATE_SLOTS and an epoch's slot; its code."""

    account: tuple[bytes, ...]
    storage: tuple[tuple[bytes, ...], ...]
    code: bytes


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
        finalized: Finalized | None = None,
        depth: int = 0,
        max_head_age_s: float | None = MAX_HEAD_AGE_S,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`block_hash` pins the block, or `finalized` names it; otherwise it is the newest that all have, less `depth`.

        `timeout_s` bounds all requests of one question to one node together. An age of None is any age.
        """
        if block_hash is not None and len(block_hash) != WORD_BYTES:
            raise InputError(f"a block hash has {WORD_BYTES} bytes, not {len(block_hash)}")
        if finalized is not None:
            if block_hash is not None:
                raise InputError("the block is either pinned or the finalized one")
            if chain_id not in (None, finalized.chain.chain_id):
                raise InputError(f"chain id {chain_id}, and {finalized.chain.name} has {finalized.chain.chain_id}")
            chain_id = finalized.chain.chain_id
        self._finalized = finalized
        self._panel = Panel([JsonRpc(url, timeout_s) for url in urls], timeout_s)
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
            word = self._word(slots.header_hash_slot(epoch))
        if word == 0:
            where = f"registry {address_text(self._registry)} at block {state.block.number}"
            raise MissingError(f"{where} has no epoch {epoch}" if epoch else f"{where} has no epochs yet")
        return word.to_bytes(WORD_BYTES, "big")

    def proofs(self, epoch: int, header_hash: bytes) -> RegistryProofs:
        """What shows an epoch's words and the registry's state to whoever believes the block."""
        state, _ = self._settle()
        wanted = evidence_slots(epoch, header_hash)

        def question(node: Asked) -> RegistryProofs:
            answer = self._answer(node, state.block, wanted)
            proved = verify_answer(state.block.state_root, self._registry, wanted, answer)
            code = self._code(node, state.block)
            registry_state(state.chain_id, state.block, self._registry, proved, code)  # refuses code of another hash
            return RegistryProofs(*proof_nodes(answer), code)

        return self._panel.ask(question)[0][1]

    def blobs_root(self, header_hash: bytes) -> bytes | None:
        """What the registry holds, at the block, of the blobs that a header came with; None if there were none."""
        word = self._word(slots.blobs_slot(header_hash))
        return word.to_bytes(WORD_BYTES, "big") if word else None

    def _word(self, slot: int) -> int:
        """One word of the registry's storage at the block, proved."""
        block = self._settle()[0].block
        return self._panel.ask(lambda node: self._proved(node, block, (slot,)))[0][1].words[slot]

    def _settle(self) -> tuple[RegistryState, Trust]:
        if self._settled is None:
            chain_id = self._one("chain id", self._panel.ask(self._chain))
            if self._finalized is not None:
                block = self._finalized.block
            elif self._pinned is not None:
                block = self._panel.ask(self._pinned_block)[0][1]
            else:
                block = self._shared_block()
            # Two proved states of one block are the same state.
            states = self._panel.ask(lambda node: self._read_state(node, chain_id, block))
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

    def _one(self, what: str, answers: Sequence[tuple[Asked, T]]) -> T:
        """The answer that all nodes give. Two well-formed ones that differ cannot be told apart here."""
        first_node, first = answers[0]
        for node, answer in answers[1:]:
            if answer != first:
                raise DisagreementError(
                    f"{first_node.name} and {node.name} are on different chains: {what} {_named(first)} "
                    f"against {_named(answer)}"
                )
        return first

    def _chain(self, node: Asked) -> int:
        chain_id = read_quantity(_call(node, "eth_chainId"), "chain id", 1 << 64)
        if self._chain_id not in (None, chain_id):
            raise DisagreementError(f"chain id {chain_id}, and {self._chain_id} is expected")
        return chain_id

    def _head(self, node: Asked) -> BlockHeader:
        head = BlockHeader.from_json(_call(node, "eth_getBlockByNumber", "latest", False))
        self._check_age(head, f"its newest block {head.number}")
        return head

    def _pinned_block(self, node: Asked) -> BlockHeader:
        assert self._pinned is not None
        pinned = f"0x{self._pinned.hex()}"
        answer = _call(node, "eth_getBlockByHash", pinned, False)
        if answer is None:
            raise MissingError(f"it has no block {pinned}")
        block = BlockHeader.from_json(answer)
        if block.hash != self._pinned:
            raise DisagreementError(f"block 0x{block.hash.hex()}, and {pinned} was asked for")
        return block

    def _answer(self, node: Asked, block: BlockHeader, wanted: tuple[int, ...]) -> object:
        keys = [f"0x{slot:064x}" for slot in wanted]
        return _call(node, "eth_getProof", address_text(self._registry), keys, hex(block.number))

    def _proved(self, node: Asked, block: BlockHeader, wanted: tuple[int, ...]) -> ProvedState:
        return verify_answer(block.state_root, self._registry, wanted, self._answer(node, block, wanted))

    def _read_state(self, node: Asked, chain_id: int, block: BlockHeader) -> RegistryState:
        proved = self._proved(node, block, STATE_SLOTS)
        return registry_state(chain_id, block, self._registry, proved, self._code(node, block))

    def _code(self, node: Asked, block: BlockHeader) -> bytes:
        return read_data(_call(node, "eth_getCode", address_text(self._registry), hex(block.number)), "code")

    def _trust(self, state: RegistryState, names: Sequence[str]) -> Trust:
        """The level, and all that a reader should know about how it came about."""
        block = f"block {state.block.number}, hash 0x{state.block.hash.hex()}, of chain {state.chain_id}"
        several = len(set(map(_server, names))) > 1
        if self._finalized is not None:
            level, text = "a", f"{self._finalized}; proved against {block}"
        elif self._pinned is not None:
            level, text = "c", f"proved against the block the reader pinned: {block}"
        elif several:
            level, text = "b", f"{' and '.join(dict.fromkeys(names))} agree, each with proofs against {block}"
        else:
            level = "d"
            text = f"proved against {block}, which {names[0]} alone vouches for: one node can invent a chain"
        remarks = [f"left out: {report.fault}" for report in self.reports() if report.fault]
        text = "; ".join([text, *remarks, *state.remarks])
        finality = None if self._finalized is None else self._finalized.finality
        return Trust(level, text, state.block.number, state.block.hash, finality, state.block.timestamp)


def registry_state(
    chain_id: int, block: BlockHeader, registry: bytes, proved: ProvedState, code: bytes
) -> RegistryState:
    """The registry's state from its proved words and its code.

    Errors: MissingError if there is no contract; DisagreementError for code with another hash than the account's.
    """
    if proved.account is None:
        raise MissingError(f"there is no contract {address_text(registry)} at block {block.number}")
    word = proved.words
    ready_at = word[slots.ROLLBACK_READY_AT]
    return RegistryState(
        chain_id,
        block,
        proved.account.code_hash,
        _terms(code, proved.account.code_hash),
        word[slots.LATEST_EPOCH],
        word[slots.LATEST_STATE_ROOT],
        word[slots.LATEST_TIME],
        bool(word[slots.HALTED]),
        (word[slots.ROLLBACK_EPOCH], ready_at) if ready_at else None,
    )


def _call(node: Asked, method: str, *params: object) -> object:
    return node.source.call(method, params, node.deadline)


def _block_at(node: Asked, number: int, heads: Mapping[int, BlockHeader]) -> BlockHeader:
    block = BlockHeader.from_json(_call(node, "eth_getBlockByNumber", hex(number), False))
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
