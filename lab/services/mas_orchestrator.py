"""The orchestrator: /health is always 200 and tells the truth in its components; it signs and verifies short-lived JWTs."""

from __future__ import annotations

import json
import time

from common import EX_CONFIG, Cache, Database, Reply, Request, call, log, serve, setting, state
from hs256 import sign, verify

MINDEX = "http://mindex:8000/api/mindex/items"
LIFETIME_SECONDS = 2


def verify_keys() -> list[str]:
    """JWT_VERIFY_KEYS, a JSON list of strings."""
    try:
        keys = json.loads(setting("JWT_VERIFY_KEYS"))
    except ValueError:
        keys = None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        log("not configured: JWT_VERIFY_KEYS is not a JSON list of strings")
        raise SystemExit(EX_CONFIG)
    return keys


def main() -> None:
    url = setting("MAS_DATABASE_URL")
    pool = Database(url)
    # The older names of the same credential, which the reporting code still uses: stale ones are a fault of their own.
    reporting = Database(url, size=0, user=setting("POSTGRES_USER"), password=setting("POSTGRES_PASSWORD"))
    cache = Cache(setting("REDIS_URL"))
    token, signing, accepted = setting("MINDEX_TOKEN"), setting("JWT_SIGNING_KEY"), verify_keys()

    def health(_: Request) -> Reply:
        checks = {
            "postgresql": lambda: pool.rows("SELECT 1"),
            "redis": cache.ping,
            "mindex": lambda: call(MINDEX, token),
        }
        return 200, {"status": "ok", "components": [{"name": name, "status": state(check)} for name, check in checks.items()]}

    def issue(_: Request) -> Reply:
        claims = {"sub": "lab", "iss": "mas-orchestrator", "exp": int(time.time()) + LIFETIME_SECONDS}
        return 200, {"token": sign(claims, signing), "expires_in": LIFETIME_SECONDS}

    def whoami(request: Request) -> Reply:
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        claims = verify(presented.strip(), accepted) if scheme.lower() == "bearer" else None
        return (200, {"sub": claims.get("sub")}) if claims else (401, {"error": "unauthorized"})

    def items(request: Request) -> Reply:
        database = reporting if request.fresh else pool
        return 200, {"items": call(MINDEX, token)["items"], "tasks": database.items(fresh=request.fresh)}

    serve("mas-orchestrator", 8001, {"/health": health, "/token": issue, "/whoami": whoami, "/items": items})


if __name__ == "__main__":
    main()
