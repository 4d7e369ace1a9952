"""Blobs out of beacon nodes: found by the network's slots, and from nodes that lie, flood, or are told a secret."""

import random
import tracemalloc
from contextlib import contextmanager

import pytest

from lightclient import blob_nodes
from lightclient.blob_nodes import MAX_BLOCK_BLOBS, NodeSource
from tests.lightclient import nodes
from tests.lightclient.beaconchain import serve
from tests.publication import servers
from zkstate.errors import EncodingError, InputError, MissingError, SourceError
from zkstate.publication.blobs import blob_hash, pack

GENESIS, NUMBER, SLOT, SLOT_S = 1_600_000_000, 77, 901, 5
REGISTRY = b"\x17" * 20
BLOBS = [pack(random.Random(i).randbytes(5000))[0] for i in range(3)]
SECRET = "/v3/a-secret-key"


def execution(method, params):
    """A node with one event of blobs, in block 77."""
    if method == "eth_getLogs":
        return [{"data": "0x", "blockNumber": hex(NUMBER)}]
    assert (method, params) == ("eth_getBlockByNumber", [hex(NUMBER), False])
    return {"timestamp": hex(GENESIS + SLOT_S * SLOT)}


def answers(blobs, asked=None, spec=SLOT_S):
    """What a beacon node has of slot 901, in blobs or any JSON."""

    def get(route, query):
        if asked is not None:
            asked.append(route)
        if route == "config/spec":
            return spec and {"data": {"SECONDS_PER_SLOT": str(spec), "BLOB_SCHEDULE": [{"EPOCH": "1"}]}}
        if route == "beacon/genesis":
            return {"data": {"genesis_time": str(GENESIS)}}
        return {"data": blobs} if route == f"beacon/blobs/{SLOT}" else None

    return get


@contextmanager
def source(get):
    with nodes.serve(execution) as rpc, serve(get, SECRET, "/eth/v1/") as url:
        yield NodeSource.at(rpc, REGISTRY, url + SECRET, 20), url


def hexadecimal(blobs):
    return [f"0x{blob.hex()}" for blob in blobs]


def test_a_block_is_found_by_the_slots_of_its_network():
    asked = []
    with source(answers(hexadecimal(BLOBS), asked)) as (found, _):
        for blob in (BLOBS[1], BLOBS[0], BLOBS[2]):
            assert found.blob(blob_hash(blob), b"header", 20) == blob
        with pytest.raises(MissingError, match="none of the 3 blobs of that block"):
            found.blob(b"\1" * 32, b"header", 20)
    assert asked.count(f"beacon/blobs/{SLOT}") == 1
    with source(answers(hexadecimal(BLOBS), spec=None)) as (found, _), pytest.raises(MissingError, match="of the 0"):
        found.blob(blob_hash(BLOBS[0]), b"header", 20)  # slots of 12 s, where a node does not tell


def test_no_more_is_hashed_than_it_takes_to_find_a_blob(monkeypatch):
    hashed = []

    def counting(blob):
        hashed.append(blob)
        return blob_hash(blob)

    monkeypatch.setattr(blob_nodes, "blob_hash", counting)
    with source(answers(hexadecimal(BLOBS))) as (found, _):
        found.blob(blob_hash(BLOBS[1]), b"header", 20)
        assert hashed == BLOBS[:2]
        found.blob(blob_hash(BLOBS[0]), b"header", 20)
        assert hashed == BLOBS[:2]


def test_a_key_in_the_address_of_a_node_is_never_told():
    for get in (answers(hexadecimal(BLOBS)), answers("no list"), lambda route, query: None):
        with source(get) as (found, url):
            assert found.name == url
            assert "secret" not in repr(found)
            with pytest.raises((SourceError, InputError)) as caught:
                found.blob(b"\1" * 32, b"header", 20)
            assert str(caught.value).startswith(url)
            assert "secret" not in str(caught.value)
    redirect = f"HTTP/1.1 302 Found\r\nLocation: https://other.example{SECRET}\r\nContent-Length: 0\r\n\r\n"
    with nodes.serve(execution) as rpc, servers.raw(servers.answer(redirect.encode())) as url:
        with pytest.raises(SourceError, match="redirects to") as caught:
            NodeSource.at(rpc, REGISTRY, url + SECRET).blob(b"\1" * 32, b"header", 20)
        assert "secret" not in str(caught.value)
    for bad in ("ftp://host", "http://[::1", "http://user:secret@host/"):
        with pytest.raises(InputError, match=r"^blob node: ") as caught:
            NodeSource.at("http://127.0.0.1:9", REGISTRY, bad + SECRET)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "0x", "0x" + "00" * 100])
def test_a_block_of_too_many_blobs_is_refused_before_any_is_read(text):
    asked = []
    with source(answers([text] * (MAX_BLOCK_BLOBS + 1), asked)) as (found, url):
        for _ in range(3):
            with pytest.raises(EncodingError, match=f"{url}: 65 blobs in slot 901, at most 64"):
                found.blob(b"\1" * 32, b"header", 20)
    assert asked.count(f"beacon/blobs/{SLOT}") == 1, "a node that failed is asked again"


@pytest.mark.parametrize("value", [b"[]", b"{}", b'""', b"0"])
def test_an_answer_of_small_values_stays_within_its_memory(value):
    """Sixteen megabytes of them, where the blobs of a block are due."""
    body = b'{"data":[' + (value + b",") * ((16 << 20) // (len(value) + 1)) + b"0]}"

    def behave(connection, request, stop):
        route = request.split(b" ")[1].decode()
        small = {"genesis": b'{"data":{"genesis_time":"%d"}}' % GENESIS, "spec": b'{"data":{"SECONDS_PER_SLOT":"5"}}'}
        content = small.get(route.rpartition("/")[2], body)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    with nodes.serve(execution) as rpc, servers.raw(behave) as url:
        found = NodeSource.at(rpc, REGISTRY, url, 20)
        tracemalloc.start()
        with pytest.raises(EncodingError, match="values or more, at most"):
            found.blob(b"\1" * 32, b"header", 20)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 128 << 20
