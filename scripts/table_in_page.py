"""Keep a table in a page of docs/ in step with what it is made from; with --check, only say whether it is."""

import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"


def keep(name: str, table: str, arguments: list[str]) -> int:
    """Put `table`, whose first and last lines are marks that stand in the page already, in place of what is there."""
    path, lines = DOCS / name, table.splitlines()
    page = path.read_text("utf-8")
    fresh = re.sub(f"{re.escape(lines[0])}.*{re.escape(lines[-1])}", lambda _: table, page, flags=re.DOTALL)
    if "--check" not in arguments:
        path.write_text(fresh, "utf-8")
    elif fresh != page or table not in page:
        print(f"{name} is not in step\n  do this:  python scripts/{pathlib.Path(sys.argv[0]).name}")
        return 1
    return 0
