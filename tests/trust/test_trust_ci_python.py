"""The templates of docs/ci run no Python of the checkout, whatever a change puts there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pip
import pytest
import yaml
from local_runner import SHELLS

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "docs" / "ci").glob("*.yml"))
NAMES = ("json", "os", "sitecustomize", "usercustomize", "runpy", "venv", "ensurepip", "pip",
         "urllib", "click", "httpcore", "yaml", "reconciler", "encodings",
         "subprocess")  # fmt: skip
"""Modules that a program here imports, and those that Python imports by itself."""


def steps(document, name):
    """Every script of a workflow, an action or a pipeline, with its shell."""
    if isinstance(document, dict):
        if isinstance(document.get("run"), str):
            yield name, document["run"], document.get("shell")
        for key in ("before_script", "script"):
            if key in document:
                yield f"{name}-{key}", "\n".join(document[key]), "bash"
        for key, value in document.items():
            yield from steps(value, f"{name}-{key}")
    elif isinstance(document, list):
        for at, value in enumerate(document):
            yield from steps(value, f"{name}-{at}")


SCRIPTS = [
    pytest.param(script, shell, id=name)
    for file in (*TEMPLATES, ROOT / "action.yml")
    for name, script, shell in steps(yaml.load(file.read_text(), yaml.CSafeLoader), file.stem)
]
INSTALL = (ROOT / "requirements" / "install").read_text()
PYTHON = re.compile(r'(?:"\$PYTHON"|"\$python"|\bpython3?"?)(?= +-)(?P<rest> .*)')


class Checkout:
    """A checkout of a change whose modules say that they were imported."""

    def __init__(self, folder):
        self.trace = folder / "imported"
        self.place = folder / "checkout"
        hostile = f"open({str(self.trace)!r}, 'a').write(__name__ + '\\n')\n"
        for name in NAMES:
            (self.place / name).mkdir(parents=True)
            for file in ("__init__.py", "__main__.py"):
                (self.place / name / file).write_text(hostile)
        for name in ("pip.conf", "setup.cfg", "pyvenv.cfg", ".pdbrc"):
            (self.place / name).write_text("[global]\nindex-url = http://127.0.0.1:9/\n")
        (self.place / ".venv" / "bin").mkdir(parents=True)
        for name in ("python", "reconciler"):
            program = self.place / ".venv" / "bin" / name
            program.write_text(f"#!/bin/sh\necho {name} >> {self.trace}\n")
            program.chmod(0o755)
        self.installed = folder / "programs"
        self.installed.mkdir()
        # As pip writes it.
        script = self.installed / "reconciler"
        script.write_text(
            f"#!{sys.executable}\nimport sys\nfrom reconciler.cli import main\nsys.exit(main())\n"
        )
        script.chmod(0o755)
        python = self.installed / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        shutil.copytree(self.installed, folder / "temp" / "reconciler" / "bin", symlinks=True)
        self.temp = folder / "temp"

    def run(self, words, **variables):
        """A command in the checkout, on a machine without a network."""
        return subprocess.run(
            words, cwd=self.place, check=False, capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL, env=self.variables() | variables,
        )  # fmt: skip

    def variables(self):
        nowhere = "http://127.0.0.1:9"
        files = {f"GITHUB_{name}": str(self.temp / name) for name in ("OUTPUT", "PATH")}
        return files | {
            "PATH": os.pathsep.join([str(self.installed), os.environ["PATH"]]),
            "HOME": str(self.temp), "RUNNER_TEMP": str(self.temp), "PIP_NO_INDEX": "1",
            "CI_API_V4_URL": nowhere, "GITHUB_API_URL": nowhere, "GITHUB_REPOSITORY": "a/b",
            "GITHUB_SHA": "a" * 40, "CI_COMMIT_SHA": "a" * 40, "CI_PROJECT_ID": "1",
            "GITHUB_TOKEN": "t", "GITLAB_TOKEN": "t", "GITHUB_SERVER_URL": nowhere,
            "GITHUB_RUN_ID": "1", "CI_JOB_URL": nowhere, "TOOL": nowhere,
            "PYTHON": sys.executable, "COMMAND": "validate", "WORKSPACE": "journals",
            "ARGUMENTS": "", "PLAN_FILE": "plan.json", "ALLOWED": "0", "PACKAGE": "",
            "GITHUB_ACTION_PATH": str(ROOT),
        }  # fmt: skip

    def step(self, script, shell, **variables):
        (self.place / "plan.json").write_text('{"digest": "x"}')
        (self.place / "drift-exit-code.txt").write_text("7\n")
        for file in (self.place / "drift.txt", self.temp / "drift" / "drift.txt"):
            file.parent.mkdir(exist_ok=True)
            file.write_text("drifted\n")
        file = self.temp / "script"
        file.write_text(script)
        return self.run([*SHELLS[shell], str(file)], **variables)

    @property
    def imported(self):
        return self.trace.read_text() if self.trace.exists() else ""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Python with pip and nothing else, for what installs."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "pip").symlink_to(Path(pip.__file__).parent)
    return folder / "bin" / "python"


@pytest.fixture
def hostile(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.parametrize(("script", "shell"), SCRIPTS)
def test_t20_a_step_imports_nothing_from_the_checkout(hostile, script, shell, request):
    """As it is written; and without -I the trap works, where the step starts Python itself."""
    install = ROOT / "requirements" / "install"
    bare = request.getfixturevalue("bare") if "requirements/install" in script else ""
    script = script.replace("/opt/reconciler/requirements/install python", f"{install} {bare}")
    ended = hostile.step(script, shell)
    assert hostile.imported == "", ended.stdout + ended.stderr
    if " -I - " in script:
        hostile.step(script.replace(" -I - ", " - "), shell)
        assert hostile.imported, "the trap does not work"


def test_t20_the_installation_imports_nothing_from_the_checkout(hostile, bare):
    """pip has no index here, so it fails; it must be the real one that does."""
    ended = hostile.run([ROOT / "requirements" / "install", bare, "postgresql"])
    assert "No matching distribution" in ended.stderr
    assert hostile.imported == ""
    hostile.run([bare, "-m", "pip", "--version"])
    assert "pip" in hostile.imported, "the trap does not work"


@pytest.mark.long
def test_t20_the_action_installs_and_runs_without_the_checkout(hostile):
    shutil.rmtree(hostile.temp / "reconciler")
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    install = next(step["run"] for step in action["runs"]["steps"] if "requirements" in str(step))
    ended = hostile.step(install, "bash")
    assert "No matching distribution" in ended.stderr
    assert (hostile.temp / "reconciler" / "bin" / "python").exists()
    assert hostile.imported == ""


@pytest.mark.parametrize(
    "text", [*(param.values[0] for param in SCRIPTS), INSTALL], ids=lambda text: text[:30]
)
def test_t20_each_python_is_isolated(text):
    started = [found["rest"] for found in PYTHON.finditer(text)]
    assert [rest for rest in started if not rest.startswith(" -I")] == []


def test_t20_no_shell_of_a_step_is_a_python_that_is_not_isolated():
    assert {param.values[1] for param in SCRIPTS} <= {None, "bash", "python -I {0}"}


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["reconciler"], id="the installed program"),
        pytest.param(["python", "-I", "-m", "reconciler"], id="as the guide says"),
        pytest.param(["python", "-m", "reconciler"], id="without -I"),
    ],
)
def test_t20_the_program_imports_nothing_from_the_current_directory(hostile, words):
    if "-I" not in words and "-m" in words:
        # Only a package of the same name is found before anything of ours can run.
        shutil.rmtree(hostile.place / "reconciler")
    ended = hostile.run([*words, "validate", "-w", "journals", "--format", "json"])
    assert hostile.imported == ""
    assert ended.returncode in (3, 64), ended.stderr
