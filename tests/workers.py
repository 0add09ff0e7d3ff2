"""What each worker would do, although one of them or one message is enough."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _rewrite_test, _write_pyc, assertstate_key

FEW = 50
"""Files that are not worth a process."""


def rewrite_once(config: pytest.Config, folder: Path) -> None:
    """Rewrite assertions in what is new below a folder, before workers are started.

    All workers collect the same files in the same order, so none would find what another has done.
    """
    workers = getattr(config.option, "numprocesses", None)
    missing = [file for file in sorted(folder.rglob("*.py")) if _is_new(file)]
    if not workers or len(missing) < FEW or sys.dont_write_bytecode:
        return
    shares = [missing[at :: os.cpu_count()] for at in range(os.cpu_count() or 1)]
    for child in [_forked(config, share) for share in shares]:
        os.waitpid(child, 0)


def report_calls_alone(config: pytest.Config) -> None:
    """Have a worker send of a test that passes one report, not that of its set-up and its end too.

    Where the run shows times or every test, it gets all of them.
    """
    options = config.option
    if not hasattr(config, "workerinput") or options.verbose > 0:
        return
    if options.durations is not None or options.xmlpath:
        return
    # xdist sends the source of its class to the worker, which so has another class of this name.
    plugins = config.pluginmanager.get_plugins()
    (worker,) = (one for one in plugins if type(one).__name__ == "WorkerInteractor")

    def send(report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed or report.sections:
            type(worker).pytest_runtest_logreport(worker, report)

    config.pluginmanager.unregister(worker)
    worker.pytest_runtest_logreport = send
    config.pluginmanager.register(worker)


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
