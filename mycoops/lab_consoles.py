"""Takes the steps of a person at the consoles of the lab's providers, by the control API that a lab publishes on loopback."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mycoops.errors import LabError
from mycoops.lab_boot import PROVIDERS
from mycoops.lab_fleet import Fleet

API_PORT, CONTROL_PORT = 8090, 8091
TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Consoles:
    """The providers of one lab: where a catalogue says that they are, and where their control API listens on this machine."""

    bases: tuple[str, ...]
    control: str

    def provider(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """The provider that the options of an authority name, and the place in it; both empty where it is none of the lab's."""
        named = options.get("base_url") or options.get("url") or ""
        url = str(named[0] if isinstance(named, list) and named else named)
        if not url.startswith(tuple(f"{base}/" for base in self.bases)):
            return "", ""
        parts = [*urlsplit(url).path.strip("/").split("/"), ""]
        return parts[0], parts[1]

    def step(self, provider: str, step: str, **given: Any) -> dict[str, Any]:
        """Take a step; a value it makes is in the answer and never again."""
        return dict(self._asked("POST", f"/{provider}/console/{step}", given))

    def seen(self, provider: str) -> dict[str, Any]:
        """What a person sees in the pages of a provider; no value is in it."""
        return dict(self._asked("GET", f"/{provider}"))

    def listed(self, provider: str, name: str = "") -> list[str]:
        """The ids of what a provider lists, of this name where one is given, the oldest first."""
        found = self.seen(provider)["credentials"]
        return [str(one["id"]) for one in found if one["listed"] and name in ("", one["name"])]

    def later(self, seconds: float) -> None:
        """Let time pass at the providers."""
        self._asked("POST", "/clock", {"seconds": seconds})

    def _asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.control).netloc, timeout=TIMEOUT)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, body=sent, headers={"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            hint = "Have it running: `mycoops lab up`."
            raise LabError(f"the providers of the lab do not answer at {self.control}: {type(error).__name__}", hint=hint) from None
        finally:
            connection.close()
        if reply.status != 200:
            raise LabError(f"the lab's providers refuse {method} {path}: {answer.get('error', reply.status)}")
        return answer


def of(fleet: Fleet) -> Consoles | None:
    """The consoles of a lab; None where no host of it has providers, or none publishes their control API."""
    for host in fleet.hosts:
        ports = dict(host.publish)
        if PROVIDERS in host.services and CONTROL_PORT in ports:
            return Consoles((f"https://{host.name}:{API_PORT}",), f"http://127.0.0.1:{ports[CONTROL_PORT]}")
    return None
