"""The index API: /health is a constant lie, /api/mindex/health authenticates afresh, the token list is re-read on SIGHUP."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

from common import Cache, Database, Reply, Request, log, serve, setting, state

TOKENS_FILE = Path(os.environ.get("MINDEX_TOKENS_FILE", "/etc/mycosoft/mindex-tokens.env"))


def read_tokens() -> list[bytes]:
    """The accepted tokens; an absent, unreadable or empty list accepts nobody."""
    value = ""
    try:
        lines = TOKENS_FILE.read_bytes().decode(errors="replace").splitlines()
    except OSError as error:
        log(f"token list: {type(error).__name__}, nobody is accepted")
        return []
    for line in lines:
        name, separator, rest = line.strip().partition("=")
        if separator and name.strip() == "MINDEX_API_TOKENS":
            value = rest.strip().strip("\"'")
    tokens = [token.strip().encode() for token in value.split(",") if token.strip()]
    log(f"token list: {len(tokens)} accepted")
    return tokens


class Tokens:
    def __init__(self) -> None:
        self._accepted = read_tokens()

    def reload(self) -> None:
        self._accepted = read_tokens()

    def accept(self, given: str) -> bool:
        matches = [hmac.compare_digest(given.encode(errors="replace"), token) for token in self._accepted]
        return any(matches)


def main() -> None:
    tokens = Tokens()
    database = Database(setting("DATABASE_URL"))
    cache = Cache(setting("REDIS_URL"))

    def honest(_: Request) -> Reply:
        db = state(lambda: database.rows("SELECT 1", fresh=True))
        redis = state(lambda: cache.ping(fresh=True))
        return 200, {"status": "ok" if db == redis == "ok" else "degraded", "db": db, "redis": redis}

    def items(request: Request) -> Reply:
        if not tokens.accept(request.headers.get("X-Service-Token", "")):
            return 401, {"error": "unauthorized"}
        return 200, {"items": database.items(fresh=request.fresh)}

    serve(
        "mindex-api",
        8000,
        {
            "/health": lambda _: (200, {"status": "ok"}),
            "/api/mindex/health": honest,
            "/api/mindex/items": items,
        },
        on_hangup=tokens.reload,
    )


if __name__ == "__main__":
    main()
