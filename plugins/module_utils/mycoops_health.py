"""Health is what a response says, not that there was one."""

from __future__ import annotations

import http.client
import json
import re
import time
import typing
import urllib.error
import urllib.request

STEP = re.compile(r"\.?(?:([^.\[\]]+)|\[([^\]=]+)=([^\]]*)\]|\[(\d+)\])")
LIMIT = 1 << 20


class Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer, not an invitation: headers go to no other host."""

    def redirect_request(self, *_: typing.Any) -> None:  # type: ignore[override]
        return None


def problem(spec: typing.Mapping[str, typing.Any], seconds: float = 5.0) -> str:
    """Ask once; return what is wrong in words free of the response's content, or an empty string."""
    if not str(spec["url"]).startswith(("http://", "https://")):
        return "the health URL is not HTTP"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
    try:
        with opener.open(urllib.request.Request(spec["url"]), timeout=seconds) as response:  # noqa: S310
            status, body = response.status, response.read(LIMIT)
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read(LIMIT)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no answer: {type(error).__name__}"
    if status != int(spec.get("status", 200)):
        return f"status {status} instead of {spec.get('status', 200)}"
    return _json_problem(body, spec.get("json") or {})


def wait(spec: typing.Mapping[str, typing.Any], seconds: float) -> str:
    """Ask until healthy or `seconds` have passed; return the last problem."""
    deadline = time.monotonic() + seconds
    while True:
        last = problem(spec, max(0.2, min(5.0, deadline - time.monotonic())))
        if not last or time.monotonic() >= deadline:
            return last
        time.sleep(0.1)


def _json_problem(body: bytes, wanted: typing.Mapping[str, typing.Any]) -> str:
    if not wanted:
        return ""
    try:
        data = json.loads(body)
    except ValueError:
        return "the answer is not JSON"
    return next((f"{path} is not {json.dumps(value)}" for path, value in wanted.items() if look_up(data, path) != [value]), "")


def look_up(data: typing.Any, path: str) -> typing.List[typing.Any]:
    """Follow a path such as `components[name=postgresql].status` or `items[0].id`; return the one value, or nothing."""
    at = 0
    while at < len(path):
        step = STEP.match(path, at)
        if not step:
            return []
        key, name, value, index = step.groups()
        if key is not None:
            found = [data[key]] if isinstance(data, dict) and key in data else []
        elif name is not None:
            found = (
                [item for item in data if isinstance(item, dict) and str(item.get(name)) == value] if isinstance(data, list) else []
            )
        else:
            found = [data[int(index)]] if isinstance(data, list) and int(index) < len(data) else []
        if len(found) != 1:
            return []
        data, at = found[0], step.end()
    return [data]
