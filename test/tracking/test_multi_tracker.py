"""Several targets in one image: each as alone, none on another's place, all kept apart."""

from functools import partial

import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.records import Reason, TrackState
from siamx_ros.tracking import decode
from siamx_ros.tracking.multi_tracker import MultiTracker
from siamx_ros.tracking.tracker import Tracker

CONFIG = TrackerConfig().replace({
    'lost_threshold': 0.5, 'recover_threshold': 0.6, 'relocalise_threshold': 0.8, 'n_lost': 2,
    'n_confirm': 2, 'lost_time': 0.0, 'unbroken_margin': 0.0})


def box(centre, size=(40, 40)):
    return BoundingBox.from_centre(*centre, *size)


def test_one_target_is_answered_exactly_as_by_a_tracker(engine, scene):
    centres = [(200 + 9 * i, 200 + 4 * i) for i in range(12)] + [None] * 5 + [(300, 240)] * 5
    alone, group = Tracker(engine, CONFIG), MultiTracker(engine, CONFIG)
    alone.init(scene(centres[0]), box(centres[0]))
    number = group.add(scene(centres[0]), box(centres[0]))
    states = set()
    for centre in centres[1:]:
        answers = group.update(scene(centre))
        assert repr(answers) == repr({number: alone.update(scene(centre))})
        states.add(answers[number].state)
    assert {TrackState.TRACKING, TrackState.LOST, TrackState.RELOCALISED} <= states


def test_each_target_is_remembered_as_its_own_window_showed_it(engine, scene):
    boxes = box((150, 150), (30, 30)), box((450, 300), (50, 50))
    image = scene((150, 150), size=30)
    image[275:325, 425:475] = 0, 60, 255
    group = MultiTracker(engine, CONFIG)
    for start in boxes:
        group.add(image, start)
    group.update(image)
    for tracker, start in zip(group.trackers.values(), boxes):
        alone = Tracker(engine, CONFIG)
        alone.init(image, start)
        alone.update(image)
        seen, expected = tracker.memory.sight, alone.memory.sight
        assert seen.inside == expected.inside and np.array_equal(seen.grey, expected.grey)


def test_blocks_of_pixels_are_as_fine_as_the_smallest_target_needs(engine, scene):
    group, image = MultiTracker(engine, CONFIG), scene((300, 200), size=200)
    assert group.reduction == 1, 'without a target'
    group.add(image, box((300, 200), (200, 200)))
    group.update(image)
    large = group.reduction
    group.add(scene((60, 60), size=20), box((60, 60), (20, 20)))
    assert large > 1 and group.reduction == 1


def test_a_lost_target_is_not_found_where_another_one_is(engine, scene):
    """The stub sees red everywhere: the second would be found again on the first one's place."""
    group = MultiTracker(engine, CONFIG)
    first = group.add(scene((200, 200)), box((200, 200)))
    second = group.add(scene((240, 240)), box((240, 240)))
    results = [group.update(scene((200, 200))) for _ in range(8)]
    assert all(result[first].valid for result in results)
    assert results[-1][second].state == TrackState.LOST
    assert all(result[second].box is None or not result[second].valid for result in results[3:])
    group.remove(first)
    found = [group.update(scene((200, 200)))[second].state for _ in range(3)]
    assert found[-1] == TrackState.TRACKING, 'nothing but the other target kept it away'


def test_numbers_are_never_given_twice_and_one_leaves_the_others(engine, scene):
    group = MultiTracker(engine, CONFIG)
    numbers = [group.add(scene((200, 200)), box((200, 200))) for _ in range(3)]
    assert len(set(numbers)) == 3
    group.remove(numbers[1])
    assert list(group.trackers) == [numbers[0], numbers[2]]
    assert group.add(scene((200, 200)), box((200, 200))) not in numbers
    with pytest.raises(InputError, match=f'no target {numbers[1]}, there are {numbers[0]}'):
        group.remove(numbers[1])


def test_images_of_another_size_are_refused_and_nothing_is_lost(engine, scene):
    group = MultiTracker(engine, CONFIG)
    for centre in ((200, 200), (300, 300)):
        group.add(scene(centre), box(centre))
    other = scene((100, 100))[:240, :320]
    with pytest.raises(InputError, match='one size, 640x480 pixels, got 320x240'):
        group.add(other, box((100, 100)))
    with pytest.raises(InputError, match='320x240'):
        group.update(other)
    assert {tracker.memory.stamp for tracker in group.trackers.values()} == {0.0}
    assert len(group.update(scene((200, 200)))) == 2


def test_settings_and_losses_reach_all_and_a_vain_search_ends_for_one(engine, scene):
    group = MultiTracker(engine, CONFIG)
    first = group.add(scene((200, 200)), box((200, 200)), 0.0)
    second = group.add(scene((400, 300)), box((400, 300)), 0.0)
    group.configure(CONFIG.replace({'search_timeout': 0.1}))
    assert {tracker.config.search_timeout for tracker in group.trackers.values()} == {0.1}
    group.lose(0.0)
    results = [group.update(scene((200, 200)), 0.05 * i) for i in range(1, 5)]
    assert results[-1][first].valid
    gone = [result[second] for result in results if second in result][-1]
    assert (gone.state, gone.reason) == (TrackState.UNINITIALISED, Reason.SEARCH_TIMEOUT)
    assert list(group.trackers) == [first]


@pytest.fixture
def started(engine, scene):
    """A function: settings -> a tracker that has a target."""
    def start(config=CONFIG):
        tracker = Tracker(engine, config)
        tracker.init(scene((400, 300)), box((400, 300)))
        return tracker
    return start


def test_trackers_that_do_not_go_together_are_refused(engine, scene, started):
    group, other = MultiTracker(engine, CONFIG), MultiTracker(type(engine)(), CONFIG)
    tracker, offline = started(), started(CONFIG.replace({'online_weight': 0.0}))
    number = group.join(tracker)
    with pytest.raises(InputError, match=f'in the group already, its target is {number}$'):
        group.join(tracker)
    with pytest.raises(InputError, match='must have the engine of the group'):
        other.join(tracker)
    with pytest.raises(InputError, match='online_weight cannot change between 0 and more'):
        group.join(offline)
    with pytest.raises(InputError, match='has no target'):
        group.join(tracker.another())
    assert group.trackers == {number: tracker} and not other.trackers
    assert group.add(scene((400, 300)), box((400, 300))) == number + 1


def test_settings_that_one_tracker_cannot_take_reach_none(engine, started):
    group, trackers = MultiTracker(engine, CONFIG), [started(), started()]
    for tracker in trackers:
        group.join(tracker)
    trackers[1].config = CONFIG.replace({'online_weight': 0.0})
    with pytest.raises(InputError, match='online_weight'):
        group.configure(CONFIG.replace({'n_lost': 7}))
    assert group.config == trackers[0].config == CONFIG


def test_what_is_closed_takes_no_images(engine, scene):
    group = MultiTracker(engine, CONFIG)
    group.close()
    for use in (group.update, partial(group.add, box=box((200, 200)))):
        with pytest.raises(InputError, match='the tracker is closed'):
            use(scene((200, 200)))


def test_cells_on_a_box_are_those_whose_own_box_overlaps_it():
    random = np.random.default_rng(4)
    distances = random.uniform(10, 60, (4, 17, 17))
    window = CropWindow(150.0, 90.0, 180.0, 191, 1.2)
    taken = [box((150, 90), (60, 44)), box((5000, 0))]
    cells = decode.cells_on(taken, distances, window)
    for row, column in np.ndindex(17, 17):
        there = decode.box_at(distances, (row, column), window)
        assert cells[row, column] == (there.iou(taken[0]) >= decode.SAME_BOX)
    assert cells.any() and not cells.all()
    assert decode.cells_on(taken[1:], distances, window) is None
    assert decode.cells_on([], distances, window) is None
