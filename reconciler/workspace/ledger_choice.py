"""Which ledger is meant: named by the workspace or by the environment, and never assumed in CI."""

from collections.abc import Mapping, Sequence

from reconciler.core.model.finding import Refusal, Rule, joined
from reconciler.core.model.variables import BASE_URL, CREDENTIALS, LEDGER_PREFIX, ci_variable
from reconciler.values import dataclass
from reconciler.workspace.settings import Settings, Target

IN_FILE = "`spec.target` of reconciler.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChoice:
    """A ledger. `base_url` is empty for the embedded one, `named_by` where nobody named it."""

    base_url: str = ""
    target: Target | None = None
    named_by: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the ledger is the one inside the workspace."""
        return not self.base_url


_FOR_TENANT = (
    f"For a tenant, set {BASE_URL} to its base URL; or remove that variable, and write "
    "`target: {baseUrl: URL}` below `spec` in reconciler.yaml."
)
_FOR_EMBEDDED = "For the embedded ledger, write `target: embedded` there"

LEDGER_RULES: Mapping[str, Rule] = {
    "ledger-not-named": Rule(
        summary="The ledger is named, except on a machine without any sign of another one.",
        why="A job that lacks its settings would post into an embedded ledger that is "
        "deleted with the job, and end as a success.",
        remedy=f"{_FOR_TENANT} {_FOR_EMBEDDED}, and set no variable ZUORA_*.",
    ),
    "ledger-blank": Rule(
        summary=f"{BASE_URL} is set to a base URL, or not set at all.",
        why="A build server sets a variable without a value to an empty text. The ledger "
        "that was meant is then unknown.",
        remedy=f"{_FOR_TENANT} {_FOR_EMBEDDED}. Remove the empty variable.",
    ),
    "ledger-contradiction": Rule(
        summary="`target: embedded` and the environment do not name two ledgers.",
        why="One of the two is not meant, and which one decides where entries are posted.",
        remedy="For a tenant, write `target: {baseUrl: URL}` in place of `embedded`. For "
        "the embedded ledger, remove the variables.",
    ),
    "unknown-variable": Rule(
        summary="Variables that begin with ZUORA_ or RECONCILER_ are ones that are read.",
        why="A misspelt name sets nothing, and the run continues with a default. In CI "
        "nobody reads a warning, so there it is refused.",
        remedy="Correct the name, or remove the variable.",
    ),
}


def choose_ledger(settings: Settings, environment: Mapping[str, str]) -> LedgerChoice | Refusal:
    """The ledger that workspace and environment name; a refusal where they leave it open. Pure.

    What the environment names counts before `spec.target`, which a change can edit.
    """
    given = sorted(name for name in environment if name.startswith(LEDGER_PREFIX))
    base_url, target = environment.get(BASE_URL, ""), settings.target
    if BASE_URL in given and not base_url.strip():
        fact = f"{BASE_URL} is set, but empty"
        return _refusal("ledger-blank", fact, f"{_FOR_TENANT} {_embedded(given)}")
    if settings.embedded:
        return _embedded_ledger(environment)
    if base_url:
        return LedgerChoice(base_url=base_url, target=target, named_by=BASE_URL)
    if target is not None:
        return LedgerChoice(base_url=target.base_url, target=target, named_by=IN_FILE)
    ci = ci_variable(environment)
    if not given and not ci:
        return LedgerChoice()
    sign = f"the environment sets {joined(given)}" if given else f"this is a CI job ({ci} is set)"
    fact = f"{sign}, but no ledger is named"
    return _refusal("ledger-not-named", fact, f"{_FOR_TENANT} {_embedded(given)}")


def _embedded_ledger(environment: Mapping[str, str]) -> LedgerChoice | Refusal:
    """The embedded ledger, unless the environment names a tenant."""
    said = [name for name in (BASE_URL, *CREDENTIALS) if environment.get(name, "").strip()]
    if not said:
        return LedgerChoice(named_by=IN_FILE)
    return _refusal(
        "ledger-contradiction",
        f"{IN_FILE} is `embedded`, but the environment sets {joined(said)}",
        f"For a tenant, write `target: {{baseUrl: URL}}` in place of `embedded`. "
        f"For the embedded ledger, remove {joined(said)}.",
    )


def _embedded(given: Sequence[str]) -> str:
    """How to choose the embedded ledger where these variables are set."""
    return _FOR_EMBEDDED + (f", and remove {joined(given)}." if given else ".")


def _refusal(rule: str, message: str, remedy: str) -> Refusal:
    return Refusal(rule=rule, message=message, remedy=remedy)
