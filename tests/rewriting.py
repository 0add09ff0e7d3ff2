"""Rewrites the assertions of the tests once in a fresh checkout, not once in each worker.

All workers collect the same files in the same order, so none would find what another has rewritten.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _rewrite_test, _write_pyc, assertstate_key

FEW = 50
"""Files that are not worth a process."""


def rewrite_once(config: pytest.Config, folder: Path) -> None:
    """Rewrite what is new below a folder, on all processors, before workers are started."""
    workers = getattr(config.option, "numprocesses", None)
    missing = [file for file in sorted(folder.rglob("*.py")) if _is_new(file)]
    if not workers or len(missing) < FEW or sys.dont_write_bytecode:
        return
    shares = [missing[at :: os.cpu_count()] for at in range(os.cpu_count() or 1)]
    for child in [_forked(config, share) for share in shares]:
        os.waitpid(child, 0)


def _is_new(file: Path) -> bool:
    named = file.name.startswith("test_") or file.name == "conftest.py"
    return named and not _cached(file).exists()


def _cached(file: Path) -> Path:
    return file.parent / "__pycache__" / (file.stem + PYC_TAIL)


def _forked(config: pytest.Config, files: Sequence[Path]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        for file in files:
            source_hash, code = _rewrite_test(file, config)
            _cached(file).parent.mkdir(exist_ok=True)
            _write_pyc(config.stash[assertstate_key], code, source_hash, _cached(file))
    finally:
        # Whatever failed here fails again where it is collected, and is told there.
        os._exit(0)
