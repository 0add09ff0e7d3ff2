"""The calls of a change: what each is checked by before and after, and what stands in between."""

import httpx
import pytest
from apply_harness import (
    answer,
    each,
    every,
    files,
    instead,
    lost_after,
    lost_before,
    nth,
    of,
    outcomes,
    refusal,
    refused_connection,
)
from builders import credit, debit, entry

from reconciler.core.model.policy import Policy, Removal

ONE = files(a=of())
OTHER = files(a=of("500.00"))
NOTED = files(a=of(notes="new"))


def steps(report) -> list[str]:
    return [step.verb.value for item in report.applied for step in item.steps]


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        pytest.param(OTHER, ["cancel", "create", "delete"], id="B13 replace"),
        pytest.param(NOTED, ["basic-information"], id="update"),
        pytest.param({}, ["cancel", "delete"], id="remove"),
    ],
)
def test_i03_the_calls_of_a_change_are_made_in_order(either, wanted, sent):
    either.converge(ONE)
    either.verbs()
    assert outcomes(either.apply(wanted)) == {"done"}
    assert either.verbs() == sent
    either.converge(wanted)


def test_a_renamed_entry_is_at_no_moment_posted_under_both_names(either):
    either.converge(files(b=of()))
    either.verbs()
    assert outcomes(either.apply(ONE)) == {"done"}
    assert either.verbs() == ["cancel", "delete", "create"]


SLOW = pytest.mark.long


@pytest.mark.parametrize(
    "meets",
    [
        pytest.param(lost_after, id="N08 its answer is lost"),
        pytest.param(lost_before, id="N07 it is lost itself", marks=SLOW),
        pytest.param(refused_connection, id="N01 nobody listens", marks=SLOW),
        pytest.param(instead(refusal(52030030, "No")), id="N19 a rule", marks=SLOW),
        pytest.param(instead(refusal(52030050, "Locked")), id="N18 a lock", marks=SLOW),
        pytest.param(instead(httpx.Response(502, text="")), id="N17 a gateway", marks=SLOW),
        pytest.param(instead(httpx.Response(200, text="<html>")), id="N20 HTML", marks=SLOW),
    ],
)
@pytest.mark.parametrize(
    ("wanted", "position"),
    [
        pytest.param(OTHER, 1, id="cancel of a replacement"),
        pytest.param(OTHER, 2, id="create of a replacement"),
        pytest.param(OTHER, 3, id="delete of a replacement"),
        pytest.param(NOTED, 1, id="update"),
        pytest.param({}, 1, id="cancel of a removal"),
        pytest.param({}, 2, id="delete of a removal"),
    ],
)
def test_f1_a_fault_at_any_call_leaves_what_the_next_run_finishes(bench, wanted, position, meets):
    foreign = bench.post_foreign()
    bench.converge(ONE)
    before = bench.foreign()
    bench.line.choose = nth(position, meets)
    bench.require_true(bench.apply(wanted))
    bench.converge(wanted)
    assert bench.foreign() == before
    assert foreign in [number for number, _, _ in bench.all_entries()]


@pytest.mark.parametrize(
    ("verb", "wanted"), [("cancel", {}), ("delete", {}), ("basic-information", NOTED)]
)
@pytest.mark.parametrize("fault", [lost_after, lost_before], ids=["N08", "N07"])
def test_b15_b16_a_call_whose_answer_is_lost_is_done_when_a_read_shows_it(
    bench, verb, wanted, fault
):
    bench.converge(ONE)
    bench.line.choose = nth(1, fault, verb)
    assert outcomes(bench.apply(wanted)) == {"done"}
    sent = [item.verb for item in bench.line.sent].count(verb)
    assert sent == (1 if fault is lost_after else 2)


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_b15_b16_what_a_rival_did_first_counts_as_done(bench, verb):
    """The ledger refuses what is so already; a read shows that it is."""
    bench.converge(ONE)
    number = bench.live()["a"][0]

    def outrun(line, request):
        path = request.url.path
        bench.api(request.method, path)
        return line.deliver(request)

    bench.line.choose = nth(1, outrun, verb)
    assert outcomes(bench.apply({})) == {"done"}
    assert number not in [found for found, _, _ in bench.all_entries()]


def test_a_call_in_doubt_is_not_sent_again_over_a_rivals_change(bench):
    """X6 inside a call: the first was lost, and meanwhile somebody wrote."""
    bench.converge(ONE)
    number = bench.live()["a"][0]

    def outrun(line, request):
        bench.api("PUT", f"/v1/journal-entries/{number}/basic-information", {"notes": "theirs"})
        raise httpx.ReadError("reset", request=request)

    bench.line.choose = nth(1, outrun, "basic-information")
    report = bench.apply(NOTED)
    assert outcomes(report) == {"unknown"}
    assert [item.verb for item in bench.line.sent].count("basic-information") == 1
    bench.converge(NOTED)


@pytest.mark.parametrize(
    ("move", "wanted"),
    [
        pytest.param({"notes": "theirs"}, OTHER, id="X6 replace"),
        pytest.param({"notes": "theirs"}, {}, id="X6 remove"),
        pytest.param({"notes": "theirs"}, NOTED, id="X6 update"),
        pytest.param({"transferredToAccounting": "Yes"}, OTHER, id="X7 transferred"),
    ],
)
def test_i31_an_entry_that_moved_since_the_plan_is_not_touched(bench, move, wanted):
    bench.converge(ONE)
    number = bench.live()["a"][0]
    path = f"/v1/journal-entries/{number}/basic-information"
    bench.verbs()
    report = bench.apply(wanted, between=lambda: bench.api("PUT", path, move))
    assert outcomes(report) == {"failed"}
    assert "changed since the plan" in report.applied[0].message
    assert bench.verbs() == []


def test_i31_a_number_that_is_there_again_is_no_reason_to_post_again(make_bench):
    """The plan found the entry missing; when it applies, it is not."""
    bench = make_bench(query_lag=10**6)
    bench.converge(ONE)
    bench.clock.pass_by(hours=5)
    number = bench.live()["a"][0]
    bench.line.reads = lambda line, request: (
        instead(refusal(52030040, "Cannot find", 404))(line, request)
        if request.url.path.endswith(number)
        else line.deliver(request)
    )
    bench.verbs()
    report = bench.apply(ONE, between=lambda: setattr(bench.line, "reads", None))
    assert outcomes(report) == {"failed"}
    assert bench.verbs() == []
    bench.converge(ONE)


def test_i24_a_leftover_that_is_not_cancelled_any_more_is_not_deleted(bench):
    bench.converge(ONE)
    old = bench.live()["a"][0]
    bench.line.choose = nth(1, refused_connection, "delete")
    bench.line.choose = every(instead(refusal(52030030, "Not now")), "delete")
    bench.apply(OTHER)
    bench.line.choose = lambda sent: None

    def pretend(line, request):
        response = line.deliver(request)
        if not request.url.path.endswith(old):
            return response
        document = response.read().replace(b'"Cancelled"', b'"Created"')
        return httpx.Response(200, headers={"content-type": "application/json"},
                              stream=httpx.ByteStream(document))  # fmt: skip

    bench.verbs()
    report = bench.apply(OTHER, between=lambda: setattr(bench.line, "reads", pretend))
    assert outcomes(report) == {"failed"}
    assert bench.verbs() == []
    bench.converge(OTHER)


def test_i24_a_marker_that_is_not_ours_any_more_keeps_the_leftover(bench):
    bench.converge(ONE)
    old = bench.live()["a"][0]

    def steal(line, request):
        path = f"/v1/journal-entries/{old}/basic-information"
        bench.api("PUT", path, {"ReconcilerKey__c": "theirs/a"})
        return line.deliver(request)

    bench.line.choose = nth(1, steal, "create")
    report = bench.apply(OTHER)
    assert outcomes(report) == {"failed"}
    assert (old, "Cancelled", "theirs/a") in bench.all_entries()


def test_i26_x8_a_period_closed_between_cancel_and_create_is_told_and_then_finished(bench):
    bench.converge(ONE)

    def close(line, request):
        bench.close_period("Jan-2026")
        return line.deliver(request)

    bench.line.choose = nth(1, close, "create")
    report = bench.apply(OTHER)
    assert outcomes(report) == {"failed"}
    assert steps(report) == ["cancel"]
    assert bench.live() == {}
    bench.line.choose = lambda sent: None
    assert outcomes(bench.apply(OTHER)) == {"blocked"}
    bench.reopen_period("Jan-2026")
    bench.converge(OTHER)


@pytest.mark.parametrize("wanted", [ONE, OTHER, {}], ids=["back to A", "on to B", "removed"])
def test_i26_a_replacement_cut_after_its_cancel_goes_where_the_file_says(bench, wanted):
    bench.converge(ONE)
    bench.line.choose = every(instead(refusal(52030030, "No")), "create")
    assert steps(bench.apply(OTHER)) == ["cancel"]
    bench.converge(wanted)


def test_the_old_entry_stays_until_its_successor_was_read(bench):
    bench.converge(ONE)
    old = bench.live()["a"][0]

    def unreadable(line, request):
        response = line.deliver(request)
        bench.line.reads = instead(httpx.Response(503, text="later"))
        return response

    bench.line.choose = nth(1, unreadable, "create")
    report = bench.apply(OTHER)
    assert outcomes(report) == {"failed"}
    assert steps(report) == ["cancel", "create"]
    assert report.applied[0].number in report.applied[0].message
    assert (old, "Cancelled", "books/a") in bench.all_entries()
    bench.converge(OTHER)


def test_i32_a_field_that_the_ledger_does_not_clear_is_noticed_and_stays_wanted(bench):
    bench.converge(NOTED)
    bench.line.choose = every(instead(answer(200, {"success": True})), "basic-information")
    for _ in range(2):
        report = bench.apply(ONE)
        assert outcomes(report) == {"failed"}
        assert "a read does not show it" in report.applied[0].message
    assert outcomes(bench.apply(ONE)) == {"blocked"}
    bench.api("PUT", f"/v1/journal-entries/{bench.live()['a'][0]}/cancel")
    bench.converge(ONE)


def test_i32_a_successor_that_reads_otherwise_keeps_the_old_entry(bench):
    """Something on the way rewrites the create; the ledger takes it in good faith."""
    bench.converge(ONE)
    old = bench.live()["a"][0]

    def rewritten(line, request):
        body = request.read().replace(b"500", b"900")
        headers = {**request.headers, "content-length": str(len(body))}
        changed = httpx.Request(request.method, request.url, headers=headers, content=body)
        return line.deliver(changed)

    bench.line.choose = nth(1, rewritten, "create")
    report = bench.apply(OTHER)
    assert outcomes(report) == {"failed"}
    assert steps(report) == ["cancel", "create"]
    assert "journalEntryItems" in report.applied[0].message
    assert (old, "Cancelled", "books/a") in bench.all_entries()
    assert outcomes(bench.apply(OTHER)) == {"blocked"}
    bench.api("PUT", f"/v1/journal-entries/{bench.live()['a'][0]}/cancel")
    bench.converge(OTHER)


def test_what_an_update_did_not_send_was_not_stored_otherwise(bench):
    """A read after it shows other amounts. An update sends none, so they are posted again."""
    bench.converge(files(a=of(notes="one")))

    def moved(line, request):
        bench.execute("update journal_entry_items set amount = '77'")
        return line.deliver(request)

    bench.line.choose = nth(1, moved, "basic-information")
    assert outcomes(bench.apply(files(a=of(notes="two")))) == {"failed"}
    bench.converge(files(a=of(notes="two")))


@pytest.mark.parametrize("fault", [lost_before, lost_after], ids=["lost", "only its answer lost"])
def test_i07_a_clearing_update_without_answer_is_settled_by_what_stands(bench, fault):
    bench.converge(NOTED)
    bench.line.choose = each(*[fault] * 3)
    bench.line.reads = None

    def deaf(line, request):
        line.reads = instead(httpx.Response(503, text="later"))
        return fault(line, request)

    bench.line.choose = nth(1, deaf, "basic-information")
    assert outcomes(bench.apply(ONE)) == {"unknown"}
    bench.line.choose, bench.line.reads = lambda sent: None, None
    report = bench.apply(ONE)
    assert [item.result for item in report.settled] == ["done" if fault is lost_after else "unsent"]
    bench.converge(ONE)


def lines_noted(text: str):
    return files(a=entry(debit(notes=text), credit()))


def test_a_line_note_that_no_read_shows_is_sent_until_an_answer_comes(bench):
    bench.converge(lines_noted("old"))
    bench.line.choose = nth(1, lost_before, "basic-information")
    bench.verbs()
    assert outcomes(bench.apply(lines_noted("new"))) == {"done"}
    assert bench.verbs() == ["basic-information"] * 2
    assert (
        bench.rows("select notes from journal_entry_items order by position")[0]["notes"] == "new"
    )


def test_a_line_note_without_any_answer_is_sent_again_by_the_next_run(bench):
    bench.converge(lines_noted("old"))
    bench.line.choose = every(lost_before, "basic-information")
    assert outcomes(bench.apply(lines_noted("new"))) == {"unknown"}
    bench.line.choose = lambda sent: None
    report = bench.apply(lines_noted("new"))
    assert [item.result for item in report.settled] == ["unsent"]
    assert outcomes(report) == {"done"}
    assert (
        bench.rows("select notes from journal_entry_items order by position")[0]["notes"] == "new"
    )


def test_an_unreachable_ledger_after_a_lost_call_does_not_make_it_unsent(bench):
    bench.converge(ONE)
    bench.line.choose = each(lost_before, *[refused_connection] * 12)
    report = bench.apply({})
    assert outcomes(report) == {"unknown"}
    with bench.daybook(write=False) as book:
        assert [intent.act for intent in book.unsettled()] == ["cancel"]
    bench.converge({})


def test_kept_cancelled_entries_are_not_deleted_by_policy(make_bench):
    bench = make_bench(policy=Policy(removal=Removal.CANCEL))
    bench.apply(ONE)
    bench.apply({})
    assert [(status, marker) for _, status, marker in bench.all_entries()] == [
        ("Cancelled", "books/a")
    ]
    assert bench.apply({}).applied == ()


def test_an_entry_removed_by_hand_is_forgotten_and_posted_again_when_declared(bench):
    bench.converge(ONE)
    number = bench.live()["a"][0]
    bench.api("PUT", f"/v1/journal-entries/{number}/cancel")
    bench.api("DELETE", f"/v1/journal-entries/{number}")
    bench.converge(ONE)
    again = bench.live()["a"][0]
    assert again != number
    bench.api("PUT", f"/v1/journal-entries/{again}/cancel")
    bench.api("DELETE", f"/v1/journal-entries/{again}")
    report = bench.apply({})
    assert outcomes(report) == {"done"}
    assert report.applied[0].number is None
    bench.converge({})
