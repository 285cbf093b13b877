"""Make one HTTP request and match status and JSON against the declared outcomes, in their order."""

from __future__ import annotations

import json
import typing

from mycoops_provider import Answer, send
from mycoops_reply import Refusal

FIELDS = {"status", "json", "changed"}


def run(request: typing.Mapping[str, typing.Any]) -> typing.Dict[str, typing.Any]:
    """Return {"outcome", "evidence": {"status"}}; no answer is `unreachable`, an undeclared 429 `throttled`."""
    rules = request["outcomes"]
    for name, rule in rules.items():
        if not isinstance(rule, dict) or not rule or set(rule) - FIELDS:
            raise Refusal("invalid_request", f"outcome {name}: conditions are status and json")
    if request.get("check") and any(rule.get("changed") for rule in rules.values()):
        return {"outcome": "", "changed": True, "evidence": {"check": "not sent"}}
    answer = _ask(request)
    if not answer.status:
        return {"outcome": "unreachable", "evidence": {"error": answer.error}}
    for name, rule in rules.items():
        if _matches(rule, answer):
            return {
                "outcome": name,
                "done": name == "done",
                "changed": bool(rule.get("changed")),
                "evidence": {"status": answer.seen},
            }
    if answer.status == 429:
        return {"outcome": "throttled", "evidence": {"status": "429"}}
    raise Refusal("unexpected_outcome", f"status {answer.status} is none of the declared outcomes", status=answer.status)


def _ask(request: typing.Mapping[str, typing.Any]) -> Answer:
    url, body = str(request["url"]), request.get("body")
    if not url.startswith(("http://", "https://")):
        raise Refusal("invalid_request", "the URL is not HTTP")
    headers = {str(name): str(value) for name, value in (request.get("headers") or {}).items()}
    if body is not None and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/x-www-form-urlencoded" if isinstance(body, str) else "application/json"
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    try:
        return send(
            str(request.get("method") or "GET"), url, headers, None if body is None else body.encode(),
            ca_file=request.get("ca_file"), timeout=float(request.get("timeout") or 15),
        )  # fmt: skip
    except Refusal:
        raise Refusal("invalid_request", "the URL or a header cannot be sent") from None


def _matches(rule: typing.Mapping[str, typing.Any], answer: Answer) -> bool:
    wanted = rule.get("status", answer.status)
    if answer.status not in (wanted if isinstance(wanted, list) else [wanted]):
        return False
    return all(answer.find(path) == value for path, value in (rule.get("json") or {}).items())
