"""One instance of the website, blue or green: /api/health is a constant lie, /api/ready authenticates afresh."""

from __future__ import annotations

import sys

from common import Database, Reply, Request, serve, setting, state

PORTS = {"blue": 8101, "green": 8102}


def main(colour: str) -> None:
    database = Database(setting("DATABASE_URL"))

    def ready(_: Request) -> Reply:
        status = state(lambda: database.rows("SELECT 1", fresh=True))
        return (200 if status == "ok" else 503), {"database": status}

    def items(request: Request) -> Reply:
        return 200, {"instance": colour, "items": database.items(fresh=request.fresh)}

    serve(
        f"website-{colour}",
        PORTS[colour],
        {
            "/api/health": lambda _: (200, {"status": "ok"}),
            "/api/ready": ready,
            "/api/items": items,
        },
    )


if __name__ == "__main__":
    main(sys.argv[1])
