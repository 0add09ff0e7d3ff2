"""Plants known bugs, one at a time, in copies of the checkout, and shows that the suite goes red.

Each `bNN_*.patch` beside this file is one bug. Its first line says what it breaks; `tests:` names
what is expected to notice, and `full:`, where it is there, what only the full tier runs. A bug is
caught when a test fails; a test that cannot be collected or set up says nothing.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = ROOT / "tests" / "planted"
COUNT = 64
SWEEPS = "(long or faults) and not vendor"
"""What the full tier runs more than the bounded one, which is the default suite."""
LONGEST = 1800
"""Seconds after which a run of tests counts as hung, and its bug as escaped."""
BEGIN, END = "<!-- planted: begin -->\n", "<!-- planted: end -->\n"
FIRST_LINE = re.compile(r"(B\d+) breaks ([IT]-\d\d(?:, [IT]-\d\d)*: .+)")


class Unusable(Exception):
    """The exercise cannot be done, so that its result would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A patch, what it breaks, and the tests that are expected to notice."""

    name: str
    breaks: str
    patch: Path
    tests: tuple[str, ...]
    full: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a run of tests ended. `failed` is the first test that failed, where one did."""

    code: int
    failed: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a bug: `by` is the test that caught it, empty when none did."""

    bug: Bug
    by: str
    seconds: float
    why: str = ""


def bugs() -> tuple[Bug, ...]:
    """Every bug, by its number. Raises Unusable for a patch whose header is not complete."""
    return tuple(bug_in(patch) for patch in sorted(PATCHES.glob("*.patch")))


def bug_in(patch: Path) -> Bug:
    """The bug that a patch is."""
    header = patch.read_text(encoding="utf-8").partition("\ndiff --git")[0].splitlines()
    said = dict(re.findall(r"^(tests|full): (.+)$", "\n".join(header), re.MULTILINE))
    first = FIRST_LINE.fullmatch(header[0])
    if first is None or "tests" not in said:
        raise Unusable(f"{patch.name} does not say what it breaks, or which tests notice")
    full = tuple(said.get("full", "").split())
    return Bug(
        name=first[1], breaks=first[2], patch=patch, tests=tuple(said["tests"].split()), full=full
    )


def apply(bug: Bug, place: Path, *options: str) -> None:
    """Apply a patch, or with `--check` see whether it can be. Raises Unusable when it cannot."""
    done = subprocess.run(
        ["git", "apply", *options, str(bug.patch)],
        cwd=place,
        # The copy is no checkout, nor a part of one that it may lie in.
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(place.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unusable(f"{bug.patch.name} does not apply any more:\n{done.stderr}")


def copy_checkout(place: Path) -> Path:
    """A copy of every file that git keeps, or would, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place / name, follow_symlinks=False)
    return place


def planted(bug: Bug, clean: Path, place: Path) -> Path:
    """A copy with the bug in it, whose code is the code that its tests will import."""
    shutil.copytree(clean, place, symlinks=True)
    apply(bug, place, "--check")
    apply(bug, place)
    for name in re.findall(r"^\+\+\+ b/(.+)$", bug.patch.read_text(encoding="utf-8"), re.MULTILINE):
        shutil.rmtree((place / name).parent / "__pycache__", ignore_errors=True)
    check_import(place)
    return place


def check_import(place: Path) -> None:
    """Raises Unusable when the copy's code is not what is imported there."""
    asked = [sys.executable, "-c", "import reconciler; print(reconciler.__file__)"]
    said = subprocess.run(
        asked, cwd=place, env=environment(place), capture_output=True, text=True, check=True
    )
    if Path(said.stdout.strip()).resolve() != (place / "reconciler" / "__init__.py").resolve():
        raise Unusable(f"{said.stdout.strip()} is imported, and not the copy in {place}")


def environment(place: Path) -> dict[str, str]:
    """An environment in which Python, and what it starts, imports the copy."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return {**kept, "PYTHONPATH": str(place)}


def run_tests(place: Path, tests: Iterable[str], *options: str) -> Run:
    """Run tests of a copy until one fails."""
    report = place / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [f"--junit-xml={report}", *options, *tests]
    with subprocess.Popen(
        command,
        cwd=place,
        env=environment(place),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return Run(code=-1, failed="", said=f"did not end within {LONGEST} seconds")
        return Run(code=process.returncode, failed=first_failure(report), said=said)


def first_failure(report: Path) -> str:
    """The first test that failed, as opposed to one that could not be collected or set up."""
    if not report.exists():
        return ""
    for case in ET.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None:
            # The id of the case says little more, and may be long.
            name = (case.get("name") or "").partition("[")[0]
            return f"{(case.get('classname') or '').removeprefix('tests.')}::{name}"
    return ""


def hunt(bug: Bug, *, clean: Path, scratch: Path, tier: str, whole: bool) -> Result:
    """Plant a bug, and see whether the tests of a tier notice."""
    began = time.monotonic()
    place = planted(bug, clean, scratch / bug.name)
    tests = ("tests",) if whole else bug.tests
    run = run_tests(place, tests)
    sweeps = tests if whole else bug.full
    if not caught(run) and tier == "full" and sweeps:
        run = run_tests(place, sweeps, "-m", SWEEPS)
    shutil.rmtree(place, ignore_errors=True)
    ended = time.monotonic() - began
    by = run.failed if caught(run) else ""
    last = run.said.strip().rpartition("\n")[2]
    result = Result(bug=bug, by=by, seconds=ended, why="" if by else last)
    print(f"{bug.name}: {by or 'ESCAPED: ' + last} ({ended:.0f} s)", flush=True)
    return result


def caught(run: Run) -> bool:
    """Whether a test failed, and nothing else went wrong."""
    return run.code == 1 and bool(run.failed)


def check_green(clean: Path, chosen: Iterable[Bug], *, whole: bool, jobs: int) -> None:
    """Raises Unusable unless the tests that will be run pass without any bug."""
    named = {"tests"} if whole else {test for bug in chosen for test in bug.tests}
    # Of a file that is named as a whole, no single test need be named as well.
    tests = sorted(test for test in named if test.partition("::")[0] not in named - {test})
    check_import(clean)
    run = run_tests(clean, tests, "-n", str(jobs), "--dist", "loadfile")
    if run.code:
        raise Unusable(f"without a bug the tests are not green:\n{run.said[-4000:]}")
    print(f"Without a bug all is green: {run.said.strip().rpartition(chr(10))[2]}", flush=True)


def table(results: Iterable[Result]) -> str:
    """The results for people, as Markdown."""
    lines = ["| bug | what it breaks | caught by | seconds |", "| --- | --- | --- | --- |"]
    for result in results:
        by = f"`{result.by}`" if result.by else "**escaped**"
        lines.append(f"| {result.bug.name} | {result.bug.breaks} | {by} | {result.seconds:.0f} |")
    return "\n".join(lines) + "\n"


def verdict(results: Sequence[Result], tier: str) -> str:
    """The count in one sentence, with what escaped."""
    escaped = [result.bug.name for result in results if not result.by]
    left = f"; escaped: {', '.join(escaped)}" if escaped else ""
    return f"{len(results) - len(escaped)} of {len(results)} caught by the {tier} tier{left}."


def record(document: Path, results: Sequence[Result], tier: str) -> None:
    """Put the table between its marks in a document."""
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    text = f"\n{table(results)}\n{verdict(results, tier)}\n\n"
    document.write_text(f"{before}{BEGIN}{text}{END}{rest.split(END)[1]}", encoding="utf-8")


def number(text: str) -> int:
    """The number of a bug, as somebody names it: B7, b07 or 7."""
    found = re.fullmatch(r"[Bb]?0*(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= COUNT:
        raise argparse.ArgumentTypeError(f"there is no bug {text}")
    return int(found[1])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tier", choices=["bounded", "full"], default="full")
    parser.add_argument("--only", action="append", type=number, metavar="B7", help="only this")
    parser.add_argument(
        "--whole", action="store_true", help="run the whole suite, not only the tests named"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--record", type=Path, metavar="FILE", help="put the table in there")
    return parser.parse_args()


def main() -> int:
    """Plant the bugs that were asked for; 1 when one escapes, 2 when nothing can be said."""
    asked = arguments()
    names = {f"B{number}" for number in asked.only or ()}
    try:
        chosen = [bug for bug in bugs() if not names or bug.name in names]
        with tempfile.TemporaryDirectory(prefix="planted-") as folder:
            scratch = Path(folder).resolve()
            clean = copy_checkout(scratch / "clean")
            for bug in chosen:
                apply(bug, clean, "--check")
            check_green(clean, chosen, whole=asked.whole, jobs=asked.jobs)
            one = partial(hunt, clean=clean, scratch=scratch, tier=asked.tier, whole=asked.whole)
            with ThreadPoolExecutor(asked.jobs) as pool:
                results = list(pool.map(one, chosen))
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{table(results)}\n{verdict(results, asked.tier)}")
    if asked.record:
        record(asked.record, results, asked.tier)
    return int(not all(result.by for result in results))


if __name__ == "__main__":
    sys.exit(main())
