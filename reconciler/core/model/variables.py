"""The environment variables that the program reads, and a check of those that look like them."""

from collections.abc import Mapping, Set
from functools import cache
from itertools import islice

from reconciler.core.model.similar_names import KnownNames

BASE_URL = "ZUORA_BASE_URL"
CREDENTIALS = ("ZUORA_CLIENT_ID", "ZUORA_CLIENT_SECRET", "ZUORA_TOKEN")
PLAN_KEY = "RECONCILER_PLAN_KEY"
"""The key that saved plans are signed with."""

DAYBOOK_HOSTS = "RECONCILER_DAYBOOK_HOSTS"
"""The hosts that the password of a daybook may be sent to."""

LEDGER_PREFIX, FLAG_PREFIX = "ZUORA_", "RECONCILER_"

FLAGS = frozenset(
    """
    adopt-found against allow allow-equal allow-remote auto-approve base by ca-bundle calendar
    check ci commit concurrency connection-timeout connections-per-address continue-on-error
    database date detailed-exitcode diff dry-run entity environment events example exclude
    expect-no-changes expires find first-apply first-day forge forge-url format from
    home-currency host idempotency ignore limit live lock-timeout log-format long-year
    managed-only mapping marker max-age max-missing max-removals name no-cache no-color
    not-posted offline organization out parallelism pending period permission plan-digest port
    posted pr probe-from query-lag quiet reason rebook rebook-only reference rehearse
    rehearse-as rehearse-limit repo report report-url requests-per-day requests-per-hour
    requests-per-minute restate run run-timeout segments select set-aside sheet strict summary
    target through timeout to token-lifetime token-requests-per-minute transactions update
    verbose workspace write write-only
    """.split()  # noqa: SIM905  a word a flag is easier to compare than a list
)
"""The flags of all verbs. Written down, because reading them would load every verb."""

MOST_UNKNOWN = 10
"""Unknown variables that are named; a message stays readable."""

BUILD_SERVERS = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "CODEBUILD_BUILD_ID",
)
"""Any of them, if it is not switched off, shows that a build server runs this."""
_OFF = frozenset({"", "0", "false", "no", "off"})


def flag_variable(flag: str, *verb: str) -> str:
    """The variable of a flag: `RECONCILER_PLAN_DIGEST` of `--plan-digest`.

    With a verb, the one that only this verb reads: `RECONCILER_DRIFT_LIVE` of `drift --live`.
    """
    return FLAG_PREFIX + "_".join((*verb, flag.removeprefix("--"))).upper().replace("-", "_")


@cache
def known_variables() -> frozenset[str]:
    """Every variable with one of the two prefixes that has a meaning."""
    other = {BASE_URL, *CREDENTIALS, PLAN_KEY, DAYBOOK_HOSTS}
    return frozenset({*other, *map(flag_variable, FLAGS)})


def ci_variable(environment: Mapping[str, str]) -> str:
    """The variable that shows that a build server runs this; empty elsewhere."""
    return next(
        (name for name in BUILD_SERVERS if environment.get(name, "").strip().lower() not in _OFF),
        "",
    )


def unknown_variables(
    environment: Mapping[str, str], of_verbs: Set[str] = frozenset()
) -> tuple[str, ...]:
    """What is wrong with variables that look like ours and are none; the first of them.

    `of_verbs` are the variables of single verbs, as far as their prefix occurs.
    """
    known = known_variables() | of_verbs
    unknown = (
        name
        for name in sorted(environment)
        # Names in lower case are others on most systems, and are meant to be these.
        if name not in known and name.upper().startswith((LEDGER_PREFIX, FLAG_PREFIX))
    )
    return tuple(_unknown(name, known) for name in islice(unknown, MOST_UNKNOWN))


def _unknown(name: str, known: frozenset[str]) -> str:
    # Without the prefix, which would make all of them near.
    endings = {other.partition("_")[2]: other for other in sorted(known)}
    close = KnownNames(endings).nearest(name.partition("_")[2])
    return f"{name} sets nothing" + (f"; did you mean {endings[close]}?" if close else "")
