"""What a beacon node can do wrong: a lie in each field of its answers, and answers that never come, end or fit."""

import copy

from tests.publication import servers


def changed(library, route, change):
    """A library whose answers on one route pass through change(answer), a copy."""

    def get(asked, query):
        found = library.get(asked, query)
        return change(copy.deepcopy(found)) if asked.startswith(route) and found is not None else found

    return get


def at(*path, value):
    """A change of one member, by its path."""

    def change(found):
        inner = found
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value(inner[path[-1]]) if callable(value) else value
        return found

    return change


def bit(text):
    return text[:-1] + ("1" if text[-1] != "1" else "2")


def more(text):
    return str(int(text) + 1)


HEADERS = {
    "slot": more,
    "proposer_index": more,
    "parent_root": bit,
    "state_root": bit,
    "body_root": bit,
}


def header_lies(name, route, *path):
    """A change of each field of a beacon header."""
    return {f"{name} {part}": (route, at(*path, "beacon", part, value=lie)) for part, lie in HEADERS.items()}


EXECUTION = {
    **dict.fromkeys(("parent_hash", "fee_recipient", "state_root", "receipts_root", "logs_bloom", "prev_randao"), bit),
    **dict.fromkeys(("block_number", "gas_limit", "gas_used", "timestamp", "base_fee_per_gas"), more),
    **dict.fromkeys(("block_hash", "transactions_root", "withdrawals_root"), bit),
    **dict.fromkeys(("blob_gas_used", "excess_blob_gas"), more),
    "extra_data": lambda text: "0x00" if text != "0x00" else "0x01",
}


def execution_lies(name, route, *path):
    """A change of each field of an execution payload header."""
    return {f"{name} {part}": (route, at(*path, "execution", part, value=lie)) for part, lie in EXECUTION.items()}


SIGNATURE = ("data", "sync_aggregate", "sync_committee_signature")
BITS = ("data", "sync_aggregate", "sync_committee_bits")


def lies(future):
    """(route, change) by name: every kind of field of every answer, each changed alone. `future` is the next slot."""
    return {
        **header_lies("bootstrap", "bootstrap", "data", "header"),
        "bootstrap execution": ("bootstrap", at("data", "header", "execution", "state_root", value=bit)),
        "bootstrap execution branch": ("bootstrap", at("data", "header", "execution_branch", 0, value=bit)),
        "bootstrap key": ("bootstrap", at("data", "current_sync_committee", "pubkeys", 3, value=bit)),
        "bootstrap sum": ("bootstrap", at("data", "current_sync_committee", "aggregate_pubkey", value=bit)),
        "bootstrap branch": ("bootstrap", at("data", "current_sync_committee_branch", 0, value=bit)),
        "bootstrap version": ("bootstrap", at("version", value="altair")),
        "bootstrap unknown version": ("bootstrap", at("version", value="gloas")),
        "bootstrap without data": ("bootstrap", at("data", value=None)),
        "bootstrap a list": ("bootstrap", lambda found: [found]),
        **header_lies("update", "updates", 0, "data", "attested_header"),
        "update key": ("updates", at(0, "data", "next_sync_committee", "pubkeys", 3, value=bit)),
        "update sum": ("updates", at(0, "data", "next_sync_committee", "aggregate_pubkey", value=bit)),
        "update committee branch": ("updates", at(0, "data", "next_sync_committee_branch", 0, value=bit)),
        "update finality branch": ("updates", at(0, "data", "finality_branch", 0, value=bit)),
        "update finalized": ("updates", at(0, "data", "finalized_header", "beacon", "state_root", value=bit)),
        "update bits": ("updates", at(0, *BITS, value=bit)),
        "update nobody": ("updates", at(0, *BITS, value="0x00000000")),
        "update signature": ("updates", at(0, *SIGNATURE, value=bit)),
        "update infinity": ("updates", at(0, *SIGNATURE, value="0xc0" + "00" * 95)),
        "update signature slot": ("updates", at(0, "data", "signature_slot", value="0")),
        "update future": ("updates", at(2, "data", "signature_slot", value=str(future))),
        "update not a string": ("updates", at(0, "data", "signature_slot", value=41)),
        "update short key": ("updates", at(0, "data", "next_sync_committee", "pubkeys", 0, value="0x00")),
        "update few keys": ("updates", at(0, "data", "next_sync_committee", "pubkeys", value=lambda keys: keys[1:])),
        "updates an object": ("updates", lambda found: found[0]),
        "updates too many": ("updates", lambda found: found * 50),
        "updates more than asked for": ("updates", lambda found: found * 2),
        **header_lies("finality", "finality_update", "data", "finalized_header"),
        **header_lies("finality attested", "finality_update", "data", "attested_header"),
        **execution_lies("finality", "finality_update", "data", "finalized_header"),
        "finality branch": ("finality_update", at("data", "finality_branch", 0, value=bit)),
        "finality signature": ("finality_update", at(*SIGNATURE, value=bit)),
        "finality future": ("finality_update", at("data", "signature_slot", value=str(future))),
        "finality lacks a field": ("finality_update", lambda found: {**found, "data": {"attested_header": {}}}),
    }  # fmt: skip


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ELSEWHERE = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
FAULTS = {
    "mute": (servers.mute, "not finished within"),
    "slow drip": (servers.drip(HEAD + b"Content-Length: 60000\r\n\r\n", b"["), "not finished within"),
    "slow head": (servers.drip(b"HTTP/1.1 200 OK\r\nX: "), "not finished within"),
    "endless": (servers.flood(CHUNKED, b"100000\r\n" + b"[" * 2**20 + b"\r\n"), "goes on"),
    "too long": (servers.answer(HEAD + b"Content-Length: 99999999999\r\n\r\n"), "the limit is"),
    "cut off": (servers.answer(HEAD + b"Content-Length: 60000\r\n\r\n", b"{}"), "cut off"),
    "no length": (servers.answer(HEAD + b"\r\n{}"), "Content-Length"),
    "not HTTP": (servers.answer(b"SSH-2.0-x\r\n\r\n"), "not an HTTP answer"),
    "not JSON": (servers.answer(HEAD + b"Content-Length: 4\r\n\r\n{]]]"), "not JSON"),
    "not text": (servers.answer(HEAD + b'Content-Length: 3\r\n\r\n"\xff"'), "not JSON"),
    "nested": (servers.answer(HEAD + b"Content-Length: 200000\r\n\r\n" + b"[" * 200000), "nested"),
    "many values": (servers.answer(HEAD + b"Content-Length: 250001\r\n\r\n[" + b"[]," * 83333 + b"]"), "values"),
    "error": (servers.answer(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "HTTP status 500"),
    "elsewhere": (servers.answer(ELSEWHERE), "status 302"),
    "compressed": (servers.answer(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), "content coding"),
}  # fmt: skip
