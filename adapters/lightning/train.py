"""Does what a run directory asks for: ``python train.py [--project FOLDER] [COMMAND] RUN_DIR``.

The project folder holds the user's code; it comes first on the import path.
"""

from __future__ import annotations

import os
import sys

from mlhub_adapter.adapter import main, take_project

from mlhub_lightning.adapter import Lightning

if __name__ == "__main__":
    arguments = sys.argv[1:]
    project = take_project(arguments)
    # A strategy tells the processes it starts only their place on the machine; events are
    # named by RANK.
    if "LOCAL_RANK" in os.environ and os.environ.get("NODE_RANK", "0") == "0":
        os.environ.setdefault("RANK", os.environ["LOCAL_RANK"])
    main(Lightning(project), arguments)
