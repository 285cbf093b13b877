"""One call with the token, and for the control two more that a server which fails open would answer: an empty token and none."""

from __future__ import annotations

import typing

from mycoops_provider import WORST, send, together
from mycoops_reply import Refusal

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


def _call(url: str, headers: Headers, options: dict) -> typing.Tuple[str, str]:
    """One request; returns the outcome and what was seen."""
    answer = send(
        options.get("method", "GET"), url, headers,
        ca_file=options.get("ca_file"), timeout=float(options.get("timeout_seconds", 8)),
    )  # fmt: skip
    accepted, refused = [200, *options.get("accepted_status", [])], [401, *options.get("refused_status", [])]
    return answer.outcome(accepted, refused), answer.seen
