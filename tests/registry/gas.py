"""What each transaction costs, on py-evm, whose storage prices are those of a chain: `python -m tests.registry.gas`
writes gas.json anew after a change that is meant. Calldata is fixed, so the figures are exact."""

import json
from pathlib import Path

from tests.registry.headers import header
from tests.registry.vaults import COIN, DELAY, GOVERNANCE, ODD, PUBLISHER, RELEASE, START, Trapdoor, world
from zkstate.registry.embedded import PyEvmChain, RevmChain
from zkstate.registry.vault import NATIVE
from zkstate.registry.verifier import ProofVerifier

FILE = Path(__file__).parent / "gas.json"
FIRST, SECOND = 2**249 + 1, 2**249 + 2  # state roots without zero bytes at their ends


def measured():
    """Gas by act."""
    chain = PyEvmChain(START)
    deployed = []
    deploy = chain.deploy
    chain.deploy = lambda code: deployed.append(deploy(code)) or deployed[-1]
    made = world(chain)
    names = ("registry", "verifier of 5 inputs", "test token", "vault")
    gas = dict(zip(names, (receipt.gas_used for receipt in deployed), strict=True))
    del gas["test token"]
    quick = RevmChain(START)  # exact where no storage is touched
    for n in (1, 2, 5, 8):
        trapdoor = Trapdoor(n)
        verifier, receipt = ProofVerifier.deploy(quick, trapdoor.key)
        inputs = [2**253 - 1 - i for i in range(n)]
        gas[f"verifier of {n} inputs"] = receipt.gas_used
        gas[f"verify {n} inputs"] = verifier.verify(trapdoor.proof(inputs), inputs).gas_used

    registry, vault = made.registry, made.vault
    made.as_(PUBLISHER)
    first, second = (header(1 + i, START + i, FIRST * i, (FIRST, SECOND)[i], filler=0xAB) for i in range(2))
    gas["publish first"] = registry.publish(first).gas_used
    gas["publish"] = registry.publish(second).gas_used
    made.fund(made.token, 1000)
    made.fund(NATIVE, 10**12)
    made.as_(GOVERNANCE)
    gas["propose_rollback"] = registry.propose_rollback(1).gas_used
    gas["cancel_rollback"] = registry.cancel_rollback().gas_used
    registry.propose_rollback(1)
    made.wait(DELAY)
    gas["execute_rollback of 1"] = registry.execute_rollback(first).gas_used
    gas["propose_release"] = vault.propose_release(made.token, chain.accounts[5], 10).gas_used
    made.wait(RELEASE)
    gas["execute_release"] = vault.execute_release().gas_used
    gas["halt"] = registry.halt().gas_used
    digests = [int.from_bytes(bytes([i]) * 31, "big") for i in range(0x11, 0x14)]
    claims = (("first claim, coin", COIN, 9), ("claim, token", ODD, 9), ("claim, token, owed in part", ODD, 1000))
    for (name, instrument, amount), nullifier in zip(claims, digests, strict=True):
        gas[name] = vault.claim(made.exit(FIRST, instrument, amount, nullifier)).receipt.gas_used
    made.fund(made.token, 1000)
    gas["collect, token"] = vault.collect(digests[2]).receipt.gas_used
    gas["unhalt"] = made.as_(GOVERNANCE).registry.unhalt().gas_used
    return gas


def main():
    FILE.write_text(json.dumps(measured(), indent=1) + "\n")


if __name__ == "__main__":
    main()
