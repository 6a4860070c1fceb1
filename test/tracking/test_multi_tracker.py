"""Several targets in one image: each as alone, none on another's place, all kept apart."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model import openvino_graph
from siamx_ros.records import Reason, TrackState
from siamx_ros.synthetic import sequence
from siamx_ros.tracking import decode
from siamx_ros.tracking.choice import judge
from siamx_ros.tracking.exclusion import Claims
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.multi_tracker import MultiTracker
from siamx_ros.tracking.tracker import Tracker

CONFIG = TrackerConfig().replace({
    'lost_threshold': 0.5, 'recover_threshold': 0.6, 'relocalise_threshold': 0.8, 'n_lost': 2,
    'n_confirm': 2, 'lost_time': 0.0, 'unbroken_margin': 0.0})
SIZE = 48, 36


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


def crossing(seed):
    """Two of the same look that run into each other and on: the clip, and where both are."""
    along = np.linspace(60, 260, 80)
    first, second = (np.stack([x, np.full(80, y)], 1)
                     for x, y in ((along, 112), (320 - along, 128)))
    return sequence(centres=first, twin_centres=second, target_size=SIZE, seed=seed), first, second


@pytest.mark.parametrize('seed', [1, 2])
def test_two_that_look_alike_keep_their_places_only_if_they_know_of_each_other(seed):
    clip, *centres = crossing(seed)
    tracker = load_tracker(ModelConfig(device='cpu', threads=1))
    apart = tracker.config.replace({'course_spread': 0.0})  # or they often keep them by themselves
    alone = [Tracker(tracker.engine, apart, tracker.calibration) for _ in centres]
    together = MultiTracker.around(tracker)
    boxes = [box(each[0], SIZE) for each in centres]
    for each, start in zip(alone, boxes):
        each.init(clip.image(0), start)
    numbers = [together.add(clip.image(0), start) for start in boxes]
    for index in range(1, len(clip)):
        image = clip.image(index)
        apart, results = [each.update(image) for each in alone], together.update(image)
        seen = [results[number].box for number in numbers if results[number].valid]
        assert len(seen) < 2 or seen[0].iou(seen[1]) < 0.7, f'both on one in image {index}'
    truth = [box(each[-1], SIZE) for each in centres]
    assert all(results[number].valid and results[number].box.iou(true) > 0.7
               for number, true in zip(numbers, truth))
    assert not all(result.box.iou(true) > 0.5 for result, true in zip(apart, truth)), \
        'the clip is no trial: each keeps its place by itself'


def test_what_is_looked_at_once_is_what_looking_again_shows(monkeypatch):
    """Claims judges a window again only where other targets take cells of it."""
    clip, *centres = crossing(1)
    tracker = load_tracker(ModelConfig(device='cpu', threads=1))
    boxes = [box(each[0], SIZE) for each in centres]

    def answers():
        group = MultiTracker.around(tracker)
        for start in boxes:
            group.add(clip.image(0), start)
        return [repr(group.update(clip.image(index))) for index in range(1, 50)]

    fast = answers()

    def beside(claims, index, taken=()):
        answer = replace(claims._answers[index], appearances={})
        excluded = decode.cells_on(
            [*claims._denied[index], *taken], answer.maps.distances, answer.window)
        tracker = claims._contestants[index].tracker
        return judge(tracker.engine, claims._image, [tracker.question(answer, excluded)])[0]

    monkeypatch.setattr(Claims, '_beside', beside)
    assert answers() == fast


def test_a_target_among_others_has_no_course_of_its_own():
    clip, *centres = crossing(1)
    tracker = load_tracker(ModelConfig(device='cpu', threads=1))
    group = MultiTracker.around(tracker)
    first, second = (group.add(clip.image(0), box(each[0], SIZE)) for each in centres)
    memory = group.trackers[first].memory

    def known(images):
        for index in images:
            group.update(clip.image(index))
        memory.arrive(None, image=clip.image(images[-1]))
        return memory.heading() is not None

    assert not known(range(1, 10))
    group.remove(second)
    assert known(range(10, 20)), 'it has one once it is alone'


def test_backward_checks_go_together_and_are_compiled_when_the_targets_are_added(monkeypatch):
    clip, *centres = crossing(1)
    group, together = MultiTracker.around(load_tracker(ModelConfig(device='cpu', threads=1))), []
    for each in centres:
        group.add(clip.image(0), box(each[0], SIZE))
    engine = type(group.engine)
    many = engine.scores_of_many
    monkeypatch.setattr(engine, 'scores_of_many', lambda engine, searches: (
        together.append(len(searches)), many(engine, searches))[1])
    monkeypatch.setattr(openvino_graph, 'kept_or_compiled', None)
    for index in range(1, group.config.backward_every + 1):
        group.update(clip.image(index))
    assert together[-1] == 2, 'due for both'


def test_another_target_beside_is_no_second_peak():
    """Two that pass at some distance: what is explained by the other raises no doubt."""
    along = np.linspace(60, 260, 30)
    first, second = (np.stack([x, np.full(30, y)], 1)
                     for x, y in ((along, 100), (320 - along, 150)))
    clip = sequence(centres=first, twin_centres=second, target_size=SIZE, seed=1)
    tracker = load_tracker(ModelConfig(device='cpu', threads=1))
    group = MultiTracker.around(tracker)
    start = box(first[0], SIZE)
    tracker.init(clip.image(0), start)
    number = group.add(clip.image(0), start)
    group.add(clip.image(0), box(second[0], SIZE))
    pairs = [(group.update(clip.image(i))[number], tracker.update(clip.image(i)))
             for i in range(1, 30)]
    assert max(alone.peak_ratio for _, alone in pairs) > 0.3, 'the clip is no trial'
    assert max(together.peak_ratio for together, _ in pairs) < 0.3
    assert all(together.valid for together, _ in pairs)


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
