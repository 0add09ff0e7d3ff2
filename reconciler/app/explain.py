"""Explains the rules that messages name, and the schemas of documents."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.core.model.finding import Rule
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.close_rules import CLOSE_RULES
from reconciler.core.rules.file_rules import FILE_RULES
from reconciler.core.rules.plan_warnings import DIFFERENCE_RULES, WARNING_RULES
from reconciler.core.rules.verb_rules import REHEARSAL_RULES, SHEET_RULES, WRITING_RULES
from reconciler.workspace import DOCUMENTS, RULES, SCHEMAS, load, schema_text
from reconciler.workspace.ledger_choice import LEDGER_RULES
from reconciler.workspace.settings import settings_from

__all__ = ["all_rules", "custom_rule", "schemas", "schema_text"]


def schemas() -> Mapping[str, str]:
    """Every kind of document that has a schema, with what it is."""
    return {**SCHEMAS, **DOCUMENTS}


def all_rules() -> Mapping[str, Rule]:
    """Every rule that a message can name, without those of a workspace."""
    rules = {
        **RULES,
        **FILE_RULES,
        **PLAN_RULES,
        **WARNING_RULES,
        **DIFFERENCE_RULES,
        **REHEARSAL_RULES,
        **CLOSE_RULES,
        **LEDGER_RULES,
        **WRITING_RULES,
        **SHEET_RULES,
    }
    # A message names the entry there.
    return {
        name: replace(rule, remedy=rule.remedy.replace("{0}", "the entry"))
        for name, rule in rules.items()
    }


def custom_rule(rule: str, root: Path) -> Rule | None:
    """A rule of the workspace's own, as `house/ID`; None where it has no such rule."""
    prefix, _, name = rule.partition("/")
    workspace = load(root).workspace if prefix == "house" else None
    if workspace is None:
        return None
    return next(
        (
            Rule(
                summary=one.title,
                why=f"It is a custom rule: the workspace's reconciler.yaml names {one.schema}.",
                remedy=one.remedy,
            )
            for one in settings_from(workspace).policy.custom_rules
            if one.id == name
        ),
        None,
    )
