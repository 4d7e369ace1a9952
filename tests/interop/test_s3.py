"""s3:// on a server of its own process: moto's, over HTTP on the loopback, reached by s3fs as any S3 is."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from tests.cli.program import zkstate
from tests.lightclient.venues import HOUR, publish_chain
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import DisagreementError, MissingError, SourceError
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.publish import publish_folder, publish_whole
from zkstate.publication.stores import Store

pytestmark = pytest.mark.interop

TOTALS = "epochs/00000001/tables/totals.json"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A fresh server without objects, as (its process, a client of it)."""
    for name in ("boto3", "flask_cors", "moto", "s3fs"):
        if importlib.util.find_spec(name) is None:
            pytest.fail(f"{name} is not installed beside the tests: run make interop")
    log = tmp_path / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], stdout=out, stderr=out, env=os.environ
        )
    try:
        while not (found := re.search(rb"Running on (http://127\.0\.0\.1:\d+)", log.read_bytes())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        for name, value in {
            "AWS_ENDPOINT_URL": found[1].decode(),
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
        }.items():
            monkeypatch.setenv(name, value)
        import boto3

        client = boto3.client("s3", endpoint_url=found[1].decode())
        client.create_bucket(Bucket="mirror")
        yield process, client
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def epoch(tmp_path_factory):
    """(public folder, signed header) of one epoch."""
    folder = tmp_path_factory.mktemp("venue")
    (signed,) = publish_chain(folder, 1)
    return folder / "epoch-1/public", signed


def objects(client, prefix):
    """Every object below a prefix, as the server gives it to another client."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="mirror", Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return {key.removeprefix(prefix): client.get_object(Bucket="mirror", Key=key)["Body"].read() for key in keys}


def recovered(mirrors, signed):
    return recover(OPERATOR.account_key("trader-7"), mirrors, PinnedHeader(signed), clock=lambda: TIME + HOUR)


def test_an_epoch_is_published_whole_and_an_account_comes_back(epoch, server):
    public, signed = epoch
    first = publish_whole(public, Store("s3://mirror/venue"))
    files = {str(p.relative_to(public)): p.read_bytes() for p in public.rglob("*") if p.is_file()}
    assert objects(server[1], "venue/") == {f"epochs/00000001/{path}": data for path, data in files.items()}
    assert (first.already, first.copied_bytes) == (False, sum(map(len, files.values())))
    again = publish_whole(public, Store("s3://mirror/venue"))
    assert (again.already, again.copied_bytes) == (True, 0)
    found = recovered([Store("s3://mirror/venue")], signed)
    assert found.bundle.account.rows == ledger(300).rows_of(7)


def test_the_commands_take_it(epoch, server, tmp_path):
    public, _ = epoch
    OPERATOR.account_key("trader-7").write(tmp_path / "key")
    done = zkstate("publish", public.parent, "--mirror", "s3://mirror/by-command")
    assert done.code == 0, done.err
    done = zkstate(
        "recover", "--key", tmp_path / "key", "--mirror", "s3://mirror/by-command", "--header", public / "header.bin",
        "--out", tmp_path / "account.json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (tmp_path / "account.json").stat().st_mode & 0o777 == 0o600


def test_what_went_bad_on_the_server_is_named_and_put_right(epoch, server):
    public, signed = epoch
    _, client = server
    store = Store("s3://mirror/venue")
    publish_whole(public, store)
    whole = objects(client, "venue/")
    for path, data in whole.items():
        if path.startswith("epochs/00000001/records/"):
            client.put_object(Bucket="mirror", Key=f"venue/{path}", Body=data[:-1])
    with pytest.raises((SourceError, DisagreementError), match="records/"):
        recovered([Store("s3://mirror/venue")], signed)
    assert not publish_whole(public, store).already
    client.put_object(Bucket="mirror", Key=f"venue/{TOTALS}", Body=b"rot")
    client.delete_object(Bucket="mirror", Key="venue/epochs/00000001/tables/orderbook.json")
    assert not publish_whole(public, store).already
    assert objects(client, "venue/") == whole
    client.put_object(Bucket="mirror", Key="venue/epochs/00000001/header.bin", Body=bytes(544))
    with pytest.raises(DisagreementError, match="never replaced"):
        publish_whole(public, store)


def test_what_is_not_there_is_missing(epoch, server):
    for url in ("s3://mirror/nothing", "s3://no-such-bucket/venue"):
        with pytest.raises(MissingError):
            Store(url).get("epochs/00000001/header.bin", max_bytes=1000, timeout_s=60)
    with pytest.raises((SourceError, DisagreementError)):
        recovered([Store("s3://mirror/nothing")], epoch[1])


def test_a_server_that_stalls_or_dies_costs_no_more_than_itself(epoch, server, tmp_path):
    """Stopped it answers nothing, killed it refuses connections: a folder beside it serves either time."""
    public, signed = epoch
    process, _ = server
    publish_whole(public, Store("s3://mirror/venue"))
    publish_folder(public, tmp_path / "mirror")
    for stop in (signal.SIGSTOP, signal.SIGKILL):
        process.send_signal(stop)
        found = recovered([Store("s3://mirror/venue"), FolderMirror(tmp_path / "mirror")], signed)
        assert found.bundle.account.rows == ledger(300).rows_of(7)
        with pytest.raises(SourceError):
            Store("s3://mirror/venue").get("epochs/00000001/header.bin", max_bytes=1000, timeout_s=3)
