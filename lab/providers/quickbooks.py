"""QuickBooks Online: a grant whose refresh token replaces itself; the one before leads to the same next one for a day.

Documented at developer.intuit.com:
  "Set up OAuth 2.0", /app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0: POST
  /oauth2/v1/tokens/bearer with Basic authentication and a form of `grant_type` and `refresh_token`; `access_token`,
  `expires_in` 3600, `refresh_token`, `x_refresh_token_expires_in` 8726400; POST
  /v2/oauth2/tokens/revoke of a `token`, 200, which ends the grant
  "Authorization FAQ", …/faq: access tokens live an hour, refresh tokens 100 days; the value changes, at the latest every 24
  hours: keep the newest
  "CompanyInfo", /app/developer/qbo/docs/api/accounting/all-entities/companyinfo: GET /v3/company/{realm}/companyinfo/{realm}
  "Error codes", /app/developer/qbo/docs/develop/troubleshooting/error-codes: `Fault`, 401 for a token that is expired or
  revoked; throttling at 500 calls a minute for a company
Seen in public reports, not documented: 400 `{"error": "invalid_grant"}` for a refresh token that is dead; 3200
ApplicationAuthenticationFailed, 3100 ApplicationAuthorizationFailed and 3001 ThrottleExceeded in `Fault`; the header
`intuit_tid`.
(not verified): that the token before stays valid for 24 hours and leads to the same next one, as the design of this project
assumes; settings say how long and how soon the value changes. The lengths of tokens. 400 for revoking what is not known.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from credentials import ALNUM, URLSAFE, Credential, digits, pick
from limits import Window
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

HOUR, DAY = 3600, 86400
CODES = {
    401: ("AUTHENTICATION", "3200", "ApplicationAuthenticationFailed"),
    403: ("AuthorizationFault", "3100", "ApplicationAuthorizationFailed"),
    429: ("Service", "3001", "ThrottleExceeded"),
}


class QuickBooks(Provider):
    """Apps, and grants of companies (realms) to them."""

    NAME = "quickbooks"
    HOSTS = ("oauth.platform.intuit.com", "developer.api.intuit.com", "quickbooks.api.intuit.com")
    SETTINGS: ClassVar[dict[str, Any]] = {
        "old_valid_seconds": DAY,
        "changes_after_seconds": 0,
        "refresh_days": 101,
        "calls_per_minute": 500,
    }

    def begin(self) -> None:
        self.apps: dict[str, str] = {}
        self.grants: dict[str, dict[str, Any]] = {}
        self.window = Window()

    def error(self, status: int, message: str) -> Reply:
        kind, code, words = CODES.get(status, ("SystemFault", "10000", message))
        error = {"Message": f"message={words}; errorCode={int(code):06d}; statusCode={status}", "Detail": message, "code": code}
        return Reply(status, {"Fault": {"Error": [error], "type": kind}, "time": None}, {"intuit_tid": f"1-{uuid.uuid4()}"})

    def refused(self, status: int, error: str) -> Refused:
        return Refused(Reply(status, {"error": error}, {"intuit_tid": f"1-{uuid.uuid4()}"}))

    def presented(self, request: Request) -> str:
        return request.bearer() or request.form().get("refresh_token") or request.basic()[1]

    # The grant.

    def app(self, request: Request) -> str:
        name, secret = request.basic()
        if not name or self.apps.get(name) != secret:
            raise self.refused(401, "invalid_client")
        return name

    def _token(self, grant: str, use: str, seconds: float) -> Credential:
        value = f"RT1-{pick(ALNUM, 40)}" if use == "refresh" else pick(URLSAFE, 800)
        now = self.clock.now()
        return self.keys.add(Credential(digits(12), value, use, now, now + seconds, {"grant": grant, "use": use}))

    def _next(self, token: Credential) -> Credential:
        """The refresh token that this one leads to: the same as before where there is one already, or where it is too young."""
        grant = self.grants[token.about["grant"]]
        current: Credential = grant["refresh"]
        if token is not current or self.clock.now() < token.created + self.settings["changes_after_seconds"]:
            return current
        token.expires = min(token.expires or 0.0, self.clock.now() + self.settings["old_valid_seconds"])
        for older in self.keys.every():
            if older.about.get("grant") == token.about["grant"] and older.about["use"] == "refresh" and older is not token:
                older.expires = min(older.expires or 0.0, self.clock.now())
        grant["refresh"] = following = self._token(token.about["grant"], "refresh", self.settings["refresh_days"] * DAY)
        return following

    @route("POST", "/oauth2/v1/tokens/bearer")
    def bearer(self, request: Request) -> Reply:
        app, given = self.app(request), request.form()
        if given.get("grant_type") != "refresh_token":
            raise self.refused(400, "unsupported_grant_type")
        found = self.keys.working(given.get("refresh_token", ""))
        if found is None or found.about["use"] != "refresh" or self.grants[found.about["grant"]]["app"] != app:
            raise self.refused(400, "invalid_grant")
        token = self.admitted(request, found, self.error(401, ""))
        following = self._next(token)
        access = self._token(token.about["grant"], "access", HOUR)
        left = round((following.expires or 0) - self.clock.now())
        return Reply(200, {"token_type": "bearer", "access_token": access.value, "expires_in": HOUR,
                           "refresh_token": following.value, "x_refresh_token_expires_in": left})  # fmt: skip

    @route("POST", "/v2/oauth2/tokens/revoke")
    def revoke(self, request: Request) -> Reply:
        app = self.app(request)
        found = self.keys.working(str(request.fields().get("token", "")))
        if found is None or self.grants[found.about["grant"]]["app"] != app:
            raise self.refused(400, "invalid_request")
        self._end(found.about["grant"])
        return Reply(200)

    def _end(self, grant: str) -> None:
        for token in [token for token in self.keys.listed() if token.about["grant"] == grant]:
            self.keys.end(token)

    # What the grant is for.

    @route("GET", "/v3/company/{realm}/companyinfo/{same}")
    def company_info(self, request: Request, realm: str, same: str) -> Reply:
        found = self.keys.working(request.bearer())
        fits = found if found and found.about["use"] == "access" else None
        token = self.admitted(request, fits, self.error(401, "Token expired or revoked"))
        grant = self.grants[token.about["grant"]]
        if grant["realm"] != realm or same != realm:
            raise Refused(self.error(403, "the token is of another company"))
        _, wait = self.window.take(realm, self.clock.now(), self.settings["calls_per_minute"], 60)
        if wait:
            raise Refused(self.throttled(wait))
        return Reply(200, {"CompanyInfo": {"CompanyName": grant["company"], "Id": "1", "domain": "QBO"}, "time": None})

    # What a person does.

    @console
    def create_app(self, name: str, client_id: str = "") -> dict[str, str]:
        """Developer portal, Keys and credentials: the app's id and its secret. An id that is given is one that was there before."""
        identity, secret = client_id or pick(ALNUM, 50), pick(ALNUM, 40)
        self.apps[identity] = secret
        return {"id": identity, "value": secret, "name": name}

    @console
    def rotate_secret(self, app: str) -> dict[str, str]:
        """The same page, Rotate: the secret before ends; the grants of the app stay."""
        if app not in self.apps:
            raise BadStep(f"there is no app {app}")
        self.apps[app] = pick(ALNUM, 40)
        return {"id": app, "value": self.apps[app]}

    @console
    def consent(self, app: str, company: str, realm: str = "") -> dict[str, str]:
        """A company connects to the app: a new grant; the first refresh token is shown once."""
        if app not in self.apps:
            raise BadStep(f"there is no app {app}")
        grant, realm = digits(12), realm or digits(19)
        self.grants[grant] = {"app": app, "company": company, "realm": realm}
        self.grants[grant]["refresh"] = self._token(grant, "refresh", self.settings["refresh_days"] * DAY)
        return {"id": grant, "realm": realm, "value": self.grants[grant]["refresh"].value}

    @console
    def disconnect(self, grant: str) -> dict[str, str]:
        """The company disconnects the app."""
        self._end(grant)
        return {"id": grant}
