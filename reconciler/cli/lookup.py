"""`schema`, `explain` and `version`: what the tool knows about itself."""

import json
import platform
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.options import common, common_options, format_option
from reconciler.cli.terminal import out, out_text
from reconciler.render.styled_text import Line, line, table

if TYPE_CHECKING:
    from reconciler.core.model.finding import Rule


@click.command(short_help="Print the JSON Schema of a kind of document.")
@click.argument("kind", required=False)
@common_options
def schema(kind: str | None) -> int:
    """Print the JSON Schema of a KIND of document, of a saved plan (`plan`), or of what `apply
    --report` writes (`report`); without one, list them.
    """
    from reconciler.workspace import DOCUMENTS, SCHEMAS, schema_text

    known = {**SCHEMAS, **DOCUMENTS}
    if kind is None:
        out(table(list(known.items())))
        return 0
    if kind not in known:
        raise click.UsageError(f"There is no kind {kind}; the kinds are {', '.join(known)}.")
    out_text(schema_text(kind))
    return 0


def all_rules() -> "Mapping[str, Rule]":
    """Every rule that a message can name."""
    from reconciler.core.rules.catalog import FILE_RULES, PLAN_RULES
    from reconciler.workspace import RULES

    return {**RULES, **FILE_RULES, **PLAN_RULES}


@click.command(short_help="Explain a rule that a message names.")
@click.argument("rule", required=False)
@common_options
def explain(rule: str | None) -> int:
    """Explain a RULE that a message names; without one, list all rules."""
    rules = all_rules()
    if rule is None:
        out(table([(name, rules[name].summary) for name in sorted(rules)]))
        return 0
    found = rules.get(rule) or _house_rule(rule)
    if found is None:
        close = get_close_matches(rule, rules, n=1)
        hint = f" Did you mean {close[0]}?" if close else " `reconciler explain` lists them."
        if rule.startswith("house/"):
            hint = " A workspace has its own: name it with --workspace."
        raise click.UsageError(f"There is no rule {rule}.{hint}")
    blocks: tuple[Line, ...] = (
        line((found.id, "strong"), f" ({found.severity})"),
        line(found.summary, indent=2),
        line(("Why: ", "strong"), found.why, indent=2),
        line(("What to do: ", "strong"), found.remedy, indent=2),
    )
    out(blocks)
    return 0


def _house_rule(rule: str) -> "Rule | None":
    """A rule of the workspace's own, as `house/ID`; None where it has no such rule."""
    prefix, _, name = rule.partition("/")
    if prefix != "house":
        return None
    from reconciler.core.model.finding import Rule
    from reconciler.workspace import load
    from reconciler.workspace.settings import settings_from

    workspace = load(common().workspace).workspace
    own = settings_from(workspace).policy.house_rules if workspace is not None else ()
    return next(
        (
            Rule(
                id=rule,
                summary=one.title,
                why=f"It is a rule of this workspace: {one.schema}, by its reconciler.yaml.",
                remedy=one.remedy,
            )
            for one in own
            if one.id == name
        ),
        None,
    )


@click.command()
@format_option("text", "json")
@common_options
def version(style: str) -> int:
    """Print the version."""
    if style == "json":
        facts = {"reconciler": __version__, "python": platform.python_version()}
        out_text(json.dumps(facts) + "\n")
    else:
        out([line(f"reconciler {__version__} on Python {platform.python_version()}")])
    return 0
