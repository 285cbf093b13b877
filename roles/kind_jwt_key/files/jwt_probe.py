"""A token signed with the key is shown to every instance, and the control also shows one that is not signed at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import typing

from mycoops_provider import WORST, send, together
from mycoops_reply import Refusal

Seen = typing.Dict[str, str]


def run(request: dict) -> dict:
    """Answer how the verifying service takes the key of the subject; as `preflight`, refuse a path that does not verify."""
    options, subject = request["options"], request.get("subject", "new")
    tokens = {"signed": _token(request["value"], options, "HS256")}
    if subject == "random":
        tokens["alg_none"] = _token("", options, "none")
    urls = options["verify_url"] if isinstance(options["verify_url"], list) else [options["verify_url"]]
    outcomes, evidence = [], {"url": " ".join(urls)}
    for url in urls:
        for name, token in tokens.items():
            outcome, seen = _show(url, {"Authorization": f"Bearer {token}"}, options)
            outcomes.append(outcome)
            evidence[name] = f"{evidence[name]} {seen}" if name in evidence else seen
    outcome = together(outcomes, WORST[subject])
    if request["entry"] != "preflight":
        return {"outcome": outcome, "evidence": evidence}
    if outcome == "refused":
        return {"done": True, "evidence": evidence}
    code = "unreachable" if outcome in ("unreachable", "throttled") else "cannot_verify"
    raise Refusal(code, "a random key or an unsigned token is not refused", outcome=outcome, **evidence)


def _token(key: str, options: dict, algorithm: str) -> str:
    now = int(time.time())
    standard = {"sub": "mycoops-probe", "iat": now, "exp": now + int(options.get("ttl_seconds", 60)), "jti": secrets.token_hex(8)}
    head, claims = {"alg": algorithm, "typ": "JWT"}, {**standard, **options.get("claims", {})}
    signed = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    signature = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest() if algorithm == "HS256" else b""
    return f"{signed}.{_base64url(signature)}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _show(url: str, headers: Seen, options: dict) -> typing.Tuple[str, str]:
    """One GET; returns the outcome and what was seen."""
    answer = send("GET", url, headers, ca_file=options.get("ca_file"), timeout=float(options.get("timeout_seconds", 8)))
    accepted, refused = [200, *options.get("accepted_status", [])], [401, *options.get("refused_status", [])]
    return answer.outcome(accepted, refused), answer.seen
