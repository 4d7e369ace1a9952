import os
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.publication.servers import answer, drip, flood, mute, raw, static
from zkstate.errors import EncodingError, InputError, MissingError, SourceError
from zkstate.publication.mirrors import FolderMirror, HttpMirror, mirror_at

OK = b"HTTP/1.1 200 OK\r\n"
PATH = "tiles/0/000000.bin"


def get(url, limit=1000, timeout_s=5.0):
    return HttpMirror(url).get(PATH, max_bytes=limit, timeout_s=timeout_s)


class TestFolder:
    def test_a_file_is_read_and_counted(self, tmp_path):
        (tmp_path / "a").write_bytes(b"12345")
        mirror = FolderMirror(tmp_path)
        assert mirror.get("a", max_bytes=5, timeout_s=1) == b"12345"
        assert mirror.bytes_read == 5
        assert mirror.name == str(tmp_path)

    def test_the_folder_itself_may_be_a_link(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "real/a").write_bytes(b"1")
        (tmp_path / "link").symlink_to("real")
        assert FolderMirror(tmp_path / "link").get("a", max_bytes=5, timeout_s=1) == b"1"

    @pytest.mark.parametrize("path", ["a", "folder/a", "b/c/d"])
    def test_a_file_that_is_not_there_is_missing(self, tmp_path, path):
        with pytest.raises(MissingError, match=path):
            FolderMirror(tmp_path).get(path, max_bytes=5, timeout_s=1)
        with pytest.raises(MissingError):
            FolderMirror(tmp_path / "gone").get(path, max_bytes=5, timeout_s=1)

    def test_a_longer_file_is_refused_unread(self, tmp_path):
        (tmp_path / "a").write_bytes(b"123456")
        mirror = FolderMirror(tmp_path)
        with pytest.raises(SourceError, match=r"a has 6 bytes; the limit is 5"):
            mirror.get("a", max_bytes=5, timeout_s=1)

    def test_an_endless_device_and_a_pipe_are_refused(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "folder").mkdir()
        for name in ("pipe", "folder"):
            with pytest.raises(SourceError, match="not a regular file"):
                FolderMirror(tmp_path).get(name, max_bytes=5, timeout_s=1)
        with pytest.raises(SourceError, match="not a regular file"):
            FolderMirror("/dev").get("zero", max_bytes=5, timeout_s=1)

    def test_links_below_it_are_not_followed(self, tmp_path):
        root = tmp_path / "mirror"
        (tmp_path / "secret").mkdir()
        (tmp_path / "secret/a").write_bytes(b"1")
        root.mkdir()
        (root / "a").symlink_to(tmp_path / "secret/a")
        (root / "folder").symlink_to(tmp_path / "secret")
        with pytest.raises(SourceError, match="link"):
            FolderMirror(root).get("a", max_bytes=5, timeout_s=1)
        with pytest.raises(SourceError):
            FolderMirror(root).get("folder/a", max_bytes=5, timeout_s=1)

    @pytest.mark.parametrize("path", ["../a", "/etc/hostname", "a/../../b"])
    def test_no_path_leaves_it(self, tmp_path, path):
        with pytest.raises(EncodingError):
            FolderMirror(tmp_path).get(path, max_bytes=5, timeout_s=1)


class TestHttp:
    def test_a_file_is_read_and_counted(self, tmp_path):
        (tmp_path / "base/tiles/0").mkdir(parents=True)
        (tmp_path / "base" / PATH).write_bytes(b"x" * 300_000)
        with static(tmp_path) as url:
            for base in (f"{url}/base", f"{url}/base/"):
                mirror = HttpMirror(base)
                assert mirror.get(PATH, max_bytes=300_000, timeout_s=5) == b"x" * 300_000
                assert mirror.bytes_read == 300_000
                with pytest.raises(MissingError, match="404"):
                    mirror.get("tiles/0/000001.bin", max_bytes=10, timeout_s=5)

    def test_an_empty_file_is_a_file(self, tmp_path):
        (tmp_path / "empty").write_bytes(b"")
        with static(tmp_path) as url:
            assert HttpMirror(url).get("empty", max_bytes=0, timeout_s=5) == b""

    def test_a_chunked_answer_is_read(self):
        body = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        with raw(answer(OK, body)) as url:
            assert get(url) == b"abcde"

    def test_the_request_asks_for_plain_bytes_of_the_path(self):
        seen = []

        def behave(connection, request, stop):
            seen.append(request)
            connection.sendall(OK + b"Content-Length: 0\r\n\r\n")

        with raw(behave) as url:
            get(f"{url}/a/b")
        lines = seen[0].split(b"\r\n")
        assert lines[0] == b"GET /a/b/tiles/0/000000.bin HTTP/1.1"
        assert b"Accept-Encoding: identity" in lines

    @pytest.mark.parametrize(
        ("parts", "words"),
        [
            ([OK, b"Content-Length: 1001\r\n\r\n", b"x" * 1001], "has 1001 bytes; the limit is 1000"),
            ([OK, b"Content-Length: 99999999999999999999\r\n\r\n"], "Content-Length"),
            ([OK, b"Content-Length: -1\r\n\r\n"], "Content-Length"),
            ([OK, b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"], "Content-Length"),
            ([OK, b"Content-Length: 5 \xb2\r\n\r\nabcde"], "Content-Length"),
            ([OK, b"\r\nabc"], "Content-Length"),
            ([OK, b"Content-Length: 100\r\n\r\n", b"x" * 99], "cut off: 99 bytes of 100"),
            ([OK, b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"], "not an HTTP answer"),
            ([OK, b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"], "not an HTTP answer"),
            ([OK, b"Transfer-Encoding: chunked\r\n\r\n800\r\n", b"x" * 0x800, b"\r\n0\r\n\r\n"], "limit of 1000"),
            ([OK, b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"], "content coding 'gzip'"),
            ([b"HTTP/1.1 206 Partial\r\nContent-Length: 3\r\n\r\nabc"], "status 206"),
            ([b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"], "status 500"),
            ([b"HTTP/1.1 204 None\r\n\r\n"], "status 204"),
            ([b"HTTP/1.1 304 Same\r\n\r\n"], "304"),
            ([b"SSH-2.0-OpenSSH\r\n"], "not an HTTP answer"),
            ([b"HTTP/1.1 99999 X\r\n\r\n"], "not an HTTP answer"),
            ([b"\x00" * 100_000], "not an HTTP answer"),
            ([b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 200, b"\r\n"], "not an HTTP answer"),
            ([b"HTTP/1.1 200 OK\r\nA: ", b"b" * 100_000, b"\r\n\r\n"], "not an HTTP answer"),
            ([], "not an HTTP answer"),
        ],
    )
    def test_an_answer_that_is_not_one_whole_file_is_refused(self, parts, words):
        with raw(answer(*parts)) as url, pytest.raises(SourceError, match=words) as caught:
            get(url)
        assert caught.type is SourceError
        assert url in str(caught.value)
        assert PATH in str(caught.value)

    @pytest.mark.parametrize(
        "behave",
        [
            mute,
            drip(b""),
            drip(OK + b"Content-Length: 1000\r\n\r\n"),
            drip(OK + b"A: "),
            drip(OK, b"A: b\r\n", 0.01),
            drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
        ],
        ids=["mute", "status", "body", "one header", "headers", "chunks", "continue"],
    )
    def test_a_slow_answer_ends_at_the_time_limit(self, behave):
        with raw(behave) as url:
            start = time.monotonic()
            with pytest.raises(SourceError, match=r"0\.4 s|not an HTTP answer"):
                get(url, timeout_s=0.4)
            assert time.monotonic() - start < 4

    def test_an_endless_body_ends_at_the_size_limit(self):
        with raw(flood(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")) as url:
            mirror = HttpMirror(url)
            with pytest.raises(SourceError, match="goes on after the limit of 100000 bytes"):
                mirror.get(PATH, max_bytes=100_000, timeout_s=5)
            assert mirror.bytes_read == 100_001
        with raw(flood(b"HTTP/1.1 200 OK", b"x" * 65536)) as url, pytest.raises(SourceError):
            get(url)

    def test_a_reset_midway_is_an_error(self):
        def behave(connection, request, stop):
            connection.sendall(OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

        with raw(behave) as url, pytest.raises(SourceError, match=PATH):
            get(url)

    def test_a_redirect_on_the_same_origin_is_followed(self):
        def behave(connection, request, stop):
            if b"/moved" in request:
                connection.sendall(OK + b"Content-Length: 2\r\n\r\nhi")
            else:
                connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /moved/x\r\nContent-Length: 0\r\n\r\n")

        with raw(behave) as url:
            assert get(url) == b"hi"

    @pytest.mark.parametrize(
        "location",
        [
            "file:///etc/passwd",
            "https://127.0.0.1/x",
            "http://127.0.0.2/x",
            "http://localhost:1/x",
            "//example.com/x",
            "http://user@{host}/x",
            "ftp://{host}/x",
            "http://[::1",
            "",
            "/a b",
        ],
    )
    def test_a_redirect_elsewhere_is_refused(self, location):
        hosts = []

        def behave(connection, request, stop):
            to = location.replace("{host}", hosts[0])
            connection.sendall(f"HTTP/1.1 301 Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())

        with raw(behave) as url:
            hosts.append(url.removeprefix("http://"))
            with pytest.raises(SourceError, match="redirects to"):
                get(url)

    def test_redirects_in_a_circle_end(self):
        with (
            raw(answer(b"HTTP/1.1 307 Again\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")) as url,
            pytest.raises(SourceError, match="more than 3 redirects"),
        ):
            get(url)

    def test_nobody_listening_is_silence(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(SourceError, match="refused"):
            get(f"http://127.0.0.1:{port}")

    def test_a_certificate_of_nobody_known_is_refused(self, tmp_path):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        encoding = serialization.Encoding.PEM
        (tmp_path / "pem").write_bytes(
            certificate.public_bytes(encoding)
            + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "pem")
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            connection, _ = listener.accept()
            with connection, pytest.raises(OSError, match=r"alert|EOF|reset|closed"):
                context.wrap_socket(connection, server_side=True).recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(SourceError, match=r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
            get(f"https://localhost:{listener.getsockname()[1]}")
        thread.join()
        listener.close()

    @pytest.mark.parametrize("path", ["../x", "/x", "a b", "a?b", "a%2f"])
    def test_no_path_leaves_the_base(self, path):
        with pytest.raises(EncodingError):
            HttpMirror("http://127.0.0.1:1").get(path, max_bytes=1, timeout_s=1)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://host:99999/",
        "http://host:0/",
        "http://user:hunter2@host/",
        "http://host/?a=b",
        "http://host/#x",
        "http://hôst/",
        "http://host/a b",
        "http://host/\n",
        "http://[::1/",
        "http://mirror..example/",
        f"http://{'a' * 64}.example/",
    ],
)
def test_a_url_that_is_no_plain_web_server_is_refused(url):
    with pytest.raises(InputError) as caught:
        mirror_at(url)
    assert "hunter2" not in str(caught.value)


def test_a_place_is_a_folder_or_a_url(tmp_path):
    assert isinstance(mirror_at(str(tmp_path)), FolderMirror)
    assert isinstance(mirror_at("https://example.com/zk"), HttpMirror)
    assert isinstance(mirror_at("HTTP://example.com"), HttpMirror)
