"""An identity switch is seen where a box turns round at once, and nowhere else."""

import numpy as np
import pytest
from track_playing import line, play, start

from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, Reason, TrackState
from siamx_ros.tracking.switch import (
    AFTER, BACK, BEFORE, LEAST_WAY, SAME_PLACE, STRAIGHT, SwitchCheck)

RATE = 10.0
SIZE = 20.0, 40.0


def box(place):
    return BoundingBox.from_centre(*place, *SIZE)


def there_and_back(speed, back, strays=0.0):
    """Places of who walks at ``speed`` pixels an image in x, every second one ``strays`` beside
    that line, and of a box that goes back at a share ``back`` of it."""
    places = [(100 - speed * step, 50 + strays * (-1) ** step) for step in range(BEFORE)]
    x, y = 100 - speed * (BEFORE - 1), 50
    return places + [(x + back * speed * step, y) for step in range(1, AFTER + 1)]


def seen(places):
    check = SwitchCheck()
    return [check.note(step / RATE, box(place)) for step, place in enumerate(places)]


def test_who_turns_round_at_once_was_somebody_else():
    found = seen(there_and_back(4.0, 1.0))
    assert found[:-1] == [None] * (BEFORE + AFTER - 1)
    switch = found[-1]
    assert switch.stamp == pytest.approx(1.1)
    assert switch.until == pytest.approx(2.2), 'as long as it was seen'
    assert switch.target.at(1.5) == pytest.approx((40, 50)), 'it goes on as before'
    assert switch.other.at(1.5) == pytest.approx((104, 50)), 'so does the other one'


@pytest.mark.parametrize('speed, back, strays', [
    (4.0, 0.9 * BACK, 0.0),                                  # it goes back slowly
    (4.0, 0.0, 0.0),                                         # it stops
    (4.0, -1.0, 0.0),                                        # it goes on
    (0.9 * LEAST_WAY * SIZE[0] / (BEFORE - 1), 1.0, 0.0),    # it had hardly moved
    (4.0, 1.0, 1.3 * STRAIGHT * SIZE[1])])                   # it did not walk straight
def test_other_motion_is_no_switch(speed, back, strays):
    assert not any(seen(there_and_back(speed, back, strays)))


def test_who_slows_down_and_turns_is_the_target():
    """Like a pendulum, 2.5 sizes to each side, once in 6 s."""
    times = np.arange(0, 12, 1 / RATE)
    assert not any(seen([(200 + 50 * np.sin(2 * np.pi * time / 6), 50) for time in times]))


def _by_polyfit(places):
    """The decision about the newest places, by other means; None for too few."""
    newest = np.array(places[-BEFORE - AFTER:])
    if len(newest) < BEFORE + AFTER:
        return None
    relative = newest / SIZE
    (came, start), (goes, _) = (np.polyfit(np.arange(len(part)), part, 1)
                                for part in (relative[:BEFORE], relative[BEFORE:]))
    beside = relative[:BEFORE] - start - np.outer(np.arange(BEFORE), came)
    return (np.hypot(*came) * (BEFORE - 1) >= LEAST_WAY
            and np.sqrt((beside ** 2).sum() / BEFORE) <= STRAIGHT
            and goes @ came <= -BACK * came @ came)


def test_decisions_are_those_of_two_fitted_lines():
    rng, told = np.random.default_rng(0), []
    for _ in range(300):
        speed = rng.uniform(0, 6)
        places = np.array(there_and_back(speed, rng.uniform(0, 2)))
        places = places + rng.normal(0, rng.uniform(0, 3), places.shape)
        expected = _by_polyfit(places)
        assert (seen(places)[-1] is not None) == expected
        told.append(expected)
    assert 50 < sum(told) < 250


def test_after_a_switch_and_after_stamps_that_go_back_places_are_gathered_afresh():
    check, places = SwitchCheck(), there_and_back(4.0, 1.0)
    for repeat in range(2):
        found = [check.note(10 * repeat + step / RATE, box(place))
                 for step, place in enumerate(places)]
        assert found[-1] is not None and not any(found[:-1])
    for step, place in enumerate(places[:-1]):
        check.note(step / RATE, box(place))
    assert check.note(0.0, box(places[-1])) is None
    check.clear()
    assert check.note(1.0, box(places[-1])) is None


def test_the_other_one_is_known_by_its_place():
    switch = seen(there_and_back(4.0, 1.0))[-1]
    x, y = switch.other.at(1.5)
    for inside in (0.9, -0.9):
        assert switch.is_other(1.5, box((x + inside * SAME_PLACE * SIZE[0], y)))
        assert switch.is_other(1.5, box((x, y + inside * SAME_PLACE * SIZE[1])))
    assert not switch.is_other(1.5, box((x + 1.1 * SAME_PLACE * SIZE[0], y)))
    assert not switch.is_other(1.5, box(switch.target.at(1.5)))


def test_a_box_that_slides_onto_somebody_else_comes_back_and_teaches_nothing(engine, scene):
    """The target walks to the left behind another one, who alone is seen and walks to the right."""
    ground = np.kron(np.random.default_rng(0).integers(0, 140, (48, 64, 3), np.uint8),
                     np.ones((10, 10, 1), np.uint8))

    def standing(centre):
        """With something by which it is seen that the camera stands still."""
        image = scene(centre)
        return np.where(image == scene(None), ground, image)

    tracker, learnt = start(engine, standing, (400, 200)), []
    walk = line((400, 200), (-7, 0), 9)
    assert all(result.valid for result in play(tracker, standing, walk))
    slid = line(walk[-1], (5, 0), 3)
    play(tracker, standing, slid[:-1])
    tracker.memory.online.learn = lambda *what: learnt.append(what)
    seen, *hidden = play(tracker, standing, slid[-1:] + line(slid[-1], (5, 0), 2))
    assert (seen.state, seen.reason) == (TrackState.UNCERTAIN, Reason.AMBIGUOUS_PEAKS)
    assert seen.box_source == BoxSource.PREDICTED and not learnt
    for image, result in enumerate([seen, *hidden], 3):
        assert not result.valid
        assert result.box.centre == pytest.approx((walk[-1][0] - 7 * image, 200), abs=8)
    found = play(tracker, standing, line((walk[-1][0] - 35, 200), (-7, 0), 3))
    assert found[-1].valid and found[-1].box.centre == pytest.approx(
        (walk[-1][0] - 56, 200), abs=2)
