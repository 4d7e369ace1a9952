"""Blobs beside a publication: what the client says was sent is what the registry has on record."""

import hashlib

import pyrevm
import pytest
from vyper.compiler import compile_code

from tests.registry.headers import VENUE, header
from zkstate.errors import DisagreementError
from zkstate.publication.blobs import blob_hash, blobs_root, pack
from zkstate.registry.artefacts import artefact
from zkstate.registry.build import FOLDER
from zkstate.registry.embedded import RevmChain
from zkstate.registry.registry import Registry

START = 1_800_000_000
HEADER = header(5, START, 0, 77)
BLOBS = [*pack(b"an epoch"), *pack(b"and more of it")]
ROOT = blobs_root([blob_hash(blob) for blob in BLOBS]).hex()
FOR_EVER = "an epoch is published once, so this cannot be repaired"


class Carrying(RevmChain):
    """revm with transactions of blobs; `instead` travels in place of what is sent."""

    instead, sent = None, 0

    def transact_with_blobs(self, to, data, blobs):
        self.sent += 1
        hashes = [blob_hash(blob) for blob in (blobs if self.instead is None else self.instead)]
        self._evm.set_tx_env(pyrevm.TxEnv(caller=f"0x{self.sender.hex()}", blob_hashes=hashes))
        try:
            return self.transact(to, data)
        finally:
            self._evm.set_tx_env(pyrevm.TxEnv(caller=f"0x{self.sender.hex()}"))


@pytest.fixture
def registry():
    return Registry.deploy(Carrying(START), VENUE)[0]


def test_what_was_sent_is_on_record(registry):
    assert registry.publish(HEADER, "", BLOBS) is not None
    assert registry.blobs_root(hashlib.sha256(HEADER).digest()).hex() == ROOT
    assert registry.publish(HEADER, "", BLOBS) is None
    assert registry.publish(HEADER) is None
    assert registry.chain.sent == 1


def test_blobs_of_an_epoch_that_was_published_without_any(registry):
    registry.publish(HEADER)
    with pytest.raises(
        DisagreementError, match=f"epoch 5 is published without blobs, and these have {ROOT}; {FOR_EVER}"
    ):
        registry.publish(HEADER, "", BLOBS)
    assert registry.chain.sent == 0


@pytest.mark.parametrize("others", [BLOBS[:1], BLOBS[::-1]])
def test_other_blobs_than_those_on_record(registry, others):
    found = blobs_root([blob_hash(blob) for blob in others]).hex()
    registry.chain.instead = others
    for _ in ("sent now", "sent before"):
        with pytest.raises(
            DisagreementError, match=f"published with blobs root {found}, and these have {ROOT}; {FOR_EVER}"
        ):
            registry.publish(HEADER, "", BLOBS)
    assert registry.chain.sent == 1


def test_a_registry_that_records_none_gets_none():
    """Such as those of before, whose source had no `blobs`."""
    chain = Carrying(START)
    source = (FOLDER / "StateRegistry.vy").read_text()
    older = source.replace("blobs: public(HashMap[bytes32, bytes32])", "blobs: HashMap[bytes32, bytes32]")
    assert older != source
    code = bytes.fromhex(compile_code(older, output_formats=("bytecode",))["bytecode"][2:])
    contract = artefact("StateRegistry")
    terms = contract.creation(VENUE.to_bytes(32, "big"), chain.sender, chain.sender, 100, 100)
    address = chain.deploy(code + terms[len(contract.bytecode) :]).contract
    registry = Registry(chain, address)
    with pytest.raises(DisagreementError, match=f"registry 0x{address.hex()} keeps no record of blobs"):
        registry.publish(HEADER, "", BLOBS)
    assert (chain.sent, registry.latest_epoch()) == (0, 0)
    assert registry.publish(HEADER) is not None
