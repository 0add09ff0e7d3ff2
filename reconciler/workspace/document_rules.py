"""The rules of the text and of the fields of a document: what `explain` prints of them."""

from collections.abc import Mapping

from reconciler.core.model.finding import Rule, warning_rule

YAML_RULES: Mapping[str, Rule] = {
    "yaml-syntax": Rule(
        summary="A file is well-formed YAML.",
        why="After the first error, the meaning of the rest is uncertain.",
        remedy="Correct the line, or the quote, bracket or indent opened just before it.",
    ),
    "yaml-comment": warning_rule(
        summary="A text without quotes does not stand beside a comment that may be its end.",
        why="A `#` after a space begins a comment: `notes: Smith #42` says `Smith`. A comment is "
        "usual beside a value that could not go on. So it is with two spaces before its sign and "
        "one after, except beside notes and reasons.",
        remedy="Put the text in quotes, or the comment on a line of its own.",
    ),
    "yaml-duplicate-key": Rule(
        summary="A key occurs once in a mapping.",
        why="Most programs keep only the last one, so a second amount could replace the first.",
        remedy="Remove one of the two.",
    ),
    "yaml-alias": Rule(
        summary="Anchors and aliases are not used.",
        why="Everything that an entry posts must be visible in the entry, where it is reviewed.",
        remedy="Write the value out at both places; quote a text that begins with `&` or `*`.",
    ),
    "yaml-merge-key": Rule(
        summary="The merge key `<<` is not used.",
        why="Everything that an entry posts must be visible in the entry, where it is reviewed.",
        remedy="Write the merged fields out.",
    ),
    "yaml-tag": Rule(
        summary="Tags are not used.",
        why="A tag changes what a value means, or asks a reader to build an object from it.",
        remedy="Remove the tag; quote a text that begins with `!`.",
    ),
    "yaml-directive": Rule(
        summary="Directives such as `%YAML 1.1` are not used.",
        why="A directive can change what `No` and `012` mean further down the file.",
        remedy="Remove the line.",
    ),
    "yaml-key": Rule(
        summary="Keys are text on one line.",
        why="Every field has a name. `true`, `null`, numbers, lists and mappings are not names.",
        remedy="Put the key in quotes if it is a name. Write decimals with a point, not a comma.",
    ),
    "yaml-control-character": Rule(
        summary="A file holds no control characters and no byte order mark inside its text.",
        why="They are invisible in a review, and can move the cursor of a terminal.",
        remedy="Remove the character.",
    ),
    "yaml-line-break": Rule(
        summary="Lines end in a line feed, or in carriage return and line feed.",
        why="Programs read other line breaks differently, so a key can hide behind a comment.",
        remedy="Replace the character with a space or a line feed.",
    ),
    "yaml-bidi": Rule(
        summary="A file holds no character that turns the direction of text.",
        why="With them, a line is displayed in another order than it is read.",
        remedy="Remove the character; right-to-left scripts display correctly without it.",
    ),
    "yaml-normalization": Rule(
        summary="Text is in Unicode normalization form C.",
        why="Two names that look the same would otherwise be different names.",
        remedy="Type the text again, or convert the file to NFC.",
    ),
    "yaml-number-length": Rule(
        summary="A number has at most 32 characters.",
        why="No ledger stores more digits. A longer number is a mistake or an attack.",
        remedy="Shorten the number, or put it in quotes if it is text.",
    ),
    "yaml-depth": Rule(
        summary="Mappings and lists are nested at most 20 deep.",
        why="No declaration needs more, and deeper nesting can crash a program.",
        remedy="Remove the surplus brackets or indents.",
    ),
    "yaml-size": Rule(
        summary="A document holds at most 100,000 values, a file at most 5,000 documents.",
        why="No declaration needs more, and larger files use up memory.",
        remedy="Split it. A workspace may have any number of files.",
    ),
}


SCHEMA_RULES: Mapping[str, Rule] = {
    "schema-unknown-field": Rule(
        summary="Only the fields of the format are written.",
        why="A misspelt field would be ignored, and its value never posted.",
        remedy="Correct or remove the field; custom fields end in `__c`.",
    ),
    "schema-missing-field": Rule(
        summary="Every required field is written.",
        why="The ledger refuses a request without it.",
        remedy="Add the field.",
    ),
    "schema-choice": Rule(
        summary="Of alternative fields, those that the format allows are written.",
        why="Without one of them, a fact is missing. With two, it is unclear which one applies.",
        remedy="Write one of the alternatives named.",
    ),
    "schema-type": Rule(
        summary="A field holds a value of the required type.",
        why="Text, numbers, lists and mappings are not converted silently.",
        remedy="Write a value of the required type.",
    ),
    "schema-boolean-word": Rule(
        summary="Only `true` and `false` are booleans; Yes, No, on and off are text.",
        why="Programs read these words differently, so each field states which words it accepts.",
        remedy="Write the word that the field accepts.",
    ),
    "schema-value": Rule(
        summary="A field with a fixed set of values holds one of them.",
        why="The ledger knows no other value.",
        remedy="Choose one of the values named.",
    ),
    "schema-date": Rule(
        summary="Dates are real and written YYYY-MM-DD.",
        why="Other spellings are read as different days in different countries.",
        remedy="Write the date as YYYY-MM-DD, for example 2026-01-31.",
    ),
    "schema-spelling": Rule(
        summary="Names, currencies, addresses and versions follow their format.",
        why="They become part of keys and requests, where other characters mean something else.",
        remedy="Correct the spelling.",
    ),
    "schema-length": Rule(
        summary="Texts and lists have a length that the ledger accepts.",
        why="The ledger refuses other lengths. Nothing is ever cut off.",
        remedy="Shorten or complete it.",
    ),
    "schema-amount": Rule(
        summary="Amounts are positive plain decimals: `400.90`, or the same in quotes.",
        why="The type of a line states its side. Signs, separators and exponents can be misread.",
        remedy="Write digits and at most one decimal point, for example 1234.50.",
    ),
    "schema-range": Rule(
        summary="A number lies in the range of its field.",
        why="Outside the range it has no meaning.",
        remedy="Write a number in the range named.",
    ),
    "schema-duplicate": Rule(
        summary="A list of names holds each of them once.",
        why="A repetition has no effect, so it is usually a mistake for another name.",
        remedy="Remove the repetition.",
    ),
    "reference-duplicate": Rule(
        summary="The Reference names each period, code, currency, segment, field, entity and "
        "organization once. Names that differ only in case, spaces or invisible characters count "
        "as one.",
        why="Two rows under one key contradict each other; checks would depend on their order. A "
        "reviewer cannot tell names apart that look the same.",
        remedy="Keep the one that matches the tenant, and remove the other.",
    ),
    "reference-period": Rule(
        summary="An accounting period ends on or after the day it starts.",
        why="No date could lie in it.",
        remedy="Exchange or correct the two dates.",
    ),
    "reference-overlap": Rule(
        summary="Accounting periods have no day in common, and at most one has no end date.",
        why="A day belongs to one period. In a tenant each period starts on the day after the one "
        "before it. With organizations this is a warning, for each has its own periods.",
        remedy="Correct the dates, so that each period starts after the one before it ends.",
    ),
    "reference-history": Rule(
        summary="What was active until a day is not active now, and one segmentation rule holds on "
        "a day.",
        why="Earlier entries are judged by the facts of their date. Facts that contradict each "
        "other would depend on their order.",
        remedy="Correct the dates, so that each rule starts when the one before it ends.",
    ),
    "reference-currency": Rule(
        summary="Currencies of the Reference have known decimal places, and the home currency is "
        "active. Those of ISO 4217, withdrawn ones included, are never contradicted.",
        why="The decimal places of an amount follow from its currency. The tenant converts into "
        "its home currency, so it must be active.",
        remedy="Correct the code, or add the home currency to `currencies`.",
    ),
}
