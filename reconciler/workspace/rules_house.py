"""Rules for the rules that a workspace states itself, and for the exceptions from them."""

from reconciler.core.model.resource import Rule, Severity

HOUSE_RULES = (
    Rule(
        id="house-schema",
        summary="A house rule is a JSON Schema inside the workspace that refers to nothing else.",
        why="Nothing is fetched while files are read, and a rule that cannot be read forbids "
        "nothing. Patterns are matched in linear time, so they know no look-around.",
        remedy="Correct `policy.houseRules` or the schema it names.",
    ),
    Rule(
        id="policy-name",
        summary="A policy names accounting codes and periods that the Reference has.",
        why="A tier or a freeze with a slip in a name never applies, and nobody would notice.",
        remedy="Correct the name in `policy`, or add it to the Reference.",
    ),
    Rule(
        id="waiver-expired",
        summary="A waiver counts until its day, and not after it.",
        why="An exception without an end is another rule that nobody decided on.",
        remedy="Remove the waiver, or have it renewed with a reason.",
        severity=Severity.WARNING,
    ),
    Rule(
        id="waiver-unused",
        summary="A waiver excepts a declaration that would break its rule.",
        why="One that excepts nothing hides a slip in a name, or outlived its purpose.",
        remedy="Correct the rule or the name that it states, or remove it.",
        severity=Severity.WARNING,
    ),
)
