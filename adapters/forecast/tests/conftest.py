"""Puts the author's kit on the import path."""

from __future__ import annotations

import sys
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[3] / "python"
sys.path[:0] = [str(PYTHON), str(PYTHON / "tests" / "kit")]
