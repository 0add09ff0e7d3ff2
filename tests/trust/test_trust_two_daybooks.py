"""Jobs without a shared daybook: a declaration is posted once, or a run says that it is not."""

import random
import signal
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from pairs import pairs
from two_daybooks import Checkout, Interleaving, Tenant, ended

STRICT, LENIENT = True, False


@pytest.fixture
def make_tenant(tmp_path):
    made = []

    def make(**options):
        root = tmp_path / f"tenant-{len(made)}"
        root.mkdir()
        made.append(Tenant(root, **options))
        return made[-1]

    yield make
    for tenant in made:
        tenant.close()


MODES = {STRICT: "strict", LENIENT: "lenient"}
modes = pytest.mark.parametrize("strict", [*MODES], ids=MODES.get)


def two_jobs(tenant, start, amounts):
    """Two checkouts that are about to post: for the first time, or in place of what is posted."""
    first = Checkout(tenant, "first")
    if start == "replace":
        first.declare(a="1.00")
        assert first.apply()[0] == 0
    else:
        first.declare(a=amounts[0])
    second = Checkout(tenant, "second", of=first)
    first.declare(a=amounts[0])
    second.declare(a=amounts[1])
    return first, second


def require_one_or_told(tenant, *runs):
    """One entry is posted, or a run that failed names what is."""
    numbers = tenant.posted()
    assert numbers
    if len(numbers) > 1:
        assert any(code and all(number in said for number in numbers) for code, said in runs), runs


MEETINGS = {
    "first creates": ("create", ("create",)),
    "replacements, both cancelled": ("replace", ("cancel", "create")),
    "replacements, one after the other": ("replace", ("cancel",)),
}
PAIRS = {
    "first creates": (STRICT, LENIENT),
    "replacements, both cancelled": (LENIENT, STRICT),
    "replacements, one after the other": (STRICT, LENIENT),
}
"""What of each meeting the default suite has: equal and different, so that each two have met."""


def meetings():
    for (name, meeting), strict, equal in product(MEETINGS.items(), MODES, (True, False)):
        usual = PAIRS[name][not equal] is strict
        yield pytest.param(
            *meeting,
            equal,
            strict,
            id=f"{name}, {'equal' if equal else 'different'}, {MODES[strict]}",
            marks=[] if usual else pytest.mark.long,
        )


@pytest.mark.parametrize(("start", "meet", "equal", "strict"), [*meetings()])
def test_t08_two_applies_at_once_leave_one_entry(make_tenant, strict, equal, start, meet):
    tenant = make_tenant(strict=strict)
    first, second = two_jobs(tenant, start, ("5.00", "5.00" if equal else "6.00"))
    before, after = Interleaving(tenant, first, second, *meet).run()
    assert before[0] == 0, before
    (number,) = tenant.posted()
    if meet[-1] == "create":
        assert after[0] == (0 if equal else 6), after
        assert equal or (number in after[1] and "another apply" in after[1].lower()), after
    else:
        assert after[0] != 0, after
    # Whoever plans again finds the entry, whatever its own daybook says.
    second.declare(a="5.00")
    for job in (second, first):
        code, said = job.apply("--adopt-found", "1")
        assert code == 0, said
        assert len(tenant.posted()) == 1
        assert job.run("plan", "--expect-no-changes")[0] == 0


@modes
def test_t08_an_edit_after_a_refusal_is_posted_under_a_new_key(make_tenant, strict):
    tenant = make_tenant(strict=strict)
    job = Checkout(tenant, "first", permissions=("Edit Journal Entry", "Cancel Journal Entry"))
    job.declare(a="5.00")
    assert job.apply()[0] == 8
    job.keys.update(tenant.client())
    job.declare(a="6.00")
    code, said = job.apply()
    assert code == 0, said
    assert len(tenant.posted()) == 1


@modes
def test_t08_b38_two_entries_of_one_declaration_are_told_until_one_is_cancelled(
    make_tenant, strict
):
    """Different attempts have different keys, so only a search after posting sees both entries."""
    tenant = make_tenant(strict=strict)
    first = Checkout(tenant, "first")
    first.declare(a="5.00")
    second = Checkout(tenant, "second", of=first)
    tenant.denied.add("second")
    assert second.apply()[0] == 8
    tenant.denied.clear()
    before, after = Interleaving(tenant, first, second, "create").run()
    assert before[0] == 0, before
    numbers = tenant.posted()
    assert len(numbers) == 2
    code, said = after
    assert code == 6, said
    assert all(number in said for number in numbers), said
    # The remedy names the one of this apply, and tells where to look for the other.
    said = " ".join(said.split())
    assert f"This apply posted {numbers[1]}." in said, said
    assert "Run `reconciler daybook show" in said, said
    assert "with each daybook of this workspace" in said, said
    shown = [job.run("daybook", "show")[1] for job in (first, second)]
    assert [[number in text for number in numbers] for text in shown] == [
        [True, False],
        [False, True],
    ], shown
    # It is not forgotten: each later plan and apply say it again, and post nothing.
    for verb in (("plan",), ("apply", "--auto-approve")) * 2:
        code, said = second.run(*verb)
        assert all(number in said for number in numbers), said
        assert code == (0 if verb == ("plan",) else 4), said
    assert tenant.posted() == numbers
    # To the letter of the remedy: one of them is cancelled in the ledger, then planned again.
    tenant.cancel(numbers[1])
    code, said = second.apply()
    assert code == 0, said
    assert tenant.posted() == numbers[:1]


UNKNOWN = "It is unknown whether another apply posted the same entries:"


def post_twice(tenant, *, then):
    """Two entries of one declaration: the first job posts while the second one is about to."""
    first = Checkout(tenant, "first")
    first.declare(a="5.00")
    second = Checkout(tenant, "second", of=first)
    # A refused attempt, so that the second job has another key.
    tenant.denied.add("second")
    assert second.apply()[0] == 8
    tenant.denied.clear()

    def rival(who, verb):
        if (who, verb) == ("second", "create"):
            tenant.arrived = lambda who, verb: None
            assert first.apply()[0] == 0
            then()

    tenant.arrived = rival
    return second, second.apply()


def test_t08_a_run_that_could_not_search_after_it_posted_is_not_green(make_tenant):
    """The next plan searches, and names both entries."""
    tenant = make_tenant()
    job, (code, said) = post_twice(tenant, then=lambda: setattr(tenant, "searchable", False))
    numbers = tenant.posted()
    assert len(numbers) == 2
    assert (code, UNKNOWN in said) == (6, True), said
    tenant.searchable = True
    for verb, expected in ((("plan",), 0), (("apply", "--auto-approve"), 4)):
        code, said = job.run(*verb)
        assert code == expected, said
        assert all(number in said for number in numbers), said


def test_t08_a_probe_after_posting_finds_the_double_too(make_tenant):
    tenant = make_tenant()
    job = Checkout(tenant, "first")
    tenant.searchable = False
    job.declare(b="1.00")
    assert job.apply("--first-apply")[0] == 0
    rival = Checkout(tenant, "rival", of=job)
    for one in (job, rival):
        one.declare(a="5.00", b="1.00")
    tenant.denied.add("first")
    assert job.apply()[0] == 8
    tenant.denied.clear()
    tenant.arrived = lambda who, verb: who == "first" and rival.apply()
    code, said = job.apply()
    tenant.arrived = lambda who, verb: None
    assert code == 6, said
    assert all(number in said for number in tenant.posted()), said


def test_t08_without_data_query_the_remedy_ends_well(make_tenant):
    """An apply stays red until the ledger was searched, or a person says what is posted."""
    tenant = make_tenant()
    job = Checkout(tenant, "first")
    job.declare(a="5.00")
    tenant.arrived = lambda who, verb: setattr(tenant, "searchable", False)
    code, said = job.apply()
    assert (code, UNKNOWN in said) == (6, True), said
    assert "Run `reconciler apply" in said, said
    code, said = job.apply()
    assert (code, UNKNOWN in said) == (6, True), said
    assert "If `reconciler daybook show" in said, said
    assert "add --first-apply" in said, said
    (number,) = tenant.posted()
    assert number in job.run("daybook", "show")[1]
    code, said = job.apply("--first-apply")
    assert (code, UNKNOWN in said) == (0, False), said
    searches = tenant.searches
    assert job.apply()[0] == 0
    assert tenant.searches == searches, "nothing is in doubt"


def test_t08_an_older_copy_is_not_probed_from_what_it_adopted(make_tenant):
    """Numbers that it lacks are below. Once it has them, its last number is a place to begin."""
    tenant = make_tenant()
    job = Checkout(tenant, "first")
    job.declare(a="1.00")
    assert job.apply()[0] == 0
    older = Checkout(tenant, "older", of=job)
    job.declare(a="1.00", b="2.00", c="3.00")
    assert job.apply()[0] == 0
    tenant.clock.pass_by(hours=30)
    older.declare(a="1.00", c="3.00")
    assert older.apply("--adopt-found", "1")[0] == 0
    tenant.searchable = False
    older.declare(a="1.00", b="2.00", c="3.00")
    code, said = older.apply()
    assert (code, "the daybook may be an older copy" in said) == (4, True), said
    assert "give the first number that an entry of this workspace may have" in said, said
    assert older.apply("--adopt-found", "1", "--probe-from", *tenant.posted("a"))[0] == 0
    older.declare(a="1.00", b="2.00", c="3.00", d="4.00")
    assert older.apply()[0] == 0
    assert {len(tenant.posted(name)) for name in "abcd"} == {1}


def test_t08_a_query_that_does_not_show_what_was_posted_proves_nothing(make_tenant):
    """A query may lag behind the ledger. Then the next plan searches again."""
    tenant = make_tenant(query_lag=600)
    job = Checkout(tenant, "first")
    job.declare(a="5.00")
    code, said = job.apply()
    assert code == 0, said
    (number,) = tenant.posted()
    assert f"does not show {number} yet" in said, said
    for seconds, again in ((0, True), (601, True), (0, False)):
        tenant.clock.pass_by(seconds=seconds)
        searches = tenant.searches
        assert job.apply()[0] == 0
        assert (tenant.searches > searches) is again


@pytest.mark.parametrize(
    ("strict", "policy", "edited"), pairs([*MODES], ["delete", "cancel"], [True, False])
)
def test_t08_a_new_daybook_does_not_take_the_number_of_what_was_removed(
    make_tenant, strict, policy, edited
):
    """Its first key is that of the removed entry, which the ledger remembers for a day."""
    tenant = make_tenant(strict=strict)
    job = Checkout(tenant, "first", policy={"removal": policy})
    job.declare(a="5.00", b="1.00")
    assert job.apply()[0] == 0
    job.declare(b="1.00")
    assert job.apply()[0] == 0
    assert tenant.posted() == []
    job.lose_daybook()
    job.declare(a="6.00" if edited else "5.00", b="1.00")
    code, said = job.apply("--adopt-found", "1")
    if strict and edited:
        # The ledger does not say which entry the key belongs to, so nothing is posted blindly.
        assert code == 6, said
        assert tenant.posted() == []
        assert "24 hours" in said
        tenant.clock.pass_by(hours=25)
        code, said = job.apply("--adopt-found", "1")
    assert code == 0, said
    assert len(tenant.posted()) == 1
    assert job.run("plan", "--expect-no-changes")[0] == 0


def test_t08_a_run_that_ended_before_its_search_is_searched_for_by_the_next_plan(make_tenant):
    tenant = make_tenant()
    job = Checkout(tenant, "first")
    job.declare(a="5.00", b="1.00")
    assert job.apply()[0] == 0
    searches = tenant.searches
    assert job.run("plan")[0] == 0
    assert tenant.searches == searches, "a complete daybook whose last run ended well"
    job.declare(a="7.00", b="2.00")
    creates = []

    def kill(who, verb):
        if verb == "create":
            creates.append(verb)
        if len(creates) == 2:
            process.send_signal(signal.SIGKILL)

    tenant.arrived = kill
    process = job.start("apply", "--auto-approve", "--parallelism", "1")
    ended(process)
    tenant.arrived = lambda who, verb: None
    assert job.run("plan")[0] == 0
    assert tenant.searches > searches
    assert job.apply()[0] == 0
    assert (len(tenant.posted("a")), len(tenant.posted("b"))) == (1, 1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(40))
@modes
def test_t08_races_of_real_processes_leave_one_entry_or_tell(make_tenant, strict, seed):
    tenant = make_tenant(strict=strict)
    choose = random.Random(seed)
    start = choose.choice(["create", "replace"])
    amounts = ("5.00", choose.choice(["5.00", "6.00"]))
    jobs = two_jobs(tenant, start, amounts)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda job: job.apply(), jobs))
    require_one_or_told(tenant, *runs)
    assert {code for code, _ in runs} <= {0, 1, 4, 5, 6}, runs
    jobs[1].declare(a=amounts[0])
    for job in (*jobs, *jobs):
        code, said = job.apply("--adopt-found", "1")
        assert code == 0, said
    assert len(tenant.posted()) == 1
