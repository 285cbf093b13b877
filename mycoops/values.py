"""Turns references into values at the last moment, in memory, inside the action that sends them.

A reference is a dict with the key `$form`; everything else passes unchanged. Placeholders of a form are listed in DERIVE.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
import json
import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

import bcrypt
from cryptography.hazmat.primitives import serialization

from mycoops.errors import ConfigurationError
from mycoops.secret import Secret, generate

PLACEHOLDER = re.compile(r"<(value|principal|accepted)(?:\|(\w+))?>")
SCRAM_ITERATIONS = 4096
MOSQUITTO_ITERATIONS = 5000


class Values(Protocol):
    """What `resolve` needs of the store."""

    def secret(self, credential: str, generation: int) -> Secret: ...


def scram_verifier(value: str) -> str:
    """PostgreSQL's SCRAM-SHA-256 verifier (RFC 5803 form); the salt is derived from the value, so a retry writes the same text."""
    raw = value.encode()
    salt = hmac.new(raw, b"mycoops scram salt", hashlib.sha256).digest()[:16]
    salted = hashlib.pbkdf2_hmac("sha256", raw, salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.new(salted, b"Client Key", hashlib.sha256).digest()).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    parts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    encoded_salt, encoded_stored, encoded_server = parts
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{encoded_salt}${encoded_stored}:{encoded_server}"


def mosquitto_hash(value: str) -> str:
    """Mosquitto's PBKDF2-SHA512 line without the user (`$7$`); the salt is derived from the value, so a retry writes the same."""
    raw = value.encode()
    salt = hmac.new(raw, b"mycoops mosquitto salt", hashlib.sha256).digest()[:12]
    hashed = hashlib.pbkdf2_hmac("sha512", raw, salt, MOSQUITTO_ITERATIONS)
    return f"$7${MOSQUITTO_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}"


def public_key(value: str) -> str:
    """The OpenSSH public key line (no comment) of a private key. Raises ConfigurationError if it is none."""
    try:
        key = serialization.load_ssh_private_key(value.encode(), None)
    except ValueError:
        raise ConfigurationError("the value is not an OpenSSH private key") from None
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def _crypt(value: str) -> str:
    return bcrypt.hashpw(value.encode(), bcrypt.gensalt(10)).decode()


def _csv(values: list[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(values)
    return stream.getvalue()


DERIVE: dict[str, Callable[[str], str]] = {
    "": lambda value: value,
    "csv": lambda value: _csv([value]),
    "in_json": lambda value: json.dumps(value)[1:-1],
    "url": lambda value: quote(value, safe=""),
    "json": json.dumps,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "sha256": lambda value: hashlib.sha256(value.encode()).hexdigest(),
    "scram": scram_verifier,
    "mosquitto": mosquitto_hash,
    "crypt": _crypt,
    "public_key": public_key,
}


LISTS: dict[str, Callable[[list[str]], str]] = {
    "csv": _csv,
    "json": lambda values: json.dumps(values, separators=(",", ":")),
}


def form_error(form: str) -> str:
    """Say what is wrong with a form, or an empty string."""
    for word, derive in PLACEHOLDER.findall(form):
        known = LISTS if word == "accepted" else DERIVE if word == "value" else {"": None}
        if derive not in known:
            return f"unknown placeholder <{word}{'|' + derive if derive else ''}>"
    rest = PLACEHOLDER.sub("", form)
    if re.search(r"<(value|accepted|principal)\b", rest):
        return "a placeholder is not closed"
    if stray := re.search(r"<([a-z_]+(?:\|\w+)?)>", rest):
        return f"unknown placeholder <{stray[1]}>: there are <value>, <principal> and <accepted|…>"
    return "" if PLACEHOLDER.search(form) else "no placeholder: write <value>, <principal> or <accepted|json>"


def render(reference: dict[str, Any], store: Values) -> str:
    """Render one reference. Raises VaultError for a generation that is not kept, ConfigurationError for an unknown placeholder."""
    form, credential = str(reference["$form"]), str(reference["credential"])
    if error := form_error(form):
        raise ConfigurationError(f"{credential}: {error}")

    def fill(match: re.Match[str]) -> str:
        word, derive = match[1], match[2] or ""
        if word == "principal":
            return str(reference.get("principal", ""))
        if word == "accepted":
            return LISTS[derive]([store.secret(credential, number).reveal() for number in reference["generations"]])
        return DERIVE[derive](_single(reference, store).reveal())

    return PLACEHOLDER.sub(fill, form)


def _single(reference: dict[str, Any], store: Values) -> Secret:
    if reference.get("random"):
        return generate(str(reference.get("shape", "token")))
    return store.secret(str(reference["credential"]), int(reference["generation"]))


def resolve(request: Any, store: Values) -> Any:
    """Return the request with every reference replaced by its rendered text."""
    if isinstance(request, dict):
        if "$form" in request:
            return render(request, store)
        return {key: resolve(item, store) for key, item in request.items()}
    if isinstance(request, list | tuple):
        return [resolve(item, store) for item in request]
    return request
