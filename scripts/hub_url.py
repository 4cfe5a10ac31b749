"""Prints the URL of the hub that a `hub.json` names, if the process PID wrote it.

Usage: hub_url.py HUB_JSON PID. Exits with 1 while it is another process's file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> int:
    """Prints the URL; returns the exit code."""
    path, pid = Path(sys.argv[1]), int(sys.argv[2])
    hub = json.loads(path.read_text(encoding="utf-8"))
    if hub["process"]["pid"] != pid:
        return 1
    print(hub["url"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
