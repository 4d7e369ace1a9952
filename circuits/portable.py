"""A portable attestation: what a proof directory holds, as one canonical file (docs/spec.md section 8).

A venue that is asked to open the position of somebody else's book checks the file first. It is always addressed: it
answers a challenge and expires, both bound into the proof through `context`. A venue that retires a challenge once it
is answered takes a file once; without a recipient, whoever relays the challenge can show the answer as theirs.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zkstate import nesting
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.proof import json_form
from zkstate.publication.header import SIGNED_BYTES

from .attestation import (
    HEADER_FILE,
    KEY_FILE,
    MAX_FILE_BYTES,
    OTHER_FILE,
    PROOF_FILE,
    PUBLIC_FILE,
    STATEMENT_FILE,
    TABLE_FILE,
    Attestation,
)
from .context import Context

KIND: Literal["zkstate attestation"] = "zkstate attestation"
VERSION: Literal[1] = 1
MAX_PORTABLE_BYTES = MAX_FILE_BYTES + (1 << 16)  # all but the instrument table takes less than 8 KiB
_NAME = "attestation"

_Signed = Annotated[str, msgspec.Meta(pattern=rf"\A[0-9a-f]{{{2 * SIGNED_BYTES}}}\Z")]
_Other = Annotated[str, msgspec.Meta(pattern=rf"\A([0-9a-f]{{{2 * SIGNED_BYTES}}})?\Z")]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["zkstate attestation"]
    version: Literal[1]
    header: _Signed
    other_header: _Other  # empty where a statement is about one epoch
    statement: msgspec.Raw
    public: msgspec.Raw
    proof: msgspec.Raw
    key_digest: str
    verification_key: msgspec.Raw
    instruments: msgspec.Raw


def encode(attestation: Attestation) -> bytes:
    """The one file of an attestation. InputError for a transparent proof, or a context without challenge or expiry."""
    check_addressed(attestation.context)
    verification_key, _ = attestation.groth16
    files = attestation.encode()
    statement, public, proof, key = (
        msgspec.Raw(json_form.compact(files[name], name))
        for name in (STATEMENT_FILE, PUBLIC_FILE, PROOF_FILE, KEY_FILE)
    )
    document = _Document(
        kind=KIND,
        version=VERSION,
        header=files[HEADER_FILE].hex(),
        other_header=files.get(OTHER_FILE, b"").hex(),
        statement=statement,
        public=public,
        proof=proof,
        key_digest=verification_key.digest(),
        verification_key=key,
        instruments=msgspec.Raw(files[TABLE_FILE]),
    )
    return msgspec.json.encode(document)


def decode(content: bytes) -> Attestation:
    """Read the file, true or not. What is not byte for byte its own encoding is malformed.

    Errors: LengthError, EncodingError, InputError, DisagreementError; those of `Attestation.decode` name the part.
    """
    if len(content) > MAX_PORTABLE_BYTES:
        raise LengthError(f"{_NAME}: {len(content)} bytes, at most {MAX_PORTABLE_BYTES} are read")
    nesting.check(content, _NAME)
    try:
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EncodingError(f"{_NAME}: {error}") from None
    other = {OTHER_FILE: bytes.fromhex(document.other_header)} if document.other_header else {}
    attestation = Attestation.decode(
        {
            HEADER_FILE: bytes.fromhex(document.header),
            **other,
            STATEMENT_FILE: bytes(document.statement),
            TABLE_FILE: bytes(document.instruments),
            PROOF_FILE: bytes(document.proof),
            PUBLIC_FILE: bytes(document.public),
            KEY_FILE: bytes(document.verification_key),
        }
    )
    digest = attestation.groth16[0].digest()
    if document.key_digest != digest:
        raise DisagreementError(f"{_NAME}: key_digest is {document.key_digest[:64]!r}, its key has {digest}")
    if encode(attestation) != content:
        raise EncodingError(f"{_NAME}: not the one encoding of what it says (spaces, order, repetition)")
    return attestation


def check_addressed(context: Context) -> None:
    """InputError for a context that would let an attestation be shown again to others, or for ever."""
    for name, given in (("challenge", any(context.challenge)), ("expiry", context.expiry != 0)):
        if not given:
            raise InputError(f"{_NAME}: its context has no {name}, and a portable attestation always has one")
