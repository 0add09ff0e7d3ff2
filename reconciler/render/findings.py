"""The problems that `validate` found, for other programs: JSON, SARIF, JUnit, annotations."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from string import ascii_letters, digits
from typing import Any

from reconciler.core.model.canonical import harmless_json
from reconciler.core.model.finding import Problem, Rule, Severity
from reconciler.render.annotations import Level, annotation
from reconciler.render.escaping import escaped
from reconciler.render.junit import Case, junit

_LEVELS: Mapping[Severity, Level] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "notice",
}
_SARIF: Mapping[Severity, str] = {**_LEVELS, Severity.INFORMATION: "note"}


def findings_document(problems: tuple[Problem, ...], *, files: int) -> dict[str, object]:
    """The problems with their unencoded paths, and the counts."""
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    return {
        "valid": errors == 0,
        "files": files,
        "error_count": errors,
        "warning_count": sum(1 for one in problems if one.severity is Severity.WARNING),
        "problems": problem_rows(problems),
    }


def problem_rows(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Problems as plain JSON values."""
    return [
        {
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "severity": problem.severity.value,
            "rule": problem.rule,
            "message": problem.message,
            "remedy": problem.remedy,
        }
        for problem in problems
    ]


def findings_annotations(problems: Iterable[Problem], prefix: str) -> str:
    """One annotation a problem; `prefix` is the path from the repository to the workspace."""
    return "".join(
        annotation(
            _LEVELS[problem.severity],
            problem.message,
            f"To fix: {problem.remedy}" if problem.remedy else "",
            file=prefix + problem.path,
            line=problem.line,
            column=problem.column,
            title=problem.rule,
        )
        for problem in problems
    )


def findings_sarif(
    problems: Iterable[Problem], prefix: str, rules: Mapping[str, Rule], version: str
) -> str:
    """The problems as SARIF 2.1.0, with every rule that one of them names.

    A fingerprint stays the same when lines move, so that code scanning recognizes the problem.
    """
    problems = tuple(problems)
    named = tuple(dict.fromkeys(problem.rule for problem in problems))
    places = {rule: at for at, rule in enumerate(named)}
    seen: dict[str, int] = defaultdict(int)
    results = []
    for problem in problems:
        mark = _fingerprint(problem)
        seen[mark] += 1
        results.append(
            {
                "ruleId": problem.rule,
                "ruleIndex": places[problem.rule],
                "level": _SARIF[problem.severity],
                "message": {"text": escaped(_text(problem))},
                "locations": [_location(problem, prefix)],
                "partialFingerprints": {"reconciler/v1": f"{mark}:{seen[mark]}"},
            }
        )
    driver = {
        "name": "reconciler",
        "semanticVersion": version,
        "rules": [_sarif_rule(rule, rules.get(rule)) for rule in named],
    }
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
        ],
    }
    return harmless_json(json.dumps(document, indent=2)) + "\n"


def findings_junit(problems: Iterable[Problem], files: Iterable[str], prefix: str) -> str:
    """The problems as JUnit, with a case for each of the `files` that were read.

    A file with an error has failed; a file with warnings has output.
    """
    by_file: dict[str, list[Problem]] = {path: [] for path in files}
    for problem in problems:
        by_file.setdefault(problem.path, []).append(problem)
    cases = (_case(prefix + path, found) for path, found in sorted(by_file.items()))
    return junit("reconciler validate", cases)


def _case(path: str, found: list[Problem]) -> Case:
    errors = [problem for problem in found if problem.severity is Severity.ERROR]
    return Case(
        name=path,
        file=path,
        failure=errors[0].message if errors else "",
        sort=errors[0].rule if errors else "",
        output="\n".join(_output(problem) for problem in found),
    )


def _text(problem: Problem) -> str:
    message = problem.message if problem.message.endswith(".") else f"{problem.message}."
    return f"{message} {problem.remedy}" if problem.remedy else message


def _output(problem: Problem) -> str:
    fact = f"{problem.line}:{problem.column}: {problem.severity}[{problem.rule}]: "
    remedy = f" To fix: {problem.remedy}" if problem.remedy else ""
    return escaped(f"{fact}{problem.message}{remedy}")


def _fingerprint(problem: Problem) -> str:
    text = f"{problem.path}\x1f{problem.rule}\x1f{problem.message}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _location(problem: Problem, prefix: str) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(prefix + problem.path)},
            "region": {"startLine": problem.line, "startColumn": problem.column},
        }
    }


_UNRESERVED = frozenset(f"{ascii_letters}{digits}-._~/".encode())


def _uri(path: str) -> str:
    """A relative path as a reference (RFC 3986): all but unreserved characters are encoded."""
    encoded = path.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in encoded)


def _sarif_rule(name: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": escaped(name)}
    return {
        "id": name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": _SARIF[rule.severity]},
    }
