"""A verdict in words and as JSON: what is shown, about whom, how far it may be believed, and what is not shown."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from circuits.attestation import Attestation, Finding
from circuits.context import Context
from lightclient.evidence import Replayed
from zkstate.cli.context import context_result
from zkstate.cli.evidence import evidence_result, newest_text, not_shown
from zkstate.cli.exported import NOT_SHOWN as EXPORT_NOT_SHOWN
from zkstate.cli.headers import age_text, header_facts, header_result, time_text
from zkstate.cli.terminal import show_judgement
from zkstate.cli.trusted import trust_facts, trust_result
from zkstate.proof.keys import SetupStatus
from zkstate.publication.trust import Trust

SECURITY = "BN254, about 100 bits; Groth16; this program has not been audited"
MIRAGE_SECURITY = "BN254, about 100 bits; Mirage, with BLAKE2b as a random oracle; this program has not been audited"
PLAIN_TRANSPARENT_SECURITY = (
    "128 bits proven of the proof system, with BLAKE2b as a random oracle, and about 64 against quantum calls of it; "
    "this program has not been audited"
)
TRANSPARENT_SECURITY = f"{PLAIN_TRANSPARENT_SECURITY}; commitments by Poseidon"

NOT_SHOWN = (
    "any other balance, position or order of the account, and who owns it",
    "that its owner has no other account at the venue",
    "that the venue's ledger, prices and tiers are right: only that it committed to them",
    "that the venue can pay: no totals are compared with reserves",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """An examined attestation, at time `now`, and what the verifier pinned: header, context."""

    attestation: Attestation
    finding: Finding
    now: int
    header_pinned: bool
    context_given: bool
    evidence: Replayed | None = None  # what stands behind the pinned header, where evidence of a chain was replayed
    exported: bool = False  # the whole account stands open beside the proof

    @property
    def age_s(self) -> int:
        return self.now - self.attestation.header.time

    @property
    def not_shown(self) -> tuple[str, ...]:
        """What a reader might take for shown, and is not."""
        if self.exported:
            found = [*EXPORT_NOT_SHOWN, *NOT_SHOWN[1:]]
        else:
            found = [*self.attestation.claim.not_shown, *NOT_SHOWN]
        if not self.header_pinned:
            found.append(
                "that this header is the newest, or the only one of its epoch: pin one with --header or --header-hash"
                + (" and --other-header" if self.attestation.other is not None else "")
            )
        if self.evidence is not None:
            found += not_shown(self.evidence)
        if self.attestation.context.is_open:
            found.append("that the proof was made for you: it is addressed to nobody, and anyone may show it again")
        elif not self.context_given:
            found.append(
                "that the proof was made for you: you did not say which challenge, recipient or chain you expect"
            )
        if not self.finding.setup.trusted:
            found.append(f"anything, to those who rely on the key: it is {setup_text(self.finding.setup)}")
        return tuple(found)

    @property
    def trust(self) -> Trust:
        if self.evidence is not None:
            return self.evidence.trust
        text = "a header that the verifier pinned" if self.header_pinned else "the header beside the proof"
        return Trust("d", f"{text}, signed by the operator key; no chain was asked")

    def result(self) -> dict[str, object]:
        """The JSON form."""
        return claim_result(self.attestation) | {
            "verb": "verify",
            "kind": "export" if self.exported else "proof",
            "accepted": self.finding.accepted,
            "reasons": list(self.finding.reasons),
            "checked_at": self.now,
            "age_s": self.age_s,
            "trust": trust_result(self.trust, self.now),
            "setup": setup_result(self.finding.setup),
            "not_shown": list(self.not_shown),
            **({} if self.evidence is None else evidence_result(self.evidence)),
        }

    def facts(self) -> list[tuple[str, str]]:
        """The form for people, below `accepted` or `rejected`."""
        return [
            *claim_facts(self.attestation, shown=self.finding.accepted),
            ("age", f"{age_text(self.age_s)} at {time_text(self.now)}"),
            *([] if self.evidence is None else [("epoch is", newest_text(self.evidence))]),
            *trust_facts(self.trust, self.now),
            ("setup", setup_text(self.finding.setup)),
            ("security", security_text(self.attestation)),
            *(("not shown" if i == 0 else "", words) for i, words in enumerate(self.not_shown)),
        ]

    def render(self, console: Console) -> None:
        """The judgement, why, and the facts."""
        show_judgement(console, self.finding.accepted, self.finding.reasons, self.facts())


def claim_result(attestation: Attestation) -> dict[str, object]:
    """What a proof claims, about which state, for whom."""
    return {
        "statement": attestation.claim.statement,
        "claim": attestation.claim.sentence(attestation.table),
        "circuit": attestation.circuit,
        "parameters": {name: str(value) for name, value in attestation.claim.parameters.items()},
        **header_result(attestation.header),
        "other_epoch": None if attestation.other is None else header_result(attestation.other.header),
        "context": context_result(attestation.context),
        "system": "transparent" if attestation.key is None else "groth16",
        "key_digest": None if attestation.key is None else attestation.key.digest(),
        "security": security_text(attestation),
    }


def security_text(attestation: Attestation) -> str:
    """What the proof rests on, and for how many bits."""
    return TRANSPARENT_SECURITY if attestation.key is None else SECURITY


def setup_text(setup: SetupStatus) -> str:
    """How the key was made, aloud where anyone can forge with it: the seeds of this version's keys are public."""
    if setup is SetupStatus.INSECURE:
        return "INSECURE: made from a public seed, for demonstration; anyone can forge proofs with it"
    text: str = setup.value
    return text


def setup_result(setup: SetupStatus) -> dict[str, object]:
    """How the key was made, in JSON."""
    return {"status": setup.name.lower(), "trusted": setup.trusted, "text": setup_text(setup)}


def claim_facts(attestation: Attestation, *, shown: bool) -> list[tuple[str, str]]:
    """What a proof shows, or claims alone, about which state and for whom, for people."""
    context = attestation.context
    given, anyone = context_result(context), context_result(Context())
    told = [name for name in ("chain_id", "registry", "recipient", "challenge") if given[name] != anyone[name]]
    addressed = ", ".join(f"{name} {given[name]}" for name in told) or "nobody in particular"
    if context.expiry:
        addressed += f", until {time_text(context.expiry)}"
    return [
        ("shows" if shown else "claims", attestation.claim.sentence(attestation.table)),
        *header_facts(attestation.header),
        *_other_facts(attestation),
        ("addressed to", addressed),
        ("circuit", attestation.circuit),
    ]


def _other_facts(attestation: Attestation) -> list[tuple[str, str]]:
    """The other epoch of a proof about two."""
    if attestation.other is None:
        return []
    which = "later epoch" if attestation.claim.other_root == "later_root" else "earlier epoch"
    header = attestation.other.header
    words = f"{header.epoch} of {time_text(header.time)}, state root {header.state_root:#066x}"
    return [(which, words)]
