"""A store, and the programs of a kind that asks a provider: each is bundled and run by another Python, as on a host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from mycoops import bridge, content, taking
from mycoops.secret import Secret, generate
from mycoops.vault import Store, password_secrets
from tests.providers.server import Providers

MODULES = content.path("plugins") / "module_utils"
KEEPING = ("mint", "refresh", "cutover")


class Kept:
    """The credential `it` of one kind, its administrator `admin`, and everything that was said about both."""

    def __init__(self, home: Path, program: str, options: dict[str, Any], first: str, admin: str, **body: Any) -> None:
        (home / "group_vars" / "all").mkdir(parents=True)
        self.home, self.program, self.options, self.body = home, content.path("roles") / program, options, body
        self._secrets = password_secrets(generate("token").reveal())
        self.store.add("it", body.get("first_slot", ""), Secret(first))
        self.store.add("admin", "", Secret(admin))
        self.said: list[str] = []

    @property
    def store(self) -> Store:
        return Store.open(self.home, self._secrets)

    def value(self, generation: int) -> str:
        return self.store.secret("it", generation).reveal()

    def item(self, entry: str, subject: str = "new", **more: Any) -> dict[str, Any]:
        old, new = more.pop("numbers", (1, 2))

        def reference(number: int, credential: str = "it") -> dict[str, Any]:
            return {"$form": "<value>", "credential": credential, "generation": number}

        value: dict[str, Any] | None = reference(old if subject == "old" else new)
        if subject == "random" or entry == "preflight":
            value = {**reference(new), "random": True}
        if entry in KEEPING:
            value = None
        return {
            "id": "1", "entry": entry, "subject": subject, "credential": "it", "generation": new, "previous": old,
            "options": self.options, "tag": f"mycoops/it/g{max(old, new)}/run", "cadence_days": 92, "value": value,
            "previous_value": None if entry == "probe" else reference(old),
            "admin_value": reference(1, "admin"), **self.body, **more,
        }  # fmt: skip

    def __call__(self, entry: str, subject: str = "new", *, lose: bool = False, **more: Any) -> dict[str, Any]:
        """What the action does with an item; `lose` what comes back, as a controller that ends before it is written."""
        request, used = self.item(entry, subject, **more), taking.pad()
        if entry in KEEPING and (told := taking.already(self.store, request)):
            return told
        number = request["generation"] if entry in KEEPING else taking.following(self.store, request)
        sent = {**request, "pad": used, "others": taking.others(self.store, request)}
        reply = bridge.call(self.program, MODULES, sent, lambda: self.store, self._send, sys.executable)
        if lose:
            return {}
        found = taking.take(lambda: self.store, request, number, reply, used)
        self.said.append(json.dumps(found))
        return found

    def _send(self, command: str, data: bytes) -> tuple[int, str]:
        done = subprocess.run(["sh", "-c", command], input=data, capture_output=True, check=False)
        self.said.append(done.stdout.decode() + done.stderr.decode())
        return done.returncode, done.stdout.decode()

    def outcomes(self, **more: Any) -> list[str]:
        """What random, new and old value are told."""
        return [str(self("probe", subject, **more).get("outcome")) for subject in ("random", "new", "old")]

    def silent(self) -> None:
        """No value was in anything that came over the wire, or in a reply."""
        told = "\n".join(self.said)
        for credential, generation, secret in self.store.secrets():
            assert secret.reveal() not in told, f"{credential} g{generation}"


def listed(providers: Providers, provider: str) -> list[str]:
    """The name of every credential that a provider has."""
    found = providers.ask("GET", f"/{provider}")["credentials"]
    return sorted(one["name"] for one in found if one["listed"])
