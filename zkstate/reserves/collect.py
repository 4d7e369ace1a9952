"""Making a file of reserves: answers of one node at one block, each verified as its readers will."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lightclient.execution.header import BlockHeader, encode_block
from lightclient.nodes import Node, Panel
from zkstate.errors import DisagreementError, InputError, MissingError
from zkstate.publication.header import Header
from zkstate.publication.trust import Trust
from zkstate.registry.rpc import TIMEOUT_S, JsonRpc, RpcError, read_data, read_quantity
from zkstate.reserves.control import Control
from zkstate.reserves.document import Reserves
from zkstate.reserves.tokens import Tokens
from zkstate.reserves.verify import DELEGATED_TO

FINALIZED = "finalized"
_DELEGATION = "0xef0100"


def collect(
    url: str, header: Header, tokens: Tokens, controls: Sequence[Control], block_hash: bytes | None, timeout_s: float
) -> Reserves:
    """The reserves at a block, the newest that the node calls finalized unless its hash is given.

    Nothing is judged but that the node answers: `verify_reserves` does that. Errors: SourceError; MissingError for a
    node without that block; EncodingError for an answer that is malformed; DisagreementError for a node on another
    chain, or with another block for that hash.
    """
    node = JsonRpc(url, timeout_s)
    if (chain := read_quantity(node.call("eth_chainId", ()), "chain id", 1 << 64)) != tokens.chain_id:
        raise DisagreementError(f"{node.name} is on chain {chain}, and the tokens are of chain {tokens.chain_id}")
    encoded = encode_block(_block(node, block_hash))
    block = BlockHeader.decode(encoded)
    if block_hash is not None and block.hash != block_hash:
        raise DisagreementError(f"{node.name}: asked for block 0x{block_hash.hex()}, it gave 0x{block.hash.hex()}")
    at = hex(block.number)
    accounts = []
    for control in controls:
        found = _object(node.call("eth_getProof", (control.address, [], at)))
        code = read_data(node.call("eth_getCode", (control.address, at)), "code")
        to = f"0x{code.hex()}".removeprefix(_DELEGATION)
        accounts.append(found | ({DELEGATED_TO: f"0x{to}"} if len(to) == 40 else {}))
    holdings = []
    for token in tokens.tokens:
        slots = [f"0x{token.balance_slot(bytes.fromhex(control.address[2:])):064x}" for control in controls]
        holdings.append(_object(node.call("eth_getProof", (token.address, slots, at))))
    return Reserves(
        "zkstate reserves",
        1,
        header.hash.hex(),
        tokens,
        encoded.hex(),
        tuple(controls),
        tuple(accounts),
        tuple(holdings),
    )


def _block(node: JsonRpc, block_hash: bytes | None) -> object:
    """The block of that hash, or the newest that the node calls finalized."""
    if block_hash is not None:
        answer = node.call("eth_getBlockByHash", (f"0x{block_hash.hex()}", False))
        if answer is None:
            raise MissingError(f"{node.name} has no block 0x{block_hash.hex()}")
        return answer
    try:
        answer, why = node.call("eth_getBlockByNumber", (FINALIZED, False)), ""
    except RpcError as error:  # of a node that knows no such name, or that sees its chain begin
        answer, why = None, f" (error {error.code}: {error.reason})"
    if answer is None:
        raise MissingError(f"{node.name} has no {FINALIZED} block{why}: name one by its hash")
    return answer


def block_trust(
    urls: Sequence[str], chain_id: int, block: BlockHeader, timeout_s: float = TIMEOUT_S
) -> tuple[Trust, str | None]:
    """How far nodes vouch for a block: level b if several servers have it in their chain, d if one does. And which one
    has another block there, if any: then nothing at it is to count, however many have this one.

    Errors: DisagreementError if nodes have blocks there, and none has this one; as `Panel.ask`, if none answers.
    """
    panel = Panel([JsonRpc(url, timeout_s) for url in urls], timeout_s)
    found = panel.ask(partial(_there, chain_id=chain_id, number=block.number))
    others = [
        f"{node.name}: its block {block.number} is 0x{there.hash.hex()}, not 0x{block.hash.hex()}"
        for node, there in found
        if there.hash != block.hash
    ]
    names = [node.name for node, there in found if there.hash == block.hash]
    if not names:
        raise DisagreementError("; ".join(others))
    what = f"block {block.number}, hash 0x{block.hash.hex()}, of chain {chain_id}"
    left_out = "".join(f"; left out: {report.fault}" for report in panel.reports() if report.fault)
    several = len(set(names)) > 1
    words = f"{' and '.join(dict.fromkeys(names))} {'have' if several else 'alone has'} {what}{left_out}"
    trust = Trust("b" if several else "d", words, block.number, block.hash, block_time=block.timestamp)
    return trust, "; ".join(others) or None


def _there(node: Node[JsonRpc], chain_id: int, number: int) -> BlockHeader:
    """The block that a node has at a number, which the venue chose. MissingError if it has none or refuses it."""
    found = read_quantity(node.source.call("eth_chainId", (), node.deadline), "chain id", 1 << 64)
    if found != chain_id:
        raise DisagreementError(f"chain id {found}, and the reserves are of chain {chain_id}")
    try:
        answer, why = node.source.call("eth_getBlockByNumber", (hex(number), False), node.deadline), ""
    except RpcError as error:
        answer, why = None, f" (error {error.code}: {error.reason})"
    if answer is None:
        raise MissingError(f"it has no block {number}{why}")
    return BlockHeader.from_json(answer)


def _object(answer: object) -> dict[str, object]:
    if not isinstance(answer, dict):
        raise InputError("eth_getProof: the answer is not an object")
    return answer
