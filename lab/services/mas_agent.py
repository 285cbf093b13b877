"""An agent: it works through Redis and the index API, and says in its health which of them answer."""

from __future__ import annotations

from common import Cache, Reply, Request, call, serve, setting, state

MINDEX = "http://mindex:8000/api/mindex/items"


def main() -> None:
    cache, token = Cache(setting("REDIS_URL")), setting("MINDEX_TOKEN")

    def health(_: Request) -> Reply:
        checks = {"redis": cache.ping, "mindex": lambda: call(MINDEX, token)}
        return 200, {"status": "ok", "components": [{"name": name, "status": state(check)} for name, check in checks.items()]}

    def work(request: Request) -> Reply:
        cache.ping(fresh=request.fresh)
        return 200, {"done": len(call(MINDEX, token)["items"])}

    serve("mas-agent", 8002, {"/health": health, "/work": work})


if __name__ == "__main__":
    main()
