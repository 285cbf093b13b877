"""The network API, the one service that runs as a container on its host."""

from __future__ import annotations

from common import Database, Reply, Request, call, serve, setting, state

MINDEX = "http://mindex:8000/api/mindex/items"


def main() -> None:
    database, token = Database(setting("DATABASE_URL")), setting("MINDEX_TOKEN")

    def health(_: Request) -> Reply:
        checks = {"database": lambda: database.rows("SELECT 1", fresh=True), "mindex": lambda: call(MINDEX, token)}
        return 200, {"status": "ok", "components": [{"name": name, "status": state(check)} for name, check in checks.items()]}

    def items(request: Request) -> Reply:
        return 200, {"items": call(MINDEX, token)["items"], "nodes": database.items(fresh=request.fresh)}

    serve("mycorrhizae-api", 8003, {"/health": health, "/items": items})


if __name__ == "__main__":
    main()
