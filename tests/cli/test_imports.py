"""The verbs that a trader or verifier runs load no library that talks to a chain, not even when they ask one."""

import subprocess
import sys
import time

import pytest

from tests.cli.program import ALLOW, environment
from tests.lightclient.nodes import pyevm_node, serve
from zkstate.publication.header import SignedHeader
from zkstate.registry.embedded import PyEvmChain
from zkstate.registry.registry import Registry

SCRIPT = """
import sys
from zkstate.cli.main import main
code = main(sys.argv[1:])
print("LOADED", *sorted(sys.modules), file=sys.stderr)
raise SystemExit(code)
"""
CHAIN_LIBRARIES = {"web3", "eth_account", "eth_abi", "aiohttp", "requests", "pyrevm", "eth_tester"}


def loaded(*argv, code=0):
    """The modules that a verb has loaded when it is done."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, argv)],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return set(done.stderr.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("verb", ["verify", "inspect", "recover", "prove", "publish"])
def test_no_chain_library_is_loaded(verb, proved, tmp_path):
    out = tmp_path / "out"
    arguments = {
        "verify": (proved.proof, ALLOW),
        "inspect": (proved.header,),
        "recover": ("--key", proved.key, "--mirror", proved.mirror, "--header", proved.header, "--out", out),
        "prove": ("margin", "--account", proved.bundle, "--out", out, ALLOW),
        "publish": (proved.epoch, "--mirror", out),
    }
    modules = loaded(verb, *arguments[verb])
    assert "zkstate.errors" in modules
    assert modules & (CHAIN_LIBRARIES | {"zkstate.registry.provider"}) == set()


def test_recovery_from_a_registry_reads_the_chain_by_its_own_reader(published, tmp_path):
    signed = SignedHeader.decode(published.header.read_bytes())
    chain = PyEvmChain(int(time.time()) - 60)
    registry, _ = Registry.deploy(chain, signed.header.venue)
    registry.publish(signed.header.encode())
    with serve(pyevm_node(chain)) as node:
        modules = loaded(
            "recover", "--key", published.key, "--mirror", published.mirror, "--rpc", node,
            "--registry", f"0x{registry.address.hex()}", "--out", tmp_path / "account.json",
        )  # fmt: skip
    assert "lightclient.registry_reader" in modules
    assert modules & (CHAIN_LIBRARIES | {"zkstate.registry.provider"}) == set()


def test_sending_loads_web3(published, tmp_path):
    """The contrary: these modules would be seen."""
    to_nobody = ("--mirror", tmp_path / "mirror", "--rpc", "http://127.0.0.1:9", "--deploy")
    modules = loaded("publish", published.epoch, *to_nobody, code=3)
    assert {"web3", "eth_account", "zkstate.registry.provider"} <= modules
