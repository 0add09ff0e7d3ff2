"""Changes one setting of a `reconciler.yaml`, and leaves every other character as it is."""

from collections.abc import Mapping

from yaml import CLoader, MappingNode, compose_all

from reconciler.core.model.resource import Value, mapping_of
from reconciler.errors import FilesRefused
from reconciler.workspace.formatter.scalars import spelt_text
from reconciler.workspace.formatter.syntax_tree import field_of
from reconciler.workspace.json_schema import WORKSPACE
from reconciler.workspace.yaml_reader import read


def with_generate_through(text: str, period: str) -> str:
    """The text with `spec.generate.through` set to the name of a period.

    Raises FilesRefused for a layout in which the setting cannot be placed.
    """
    before, wanted = _values(text), spelt_text(period, flow=True)
    at = next((at for at, one in enumerate(before) if one.get("kind") == WORKSPACE), 0)
    spec = mapping_of(before[at].get("spec"))
    generate = {**mapping_of(spec.get("generate")), "through": period}
    after = list(before)
    after[at] = {**before[at], "spec": {**spec, "generate": generate}}
    if after == before:
        return text
    edited = _edited(text, at, wanted)
    if _values(edited) != after:
        raise FilesRefused(
            "`spec.generate.through` cannot be set in this layout of reconciler.yaml",
            remedy=f"Write `generate: {{through: {wanted}}}` into `spec`, then run it without "
            "--through.",
        )
    return edited


def _values(text: str) -> list[Mapping[str, Value]]:
    return [mapping_of(document.value) for document in read(text.encode(), path="")[0]]


def _edited(text: str, at: int, wanted: str) -> str:
    """The text with the value replaced where there is one, or added to the nearest mapping."""
    root = list(compose_all(text, Loader=CLoader))[at]
    spec = field_of(root, "spec")
    generate = field_of(spec, "generate")
    through = field_of(generate, "through")
    if through is not None:
        return text[: through.start_mark.index] + wanted + text[through.end_mark.index :]
    if isinstance(generate, MappingNode):
        return _added(text, generate, f"through: {wanted}")
    if isinstance(spec, MappingNode):
        return _added(text, spec, f"generate: {{through: {wanted}}}")
    end = "" if text.endswith("\n") else "\n"
    return f"{text}{end}spec:\n  generate: {{through: {wanted}}}\n"


def _added(text: str, mapping: MappingNode, field: str) -> str:
    """A field as the first of a mapping, on a line of its own unless the mapping is on one."""
    start = mapping.start_mark.index
    if mapping.flow_style:
        more = ", " if mapping.value else ""
        return f"{text[: start + 1]}{field}{more}{text[start + 1 :]}"
    # Above the comments of the field that was the first, directly below the name of the mapping.
    indent = " " * mapping.start_mark.column
    key_line = text.rfind(":", 0, start)
    below = text.find("\n", key_line) + 1
    return f"{text[:below]}{indent}{field}\n{text[below:]}"
