"""ChemSpider, by the Royal Society of Chemistry: keys that a person makes in the portal; calls are rationed by the month.

Documented at developer.rsc.org, "Compounds API v1", /docs/compounds-v1-trial/1/overview: GET
/compounds/v1/lookups/datasources with the header `apikey` returns `dataSources`; statuses 400, 401, 404, 405, 413, 429, 500
and 503; the trial product has 1000 calls a month. Keys have 32 characters, which client libraries insist on.
(not verified): the bodies of errors, taken to be those of the gateway in front (`fault`, `faultstring`, `errorcode`); what a
month is: 30 days here; that a refused key costs no call.
"""

from __future__ import annotations

from typing import Any, ClassVar

from credentials import ALNUM, Credential, digits, pick
from limits import Window
from provider import Provider, console, route
from wire import Refused, Reply, Request

CODES = {
    401: "oauth.v2.InvalidApiKey",
    403: "oauth.v2.InvalidApiKeyForGivenResource",
    404: "messaging.adaptors.http.flow.ApplicationNotFound",
    429: "policies.ratelimit.QuotaViolation",
}
MONTH = 30 * 24 * 3600


class ChemSpider(Provider):
    """One developer, with as many keys as wanted."""

    NAME = "chemspider"
    HOSTS = ("api.rsc.org",)
    SETTINGS: ClassVar[dict[str, Any]] = {"calls_per_month": 1000}

    def begin(self) -> None:
        self.window = Window()

    def error(self, status: int, message: str) -> Reply:
        return Reply(status, {"fault": {"faultstring": message, "detail": {"errorcode": CODES.get(status, f"http.{status}")}}})

    def forbidden(self) -> Reply:
        return self.error(403, "Invalid ApiKey for given resource")

    def presented(self, request: Request) -> str:
        return request.header("apikey")

    def caller(self, request: Request) -> Credential:
        value = self.presented(request)
        refusal = self.error(401, "Invalid ApiKey" if value else "Failed to resolve API Key variable request.header.apikey")
        key = self.admitted(request, self.keys.working(value), refusal)
        _, wait = self.window.take(key.id, self.clock.now(), self.settings["calls_per_month"], MONTH)
        if wait:
            raise Refused(self.throttled(wait))
        return key

    @route("GET", "/compounds/v1/lookups/datasources")
    def data_sources(self, request: Request) -> Reply:
        self.caller(request)
        return Reply(200, {"dataSources": ["Abacipharm", "Abcam", "ChEBI", "ChEMBL", "DrugBank"]})

    @console
    def create_key(self, name: str) -> dict[str, str]:
        """Developer portal, My Apps, Add a new key."""
        key = self.keys.add(Credential(digits(8), pick(ALNUM, 32), name, self.clock.now()))
        return {"id": key.id, "value": key.value}

    @console
    def delete_key(self, key: str) -> dict[str, str]:
        self.keys.end(self.listed(key))
        return {"id": key}
