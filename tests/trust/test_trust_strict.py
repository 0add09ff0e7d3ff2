"""Number 14: warnings can be made to fail, all of them or by rule."""

import pytest

from reconciler.core.model.policy import Policy
from reconciler.core.planning.limits.stricter import stricter


@pytest.fixture
def warned(empty):
    """Books with a warning: two entries that post the same."""
    empty.declare("one")
    empty.declare("two")
    return empty


def test_t14_a_flag_lets_every_warning_fail(warned):
    assert warned.run("validate").code == 0
    assert warned.process("validate", "--strict").code == 3
    plain = warned.plan()
    assert plain.code == 0, plain.said
    before = warned.content()
    for ended in (warned.plan("--strict"), warned.apply("--strict")):
        assert ended.code == 4
        assert "strict-warning" in ended.out.splitlines()[-1]
        assert "same-economics" in ended.out.splitlines()[-1]
    assert warned.content() == before


@pytest.mark.parametrize(
    ("strict", "code"), [("true", 3), ("[same-economics]", 3), ("[acknowledges-unused]", 0)]
)
def test_t14_a_policy_names_the_rules(warned, strict, code):
    warned.settings(spec=f"{{policy: {{strict: {strict}}}}}")
    assert warned.run("validate").code == code
    assert warned.plan().code == code


def test_t14_a_warning_of_the_plan_fails_by_its_rule(empty):
    empty.declare("one", metadata={"previousName": "never"})
    assert empty.plan().code == 0
    empty.settings(spec="{policy: {strict: [possible-rename]}}")
    assert empty.plan().code == 4
    assert empty.apply().code == 4
    assert empty.posted() == {}


@pytest.mark.parametrize("name", ["no-such-rule", "period-closed", "same-economic"])
def test_t14_a_rule_that_gives_no_warning_is_an_error(empty, name):
    empty.settings(spec=f"{{policy: {{strict: [{name}]}}}}")
    ended = empty.run("validate")
    assert ended.code == 3
    assert f'no rule that gives a warning is named "{name}"' in ended.out


def test_t14_the_stricter_policy_counts():
    old, new = Policy(strict=frozenset({"a"})), Policy(strict=frozenset({"b"}))
    assert stricter(old, new, 10).strict == {"a", "b"}
