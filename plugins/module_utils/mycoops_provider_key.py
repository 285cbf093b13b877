"""A key of a provider by declaration: the call it opens, what a refusal looks like, and what it has to see as the old one does.

`request["service"]` is that declaration, of texts in which `<value>` stands for the key:

    base_url, call, accepted, refused, said, control, budget, parity
"""

from __future__ import annotations

import time
import typing
import urllib.parse

from mycoops_provider import WORST, Answer, Client, harmless, in_path, together
from mycoops_reply import Refusal

Request = typing.Mapping[str, typing.Any]
Declared = typing.Mapping[str, typing.Any]
MARK, MOST_PAGES, NAMED = "<value>", 50, 3
UNSEEN = (403, 404)
"""Statuses of what a key may not see."""


def filled(template: typing.Any, value: str) -> typing.Any:
    """A declared text, or texts in lists and mappings, with the value in its place."""
    if isinstance(template, str):
        return template.replace(MARK, value)
    if isinstance(template, typing.Mapping):
        return {name: filled(text, value) for name, text in template.items()}
    return [filled(text, value) for text in template] if isinstance(template, (list, tuple)) else template


def client(request: Request, budget: typing.Optional[int] = None) -> Client:
    """The client of the declared service; a budget of its own stands above the declared one."""
    service = request["service"]
    return Client(request["options"], service.get("base_url", ""), budget or int(service.get("budget", 3)))


def make(asking: Client, call: Declared, value: str, path: str = "") -> Answer:
    """One declared call with a value."""
    where = str(path or call["path"]).replace(MARK, in_path(value))
    return asking(
        call.get("method", "GET"), where, filled(call.get("headers") or {}, value),
        data=filled(call["data"], value) if call.get("data") else None,
        form=filled(call["form"], value) if call.get("form") else None,
    )  # fmt: skip


def probe(request: Request, value: str, subject: str) -> typing.Dict[str, typing.Any]:
    """Show the value once at each declared path: {"outcome", "evidence"}. A random one is given the shape of a real one first."""
    service, asking = request["service"], client(request)
    shown = filled(service.get("control", MARK), value) if subject == "random" else value
    paths = service["call"]["path"]
    outcomes, seen, said = [], [], ""
    for path in paths if isinstance(paths, list) else [paths]:
        asking.left = int(service.get("budget", 3))
        answer = make(asking, service["call"], shown, path)
        outcomes.append(answer.outcome(service.get("accepted", 200), service.get("refused", 401)))
        seen.append(answer.seen)
        said = said or harmless(answer.find(service["said"]) if service.get("said") else "", [shown, value])
        if answer.throttled and answer.retry_after:
            said = f"retry after {answer.retry_after:.0f} s"
    where = " ".join(asking.base + path for path in (paths if isinstance(paths, list) else [paths]))
    evidence = {"call": f"{service['call'].get('method', 'GET')} {where}", "status": " ".join(seen)}
    return {"outcome": together(outcomes, WORST[subject]), "evidence": {**evidence, **({"said": said} if said else {})}}


def preflight(request: Request) -> typing.Dict[str, typing.Any]:
    """The control: raises Refusal `cannot_verify` where a random value is not refused."""
    found = probe(request, request["value"], "random")
    if found["outcome"] == "refused":
        return {"done": True, "evidence": found["evidence"]}
    silent = found["outcome"] in ("unreachable", "throttled")
    code, what = ("unreachable", "the provider cannot be asked") if silent else ("cannot_verify", "a random value is not refused")
    raise Refusal(code, what, outcome=found["outcome"], **found["evidence"])


def parity(request: Request) -> typing.Dict[str, typing.Any]:
    """Whether the new value sees all that the old one sees: {"equal", "evidence"} with counts and what is missing."""
    equal, evidence = True, {}
    for declared in request["service"].get("parity") or []:
        old = visible(request, declared, request["previous_value"])
        new = visible(request, declared, request["value"])
        missing = sorted(old - new)
        equal = equal and not missing
        evidence[declared["name"]] = f"{len(old & new)} of {len(old)}" + (f", {len(new - old)} more" if new - old else "")
        if missing:
            named = [harmless(one, [request["value"], request["previous_value"]]) or "…" for one in missing[:NAMED]]
            evidence["missing"] = ", ".join([*named, "…"] if len(missing) > NAMED else named)
    return {"equal": equal, "evidence": evidence or {"compared": "nothing is declared that could be"}}


def visible(request: Request, declared: Declared, value: str) -> typing.Set[str]:
    """The ids of one list, over all its pages, or those paths of `each` that the value opens."""
    asking, call = client(request, MOST_PAGES), {**request["service"]["call"], "data": None, "form": None, **declared}
    if "each" in declared:
        return {path for path in declared["each"] if _sees(make(asking, call, value, path))}
    found: typing.Set[str] = set()
    cursor = ""
    while True:
        answer = make(asking, _page(call, cursor), value)
        page = {str(one[declared["id"]]) for one in answer.find(declared["items"]) or []} if _sees(answer) else set()
        cursor = answer.find(declared["next"]) if declared.get("next") else ""
        if not cursor or page <= found:
            return found | page
        found |= page


def _page(call: Declared, cursor: str) -> Declared:
    """The call for the page of a list that begins at a cursor, which goes into a query (`into.query`) or the body (`into.data`)."""
    if not cursor:
        return call
    if "data" in call["into"]:
        return {**call, "data": {**(call.get("data") or {}), call["into"]["data"]: cursor}}
    mark = "&" if "?" in call["path"] else "?"
    return {**call, "path": call["path"] + mark + urllib.parse.urlencode({call["into"]["query"]: cursor})}


def _sees(answer: Answer) -> bool:
    if 200 <= answer.status < 300:
        return True
    if answer.status in UNSEEN and not answer.throttled:
        return False
    raise Refusal("cannot_compare", "what a value may see cannot be read", status=answer.seen)


def require_new(request: Request) -> None:
    """Raise Refusal `new_not_accepted` unless the new value is accepted right now: nothing old is ended before that."""
    seen = probe(request, request["value"], "new")["outcome"]
    if seen != "accepted":
        raise Refusal("new_not_accepted", "the new value is not accepted: the old one is left alone", outcome=seen)


def wait_refused(request: Request, value: str, seconds: float) -> str:
    """Look at a value until it is refused or the time is over; returns the last outcome. Providers end values in their own time."""
    until, pause = time.monotonic() + seconds, 0.5
    while True:
        seen = str(probe(request, value, "old")["outcome"])
        if seen == "refused" or time.monotonic() + pause > until:
            return seen
        time.sleep(pause)
        pause = min(2 * pause, 8.0)
