"""The wheel and the source distribution are whole: they work without a checkout."""

import re
import shlex
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from checkout import ROOT, Run

from reconciler.errors import MissingPackage

INSTALL = re.compile(r"pip install '[^'{}]+'")
"""An install command as the tool and its documents print it."""

COMMANDS = """
import reconciler
from reconciler.cli.main import run

print(reconciler.__file__, end="", flush=True)
for line in (
    "schema JournalEntry",
    "validate",
    "plan",
    "plan --format html",
    "apply --auto-approve",
    "plan --detailed-exitcode",
):
    print(end="\\0", flush=True)
    assert run(line.split()) == 0, line
"""
"""One interpreter for all of them, since each new one compiles the package."""


@pytest.fixture(scope="module")
def wheel(run: Run, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    return _wheel_of(run, root, folder)


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it lies in site-packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _wheel_of(run: Run, source: Path, folder: Path) -> Path:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--isolated")
    built = run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_works_outside_of_a_checkout(run: Run, unpacked: Path, tmp_path: Path) -> None:
    # A path entry comes before the checkout that the environment is linked to.
    environment = {"PYTHONPATH": str(unpacked)}

    def python(*arguments: str) -> str:
        ended = run(sys.executable, *arguments, cwd=tmp_path, env=environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert "reconciler plan" in python("-m", "reconciler", "init")
    where, *printed = python("-c", COMMANDS).split("\0")
    schema, validated, planned, drawn, applied, again = printed
    assert Path(where).is_relative_to(unpacked)
    assert '"$schema"' in schema
    assert "1 entry: 0 errors" in validated
    assert "Plan: 1 to create." in planned
    assert drawn.strip().startswith("<!doctype html>")
    assert "Applied: 1 created." in applied
    assert "No changes." in again


def test_the_wheel_holds_what_it_should(root: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {
        str(file.relative_to(root))
        for file in (root / "reconciler").rglob("*")
        if file.suffix in (".py", ".typed", ".html", ".css", ".js", ".svg")
    }
    schemas = {f"reconciler/schemas/{file.name}" for file in (root / "schemas").glob("*.json")}
    assert names >= package | schemas | {"reconciler/examples/reference.yaml"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_every_printed_install_command_installs_this_wheel(
    run: Run, wheel: Path, tmp_path: Path, tracked: tuple[Path, ...]
) -> None:
    """The name `reconciler` on the public index is another project's: nothing may print it."""
    printed = {
        command
        for path in tracked
        if path.parts[0] in ("reconciler", "docs", "README.md") and path.suffix in (".py", ".md")
        for command in INSTALL.findall((ROOT / path).read_text(encoding="utf-8"))
    }
    missing = (ModuleNotFoundError(name=package) for package in MissingPackage.EXTRAS)
    printed |= {INSTALL.findall(MissingPackage.of(error).remedy)[0] for error in missing}
    requirements = [word for command in printed for word in shlex.split(command)[2:]]
    installed = run(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--isolated"),
        *("install", "--no-index", "--find-links", wheel.parent, "--no-deps", "--no-compile"),
        *("--target", tmp_path / "target", *sorted(requirements)),
    )
    assert installed.returncode == 0, installed.stderr
    # pip warns of an extra that the wheel does not have, and installs it all the same.
    assert "does not provide the extra" not in installed.stderr
    assert (tmp_path / "target" / "reconciler" / "cli" / "main.py").is_file()


@pytest.mark.long
def test_a_new_user_follows_the_guide(run: Run, root: Path, wheel: Path, tmp_path: Path) -> None:
    """In a repository and an environment of their own, command by command, as they are typed."""
    made = run(sys.executable, "-m", "venv", tmp_path / "venv")
    assert made.returncode == 0, made.stderr
    programs = tmp_path / "venv" / "bin"
    installed = run(programs / "pip", "install", "--disable-pip-version-check", wheel)
    assert installed.returncode == 0, installed.stderr
    books = tmp_path / "books"
    books.mkdir()
    guide = (root / "docs" / "ci" / "README.md").read_text(encoding="utf-8")
    (typed,) = re.findall(r"^```sh\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    env = {"PATH": f"{programs}:/usr/bin:/bin"}
    for line in ("git init --quiet", "reconciler init journals --name books", *typed.splitlines()):
        ended = run("sh", "-c", line, cwd=books, env=env)
        assert ended.returncode == 0, f"{line}: {ended.stdout}{ended.stderr}"
    assert (books / "comment.md").read_text(encoding="utf-8").startswith("<!-- reconciler:books")
    assert '"plan_digest"' in (books / "report.json").read_text(encoding="utf-8")
    again = run("reconciler", "plan", "--detailed-exitcode", cwd=books, env=env)
    assert (again.returncode, "No changes." in again.stdout) == (0, True)


@pytest.mark.long
def test_the_source_distribution_builds_the_same_wheel(
    run: Run, root: Path, wheel: Path, tmp_path: Path
) -> None:
    built = run(
        sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    again = _wheel_of(run, tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())
