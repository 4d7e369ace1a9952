"""Execution nodes on the loopback: one over py-evm's own tries, one in front of another node, and ways to lie."""

import copy
import http.server
import json
import urllib.request

import rlp as pyrlp
from eth_utils import keccak
from trie import HexaryTrie

from tests.lightclient.execution.tries import proof
from tests.publication.servers import serving


class Refusal(Exception):
    """What a node answers instead of a result."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.error = {"code": code, "message": message, "data": data}


def serve(handle):
    """The URL of a node that answers each call with handle(method, params)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"jsonrpc": "2.0", "id": query["id"]}
            try:
                answer["result"] = handle(query["method"], query["params"])
            except Refusal as refusal:
                answer["error"] = refusal.error
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    return serving(Handler)


def forward(url):
    """A node that passes every call on to another."""

    def handle(method, params):
        query = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(url, query, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        if "error" in answer:
            raise Refusal(**{"code": -1, "message": "", **answer["error"]})
        return answer["result"]

    return handle


HEADER_NAMES = {
    "parentHash": "parent_hash", "sha3Uncles": "uncles_hash", "miner": "coinbase", "stateRoot": "state_root",
    "transactionsRoot": "transaction_root", "receiptsRoot": "receipt_root", "logsBloom": "bloom",
    "difficulty": "difficulty", "number": "block_number", "gasLimit": "gas_limit", "gasUsed": "gas_used",
    "timestamp": "timestamp", "extraData": "extra_data", "mixHash": "mix_hash", "nonce": "nonce",
    "baseFeePerGas": "base_fee_per_gas", "withdrawalsRoot": "withdrawals_root", "blobGasUsed": "blob_gas_used",
    "excessBlobGas": "excess_blob_gas", "parentBeaconBlockRoot": "parent_beacon_block_root",
    "requestsHash": "requests_hash", "hash": "hash",
}  # fmt: skip


def hexadecimal(value):
    return hex(value) if isinstance(value, int) else f"0x{value.hex()}"


def pyevm_node(chain):
    """A node over the blocks and tries of a PyEvmChain; eth_getProof is built by py-trie."""
    blocks = chain._backend.chain

    def header_at(tag):
        newest = blocks.get_canonical_head()
        number = newest.block_number if tag == "latest" else int(tag, 16)
        return None if number > newest.block_number else blocks.get_canonical_block_header_by_number(number)

    def block(header):
        if header is None:
            return None
        names = {name: attribute for name, attribute in HEADER_NAMES.items() if hasattr(header, attribute)}
        return {
            name: f"0x{header.bloom:0512x}" if name == "logsBloom" else hexadecimal(getattr(header, attribute))
            for name, attribute in names.items()
        }

    def state(address, tag):
        trie = HexaryTrie(blocks.chaindb.db, header_at(tag).state_root)
        encoded = trie.get(keccak(address))
        empty = [b"", b"", keccak(b"\x80"), keccak(b"")]
        return trie, pyrlp.decode(encoded) if encoded else empty

    def get_proof(address, keys, tag):
        address = bytes.fromhex(address[2:])
        trie, (nonce, balance, root, code_hash) = state(address, tag)
        storage = HexaryTrie(blocks.chaindb.db, root)
        entries = []
        for key in keys:
            hashed = keccak(int(key, 16).to_bytes(32, "big"))
            value = storage.get(hashed)
            word = int.from_bytes(pyrlp.decode(value), "big") if value else 0
            nodes = [hexadecimal(node) for node in proof(storage, hashed)]
            entries.append({"key": key, "value": hex(word), "proof": nodes})
        return {
            "address": hexadecimal(address),
            "nonce": hex(int.from_bytes(nonce, "big")),
            "balance": hex(int.from_bytes(balance, "big")),
            "storageHash": hexadecimal(root),
            "codeHash": hexadecimal(code_hash),
            "accountProof": [hexadecimal(node) for node in proof(trie, keccak(address))],
            "storageProof": entries,
        }

    def handle(method, params):
        match method:
            case "eth_chainId":
                return hex(chain.chain_id)
            case "eth_getBlockByNumber":
                return block(header_at(params[0]))
            case "eth_getBlockByHash":
                wanted = bytes.fromhex(params[0][2:])
                heads = map(header_at, map(hex, range(blocks.get_canonical_head().block_number + 1)))
                return block(next((header for header in heads if header.hash == wanted), None))
            case "eth_getProof":
                return get_proof(*params)
            case "eth_getCode":
                code_hash = state(bytes.fromhex(params[0][2:]), params[1])[1][3]
                return hexadecimal(blocks.chaindb.db[code_hash] if code_hash != keccak(b"") else b"")
        raise Refusal(-32601, f"the method {method} does not exist")

    return handle


def lying(handle, method, change):
    """A node that answers one method with change(its true answer)."""
    return lambda asked, params: (
        change(copy.deepcopy(handle(asked, params))) if asked == method else handle(asked, params)
    )


def member(name, value):
    """A change of one member of an answer."""
    return lambda answer: {**answer, name: value}


def rehashed(**members):
    """A change of a block that makes its hash right again: a block from an invented chain."""

    def change(block):
        block = {**block, **members}
        order = [name for name in HEADER_NAMES if name != "hash" and name in block]
        integers = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas",
                    "blobGasUsed", "excessBlobGas"}  # fmt: skip
        items = [int(block[name], 16) if name in integers else bytes.fromhex(block[name][2:]) for name in order]
        return {**block, "hash": hexadecimal(keccak(pyrlp.encode(items)))}

    return change
