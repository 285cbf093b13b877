"""Credentials that a provider makes, on the lab: asked over TLS that the hosts trust, delivered to a service, and closed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.lab import MYCOOPS, Lab
from tests.providers.server import Base, bearer

HOST, VARIABLE, DAY = "mas", "CLOUDFLARE_API_TOKEN", 86400
VERIFY = "/cloudflare/client/v4/user/tokens/verify"


class Console:
    """Who plays the person at a provider's pages, by the control API that the lab publishes."""

    def __init__(self, lab: Lab) -> None:
        self._control = Base(f"http://127.0.0.1:{lab.port(8091)}")

    def ask(self, method: str, path: str, /, **body: Any) -> Any:
        answer = self._control(method, path, body=body or None)
        assert answer.status == 200, answer.text
        return answer.json

    def step(self, provider: str, name: str, /, **given: Any) -> Any:
        return self.ask("POST", f"/{provider}/console/{name}", **given)

    def names(self) -> list[str]:
        """The tokens of Cloudflare's user."""
        return sorted(one["name"] for one in self.ask("GET", "/cloudflare")["credentials"] if one["listed"])


@pytest.fixture(scope="module")
def console(lab: Lab) -> Iterator[Console]:
    """The lab's fleet with credentials of two providers, made at their consoles and brought by a person."""
    made, path = Console(lab), lab.fleet / "group_vars" / "all" / "catalogue.yml"
    before, vault = path.read_text(), lab.fleet / "group_vars" / "all" / "vault.yml"
    held = vault.read_bytes()
    made.ask("POST", "/reset")
    web = made.step("cloudflare", "create_token", name="web", permissions={"Zone Read": "*"})
    maker = made.step("cloudflare", "create_token", name="maker", permissions={"API Tokens Write": "user"})
    app = made.step("quickbooks", "create_app", name="books")
    grant = made.step("quickbooks", "consent", app=app["id"], company="Spores Ltd", realm="7")
    intuit = {"base_url": f"https://{HOST}:8090/quickbooks", "client_id": app["id"]}
    cloudflare = {"base_url": f"https://{HOST}:8090/cloudflare", "soak_seconds": 1, "read": "/client/v4/zones"}

    def declared(kind: str, category: str, options: dict[str, Any], admin: str, consumer: dict[str, Any]) -> dict[str, Any]:
        authority = {"host": HOST, "options": options, **({"admin": admin} if admin else {})}
        return {"kind": kind, "category": category, "authority": authority, "consumers": [consumer]}

    service, rotator = {"service": "mas-agent", "env": {VARIABLE: "<value>"}}, {"rotator": True}
    company = {**intuit, "company_url": intuit["base_url"], "realm": "7"}
    document = yaml.safe_load(before)
    document["mycoops_services"]["mas-agent"]["reads"].append(VARIABLE)
    document["mycoops_credentials"] |= {
        "cloud": declared("cloudflare_token", "api_keys", cloudflare, "cloud_maker", service),
        "cloud_maker": declared("cloudflare_token", "api_keys", cloudflare, "cloud_maker", rotator),
        "books": declared("quickbooks_oauth", "oauth", company, "books_app", rotator),
        "books_app": declared("quickbooks_app", "oauth", intuit, "", rotator),
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    for name, one in (("cloud", web), ("cloud_maker", maker), ("books", grant), ("books_app", app)):
        brought = [MYCOOPS, "provide", name]
        subprocess.run(brought, input=one["value"], text=True, env=lab.environment(), check=True, capture_output=True)
    lab.remember()
    lab.run("check")
    lab.run("deploy")
    yield made
    path.write_text(before)
    vault.write_bytes(held)


def verify(lab: Lab, text: str) -> int:
    """What Cloudflare says to a token, asked from this machine over the published port."""
    host = lab.hosts[HOST]
    ca = lab.state_root / "providers.pem"
    ca.write_text(host.call("cat", "/run/providers/ca.pem").stdout.decode())
    return Base(f"https://localhost:{lab.port(8090)}", ca)("GET", VERIFY, bearer(text)).status


def test_a_token_and_a_grant_are_rotated_to_the_end(lab: Lab, console: Console) -> None:
    before, mas = lab.current(), lab.hosts[HOST]
    done = lab.run("rotate", "cloud", "books", "--yes", status=6)
    after = lab.current()
    assert lab.state_of("cloud") == "CLOSED", done.told
    assert lab.state_of("books") == "REVOKE_PENDING", done.told
    assert mas.environ(mas.pid_of("mas-agent"))[VARIABLE] == after["cloud"].text
    assert (verify(lab, after["cloud"].text), verify(lab, before["cloud"].text)) == (200, 401)
    assert after["books"].text != before["books"].text
    console.ask("POST", "/clock", seconds=DAY + 1)
    lab.run("resume")
    assert lab.state_of("books") == "CLOSED"


def test_a_kill_between_what_a_provider_made_and_its_writing_leaves_no_orphan(lab: Lab, console: Console) -> None:
    before, count = lab.current(), len(console.names())
    console.ask("POST", "/cloudflare/switches", switch="lost_reply", method="POST", seconds=60)
    running = lab.begin("rotate", "cloud", "--yes")
    deadline = time.monotonic() + 120
    while len(console.names()) == count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.kill()
    console.ask("DELETE", "/cloudflare/switches")
    assert lab.values.candidates("cloud") == [], "what was made is known to nobody"
    done = lab.run("resume")
    assert lab.state_of("cloud") == "CLOSED", done.told
    assert len(console.names()) == count
    assert (verify(lab, lab.current()["cloud"].text), verify(lab, before["cloud"].text)) == (200, 401)
