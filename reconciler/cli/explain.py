"""`reconciler explain`: a rule that a message names."""

import click

from reconciler.app.explain import all_rules, custom_rule
from reconciler.cli.options import completing, given_options, json_output
from reconciler.cli.terminal import out, out_json
from reconciler.core.documents.plain_fields import written_fields
from reconciler.core.model.finding import Rule
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.errors import UsageError
from reconciler.render.styled_text import Line, line, table


@click.command()
@click.argument("rule", required=False, shell_complete=completing("rule"))
@json_output
def explain(rule: str | None) -> int:
    """Explain a RULE that a message names; without one, list all rules."""
    rules = all_rules()
    if rule is None:
        out_json({"rules": [_row(name, rules[name]) for name in sorted(rules)]})
        out(table([(name, rules[name].summary) for name in sorted(rules)]))
        return 0
    found = rules.get(rule) or custom_rule(rule, given_options().workspace)
    if found is None:
        hint = nearest(rule, KnownNames(rules)) or "`reconciler explain` lists them."
        if rule.startswith("house/"):
            hint = "Custom rules belong to a workspace: name it with --workspace."
        raise UsageError(f"there is no rule {rule}", remedy=hint)
    out_json({"rules": [_row(rule, found)]})
    blocks: tuple[Line, ...] = (
        line((rule, "strong"), f" ({found.severity})"),
        line(found.summary, indent=2),
        line(("Why: ", "strong"), found.why, indent=2),
        line(("What to do: ", "strong"), found.remedy, indent=2),
    )
    out(blocks)
    return 0


def _row(name: str, rule: Rule) -> dict[str, object]:
    return {"id": name, **written_fields(rule)}
