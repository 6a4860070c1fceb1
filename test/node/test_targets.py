"""The shipped network in the real node over DDS: its boxes, and several targets that walk."""

from __future__ import annotations

import numpy as np
import pytest

from siamx_ros import load_tracker
from siamx_ros.client.probe import init_request
from siamx_ros.config import ModelConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackState
from siamx_ros.srv import AddTarget, InitTarget, RemoveTarget

pytestmark = pytest.mark.ros
SIZE = 40, 48
MODEL = {'device': 'cpu', 'threads': 1}
"""Rounding differs with the number of threads."""


class Walk:
    """Two textured patches over a smooth background, which walk a step with every image."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self._ground = np.kron(random.integers(60, 120, (12, 16, 3), np.uint8),
                               np.ones((20, 20, 1), np.uint8))
        self._patches = [np.kron(random.integers(0, 255, (6, 5, 3), np.uint8),
                                 np.ones((8, 8, 1), np.uint8)) for _ in range(2)]
        self._step = 0

    @property
    def boxes(self) -> list[BoundingBox]:
        """Where they are."""
        away = self._step % 40
        return [BoundingBox(30 + 2 * away, 30 + away, *SIZE),
                BoundingBox(250 - 2 * away, 150 - away, *SIZE)]

    def image(self) -> np.ndarray:
        """The next image."""
        self._step += 1
        image = self._ground.copy()
        for box, patch in zip(self.boxes, self._patches):
            x, y = int(box.x), int(box.y)
            image[y:y + SIZE[1], x:x + SIZE[0]] = patch
        return image


@pytest.fixture(scope='module')
def running(make_rig):
    return make_rig({'model': MODEL, 'init_timeout': 20.0, 'stall_timeout': 30.0}, scripted=False)


@pytest.fixture
def rig(running):
    running.check()
    running.set_parameters(max_targets=8)
    running.enable(True)
    assert running.trigger('reset').success
    running.status(0)
    return running


@pytest.fixture
def walk() -> Walk:
    return Walk()


def add(rig, box: BoundingBox, **fields):
    """Call ~/add_target; returns the response."""
    request = init_request(box, kind=AddTarget, **fields)
    return rig.probe.call(AddTarget, 'add_target', request, 60.0)


def remove(rig, name: str):
    return rig.probe.call(RemoveTarget, 'remove_target', RemoveTarget.Request(target_id=name))


def show(rig, walk):
    """Show the next image; returns the target and the detections by their ids."""
    target = rig.show(walk.image())
    array = rig.probe.answer(rig.clock_ns, 'detections')
    assert all(each.header == target.header for each in array.detections)
    return target, {each.id: each for each in array.detections}


def overlap(detection, truth: BoundingBox) -> float:
    """Of a detection's or a target's box."""
    centre = detection.bbox.center.position
    return truth.iou(BoundingBox.from_centre(
        centre.x, centre.y, detection.bbox.size_x, detection.bbox.size_y))


def test_boxes_are_those_of_the_tracker(rig, walk):
    """The network gives in the node what it gives outside: nothing is lost on the way."""
    tracker = load_tracker(ModelConfig().replace(MODEL))
    image = walk.image()
    rig.show(image)
    assert rig.init(walk.boxes[0], rig.clock_ns).success
    tracker.init(image, walk.boxes[0], rig.clock_ns * 1e-9)
    for image in [walk.image() for _ in range(7)]:
        target, wanted = rig.show(image), tracker.update(image, rig.clock_ns * 1e-9)
        assert overlap(target, wanted.box) > 0.98 and target.state == wanted.state
        assert target.confidence == pytest.approx(wanted.confidence, abs=1e-3)
        assert target.template_similarity == pytest.approx(wanted.template_similarity, abs=1e-3)
    assert overlap(target, walk.boxes[0]) > 0.5


def test_all_targets_are_in_one_array_and_the_first_stays_the_primary(rig, walk):
    show(rig, walk)
    assert rig.init(walk.boxes[0], target_id='anna').success
    answer = add(rig, walk.boxes[1], target_id='ben', class_id='person')
    assert (answer.success, answer.error_code, answer.target_id) == (True, 0, 'ben'), answer.message
    assert answer.confidence == 1.0
    for _ in range(6):
        target, found = show(rig, walk)
        assert list(found) == ['anna', 'ben'] and target.target_id == 'anna'
        for name, truth in zip(('anna', 'ben'), walk.boxes):
            assert overlap(found[name], truth) > 0.5
            assert found[name].results[0].hypothesis.score > 0.8
        assert found['anna'].bbox == target.bbox
    assert [found[name].results[0].hypothesis.class_id for name in found] == ['target', 'person']
    assert found['ben'].results[0].pose.covariance[0] == 1e9, 'its range is not known'
    answer = remove(rig, 'ben')
    assert answer.success and answer.message == 'target ben was dropped'
    target, found = show(rig, walk)
    assert list(found) == ['anna'] and target.valid


def test_a_target_of_a_past_image_is_caught_up(rig, walk):
    show(rig, walk)
    assert rig.init(walk.boxes[0]).success
    show(rig, walk)
    drawn, then = walk.boxes[1], rig.clock_ns
    for _ in range(3):
        show(rig, walk)
    answer = add(rig, drawn, stamp_ns=then)
    assert answer.success and answer.caught_up_frames == 3, answer.message
    _, found = show(rig, walk)
    assert overlap(found[answer.target_id], walk.boxes[1]) > 0.5


def test_without_the_primary_one_no_other_takes_its_place(rig, walk):
    show(rig, walk)
    first = rig.init(walk.boxes[0]).target_id
    second = add(rig, walk.boxes[1]).target_id
    assert remove(rig, first).success
    assert rig.status(TrackState.UNINITIALISED).reason == 2
    for _ in range(3):
        target, found = show(rig, walk)
        assert target.state == TrackState.UNINITIALISED and not target.valid
        assert list(found) == [second] and overlap(found[second], walk.boxes[1]) > 0.5
    third = rig.init(walk.boxes[0]).target_id
    target, found = show(rig, walk)
    assert list(found) == [third, second] and target.target_id == third and third != first
    assert rig.trigger('reset').success
    target, found = show(rig, walk)
    assert not found and target.state == TrackState.UNINITIALISED


def test_what_is_refused_says_why_and_changes_nothing(rig, walk):
    show(rig, walk)
    first = rig.init(walk.boxes[0], target_id='anna').target_id
    assert rig.set_parameters(max_targets=2).successful
    second = add(rig, walk.boxes[1], target_id='anna').target_id
    assert second.startswith('anna-'), 'a name is given once'
    answer = add(rig, walk.boxes[1])
    assert (answer.success, answer.error_code) == (False, AddTarget.Response.TOO_MANY_TARGETS)
    assert 'max_targets is 2' in answer.message
    assert rig.set_parameters(max_targets=3).successful
    answer = add(rig, BoundingBox(5000, 0, *SIZE))
    assert answer.error_code == InitTarget.Response.BBOX_OUT_OF_IMAGE
    answer = remove(rig, 'nobody')
    assert not answer.success and "no target 'nobody', there are: anna, " in answer.message
    assert "a call failed: there is no target 'nobody'" in rig.log
    answer = remove(rig, '')
    assert not answer.success and 'reset drops all' in answer.message
    _, found = show(rig, walk)
    assert list(found) == [first, second]


def test_all_are_paused_and_found_again_and_dropped_with_another_size(rig, walk):
    show(rig, walk)
    rig.init(walk.boxes[0])
    name = add(rig, walk.boxes[1]).target_id
    rig.enable(False)
    assert not show(rig, walk)[1]
    rig.enable(True)
    for _ in range(6):
        target, found = show(rig, walk)
    assert target.valid and overlap(found[name], walk.boxes[1]) > 0.5
    rig.show(np.ascontiguousarray(walk.image()[:200]))
    status = rig.status(TrackState.UNINITIALISED)
    assert status.reason == 12 and f', {name} was dropped' in status.message
    assert not show(rig, walk)[1]
