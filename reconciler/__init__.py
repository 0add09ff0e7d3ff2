"""Journal entries managed from git: declare, plan, apply, converge.

docs/library.md documents the names of `__all__`. Every other module is private, apart from
`reconciler.errors`.
"""

from importlib import import_module

__version__ = "0.1.0"

_PLACES = {
    "Action": "core.model.plan",
    "Change": "core.model.plan",
    "CheckedWorkspace": "app.workspace",
    "FilesRefused": "errors",
    "Plan": "core.model.plan",
    "Problem": "core.model.finding",
    "ReconcilerError": "errors",
    "Severity": "core.model.finding",
    "StalePlan": "errors",
    "UsageError": "errors",
    "make_plan": "app.library",
    "read_plan": "app.library",
    "read_workspace": "app.library",
    "render_plan": "render",
}
"""Each name with its module, which is loaded with the first use. The types are in the stub."""

__all__ = ["__version__", *_PLACES]  # noqa: PLE0604 - the names are those of the table


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"reconciler.{_PLACES[name]}"), name)
