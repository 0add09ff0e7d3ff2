"""The schemas of what the tool writes: open to later minor versions, and complete today."""

import json
import re

import jsonschema_rs
import pytest
from document_schemas import closed, findings, must_fit

from reconciler.core.model.history import Result
from reconciler.core.model.plan import Action, Reason, Verb
from reconciler.core.model.report import Outcome
from reconciler.workspace import DOCUMENTS, schema_text

# A signature, and what a digest holds only where it applies.
# What documents of earlier minor versions lack, and what is written only where there is some.
OPTIONAL = {"adopt_found", "allow_equal", "live", "mac", "renamed_from", "reverses", "search"}
OPTIONAL |= {
    "compared_with",
    "dimensions",
    "rehearsal",
    "reversals",
    "run",
    "reversed_by",
    "waiting",
}
OPTIONAL |= {"commit", "materiality", "rates", "sign_off", "warning_rules", "warnings", "dropped"}
ROOT = "urn:journal-reconciler:v1:"


def parts(schema, path=()):
    """Every mapping inside a schema that is one itself, with its place."""
    yield path, schema
    for word in ("properties", "$defs"):
        for name, inner in schema.get(word, {}).items():
            yield from parts(inner, (*path, word, name))
    if "items" in schema:
        yield from parts(schema["items"], (*path, "items"))
    for at, inner in enumerate(schema.get("oneOf", ())):
        yield from parts(inner, (*path, "oneOf", at))


def schema_of(name):
    return json.loads(schema_text(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_open_and_teaches_its_format(name):
    schema = schema_of(name)
    assert schema["$id"] == ROOT + DOCUMENTS[name].removesuffix(".schema.json")
    for path, part in parts(schema):
        # A mapping of names that are data states what its values are, and is open all the same.
        assert not isinstance(part.get("additionalProperties"), bool), path
        # What a command prints has the keys of this command.
        if part.get("properties") and (name, path) != ("output", ()):
            assert set(part["properties"]) - {*part["required"]} <= OPTIONAL, path
        if len(path) > 1 and path[-2] == "properties":
            described = {**schema["$defs"].get(part.get("$ref", "")[8:], {}), **part}
            assert described["description"].endswith("."), path
        if "pattern" in part:
            assert part["$comment"], path
            assert re.fullmatch(r"\^.*\$", part["pattern"]), path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_definition_is_used(name):
    text = schema_text(name)
    for word in schema_of(name)["$defs"]:
        assert f'"#/$defs/{word}"' in text


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        pytest.param("plan", "$defs/action/enum", Action, id="actions"),
        pytest.param(
            "plan",
            "properties/summary/required",
            (*Action, "unanswered"),
            id="counts of actions",
        ),
        pytest.param("plan", "$defs/change/properties/reason/enum", Reason, id="reasons"),
        pytest.param("plan", "$defs/step/properties/verb/enum", Verb, id="verbs"),
        pytest.param(
            "report",
            "properties/changes/items/properties/outcome/enum",
            Outcome,
            id="outcomes",
        ),
        pytest.param("report", "properties/summary/required", Outcome, id="counts of outcomes"),
        pytest.param(
            "report", "properties/settled/items/properties/result/enum", Result, id="results"
        ),
    ],
)
def test_the_words_of_a_schema_are_those_of_the_code(name, path, words):
    found = schema_of(name)
    for step in path.split("/"):
        found = found[step]
    assert set(found) == {str(word) for word in words}


REPORT = {
    "format_version": "1.0",
    "plan_digest": "",
    "interrupted": False,
    "timed_out": False,
    "refusals": [],
    "approvals": None,
    "sign_off": None,
    "settled": [],
    "changes": [],
    "summary": dict.fromkeys((outcome.value for outcome in Outcome), 0),
    "unanswered": 0,
    "unsearched": "",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({}, None, id="as it is written"),
        pytest.param({"weather": "fine"}, "weather", id="a key that nothing describes"),
        pytest.param({"interrupted": "no"}, "interrupted", id="a value of another sort"),
        pytest.param({"plan_digest": "sha256:1"}, "plan_digest", id="half a digest"),
        pytest.param({"format_version": "2.0"}, "format_version", id="another major version"),
    ],
)
def test_the_strict_form_tells_what_the_open_one_lets_pass(change, said):
    found = findings("report", json.dumps({**REPORT, **change}))
    assert [said in finding for finding in found] == [True] * bool(said)


def test_a_reader_of_today_takes_a_later_minor_version():
    later = {**REPORT, "format_version": "1.7", "weather": "fine"}
    assert jsonschema_rs.is_valid(schema_of("report"), later)
    assert not jsonschema_rs.is_valid(closed(schema_of("report")), later)


def test_an_empty_report_fits():
    must_fit("report", json.dumps(REPORT))
