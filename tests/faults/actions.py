"""The ten actions that faults are injected into: five changes each, beside entries that stay."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from laboratory import APPLY, Books, Lab, Spec, entry, run_of

from reconciler.ledger import create_app, open_ledger

NAMES = ("n1", "n2", "n3", "n4", "n5")
PERIODS = ("Feb-2026", "Mar-2026", "Apr-2026", "May-2026", "Jun-2026")
KEPT = {"keep": entry("7.00")}
KEEP_CANCELLED = {"policy": {"removal": "cancel"}}
FOREIGN = ("11.00", "12.00")


@dataclass(frozen=True, kw_only=True)
class Action:
    """What the files said when the workspace was last applied, and what they say now.

    `calls` is how many changing calls one change is made of; `verb` is how it is carried out.
    """

    name: str
    calls: int
    was: tuple[Books, ...]
    now: Books
    verb: tuple[str, ...] = ("apply", *APPLY)
    wanted: Mapping[str, Spec] = field(default_factory=dict)
    stuck: bool = False
    """Whether an entry of the first run is transferred as soon as its cancel is accepted."""

    def prepare(self, lab: Lab) -> None:
        """Bring a laboratory to the moment before the action."""
        load_transactions(lab)
        with lab.hosted():
            for amount in FOREIGN:
                post_foreign(lab, amount)
            if self.name == "adopt":
                for number in range(len(NAMES)):
                    post_foreign(lab, f"{number + 1}.50")
            for books in self.was:
                lab.declare(books)
                ended = lab.apply()
                assert ended.code == 0, ended.said
        lab.declare(self.now)

    def untouched(self, lab: Lab) -> dict[str, tuple[Any, ...]]:
        """The entries of others that have to stay as they are: all but those to be adopted."""
        adopted = self.verb[1:] if self.verb[0] == "import" else ()
        return {
            number: held for number, held in lab.truth().foreign.items() if number not in adopted
        }

    def arrange(self, lab: Lab) -> None:
        """Have the ledger's connector hold an entry of a run as soon as its cancel is accepted."""
        if self.stuck:

            def hold(commit: Any) -> None:
                if commit.path.endswith(f"{FIRST_RUN}/cancel"):
                    transfer(lab, "Yes")

            lab.on_commit = hold


FIRST_RUN = "JR-00000001"


def transfer(lab: Lab, state: str) -> None:
    """What a connector does: the first entry of the first run is transferred, or is not."""
    lab.database.run(
        f"UPDATE journal_entries SET transferred_to_accounting = '{state}' WHERE run_position = 1 "
        f"AND journal_run_id IN (SELECT id FROM journal_runs WHERE number = '{FIRST_RUN}')"
    )


def load_transactions(lab: Lab) -> None:
    """Three source transactions in each period, so that a run over it makes three entries."""
    from laboratory import CODES, DAYS

    head = "id,transactionType,transactionDate,currency,amount"
    rows = [f"{head},debitAccountingCodeName,creditAccountingCodeName"]
    for period in PERIODS:
        for number, (debit, credit) in enumerate(
            [(CODES[0], CODES[1]), (CODES[2], CODES[1]), (CODES[2], CODES[0])], start=1
        ):
            day = DAYS[period][0]
            rows.append(f"{period}-{number},Invoice Item,{day},USD,{number}.25,{debit},{credit}")
    file = lab.root / "transactions.csv"
    file.write_text("\n".join(rows))
    with open_ledger(lab.database.url) as ledger:
        ledger.load_transactions(file)


def post_foreign(lab: Lab, amount: str) -> str:
    """An entry that somebody posted by hand."""
    with open_ledger(lab.database.url) as ledger:
        client_id, secret = ledger.issue_client("somebody else")
        transport = httpx.WSGITransport(app=create_app(ledger, failed_login_delay=0))
        with httpx.Client(transport=transport, base_url="http://localhost") as client:
            form = {"client_id": client_id, "client_secret": secret}
            form["grant_type"] = "client_credentials"
            token = client.post("/oauth/token", data=form).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            answer: Any = client.post("/v1/journal-entries", json=entry(amount)).json()
    assert answer["success"] is True, answer
    return str(answer["journalEntryNumber"])


def _books(make: Callable[[int], Spec] | None, **settings: Any) -> Books:
    made = {name: make(number) for number, name in enumerate(NAMES, start=1)} if make else {}
    return Books(entries={**KEPT, **made}, settings=settings)


def _runs(*periods: str, **settings: Any) -> Books:
    made = {f"run-{period.lower()}": run_of(period) for period in periods}
    return Books(entries=KEPT, runs=made, settings=settings)


def _entry(number: int) -> Spec:
    return entry(f"{number}.00")


def _noted(number: int) -> Spec:
    return entry(f"{number}.00", notes="edited")


def _dearer(number: int) -> Spec:
    return entry(f"{number}.99")


ADOPTED = tuple(f"JE-{number:08}" for number in range(3, 8))

ACTIONS = {
    action.name: action
    for action in (
        Action(
            name="create",
            calls=1,
            was=(_books(None),),
            now=_books(_entry),
            wanted=_books(_entry).entries,
        ),
        Action(
            name="update",
            calls=1,
            was=(_books(_entry),),
            now=_books(_noted),
            wanted=_books(_noted).entries,
        ),
        Action(
            name="cancel",
            calls=1,
            was=(_books(_entry),),
            now=_books(None, **KEEP_CANCELLED),
            wanted=KEPT,
        ),
        Action(
            name="delete",
            calls=1,
            was=(_books(_entry), _books(None, **KEEP_CANCELLED)),
            now=_books(None),
            wanted=KEPT,
        ),
        Action(
            name="replace",
            calls=2,
            was=(_books(_entry),),
            now=_books(_dearer, **KEEP_CANCELLED),
            wanted=_books(_dearer).entries,
        ),
        Action(
            name="replace and delete",
            calls=3,
            was=(_books(_entry),),
            now=_books(_dearer),
            wanted=_books(_dearer).entries,
        ),
        Action(
            name="adopt",
            calls=1,
            was=(_books(None),),
            now=_books(None),
            verb=("import", *ADOPTED),
            wanted={
                **KEPT,
                **{number.lower(): entry(f"{at}.50") for at, number in enumerate(ADOPTED, start=1)},
            },
        ),
        Action(
            name="run create",
            calls=1,
            was=(_books(None),),
            now=_runs(*PERIODS),
            wanted=KEPT,
        ),
        Action(
            name="run cancel",
            calls=1,
            was=(_runs(*PERIODS),),
            now=_runs(**KEEP_CANCELLED),
            wanted=KEPT,
            stuck=True,
        ),
        Action(
            name="run delete",
            calls=1,
            was=(_runs(*PERIODS), _runs(**KEEP_CANCELLED)),
            now=_runs(),
            wanted=KEPT,
        ),
    )
}
