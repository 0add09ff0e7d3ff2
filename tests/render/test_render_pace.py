"""How far a task is: its rate and the time left."""

import pytest

from reconciler.render.pace import Pace


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "text"),
    [
        pytest.param(0, 1000, 0, "0 of 1,000", id="nothing is known of the rate"),
        pytest.param(1, 3, 0, "1 of 3", id="no time has passed"),
        pytest.param(120, 1000, 30, "120 of 1,000, 4.0 a second, 3 min 40 s left", id="minutes"),
        pytest.param(990, 1000, 30, "990 of 1,000, 33 a second, 0 s left", id="almost done"),
        pytest.param(3, 20, 90, "3 of 20, 2.0 a minute, 8 min 30 s left", id="slow"),
        pytest.param(1, 5000, 7, "1 of 5,000, 8.6 a minute, 9 h 43 min left", id="hours"),
        pytest.param(7, 7, 14, "7 of 7, 30 a minute, 0 s left", id="done"),
    ],
)
def test_the_rate_and_the_time_left(done, total, elapsed, text):
    assert Pace(task="Applying", done=done, total=total, elapsed=elapsed).text == text
