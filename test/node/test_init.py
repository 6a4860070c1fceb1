"""~/init over DDS: what is accepted, what is refused with which code, and what is then said."""

from __future__ import annotations

import math

import pytest
from vision_msgs.msg import Detection2D

from siamx_ros.client.probe import init_request, stamp
from siamx_ros.geometry import BoundingBox
from siamx_ros.srv import InitTarget

pytestmark = pytest.mark.ros
BOX = BoundingBox(60, 40, 40, 32)
Code = InitTarget.Response


def ask(rig, **box):
    """Call ~/init with fields of the box replaced, unchecked."""
    request = init_request(BOX)
    centre = request.bbox.center
    for name, value in box.items():
        if name in ('x', 'y'):
            setattr(centre.position, name, value)
        elif name == 'theta':
            centre.theta = value
        else:
            setattr(request.bbox, name, value)
    return rig.probe.call(InitTarget, 'init', request)


def test_accepted_and_answered_with_what_was_used(rig):
    shown = rig.show()
    answer = rig.init(target_id='dog', class_id='animal')
    assert (answer.success, answer.error_code, answer.target_id) == (True, Code.NONE, 'dog')
    assert answer.stamp == shown.header.stamp
    assert (answer.bbox.center.position.x, answer.bbox.center.position.y) == BOX.centre
    assert (answer.bbox.size_x, answer.bbox.size_y) == (BOX.w, BOX.h)
    assert answer.confidence == 1.0
    target = rig.show()
    assert (target.target_id, target.valid) == ('dog', True)


def test_headers_of_all_outputs_are_the_image_header(rig):
    rig.started()
    target = rig.show(frame_id='left_optical_frame')
    detections = rig.probe.answer(rig.clock_ns, 'detections')
    assert target.header.stamp == stamp(rig.clock_ns)
    assert target.header.frame_id == 'left_optical_frame'
    assert detections.header == target.header
    [detection] = detections.detections
    assert detection.header == target.header
    assert detection.id == target.target_id
    assert detection.bbox == target.bbox
    assert detection.results[0].hypothesis.class_id == 'target'


def test_status_carries_the_header_of_the_image_that_caused_it(rig):
    answer = rig.started()
    status = rig.status(status_of('TRACKING'))
    assert status.header.stamp == answer.stamp
    assert status.target_id == answer.target_id
    assert status.reason == status.REASON_INIT


def test_message_values_of_a_tracked_target(rig):
    rig.started()
    first = rig.show()
    target = rig.show()
    assert (target.image_width, target.image_height) == (160, 120)
    assert target.box_source == target.BOX_MEASURED and target.state == target.STATE_TRACKING
    assert (target.bbox.center.position.x, target.bbox.center.position.y) == BOX.centre
    assert (target.vx, target.vy) == pytest.approx((90.0, -45.0), rel=1e-4)
    assert target.seq > first.seq and target.dropped == 0
    assert all(map(math.isnan, (target.range, target.bearing, target.elevation)))
    assert not target.truncated


def test_a_name_given_twice_is_two_targets(rig):
    first = rig.started(target_id='dog')
    before = len(rig.probe.heard['status'])
    second = rig.init(target_id='dog')
    assert (first.target_id, second.success) == ('dog', True)
    assert second.target_id != 'dog' and second.target_id.startswith('dog-')
    assert rig.show().target_id == second.target_id
    assert rig.probe.wait(lambda: any(
        (status.target_id, status.reason) == (second.target_id, status.REASON_INIT)
        for status in rig.probe.heard['status'][before:]))
    rig.trigger('reset')
    assert rig.init(target_id='dog').target_id == 'dog', 'the last one had another name'
    rig.trigger('reset')
    assert rig.init(target_id='dog').target_id != 'dog', 'whoever missed the reset must see it'


@pytest.mark.parametrize('box, code', [
    ({'x': math.nan}, Code.BBOX_INVALID),
    ({'y': math.inf}, Code.BBOX_INVALID),
    ({'size_x': 0.0}, Code.BBOX_INVALID),
    ({'size_y': -5.0}, Code.BBOX_INVALID),
    ({'size_x': math.nan}, Code.BBOX_INVALID),
    ({'size_x': 3.0}, Code.BBOX_TOO_SMALL),
    ({'x': 500.0}, Code.BBOX_OUT_OF_IMAGE),
    ({'x': 0.0, 'y': 0.0}, Code.BBOX_OUT_OF_IMAGE),
    ({'size_x': 1e9, 'size_y': 1e9}, Code.BBOX_OUT_OF_IMAGE),
    ({'size_x': 1e300, 'size_y': 1e300}, Code.BBOX_OUT_OF_IMAGE),
    ({'x': 1e300}, Code.BBOX_OUT_OF_IMAGE),
    ({'theta': 0.5}, Code.BBOX_ROTATED),
    ({'theta': math.nan}, Code.BBOX_ROTATED)], ids=str)
def test_boxes_that_are_refused(rig, box, code):
    kept = rig.started()
    answer = ask(rig, **box)
    assert (answer.success, answer.error_code) == (False, code), answer.message
    assert answer.message and 'Error' not in answer.message
    target = rig.show()
    assert (target.target_id, target.valid) == (kept.target_id, True), 'the old target stays'


def test_a_frame_without_texture_is_refused(rig, make_scene):
    flat = make_scene()
    flat[1:] = 128
    flat[0, 1:] = 128
    rig.show(flat)
    answer = rig.init()
    assert (answer.success, answer.error_code) == (False, Code.LOW_TEXTURE)


def test_another_frame_id_is_refused(rig):
    rig.show()
    request = init_request(BOX)
    request.header.frame_id = 'rear_optical_frame'
    answer = rig.probe.call(InitTarget, 'init', request)
    assert answer.error_code == Code.FRAME_MISMATCH
    assert 'rear_optical_frame' in answer.message and 'camera_optical_frame' in answer.message


@pytest.mark.parametrize('seconds', [-3600, -5, 5, 3600])
def test_a_stamp_that_is_not_kept_is_refused(rig, seconds):
    rig.show()
    answer = rig.init(stamp_ns=rig.clock_ns + seconds * 10**9)
    assert answer.error_code == Code.STAMP_NOT_BUFFERED, answer.message
    where = 'before' if seconds < 0 else 'after'
    assert answer.message.endswith(f'it is {abs(seconds)}.000 s {where} the newest')


def test_keep_current(rig):
    first = rig.started()
    answer = rig.init(keep_current=True)
    assert answer.error_code == Code.ALREADY_TRACKING
    assert first.target_id in answer.message
    rig.trigger('reset')
    assert rig.init(keep_current=True).success


def test_catches_up_from_the_frame_on_which_the_box_was_drawn(rig):
    rig.show()
    drawn = rig.clock_ns
    for _ in range(4):
        rig.show()
    before = len(rig.probe.heard['target'])
    answer = rig.init(stamp_ns=drawn)
    assert answer.success and answer.caught_up_frames == 4
    assert answer.stamp == stamp(drawn)
    assert rig.probe.wait(lambda: len(rig.probe.heard['target']) >= before + 5)
    stamps = [m.header.stamp for m in rig.probe.heard['target'][before:before + 5]]
    assert stamps[0] == stamp(drawn) and stamps[-1] == stamp(rig.clock_ns)
    rig.status(status_of('TRACKING'))
    states = [m.state for m in rig.probe.heard['status']]
    begun = len(states) - states[::-1].index(status_of('INITIALISING'))
    assert set(states[begun:]) == {status_of('TRACKING')}


def test_a_target_that_is_dropped_while_catching_up_is_not_accepted(rig, make_scene):
    """The images changed their size after the one on which the box was drawn."""
    rig.show()
    drawn = rig.clock_ns
    for _ in range(3):
        rig.show(make_scene(240, 320))
    answer = rig.init(stamp_ns=drawn)
    assert (answer.success, answer.error_code) == (False, Code.TARGET_DROPPED)
    assert 'the images changed from 160x120 to 320x240 pixels' in answer.message
    assert rig.status(status_of('UNINITIALISED')).target_id == ''
    rig.show()


def test_a_box_drawn_on_a_smaller_view_is_scaled(rig):
    rig.show()
    answer = rig.init(BoundingBox(30, 20, 20, 16), image_width=80, image_height=60)
    assert answer.success
    assert (answer.bbox.center.position.x, answer.bbox.center.position.y) == BOX.centre
    assert (answer.bbox.size_x, answer.bbox.size_y) == (BOX.w, BOX.h)


@pytest.mark.parametrize('side', ['image_width', 'image_height'])
def test_one_side_of_the_view_alone_is_refused(rig, side):
    rig.show()
    answer = rig.init(**{side: 80})
    assert (answer.success, answer.error_code) == (False, Code.BBOX_INVALID)
    assert 'image_width and image_height must both be given' in answer.message


def test_the_init_box_topic_takes_a_target_too(rig):
    rig.show()
    publisher = rig.probe.node.create_publisher(Detection2D, f'{rig.namespace}/init_box', 1)
    assert rig.probe.wait(publisher.get_subscription_count)
    message = Detection2D(id='from a topic', bbox=init_request(BOX).bbox)
    publisher.publish(message)
    assert rig.status(status_of('TRACKING')).target_id == 'from a topic'
    message.bbox.size_x = -1.0
    publisher.publish(message)
    assert rig.probe.wait(lambda: 'init refused (706)' in rig.probe.heard['status'][-1].message)
    assert rig.show().valid, 'the old target stays'


def test_before_any_image_and_with_old_images(make_rig):
    rig = make_rig()
    answers = []

    def named():
        answers.append(rig.init())
        return 'probe' in answers[-1].message
    assert rig.probe.wait(named), answers[-1].message
    assert {answer.error_code for answer in answers} == {Code.NO_IMAGE}
    assert f'{rig.namespace}/image' in answers[-1].message
    assert '_UNKNOWN_' not in ''.join(answer.message for answer in answers)
    rig.show()
    assert rig.set_parameters(image_timeout=0.05).successful
    assert rig.probe.wait(lambda: 'no image for' in rig.probe.heard['status'][-1].message)
    assert rig.init().error_code == Code.IMAGE_STALE


def test_not_active(make_rig):
    rig = make_rig({'autostart': False}, ready=False)
    rig.up()
    answer = rig.init()
    assert answer.error_code == Code.NOT_ACTIVE
    assert not rig.trigger('reset').success
    assert not rig.enable(True).success
    publisher = rig.probe.node.create_publisher(Detection2D, f'{rig.namespace}/init_box', 1)
    assert rig.probe.wait(publisher.get_subscription_count)
    publisher.publish(Detection2D(bbox=init_request(BOX).bbox))
    assert rig.probe.wait(lambda: 'init refused (701)' in rig.probe.heard['status'][-1].message)


def status_of(name: str) -> int:
    from siamx_ros.records import TrackState
    return int(TrackState[name])
