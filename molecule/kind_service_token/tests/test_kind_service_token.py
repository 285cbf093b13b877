"""The service takes the new token alone, and was never restarted for it."""

from __future__ import annotations

import urllib.request
from urllib.error import HTTPError


def status(**headers):
    request = urllib.request.Request("http://127.0.0.1:24800/api/mindex/items", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def test_the_new_token_alone_opens_it(value):
    assert status(**{"X-Service-Token": value(2)}) == 200
    assert status(**{"X-Service-Token": value(1)}) == 401
    assert status() == 401


def test_the_list_was_reloaded_by_the_same_process(host, replies):
    services = [told for run in ("converge", "side_effect") for reply in replies.all(run) for told in reply.get("services", [])]
    assert [(told["reloaded"], told["restarted"]) for told in services] == [(True, False), (True, False)]
    assert {str(told["pid"]) for told in services} == {host.service("mindex-api").systemd_properties["MainPID"]}
