"""Make one HTTP request and match status and JSON against the declared outcomes, in their order."""

from __future__ import annotations

import http.client
import json
import ssl
import typing
import urllib.error
import urllib.request

from mycoops_health import LIMIT, Stay, look_up
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
    try:
        status, body = _ask(request)
    except (OSError, http.client.HTTPException) as error:
        return {"outcome": "unreachable", "evidence": {"error": type(getattr(error, "reason", error)).__name__}}
    for name, rule in rules.items():
        if _matches(rule, status, body):
            return {
                "outcome": name,
                "done": name == "done",
                "changed": bool(rule.get("changed")),
                "evidence": {"status": str(status)},
            }
    if status == 429:
        return {"outcome": "throttled", "evidence": {"status": "429"}}
    raise Refusal("unexpected_outcome", f"status {status} is none of the declared outcomes", status=status)


def _ask(request: typing.Mapping[str, typing.Any]) -> typing.Tuple[int, bytes]:
    url, body = str(request["url"]), request.get("body")
    if not url.startswith(("http://", "https://")):
        raise Refusal("invalid_request", "the URL is not HTTP")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    headers = {str(name): str(value) for name, value in (request.get("headers") or {}).items()}
    try:
        asked = urllib.request.Request(  # noqa: S310
            url, data=None if body is None else body.encode(), headers=headers, method=str(request.get("method") or "GET")
        )
        context = ssl.create_default_context(cafile=request.get("ca_file"))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay, urllib.request.HTTPSHandler(context=context))
        with opener.open(asked, timeout=float(request.get("timeout") or 15)) as response:
            return response.status, response.read(LIMIT)
    except urllib.error.HTTPError as error:
        return error.code, error.read(LIMIT)
    except (ValueError, UnicodeError):
        raise Refusal("invalid_request", "the URL or a header cannot be sent") from None


def _matches(rule: typing.Mapping[str, typing.Any], status: int, body: bytes) -> bool:
    wanted = rule.get("status", status)
    if status not in (wanted if isinstance(wanted, list) else [wanted]):
        return False
    if not rule.get("json"):
        return True
    try:
        data = json.loads(body)
    except ValueError:
        return False
    return all(look_up(data, path) == [value] for path, value in rule["json"].items())
