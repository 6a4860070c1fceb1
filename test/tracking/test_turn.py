"""A turn at once is seen where a box makes one, and what comes of it."""

import numpy as np
import pytest
from track_playing import line, play, start

from siamx_ros.geometry import BoundingBox
from siamx_ros.tracking.turn import AFTER, BACK, BEFORE, LEAST_WAY, STRAIGHT, TurnCheck

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
    check = TurnCheck()
    return [check.note(step / RATE, box(place)) for step, place in enumerate(places)]


def test_a_turn_at_once_is_seen():
    found = seen(there_and_back(4.0, 1.0))
    assert found[:-1] == [None] * (BEFORE + AFTER - 1)
    turn = found[-1]
    assert turn.stamp == pytest.approx(1.1)
    assert turn.until == pytest.approx(2.2), 'as long as it was seen'
    assert turn.at(1.5) == pytest.approx((40, 50)), 'the target goes on as before'


@pytest.mark.parametrize('speed, back, strays', [
    (4.0, 0.9 * BACK, 0.0),                                  # it goes back slowly
    (4.0, 0.0, 0.0),                                         # it stops
    (4.0, -1.0, 0.0),                                        # it goes on
    (0.9 * LEAST_WAY * SIZE[0] / (BEFORE - 1), 1.0, 0.0),    # it had hardly moved
    (4.0, 1.0, 1.3 * STRAIGHT * SIZE[1])])                   # it did not walk straight
def test_other_motion_is_no_turn(speed, back, strays):
    assert not any(seen(there_and_back(speed, back, strays)))


def test_who_slows_down_and_turns_does_not_do_so_at_once():
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


def test_after_a_turn_and_after_stamps_that_go_back_places_are_gathered_afresh():
    check, places = TurnCheck(), there_and_back(4.0, 1.0)
    for repeat in range(2):
        found = [check.note(10 * repeat + step / RATE, box(place))
                 for step, place in enumerate(places)]
        assert found[-1] is not None and not any(found[:-1])
    for step, place in enumerate(places[:-1]):
        check.note(step / RATE, box(place))
    assert check.note(0.0, box(places[-1])) is None
    check.clear()
    assert check.note(1.0, box(places[-1])) is None


GROUND = np.kron(np.random.default_rng(0).integers(0, 90, (48, 64, 3), np.uint8),
                 np.ones((10, 10, 1), np.uint8))


@pytest.fixture
def standing(scene):
    """A function: centres -> their squares before something that shows that the camera stands."""
    def draw(*centres):
        image = GROUND
        for centre in centres:
            image = np.where(scene(centre) == scene(None), image, scene(centre))
        return image
    return draw


def test_a_target_that_turns_round_at_once_is_followed_on(engine, standing):
    """Waved to and fro, as fast back as it came: nothing else is there, so it was not left."""
    tracker = start(engine, standing, (400, 200))
    there, turns = line((400, 200), (-8, 0), 10), 0
    for place in there + line(there[-1], (8, 0), 10) + line((400, 200), (-8, 0), 10):
        result = tracker.update(standing(place))
        turns += tracker.memory.turned_round
        assert result.valid and result.box.centre == pytest.approx(place, abs=3)
    assert turns, 'or nothing was shown'


def test_after_a_turn_the_target_is_searched_for_where_it_was_heading(engine, standing):
    """Slid onto somebody who walks the other way: nothing is learnt of that one in that image."""
    tracker, learnt = start(engine, standing, (400, 200)), []
    walk = line((400, 200), (-10, 0), 9)
    assert all(result.valid for result in play(tracker, standing, walk))
    slid = line(walk[-1], (8, 0), 3)
    play(tracker, standing, slid[:-1])
    tracker.memory.online.learn = lambda *what: learnt.append(what)
    play(tracker, standing, slid[-1:])
    assert tracker.memory.turned_round and not learnt
    target = walk[-1][0] - 40, 200
    result = tracker.update(standing(target))
    assert result.windows[0].centre_x == pytest.approx(walk[-1][0] - 30, abs=5)
    assert result.box.centre == pytest.approx(target, abs=2)
