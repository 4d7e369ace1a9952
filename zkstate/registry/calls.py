"""Deploying one of our contracts and reading from it: what all their clients do alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zkstate.errors import DisagreementError
from zkstate.kernels import keccak256
from zkstate.registry.artefacts import artefact
from zkstate.registry.chain import WORD_BYTES, Chain, Receipt, address_text


def deploy(
    chain: Chain, contract: str, arguments: Sequence[object], immutables: Mapping[str, bytes | None]
) -> tuple[bytes, Receipt]:
    """The address of a new contract, and the receipt of its deployment.

    `immutables` are what its code has to hold behind the compiled one, as `Artefact.is_code` takes them.
    Errors: DisagreementError if no contract was created, or another lies at the address told.
    """
    receipt = chain.deploy(artefact(contract).creation(*arguments))
    if receipt.contract is None:
        raise DisagreementError(f"{chain.name}: the deployment created no contract")
    code = chain.code(receipt.contract)
    if not artefact(contract).is_code(code, immutables):
        raise DisagreementError(
            f"{chain.name}: the code at {address_text(receipt.contract)}, {len(code)} bytes with hash "
            f"0x{keccak256(code).hex()}, is not the {contract} that was deployed"
        )
    return receipt.contract, receipt


def word(number: int) -> bytes:
    """A number as a word of the EVM."""
    return number.to_bytes(WORD_BYTES, "big")


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
