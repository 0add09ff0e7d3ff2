"""What is released: a bill of materials that is the lock, and an image without strangers."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT, Run

CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
PACKAGE = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)


def instructions(text: str = CONTAINERFILE) -> list[tuple[str, str]]:
    """Each instruction with its arguments on one line; comments are left out."""
    plain = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "")
    rows = [row.strip() for row in plain.splitlines() if row.strip()]
    return [(row.partition(" ")[0], " ".join(row.split()[1:])) for row in rows]


def test_the_image_is_of_known_instructions_and_a_user_without_rights() -> None:
    names = [name for name, _ in instructions()]
    known = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"}
    assert set(names) <= known
    user = next(what for name, what in instructions() if name == "USER")
    assert user.isdigit() and int(user) > 0
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert names.index("USER") > max(at for at, name in enumerate(names) if name == "RUN")


def test_the_image_gets_only_files_of_the_checkout_that_are_let_in() -> None:
    assert IGNORED[0] == "*"
    copied = [
        source
        for name, what in instructions()
        if name == "COPY" and "--from=" not in what
        for source in what.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in IGNORED, source
    assert sorted(f"!{source}" for source in copied) == sorted(IGNORED[1:])


def tree(folder: Path) -> Path:
    """The files that git tracks or would track, without its history."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    found = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    for name in filter(None, found.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.long
def test_the_installation_of_the_image_works(run: Run, tmp_path: Path) -> None:
    """Its command runs as written, in another place than /opt. Packages come from the index."""
    (command,) = [what for name, what in instructions() if name == "RUN" and "venv" in what]
    place = tmp_path / "opt"
    source = tmp_path / "source"
    for name in (line[1:] for line in IGNORED[1:]):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    command = command.replace("/opt/reconciler", str(place))
    command = command.replace("python -I", f"{sys.executable} -I", 1)
    ended = run("sh", "-euc", command, cwd=source)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    ended = run(place / "bin" / "reconciler", "validate", "-w", ROOT / "journals")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not (place / "bin" / "pip").exists()


@pytest.mark.long
def test_the_bill_of_materials_is_the_lock(run: Run, tmp_path: Path) -> None:
    checkout = tree(tmp_path)
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    for name in ("installed", "installed-dev"):
        os.utime(ROOT / ".venv" / name)
    ended = run("make", "release", cwd=checkout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    bill = json.loads((checkout / "dist" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "journal-reconciler"
    found = {(part["name"], part["version"]) for part in bill["components"]}
    locked = (ROOT / "requirements" / "ledger.txt").read_text(encoding="utf-8")
    assert found == set(PACKAGE.findall(locked))
    assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])
    assert len([*(checkout / "dist").glob("journal_reconciler-*")]) == 2
