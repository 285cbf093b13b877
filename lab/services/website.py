"""One instance of the website, blue or green: /api/health is a constant lie, /api/ready authenticates afresh.

Its reports log in with a role that has one password; the instance knows the next one before it is in force."""

from __future__ import annotations

import sys

from common import Database, Reply, Request, serve, setting, state

from mycoops.dual import Dual

PORTS = {"blue": 8101, "green": 8102}


def main(colour: str) -> None:
    database = Database(setting("DATABASE_URL"))
    reports = Database(setting("REPORTS_DATABASE_URL"), dual=Dual("REPORTS_PASSWORD"))

    def ready(_: Request) -> Reply:
        checks = {"database": database, "reports": reports}
        found = {name: state(lambda one=one: one.rows("SELECT 1", fresh=True)) for name, one in checks.items()}
        return (200 if set(found.values()) == {"ok"} else 503), found

    def items(request: Request) -> Reply:
        return 200, {"instance": colour, "items": database.items(fresh=request.fresh)}

    def report(request: Request) -> Reply:
        ((count,),) = reports.rows("SELECT count(*) FROM items", fresh=request.fresh)
        return 200, {"instance": colour, "items": count}

    serve(
        f"website-{colour}",
        PORTS[colour],
        {
            "/api/health": lambda _: (200, {"status": "ok"}),
            "/api/ready": ready,
            "/api/items": items,
            "/api/reports": report,
        },
    )


if __name__ == "__main__":
    main(sys.argv[1])
