"""One call with the token, and for the control two more that a server which fails open would answer: an empty token and none."""

from __future__ import annotations

import http.client
import ssl
import typing
import urllib.parse

from mycoops_reply import Refusal

WORST = {"new": "refused", "old": "accepted", "random": "accepted"}
Headers = typing.Dict[str, str]


def run(request: dict) -> dict:
    """Answer how the service takes the token of the subject; as `preflight`, refuse a service that lets a stranger in."""
    options, subject = request["options"], request.get("subject", "new")
    header, prefix = options.get("header", "X-Service-Token"), options.get("prefix", "")
    calls: typing.Dict[str, Headers] = {"token": {header: prefix + request["value"]}}
    if subject == "random":
        calls.update({"empty_token": {header: prefix}, "no_token": {}})
    urls = options["url"] if isinstance(options["url"], list) else [options["url"]]
    outcomes, evidence = [], {"url": " ".join(urls)}
    for url in urls:
        for name, headers in calls.items():
            outcome, seen = _call(url, headers, options)
            outcomes.append(outcome)
            evidence[name] = f"{evidence[name]} {seen}" if name in evidence else seen
    outcome = together(outcomes, WORST[subject])
    if request["entry"] != "preflight":
        return {"outcome": outcome, "evidence": evidence}
    if outcome == "refused":
        return {"done": True, "evidence": evidence}
    code = "unreachable" if outcome in ("unreachable", "throttled") else "cannot_verify"
    raise Refusal(code, "a random token or none at all is not refused", outcome=outcome, **evidence)


def together(outcomes: typing.List[str], worst: str) -> str:
    """One outcome of several: `worst` if seen anywhere, else whatever is no answer, else the one they share."""
    unclear = [outcome for outcome in outcomes if outcome not in ("accepted", "refused")]
    return worst if worst in outcomes else (unclear or outcomes)[0]


def _call(url: str, headers: Headers, options: dict) -> typing.Tuple[str, str]:
    """One request without proxy and without following anything; returns the outcome and what was seen."""
    parts, timeout = urllib.parse.urlsplit(url), float(options.get("timeout_seconds", 8))
    address, port, method = parts.hostname or "", parts.port, options.get("method", "GET")
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=options.get("ca_file"))
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(address, port, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection(address, port, timeout=timeout)
        try:
            connection.request(method, urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, "")), headers=headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return "unreachable", type(error).__name__
    except ValueError:
        raise Refusal("bad_value", "the value cannot stand in a header") from None
    named = {403: "forbidden", 429: "throttled", 401: "refused", 200: "accepted"}
    named.update(dict.fromkeys(options.get("refused_status", []), "refused"))
    named.update(dict.fromkeys(options.get("accepted_status", []), "accepted"))
    return named.get(status, "unreachable"), str(status)
