"""`python -m helpers.catalogue [--check]`: renew helpers/schemas.json and docs/helpers.md."""

from __future__ import annotations

import asyncio
import sys

from helpers.catalogue.page import PAGE_PATH, render_page
from helpers.catalogue.schemas import SCHEMAS_PATH, render_schemas


def main(arguments: list[str]) -> int:
    """Write both files, or with ``--check`` tell which one is stale; returns the exit status."""
    wanted = {SCHEMAS_PATH: render_schemas(), PAGE_PATH: asyncio.run(render_page())}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.name} is stale; run python -m helpers.catalogue\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
        sys.stdout.write(f"renewed {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
