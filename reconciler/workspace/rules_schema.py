"""Rules for the content of documents, as their schemas state them."""

from reconciler.core.model.resource import Rule

SCHEMA_RULES = (
    Rule(
        id="schema-unknown-field",
        summary="Only the fields of the format are written.",
        why="A misspelt field would otherwise be dropped, and what it said never posted.",
        remedy="Correct or remove the field; custom fields end in `__c`.",
    ),
    Rule(
        id="schema-missing-field",
        summary="Every required field is written.",
        why="The ledger refuses what comes without it.",
        remedy="Add the field.",
    ),
    Rule(
        id="schema-choice",
        summary="Of fields that stand for each other, the format's choice is written.",
        why="Without any of them a fact is missing; with two nobody can say which one counts.",
        remedy="Write one of the alternatives named.",
    ),
    Rule(
        id="schema-type",
        summary="A field holds the sort of value its format asks for.",
        why="Text, numbers, lists and mappings are not converted silently.",
        remedy="Write the value as the format asks for it.",
    ),
    Rule(
        id="schema-boolean-word",
        summary="Only `true` and `false` are booleans; Yes, No, on and off are text.",
        why="Readers of YAML disagree about these words, so each field says which it takes.",
        remedy="Write the word the field takes.",
    ),
    Rule(
        id="schema-value",
        summary="A field with a fixed set of values holds one of them.",
        why="The ledger knows no other value.",
        remedy="Choose one of the values named.",
    ),
    Rule(
        id="schema-date",
        summary="Dates are real and written YYYY-MM-DD.",
        why="Other spellings are read as different days in different countries.",
        remedy="Write the date as YYYY-MM-DD, for example 2026-01-31.",
    ),
    Rule(
        id="schema-spelling",
        summary="Names, currencies, addresses and versions are spelt as their format asks.",
        why="They become part of keys and requests, where other characters mean something else.",
        remedy="Correct the spelling.",
    ),
    Rule(
        id="schema-length",
        summary="Texts and lists are as long as the ledger takes them.",
        why="The ledger refuses longer ones; nothing is ever cut off.",
        remedy="Shorten or complete it.",
    ),
    Rule(
        id="schema-amount",
        summary="Amounts are positive plain decimals: `400.90`, or the same in quotes.",
        why="A line's type says its side; signs, separators and exponents invite misreading.",
        remedy="Write digits and at most one decimal point, for example 1234.50.",
    ),
    Rule(
        id="schema-range",
        summary="A number lies in the range of its field.",
        why="Outside the range it has no meaning.",
        remedy="Write a number in the range named.",
    ),
    Rule(
        id="schema-duplicate",
        summary="A list of names holds each of them once.",
        why="Repetition says nothing, so it is usually a slip for another name.",
        remedy="Remove the repetition.",
    ),
    Rule(
        id="reference-duplicate",
        summary="The Reference names each period, code, field, entity and organization once.",
        why="Two rows under one key contradict each other; checks would depend on their order.",
        remedy="Keep the one that is true of the tenant, and remove the other.",
    ),
    Rule(
        id="reference-period",
        summary="An accounting period ends on or after the day it starts.",
        why="No date could lie in it.",
        remedy="Exchange or correct the two dates.",
    ),
)
