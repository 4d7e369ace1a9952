"""Every failure zkstate reports, as one tree.

    ZkstateError
    ├── InputError                unusable input                              exit 2
    │   ├── LengthError           wrong number of bytes or items
    │   ├── EncodingError         not the canonical encoding of a value
    │   ├── LedgerError           a ledger row that cannot be committed to
    │   ├── CircuitError          a circuit that cannot be built
    │   └── WitnessError          inputs that do not satisfy a statement      exit 1
    ├── SourceError               a mirror or node did not deliver            exit 3
    │   └── MissingError          it answered, and does not have it
    ├── DisagreementError         sources contradict a commitment or each other   exit 4
    │   ├── RefusedError          a contract reverted, and says by which rule
    │   └── StaleError            older than allowed
    └── EnvironmentFailure        tool, disk, key or permission missing       exit 5

The truth of a well-formed proof is not an error: verifiers return False and the command line exits with 1.
"""

from __future__ import annotations


class ZkstateError(Exception):
    """Base of all. `exit_code` is what the command line returns for it (README, exit codes)."""

    exit_code = 2


class InputError(ZkstateError):
    """Input that cannot be used, whoever sent it."""


class LengthError(InputError):
    """A wrong number of bytes, points, rows or inputs."""


class EncodingError(InputError):
    """Bytes that are not the one canonical encoding of a value in range."""


class LedgerError(InputError):
    """A ledger that no state can be committed from; names file, line and field."""


class CircuitError(InputError):
    """A statement that cannot be compiled: overflow, unused input, bad width."""


class WitnessError(InputError):
    """Inputs that do not satisfy a statement; names the broken requirement and its values."""

    exit_code = 1


class SourceError(ZkstateError):
    """A mirror or node that did not answer, or answered outside its limits."""

    exit_code = 3


class MissingError(SourceError):
    """A source that answered and does not have what was asked for."""


class DisagreementError(ZkstateError):
    """Data that contradicts a commitment, or two sources that contradict each other."""

    exit_code = 4


class RefusedError(DisagreementError):
    """A contract that reverted; `rule` is its reason, or empty if it gave none."""

    def __init__(self, what: str, rule: str) -> None:
        super().__init__(f"{what}: the contract refused: {rule or 'it gave no reason'}")
        self.rule = rule


class StaleError(DisagreementError):
    """Data older than the caller allows."""


class EnvironmentFailure(ZkstateError):
    """A missing tool, key, permission or disk space; says what to install or free."""

    exit_code = 5
