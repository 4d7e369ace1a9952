"""The JSON-RPC transport against servers that lie, stall, drip and never stop; and the forms of its values."""

import json
import time

import pytest

from tests.publication import servers
from zkstate.errors import EncodingError, InputError, SourceError
from zkstate.registry.rpc import JsonRpc, RpcError, read_data, read_quantity, write_data

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body, head=HEAD):
    return head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def result(value, number=1):
    return whole(json.dumps({"jsonrpc": "2.0", "id": number, "result": value}).encode())


def ask(behave, **limits):
    with servers.raw(behave) as url:
        return JsonRpc(url, **{"timeout_s": 2, **limits}).call("eth_chainId", [])


def test_a_good_answer_and_the_request_behind_it():
    seen = []

    def behave(connection, request, stop):
        head, _, body = request.partition(b"\r\n\r\n")
        while len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            body += connection.recv(65536)
        seen.append((head, json.loads(body)))
        connection.sendall(result({"a": [1, None]}, seen[-1][1]["id"]))

    with servers.raw(behave) as url:
        node = JsonRpc(f"{url}/v3/secret-key?token=s")
        assert node.call("eth_call", [{"to": "0x"}, "latest"]) == {"a": [1, None]}
        assert node.call("eth_chainId", []) == {"a": [1, None]}
    (head, first), (_, second) = seen
    assert head.startswith(b"POST /v3/secret-key?token=s HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert first == {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": "0x"}, "latest"]}
    assert second["id"] == 2


@pytest.mark.parametrize(
    ("behave", "message"),
    [
        (servers.answer(whole(b"<html>")), "not JSON"),
        (servers.answer(whole(b'{"jsonrpc":"2.0","id":1,"result":"\xff"}')), "not JSON"),
        (servers.answer(whole(b"[" * 200_000)), "deep, at most 64 is read"),
        (servers.answer(whole(b'{"id":1,"result":' + b'["]",' * 200_000)), "deep, at most 64 is read"),
        (servers.answer(whole(b'{"a":' * 150_000)), "deep, at most 64 is read"),
        (servers.answer(whole(b'{"id":1,"result":"' + b"[" * 999)), "not JSON|nested"),
        (servers.answer(whole(b"[]")), "not a JSON object"),
        (servers.answer(whole(b'"0x1"')), "not a JSON object"),
        (servers.answer(result("0x1", number=2)), "to id 2, not 1"),
        (servers.answer(result("0x1", number="1")), "to id '1', not 1"),
        (servers.answer(result("0x1", number=True)), "to id True, not 1"),
        (servers.answer(result("0x1", number=None)), "to id None, not 1"),
        (servers.answer(whole(b'{"id":1}')), "either a result or an error"),
        (servers.answer(whole(b'{"id":1,"result":1,"error":{"code":1}}')), "either a result or an error"),
        (servers.answer(whole(b'{"id":1,"error":"no"}')), "an error without a code"),
        (servers.answer(whole(b'{"id":1,"error":{"message":"no"}}')), "an error without a code"),
        (servers.answer(whole(b"busy", b"HTTP/1.1 429 Too Many Requests\r\n")), "HTTP status 429"),
        (servers.answer(whole(b"", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n")), "HTTP status 302"),
        (servers.answer(HEAD + b"Content-Length: 100\r\n\r\n{}"), "cut off|IncompleteRead"),
        (servers.answer(HEAD + b"\r\n{}"), "Content-Length"),
        (servers.answer(HEAD + b"Content-Length: 999999999\r\n\r\n{}"), "the limit is"),
        (servers.answer(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), "content coding"),
        (servers.answer(b"nonsense\r\n\r\n"), "not an HTTP answer"),
        (servers.answer(b""), "not an HTTP answer|reset|closed"),
        (servers.flood(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"), "goes on"),
    ],
)  # fmt: skip
def test_answers_that_are_none(behave, message):
    with pytest.raises(SourceError, match=message) as caught:
        ask(behave, max_bytes=1 << 20)
    assert str(caught.value).startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "behave",
    [
        servers.mute,
        servers.drip(b"HTTP/1.1 200 OK\r\nX: "),
        servers.drip(HEAD + b"Content-Length: 1000\r\n\r\n"),
        servers.drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n"),
    ],
    ids=["silent", "dripping head", "dripping body", "dripping chunk"],
)
def test_time_is_limited_in_all(behave):
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"not finished within 0\.3 s"):
        ask(behave, timeout_s=0.3)
    assert time.monotonic() - started < 3


def test_brackets_in_strings_are_no_nesting():
    value = ["[" * 500, '"[{\\', {"]": "}" * 500}]
    assert ask(servers.answer(result(value))) == value


def test_an_open_string_takes_one_pass():
    """Eight megabytes of escaped quotes, with no end or a broken one, are refused at once."""
    for end in (b"", b"\\"):
        started = time.monotonic()
        with pytest.raises(SourceError, match="not JSON"):
            ask(servers.answer(whole(b'"' + b'\\"' * (4 << 20 >> 1) + end)), timeout_s=30)
        assert time.monotonic() - started < 5


def test_a_deadline_of_the_caller_comes_first():
    with servers.raw(servers.mute) as url:
        started = time.monotonic()
        with pytest.raises(SourceError, match="not finished"):
            JsonRpc(url, timeout_s=30).call("eth_chainId", [], time.monotonic() + 0.2)
        assert time.monotonic() - started < 3


def test_nobody_listens():
    with pytest.raises(SourceError, match="refused"):
        JsonRpc("http://127.0.0.1:1").call("eth_chainId", [])


def test_errors_of_the_node_keep_code_and_revert_data():
    body = b'{"id":1,"error":{"code":3,"message":"execution \\u001b[31mreverted","data":"0xABcd"}}'
    with pytest.raises(RpcError, match="error 3: execution \\?\\[31mreverted") as caught:
        ask(servers.answer(whole(body)))
    assert (caught.value.code, caught.value.data) == (3, b"\xab\xcd")
    nested = b'{"id":1,"result":null,"error":{"code":-32000,"message":"m","data":{"data":"0x01"}}}'
    with pytest.raises(SourceError, match="either a result"):
        ask(servers.answer(whole(nested)))
    with pytest.raises(RpcError) as caught:
        ask(servers.answer(whole(nested.replace(b'"result":null,', b""))))
    assert caught.value.data == b"\1"
    with pytest.raises(RpcError) as caught:
        ask(servers.answer(whole(b'{"id":1,"error":{"code":-32000,"message":"m","data":"words"}}')))
    assert caught.value.data is None


def test_a_null_error_beside_a_result_is_none():
    assert ask(servers.answer(whole(b'{"id":1,"result":null,"error":null}'))) is None


@pytest.mark.parametrize(
    "url",
    ["ftp://host/", "http://", "host:8545", "http://user:hunter2@host/", "http://host:0/", "http://ho st/",
     "http://host/#f", "http://h\u00f6st/", "http://[::1/"],
)  # fmt: skip
def test_urls_that_are_refused(url):
    with pytest.raises(InputError, match="node: ") as caught:
        JsonRpc(url)
    assert "hunter2" not in str(caught.value)


def test_an_api_key_in_the_path_is_not_shown():
    node = JsonRpc("http://127.0.0.1:1/v3/hunter2?key=hunter2")
    assert node.name == "http://127.0.0.1:1"
    assert "hunter2" not in repr(node)
    with pytest.raises(SourceError) as caught:
        node.call("eth_chainId", [])
    assert "hunter2" not in str(caught.value)


def test_quantities():
    assert [read_quantity(text, "n") for text in ("0x0", "0x1", "0xaB", "0x" + "f" * 64)] == [0, 1, 171, 2**256 - 1]
    for bad in ("", "0x", "0x00", "0x01", "1", 1, None, True, "0xg", "0x" + "1" * 65, "-0x1", "0x1\n", ["0x1"]):
        with pytest.raises(EncodingError, match="quantity"):
            read_quantity(bad, "n")
    with pytest.raises(EncodingError, match="not below 0x100"):
        read_quantity("0x100", "n", 256)


def test_data():
    assert [read_data(text, "d") for text in ("0x", "0x00", "0xABcd")] == [b"", b"\0", b"\xab\xcd"]
    assert write_data(b"\xab\0") == "0xab00"
    for bad in ("", "00", "0x0", "0xgg", None, 1, "0x 0", "0x00\n"):
        with pytest.raises(EncodingError, match="data"):
            read_data(bad, "d")
    with pytest.raises(EncodingError, match="2 bytes, not 32"):
        read_data("0x0000", "d", 32)
