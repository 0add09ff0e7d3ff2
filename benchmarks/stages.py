"""Where one command of this tool spends its processor time, stage by stage.

    python benchmarks/stages.py plan -w FOLDER [--offline]

The command runs in this process, and functions of it are timed: each without those within it. The
last line is JSON: the seconds of each stage. Nothing else of the command is changed.
"""

import gc
import importlib
import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

START, REST, OTHERS = "start, imports", "the rest", "other processes, that read YAML"
COLLECTION = "garbage collection"

STAGES = {
    "find files": ("reconciler.workspace.loader:find",),
    "open, read files": (
        "reconciler.workspace.loader:read_file",
        "reconciler.workspace.cache.known_files:read_bytes",
    ),
    "digests of files": ("reconciler.workspace.cache.known_files:KnownFiles.of",),
    "YAML, schemas": (
        "reconciler.workspace.loader:read",
        "reconciler.workspace.loader:_Reading.take_all",
    ),
    "known declarations": (
        "reconciler.workspace.cache.known_files:known_from",
        "reconciler.workspace.loader:load",
    ),
    "rules": ("reconciler.app.workspace:read_workspace",),
    "read caches": (
        "reconciler.workspace.cache.rows:Cache.rows",
        "reconciler.app.plan:kept_reads",
    ),
    "write caches": ("reconciler.app.file_cache:FileCache.keep", "reconciler.app.plan:_keep"),
    "daybook": ("reconciler.app.state_directory:open_daybook",),
    "open ledger, its imports": ("reconciler.app.session:connect",),
    "query of stamps": ("reconciler.engine.live_state:_ask",),
    "compare stamps": ("reconciler.engine.live_state:unmoved",),
    "single reads": ("reconciler.engine.live_state:observe",),
    "decisions, impact, digest": (
        "reconciler.app.plan:make_plan",
        "reconciler.app.offline.known:known_offline",
    ),
    "render": ("reconciler.cli.plan:print_plan", "reconciler.cli.validate:_print"),
}
"""The functions of each stage. A caller counts without what is within it."""


class Stopwatch:
    """Processor seconds of each stage. Of nested stages, the inner one counts."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._open = [START]
        self._since = 0.0

    def begin(self) -> None:
        """What ran until now is the start. What no stage has is the rest."""
        self._count()
        self._open = [REST]

    def enter(self, stage: str) -> None:
        self._count()
        self._open.append(stage)

    def leave(self) -> None:
        self._count()
        self._open.pop()

    def _count(self) -> None:
        now = time.process_time()
        self.spent[self._open[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def within(*positional: Any, **named: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*positional, **named)
            self.enter(stage)
            try:
                return function(*positional, **named)
            finally:
                self.leave()

        return within

    def collecting(self, phase: str, _: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self.enter(COLLECTION) if phase == "start" else self.leave()


def watch(watched: Stopwatch) -> None:
    """Time the functions of every stage. Raises AttributeError for one that is no longer there."""
    for stage, names in STAGES.items():
        for name in names:
            module, _, path = name.partition(":")
            *outer, last = path.split(".")
            holder = importlib.import_module(module)
            for part in outer:
                holder = getattr(holder, part)
            setattr(holder, last, watched.timed(stage, getattr(holder, last)))
    gc.callbacks.append(watched.collecting)


def main() -> None:
    """Run the command, then print its stages."""
    from reconciler.cli.main import main as run  # noqa: PLC0415 - its time counts

    watched = Stopwatch()
    watch(watched)
    watched.begin()
    code: object = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code
    watched.begin()
    children = os.times()
    watched.spent[OTHERS] = children.children_user + children.children_system
    print(json.dumps(watched.spent))
    sys.exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
