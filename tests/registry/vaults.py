"""A registry, a verifier and a vault on an embedded chain, with tokens, and exits proved from a trapdoor.

The key is a real one with its toxic waste kept, so any public inputs have a true proof (Groth 2016, the simulator):
what is tested is what the contracts do with a true or a false proof, for any claim that may come.
"""

import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from vyper.compiler import compile_code
from web3 import BaseProvider, Web3

from circuits.context import Context
from tests.registry.headers import VENUE, header
from zkstate.algebra.bn254 import G1, G2
from zkstate.kernels import FR_MODULUS as R
from zkstate.proof.groth16 import Proof
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.registry.embedded import RevmChain
from zkstate.registry.registry import Registry
from zkstate.registry.vault import NATIVE, ExitCall, Vault, VaultAsset, vault_challenge
from zkstate.registry.verifier import ProofVerifier

START = 1_800_000_000
LIMIT, DELAY, SUSPENSION, RELEASE = 3600, 600, 900, 1200
PUBLISHER, GOVERNANCE, TRADER, STRANGER = 1, 2, 3, 4
COIN, USD, ODD = 1, 2, 7  # instruments: the chain's coin (multiplied), a token (divided), a token (as it is)
SOURCES = Path(__file__).parent / "contracts"
MODES = ("plain", "silent", "fee", "false", "reverts", "greedy", "calls back")


class Trapdoor:
    """A key for n public inputs whose secrets are kept, and true proofs for any of them."""

    def __init__(self, n, seed=1):
        rng = random.Random(seed)
        alpha, beta, gamma, self._delta, self._a, self._b = (rng.randrange(1, R) for _ in range(6))
        self._fixed, self._gamma = alpha * beta, gamma
        self._ic = [rng.randrange(1, R) for _ in range(n + 1)]
        one, two = G1.generator(), G2.generator()
        points = one * alpha, two * beta, two * gamma, two * self._delta, tuple(one * k for k in self._ic)
        self.key = VerifyingKey(*points, SetupStatus.UNVERIFIED)
        self._points = one * self._a, two * self._b

    def proof(self, inputs):
        bound = self._ic[0] + sum(x * k for x, k in zip(inputs, self._ic[1:], strict=True))
        c = (self._a * self._b - self._fixed - bound * self._gamma) * pow(self._delta, -1, R) % R
        return Proof(*self._points, G1.generator() * c)


EXIT_KEY, OTHER_KEY = Trapdoor(5), Trapdoor(5, seed=2)


@cache
def _compiled(name):
    output = compile_code((SOURCES / f"{name}.vy").read_text(), output_formats=("abi", "bytecode"))
    return Web3(BaseProvider()).eth.contract(abi=output["abi"], bytecode=output["bytecode"])


def created(chain, name, *arguments):
    """The address of a test contract."""
    code = _compiled(name).constructor(*arguments).data_in_transaction
    return chain.deploy(bytes.fromhex(code[2:])).contract


def call_data(name, function, *arguments):
    return bytes.fromhex(_compiled(name).encode_abi(function, arguments)[2:])


@dataclass
class World:
    """All contracts of one venue; `sender` methods act as one of the chain's accounts."""

    chain: RevmChain
    registry: Registry
    verifier: ProofVerifier
    vault: Vault
    token: bytes

    def as_(self, who):
        self.chain.send_from(self.chain.accounts[who])
        return self

    @property
    def trader(self):
        return self.chain.accounts[TRADER]

    def publish(self, epoch, root, previous=0, time=None):
        """The next epoch; its header."""
        data = header(epoch, START + epoch if time is None else time, previous, root)
        self.as_(PUBLISHER).registry.publish(data)
        return data

    def halt(self):
        self.as_(GOVERNANCE).registry.halt()

    def wait(self, seconds):
        self.chain.set_time(self.chain.block_time() + seconds)

    def fund(self, token, units):
        self.as_(0)
        if token == NATIVE:
            self.chain.transact(self.vault.address, b"", units)
        else:
            self.chain.transact(token, call_data("Token", "mint", self.vault.address, units))

    def balance(self, token, owner):
        if token == NATIVE:
            return int(self.chain._evm.get_balance(f"0x{owner.hex()}"))
        return int.from_bytes(self.chain.call(token, call_data("Token", "balanceOf", owner)), "big")

    def exit(self, root, instrument, amount, nullifier, recipient=None, expiry=0, trapdoor=EXIT_KEY, addressed=None):
        """A call with a true proof, made for this vault unless `addressed` says otherwise."""
        recipient = self.trader if recipient is None else recipient
        context = Context(
            self.chain.chain_id, self.registry.address, recipient, vault_challenge(self.vault.address), expiry
        )
        inputs = [root, replace(context, **addressed or {}).digest, instrument, amount, nullifier]
        proof = trapdoor.proof(inputs)
        return ExitCall(trapdoor.key.digest(), proof, instrument, amount, nullifier, recipient, expiry)


def world(chain=None, mode="plain", venue=VENUE):
    """A fresh venue on a chain, nothing published and the vault empty."""
    chain = chain or RevmChain(START)
    registry, _ = Registry.deploy(
        chain,
        venue,
        publisher=chain.accounts[PUBLISHER],
        governance=chain.accounts[GOVERNANCE],
        staleness_limit_s=LIMIT,
        rollback_delay_s=DELAY,
    )
    verifier, _ = ProofVerifier.deploy(chain, EXIT_KEY.key)
    token = created(chain, "Token", 6, MODES.index(mode))
    assets = (
        VaultAsset(COIN, NATIVE, 10**10, 1),
        VaultAsset(USD, token, 1, 100),
        VaultAsset(ODD, token, 1, 1),
    )
    vault, _ = Vault.deploy(
        chain, registry.address, (verifier.address,), assets, suspension_limit_s=SUSPENSION, release_delay_s=RELEASE
    )
    return World(chain, registry, verifier, vault, token)
