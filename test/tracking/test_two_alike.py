"""Two of the same look in one image: they keep their places, and no window is judged in vain."""

from dataclasses import replace

import numpy as np

from siamx_ros.config import ModelConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.model import openvino_graph
from siamx_ros.synthetic import sequence
from siamx_ros.tracking import decode
from siamx_ros.tracking.choice import judge
from siamx_ros.tracking.exclusion import Claims
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.multi_tracker import MultiTracker
from siamx_ros.tracking.tracker import Tracker

SIZE = 48, 36


def box(centre):
    return BoundingBox.from_centre(*centre, *SIZE)


def crossing(seed):
    """Two of the same look that run into each other and on: the clip, and where both are."""
    along = np.linspace(60, 260, 80)
    first, second = (np.stack([x, np.full(80, y)], 1)
                     for x, y in ((along, 112), (320 - along, 128)))
    return sequence(centres=first, twin_centres=second, target_size=SIZE, seed=seed), first, second


def kept_places(tracker, seed):
    """Whether the two of a clip keep their places together, and whether they do each by itself.

    Never are both seen in one place.
    """
    clip, *centres = crossing(seed)
    apart = tracker.config.replace({'course_spread': 0.0})  # or they often keep them by themselves
    alone = [Tracker(tracker.engine, apart, tracker.calibration) for _ in centres]
    together = MultiTracker.around(tracker)
    boxes = [box(each[0]) for each in centres]
    for each, start in zip(alone, boxes):
        each.init(clip.image(0), start)
    numbers = [together.add(clip.image(0), start) for start in boxes]
    for index in range(1, len(clip)):
        image = clip.image(index)
        apart, results = [each.update(image) for each in alone], together.update(image)
        seen = [results[number].box for number in numbers if results[number].valid]
        assert len(seen) < 2 or seen[0].iou(seen[1]) < 0.7, f'both on one in image {index}'
    truth = [box(each[-1]) for each in centres]
    return [all(result.valid and result.box.iou(true) > 0.7 for result, true in zip(each, truth))
            for each in ([results[number] for number in numbers], apart)]


def test_two_that_look_alike_keep_their_places_only_if_they_know_of_each_other():
    """Rounding decides single clips: five of these six were kept in fp32, bf16 and int8."""
    tracker = load_tracker(ModelConfig(device='cpu', threads=1))
    together, alone = np.sum([kept_places(tracker, seed) for seed in range(1, 7)], 0)
    assert together >= 4 and alone <= together - 2, (together, alone)


def test_what_is_looked_at_once_is_what_looking_again_shows(monkeypatch):
    """Claims judges a window again only where other targets take cells of it."""
    clip, *centres = crossing(1)
    tracker = load_tracker(ModelConfig(device='cpu', threads=1))
    boxes = [box(each[0]) for each in centres]

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
    first, second = (group.add(clip.image(0), box(each[0])) for each in centres)
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
        group.add(clip.image(0), box(each[0]))
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
    start = box(first[0])
    tracker.init(clip.image(0), start)
    number = group.add(clip.image(0), start)
    group.add(clip.image(0), box(second[0]))
    pairs = [(group.update(clip.image(i))[number], tracker.update(clip.image(i)))
             for i in range(1, 30)]
    assert max(alone.peak_ratio for _, alone in pairs) > 0.3, 'the clip is no trial'
    assert max(together.peak_ratio for together, _ in pairs) < 0.3
    assert all(together.valid for together, _ in pairs)
