"""Deploying one of our contracts and reading from it: what all their clients do alike."""

from __future__ import annotations

from zkstate.errors import DisagreementError
from zkstate.registry.artefacts import artefact
from zkstate.registry.chain import WORD_BYTES, Chain, Receipt, address_text


def deploy(chain: Chain, contract: str, *arguments: object) -> tuple[bytes, Receipt]:
    """The address of a new contract, and the receipt of its deployment."""
    receipt = chain.deploy(artefact(contract).creation(*arguments))
    if receipt.contract is None:
        raise DisagreementError(f"{chain.name}: the deployment created no contract")
    return receipt.contract, receipt


def read_words(chain: Chain, address: bytes, contract: str, function: str, *arguments: object) -> bytes:
    """What a getter returns: one word for each value. DisagreementError where the contract is another."""
    answer = chain.call(address, artefact(contract).call_data(function, *arguments))
    length = WORD_BYTES * artefact(contract).width(function)
    if len(answer) != length:
        raise DisagreementError(
            f"{chain.name}: {function}() of {address_text(address)} gave {len(answer)} bytes "
            f"where a {contract} gives {length}"
        )
    return answer


def read_numbers(chain: Chain, address: bytes, contract: str, function: str, *arguments: object) -> tuple[int, ...]:
    """The fields of the struct that a getter returns, each one word."""
    words = read_words(chain, address, contract, function, *arguments)
    return tuple(int.from_bytes(words[at : at + WORD_BYTES], "big") for at in range(0, len(words), WORD_BYTES))
