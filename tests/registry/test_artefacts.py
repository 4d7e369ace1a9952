"""The checked-in artefacts are what the compiler makes of the checked-in sources, and what clients assume."""

import json

import pytest
from eth_utils import keccak

from tests.registry.headers import VENUE
from tests.registry.vaults import EXIT_KEY, world
from zkstate.errors import DisagreementError, EncodingError
from zkstate.registry import slots
from zkstate.registry.artefacts import artefact
from zkstate.registry.build import CONTRACTS, FOLDER, compile_contract
from zkstate.registry.embedded import RevmChain, embedded_chain
from zkstate.registry.registry import Registry
from zkstate.registry.vault import Vault
from zkstate.registry.verifier import ProofVerifier


@pytest.mark.parametrize("name", CONTRACTS)
def test_rebuilding_gives_the_same_bytes(name, tmp_path, monkeypatch):
    # From another folder, as paths must not reach the bytecode.
    (tmp_path / f"{name}.vy").write_bytes((FOLDER / f"{name}.vy").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert compile_contract(name, tmp_path) == (FOLDER / f"{name}.json").read_bytes()


def test_a_changed_source_changes_the_artefact(tmp_path):
    source = (FOLDER / "StateRegistry.vy").read_text()
    (tmp_path / "StateRegistry.vy").write_text(
        source.replace("FUTURE_TOLERANCE: constant(uint256) = 900", "FUTURE_TOLERANCE: constant(uint256) = 901")
    )
    rebuilt = json.loads(compile_contract("StateRegistry", tmp_path))
    assert rebuilt["bytecode"] != "0x" + artefact("StateRegistry").bytecode.hex()


def test_slots_are_those_of_the_compiler():
    assert artefact("StateRegistry").storage == {
        "latest_epoch": slots.LATEST_EPOCH,
        "latest_state_root": slots.LATEST_STATE_ROOT,
        "latest_time": slots.LATEST_TIME,
        "header_hash": slots.HEADER_HASH,
        "halted": slots.HALTED,
        "rollback_ready_at": slots.ROLLBACK_READY_AT,
        "rollback_epoch": slots.ROLLBACK_EPOCH,
        "publisher": slots.PUBLISHER,
        "governance": slots.GOVERNANCE,
        "pending_governance": slots.PENDING_GOVERNANCE,
        "blobs": slots.BLOBS,
    }
    assert artefact("Groth16Verifier").storage == {}


def test_the_slot_of_an_epoch():
    words = (3).to_bytes(32, "big") + (77).to_bytes(32, "big")
    assert slots.header_hash_slot(77) == int.from_bytes(keccak(words), "big")
    with pytest.raises(EncodingError):
        slots.header_hash_slot(-1)


def test_deployed_code_is_the_runtime_and_its_immutables():
    chain = RevmChain(1_800_000_000)
    registry, _ = Registry.deploy(chain, VENUE, staleness_limit_s=100, rollback_delay_s=50)
    contract = artefact("StateRegistry")
    code = bytes(chain._evm.get_code(f"0x{registry.address.hex()}")).rstrip(b"\0")
    terms = b"".join(n.to_bytes(32, "big") for n in (VENUE, 100, 50, 1_800_000_001))
    assert code == (contract.runtime + terms).rstrip(b"\0")
    assert contract.immutables == {"VENUE": 0, "STALENESS_LIMIT": 32, "ROLLBACK_DELAY": 64, "DEPLOYED_AT": 96}


class Bent(RevmChain):
    """A chain that shows other code than it runs."""

    def __init__(self):
        super().__init__(1_800_000_000)
        self.bend = lambda code: code

    def code(self, address):
        return self.bend(super().code(address))


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_code_of_a_new_contract_is_compared_in_every_part(name):
    made = world(Bent())
    deploys = {
        "StateRegistry": lambda: Registry.deploy(made.chain, VENUE),
        "Groth16Verifier": lambda: ProofVerifier.deploy(made.chain, EXIT_KEY.key),
        "ExitVault": lambda: Vault.deploy(made.chain, made.registry.address, (made.verifier.address,), ()),
    }
    contract = artefact(name)
    ends = {end: len(contract.runtime) + at for end, at in contract.immutables.items()}
    free = ends.pop("DEPLOYED_AT", None)

    def flipped(at):
        return lambda code: code[:at] + bytes([code[at] ^ 1]) + code[at + 1 :]

    wrong = [flipped(at + 31) for at in (0, len(contract.runtime) - 32, *ends.values())]
    if free is None:
        wrong.append(lambda code: flipped(len(code) - 1)(code))
    for bend in (*wrong, lambda code: code[:-1], lambda code: code + b"\0", lambda _: b""):
        made.chain.bend = bend
        with pytest.raises(DisagreementError, match=f"is not the {name} that was deployed"):
            deploys[name]()
    made.chain.bend = lambda code: code if free is None else flipped(free + 31)(code)
    deploys[name]()


def test_selectors_and_overloads():
    contract = artefact("StateRegistry")
    file = json.loads((FOLDER / "StateRegistry.json").read_text())
    assert contract.call_data("publish", b"")[:4].hex() == file["selectors"]["publish(bytes)"][2:]
    assert contract.call_data("publish", b"", "")[:4].hex() == file["selectors"]["publish(bytes,string)"][2:]
    for bad in (("publish",), ("publish", "text"), ("header_hash", -1), ("no such function",)):
        with pytest.raises(EncodingError):
            contract.call_data(*bad)
    with pytest.raises(EncodingError):
        contract.results("latest_epoch", b"\1")


def test_the_default_chain_is_pyrevm_here():
    assert isinstance(embedded_chain(), RevmChain)
