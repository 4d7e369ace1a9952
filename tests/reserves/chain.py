"""A chain of another implementation's tries (py-trie, pyrlp, eth-account), and what a venue says of addresses on it."""

import json

import rlp as pyrlp
from eth_abi import encode as abi_encode
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils import keccak
from trie.constants import BLANK_NODE_HASH

from tests.lightclient.execution.tries import grow, proof
from zkstate.reserves.control import Control
from zkstate.reserves.document import Reserves
from zkstate.reserves.tokens import Coin, Token, Tokens

KEYS = [Account.from_key(bytes([n]) * 32) for n in range(1, 5)]
ADDRESSES = [key.address.lower() for key in KEYS]
NATIVE = Coin("COIN", 18)
CODE_HASH = keccak(b"token code")


def balance_slot(layout, slot, address):
    """By the ABI encoder of another implementation: the key of a mapping in either compiler's storage."""
    pair = (("address", address), ("uint256", slot))
    types, values = zip(*(pair if layout == "solidity" else pair[::-1]), strict=True)
    return keccak(abi_encode(types, values))


class Chain:
    """Accounts with balances in wei, tokens with balances by slot, and one block over them."""

    def __init__(self, balances, tokens=(), codes=None, time=0):
        self.storage = {}
        steps = []
        for address, wei in balances.items():
            code = (codes or {}).get(address)
            steps.append((address, [1, wei, BLANK_NODE_HASH, keccak(code) if code else keccak(b"")]))
        for token, held, *fixed in tokens:
            slots = [(balance_slot(token.layout, token.slot, a), amount) for a, amount in held.items()] + list(fixed)
            trie = grow([(keccak(slot), pyrlp.encode(amount)) for slot, amount in slots])
            self.storage[token.address] = trie
            steps.append((token.address, [1, 0, trie.root_hash, CODE_HASH]))
        self.state = grow([(keccak(hexstr=address), pyrlp.encode(fields)) for address, fields in steps])
        self.accounts = dict(steps)
        fields = [bytes(32)] * 3 + [self.state.root_hash] + [bytes(32)] * 2 + [bytes(256), 0, 7, 0, 0, time, b""]
        fields[2] = bytes(20)
        self.block = pyrlp.encode([*fields, bytes(32), bytes(8)])
        self.block_hash = keccak(self.block)

    def answer(self, address, slots=()):
        """What a node says to eth_getProof."""
        nonce, wei, root, code = self.accounts.get(address, [0, 0, BLANK_NODE_HASH, keccak(b"")])
        trie = self.storage.get(address)
        entries = []
        for slot in slots:
            nodes = [] if trie is None else proof(trie, keccak(slot))
            found = b"" if trie is None else trie.get(keccak(slot))
            value = int.from_bytes(pyrlp.decode(found)) if found else 0
            entries.append({"key": "0x" + slot.hex(), "value": hex(value), "proof": ["0x" + n.hex() for n in nodes]})
        return {
            "address": address, "balance": hex(wei), "nonce": hex(nonce), "storageHash": "0x" + root.hex(),
            "codeHash": "0x" + code.hex(), "storageProof": entries,
            "accountProof": ["0x" + node.hex() for node in proof(self.state, keccak(hexstr=address))],
        }  # fmt: skip

    def node(self, chain_id=1):
        """What a node says of the chain id and of its block, as `tests.lightclient.nodes.serve` takes it."""
        names = (
            "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom",
            "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
        )  # fmt: skip
        block = {"hash": "0x" + self.block_hash.hex()}
        for name, item in zip(names, pyrlp.decode(self.block), strict=True):
            counted = name in {"difficulty", "number", "gasLimit", "gasUsed", "timestamp"}
            block[name] = hex(int.from_bytes(item)) if counted else "0x" + item.hex()
        answers = {"eth_chainId": hex(chain_id), "eth_getBlockByNumber": block}
        return lambda method, _: answers[method]


def sign(control, key):
    """The statement, signed as a wallet does."""
    if control.scheme == "eip191":
        message = encode_defunct(text=control.text())
    else:
        message = encode_typed_data(full_message=json.loads(json.dumps(control.typed_data())))
    fields = {name: getattr(control, name) for name in control.__struct_fields__}
    return Control(**fields | {"signature": bytes(key.sign_message(message).signature).hex()})


def controlled(header, chain_id=1, keys=KEYS, expiry=1 << 40):
    """A signed statement of each key, by either scheme in turn."""
    schemes = ("eip191", "eip712") * len(keys)
    return [
        sign(Control.request(header, scheme, chain_id, key.address.lower(), expiry), key)
        for scheme, key in zip(schemes, keys, strict=False)
    ]


def reserves(header, chain, controls, tokens=(), chain_id=1, native=NATIVE):
    """The file that a venue would make."""
    slots = [[balance_slot(token.layout, token.slot, control.address) for control in controls] for token in tokens]
    return Reserves(
        "zkstate reserves", 1, header.hash.hex(), Tokens(chain_id, native, tuple(tokens)), chain.block.hex(),
        tuple(controls), tuple(chain.answer(control.address) for control in controls),
        tuple(chain.answer(token.address, wanted) for token, wanted in zip(tokens, slots, strict=True)),
    )  # fmt: skip


def token(symbol, number, decimals=8, slot=3, layout="solidity"):
    return Token(symbol, f"0x{number:040x}", decimals, slot, layout)
