"""The rules a file is held to before accounting starts, by id, and problems made from them."""

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.core.model.resource import Problem, Rule
from reconciler.workspace.rules_file import FILE_RULES
from reconciler.workspace.rules_house import HOUSE_RULES
from reconciler.workspace.rules_schema import SCHEMA_RULES
from reconciler.workspace.rules_yaml import YAML_RULES

RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.id: rule for rule in (*FILE_RULES, *YAML_RULES, *SCHEMA_RULES, *HOUSE_RULES)}
)


def problem(
    rule: str, *, path: str, message: str, remedy: str = "", at: tuple[int, int] = (1, 1)
) -> Problem:
    """A problem under one of `RULES`, with its severity and, unless given, its remedy.

    `at` is a line and a column, both from 1.
    """
    return Problem(
        path=path,
        line=at[0],
        column=at[1],
        rule=rule,
        message=message,
        remedy=remedy or RULES[rule].remedy,
        severity=RULES[rule].severity,
    )
