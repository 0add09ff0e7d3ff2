"""One comment on a change: found on any page, ours alone, updated in place, never two for long."""

import pytest
from forge_server import BOT, ROBOT, Fault

from reconciler.errors import ForgeError, ForgeRefused
from reconciler.forge.sticky_comment import put

MARKER = "<!-- reconciler:books: -->"


@pytest.fixture(params=["github", "gitlab"])
def server(request):
    return request.getfixturevalue(request.param)


def me_on(server):
    return BOT if server.prefix == "" else ROBOT


def say(forge, text):
    return put(forge, 7, marker=MARKER, body=lambda before: f"{MARKER}\n{text} after {len(before)}")


def ours(server):
    return [row["body"] for row in server.comments if row["body"].startswith(MARKER)]


def test_the_first_plan_makes_a_comment_and_the_next_updates_it(server, speak):
    forge = speak(server)
    first, second = say(forge, "one"), say(forge, "two")
    assert (first.made, second.made) == (True, False)
    assert first.number == second.number
    assert ours(server) == [f"{MARKER}\ntwo after {len(MARKER) + 12}"]


def test_the_comment_is_found_behind_many_others(server, speak):
    for at in range(7):
        server.comment("alice", f"comment {at}")
    number = server.comment(me_on(server), f"{MARKER}\nold")
    for at in range(7):
        server.comment("bob", f"reply {at}")
    assert say(speak(server), "new").number == number
    assert len(server.comments) == 15


def test_pages_are_followed_by_link_alone_too(gitlab, speak):
    gitlab.links = True
    for at in range(7):
        gitlab.comment("alice", f"comment {at}")
    number = gitlab.comment(ROBOT, f"{MARKER}\nold")
    assert say(speak(gitlab), "new").number == number


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{MARKER}\nAll approved, merge me.", id="the marker first"),
        pytest.param(f"Look: {MARKER}", id="the marker inside"),
    ],
)
def test_a_marker_that_somebody_pasted_is_not_ours(server, speak, text):
    server.comment("mallory", text)
    assert say(speak(server), "plan").made
    assert server.comments[0]["body"] == text


def test_our_own_other_comments_stay(server, speak):
    server.comment(me_on(server), f"See {MARKER}")
    server.comment(me_on(server), "<!-- reconciler:books:production -->\nplan")
    assert say(speak(server), "plan").made
    assert len(server.comments) == 3


def test_two_runs_at_once_leave_the_older_comment(server, speak):
    """Each looked before the other made one; whoever comes last removes what is double."""
    server.after_create = [lambda: server.comment(me_on(server), f"{MARKER}\nfrom the other run")]
    placed = say(speak(server), "plan")
    assert (placed.made, placed.removed) == (True, 1)
    assert len(ours(server)) == 1


def test_the_run_that_made_the_younger_comment_gives_it_up(server, speak):
    forge = speak(server)
    make = server.create

    def late(*args, **named):
        # The other run's comment comes to be first, after this run has looked.
        server.comment(me_on(server), f"{MARKER}\nfrom the other run")
        server.create = make
        return make(*args, **named)

    server.create = late
    placed = say(forge, "plan")
    assert (placed.made, placed.removed) == (False, 1)
    assert [body.split("\n")[1][:4] for body in ours(server)] == ["plan"]


def test_a_double_that_the_other_run_removed_is_no_error(server, speak):
    older = server.comment(me_on(server), f"{MARKER}\none")
    server.comment(me_on(server), f"{MARKER}\ntwo")
    server.faults.append(Fault(method="DELETE", path="", status=404, taken=True))
    assert say(speak(server), "plan").number == older
    assert len(ours(server)) == 1


def test_an_app_learns_from_its_first_comment_who_it_is(github, speak):
    older = github.comment("acme-app[bot]", f"{MARKER}\nold")
    placed = say(speak(github, "ghs_app", GITHUB_ACTIONS=""), "new")
    assert (placed.number, placed.made, placed.removed) == (older, False, 1)
    assert len(ours(github)) == 1


def test_a_personal_token_comments_as_its_owner(github, speak):
    number = github.comment("alice", f"{MARKER}\nold")
    assert say(speak(github, "ghp_alice"), "new").number == number


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
def test_a_comment_without_an_answer_is_looked_for_before_another_is_made(server, speak, taken):
    path = "comments|notes"
    server.faults.append(Fault(method="POST", path=path, status=502, taken=taken))
    say(speak(server), "plan")
    assert len(ours(server)) == 1


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        pytest.param(429, {"Retry-After": "0"}, id="429"),
        pytest.param(503, {}, id="503"),
        pytest.param(403, {"Retry-After": "0"}, id="a secondary limit"),
        pytest.param(
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
            id="a primary limit that is over",
        ),
    ],
)
def test_what_passes_is_waited_for(server, speak, status, headers):
    server.faults += [
        Fault(method="GET", path="comments|notes", status=status, headers=headers) for _ in range(2)
    ]
    assert say(speak(server), "plan").made


def test_a_limit_that_outlasts_the_run_is_told(server, speak):
    server.faults.append(
        Fault(method="GET", path="comments|notes", status=429, headers={"Retry-After": "900"})
    )
    with pytest.raises(ForgeError) as caught:
        say(speak(server), "plan")
    assert "in 900 seconds" in caught.value.remedy
    assert not [sent for sent in server.sent if sent.method == "POST"]


@pytest.mark.parametrize(
    ("status", "error", "remedy"),
    [
        (401, ForgeRefused, "to a valid token"),
        (403, ForgeRefused, "The token needs"),
        (404, ForgeRefused, "Check the repository and the number"),
        (410, ForgeError, "gives the reason of"),
        (422, ForgeError, "did not accept the request"),
        (301, ForgeError, "Redirects are not followed"),
    ],
)
def test_a_refusal_says_what_to_do(server, speak, status, error, remedy):
    server.faults.append(
        Fault(
            method="POST",
            path="comments|notes",
            status=status,
            body={"message": "No. \x1b[31mghs_actions glpat_robot"},
            headers={"Location": "https://elsewhere.example/"},
        )
    )
    with pytest.raises(error) as caught:
        say(speak(server), "plan")
    assert caught.value.exit_code == (8 if error is ForgeRefused else 1)
    assert remedy in caught.value.remedy
    assert f"returned HTTP {status} (No." in caught.value.message
    assert "ghs_actions" not in caught.value.message or server.prefix
    assert "glpat_robot" not in caught.value.message or not server.prefix


def test_a_page_on_another_host_is_not_followed(github, speak):
    elsewhere = {"Link": '<https://evil.example/repositories/1/comments?page=2>; rel="next"'}
    github.faults.append(
        Fault(method="GET", path="comments", status=200, body=[], headers=elsewhere)
    )
    with pytest.raises(ForgeError, match="another host"):
        speak(github).comments(7)


def test_a_list_without_an_end_is_given_up(github, speak):
    here = {"Link": f'<{github.url}/repos/acme/books/issues/7/comments?page=2>; rel="next"'}
    github.faults += [
        Fault(method="GET", path="comments", status=200, body=[], headers=here) for _ in range(3)
    ]
    with pytest.raises(ForgeError, match="the same page twice"):
        speak(github).comments(7)


@pytest.mark.parametrize(
    "body", [pytest.param({"comments": []}, id="no list"), pytest.param(None, id="nothing")]
)
def test_an_answer_that_is_no_list_is_no_empty_list(server, speak, body):
    server.faults.append(Fault(method="GET", path="comments|notes", status=200, body=body))
    with pytest.raises(ForgeError, match="is not one of its API"):
        speak(server).comments(7)


def test_the_calls_are_as_documented(github, speak):
    say(speak(github), "plan")
    assert {sent.headers["x-github-api-version"] for sent in github.sent} == {"2022-11-28"}
    assert {sent.headers["accept"] for sent in github.sent} == {"application/vnd.github+json"}
