"""Faults injected into the running node: it answers, says the truth, loses no target silently."""

import time

import numpy as np
import pytest
from sensor_msgs.msg import Image

from siamx_ros.client.probe import init_request, stamp
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackerStatus as S
from siamx_ros.node.health import resident_mb
from siamx_ros.srv import InitTarget

pytestmark = pytest.mark.ros
FAIL, NO_MEMORY, SLEEP = 1, 2, 3
BOX = BoundingBox(60, 40, 40, 32)
Code = InitTarget.Response


def send(rig, **fields):
    """Publish an image message with some fields wrong; returns the target that answers it."""
    message = Image(height=120, width=160, encoding='bgr8', step=480, data=bytes(120 * 480))
    for name, value in fields.items():
        setattr(message, name, value)
    message.header.stamp, message.header.frame_id = stamp(rig.next_stamp()), 'camera'
    rig.probe.camera.publish(message)
    target = rig.probe.answer(rig.clock_ns)
    assert target, rig.last_words()
    return target


@pytest.mark.parametrize('fault', [
    {'data': b''}, {'encoding': 'rgb5'}, {'height': 2**31, 'width': 2**31}], ids=str)
def test_an_image_that_cannot_be_read_is_reported_and_the_target_kept(rig, fault):
    name = rig.started().target_id
    bad = send(rig, **fault)
    assert (bad.valid, bad.box_source, bad.target_id) == (False, bad.BOX_NONE, name)
    assert np.isnan(bad.bbox.center.position.x)
    assert rig.probe.wait(lambda: rig.probe.heard['status'][-1].message not in (
        '', 'tracking: a target was given'))
    good = rig.show()
    assert (good.valid, good.target_id) == (True, name)


def test_unreadable_images_are_no_images(make_rig):
    rig = make_rig()
    rig.started()
    assert rig.set_parameters(image_timeout=0.5).successful
    deadline = time.monotonic() + 20
    while 'no readable image' not in rig.probe.heard['status'][-1].message:
        assert send(rig, data=bytes(9)).valid is False
        assert time.monotonic() < deadline
        rig.probe.wait(lambda: False, 0.02)
    rig.status(S.STATE_INPUT_STALE)
    stale = len(rig.probe.heard['status'])
    for _ in range(10):
        assert send(rig, data=bytes(9)).state == S.STATE_INPUT_STALE
        rig.probe.wait(lambda: False, 0.06)
    for status in rig.probe.heard['status'][stale:]:
        assert status.state == S.STATE_INPUT_STALE, 'more of the same does not change the state'
        assert status.message.count('no readable image') == 1 and 'truncated' in status.message
    assert rig.show().state == S.STATE_RELOCALISED, 'found, not yet confirmed'


def test_a_picture_that_freezes_is_no_image(make_rig, make_scene):
    """As of a camera driver that hangs: stamps and messages go on."""
    rig = make_rig()
    rig.started()
    assert rig.set_parameters(image_timeout=0.4, detect_frozen_images=True).successful
    assert rig.show(make_scene(confidence=0.99)).valid and rig.show(make_scene()).valid
    deadline = time.monotonic() + 20
    while (target := rig.show()).state != S.STATE_INPUT_STALE:
        assert time.monotonic() < deadline
        rig.probe.wait(lambda: False, 0.03)
    assert not target.valid and target.box_source == target.BOX_NONE
    assert rig.status(S.STATE_INPUT_STALE).reason == S.REASON_FROZEN_IMAGES
    assert rig.probe.wait(
        lambda: 'the images have not changed for' in rig.probe.heard['status'][-1].message)
    assert rig.show().state == S.STATE_INPUT_STALE
    refused = rig.init()
    assert refused.error_code == Code.IMAGE_STALE and 'not changed' in refused.message
    states = [rig.show(make_scene(confidence=1 - n / 100)).state for n in range(1, 5)]
    assert states[0] == S.STATE_RELOCALISED and states[-1] == S.STATE_TRACKING, 'back at once'
    assert rig.set_parameters(detect_frozen_images=False).successful
    rig.probe.wait(lambda: False, 0.5)
    assert [rig.show().valid for _ in range(20)][-1], 'a simulated camera without noise'


def test_another_size_drops_the_target_and_says_so(rig, make_scene):
    name = rig.started().target_id
    target = rig.show(make_scene(240, 320))
    assert (target.state, target.valid) == (S.STATE_UNINITIALISED, False)
    status = rig.status(S.STATE_UNINITIALISED)
    assert status.reason == S.REASON_IMAGE_SIZE_CHANGED and status.target_id == ''
    assert any('from 160x120 to 320x240' in m.message and name in m.message
               for m in rig.probe.heard['status'])
    assert rig.init().success
    assert rig.show(make_scene(240, 320)).valid


def test_another_encoding_mid_stream_is_followed(rig, make_scene):
    name = rig.started().target_id
    image = make_scene()
    image[0, 0] = 0, 255, 0
    rgba = np.dstack([image[..., ::-1], image[..., 0]])
    for encoding, pixels in (('rgba8', rgba), ('mono8', image[..., 1]), ('bgr8', image)):
        target = rig.show(np.ascontiguousarray(pixels), encoding=encoding)
        assert (target.valid, target.target_id) == (True, name), encoding


def test_inference_fails_and_recovers(rig, make_scene):
    name = rig.started().target_id
    for _ in range(3):
        failed = rig.show(make_scene(command=FAIL))
        assert (failed.state, failed.valid, failed.target_id) == (S.STATE_ERROR, False, name)
    status = rig.status(S.STATE_ERROR)
    assert status.reason == S.REASON_INFERENCE_ERROR
    assert status.message == 'RuntimeError: scripted failure'
    assert rig.log.count('Traceback') <= 1, 'once, not for every image'
    states = [rig.show().state for _ in range(4)]
    assert states[0] == S.STATE_RELOCALISED and states[-1] == S.STATE_TRACKING
    assert any(m.state == S.STATE_LOST and m.reason == S.REASON_INFERENCE_ERROR
               for m in rig.probe.heard['status'])
    assert rig.show().target_id == name


@pytest.mark.parametrize('command, words', [(FAIL, 'scripted failure'),
                                            (NO_MEMORY, 'CUDA out of memory')])
def test_a_failing_init_is_refused_and_the_old_target_kept(rig, make_scene, command, words):
    name = rig.started().target_id
    rig.show(make_scene(command=command))
    answer = rig.init()
    assert answer.error_code == Code.INFERENCE_FAILED and words in answer.message
    for _ in range(4):
        target = rig.show()
    assert (target.valid, target.target_id) == (True, name)


def test_a_stuck_inference_is_reported_while_it_is_stuck(make_rig, make_scene):
    rig = make_rig({'stall_timeout': 0.5})
    rig.started()
    rig.occupy(make_scene(command=SLEEP, seconds=2.5))
    status = rig.status(S.STATE_ERROR)
    assert 'has been worked on for' in status.message
    assert 'has been worked on for' in rig.log
    late = rig.probe.answer(rig.clock_ns)
    assert late.state == S.STATE_ERROR and not late.valid, 'nothing to act on'
    states = [rig.show().state for _ in range(4)]
    assert states[0] == S.STATE_RELOCALISED and states[-1] == S.STATE_TRACKING, 'confirmed anew'


def test_a_thousand_calls_at_once_are_all_answered(rig):
    rig.started()
    before = resident_mb(rig.pid)
    request = init_request(BOX, target_id='x' * 1000)
    futures = [rig.probe.call_async(InitTarget, 'init', request) for _ in range(1000)]
    assert rig.probe.wait(lambda: all(f.done() for f in futures), 60)
    codes = {f.result().error_code for f in futures}
    late = {Code.TIMEOUT, Code.IMAGE_STALE}  # the second where all that takes longer than 10 s
    assert codes <= {Code.NONE, *late} and Code.NONE in codes
    assert rig.show().target_id[:257].rstrip('-') == 'x' * 256, 'names are cut'
    assert resident_mb(rig.pid) - before < 60
    refused = [f.result() for f in futures if not f.result().success]
    assert all(answer.message for answer in refused)


def test_a_flood_of_bad_calls_and_boxes(rig):
    name = rig.started().target_id
    request = init_request(BOX)
    request.bbox.size_x = float('nan')
    futures = [rig.probe.call_async(InitTarget, 'init', request) for _ in range(300)]
    assert rig.probe.wait(lambda: all(f.done() for f in futures), 60)
    assert {f.result().error_code for f in futures} == {Code.BBOX_INVALID}
    assert rig.show().target_id == name
    assert rig.log.count('init refused (706)') < 100, 'logged, but not a thousand times'


def test_the_publisher_dies_and_comes_back(make_rig):
    rig = make_rig()
    name = rig.started().target_id
    assert rig.set_parameters(image_timeout=0.5).successful
    rig.probe.node.destroy_publisher(rig.probe.camera)
    stale = rig.status(S.STATE_INPUT_STALE)
    assert stale.target_id == name
    rig.diagnosis(lambda status, values: 'nobody publishes' in status.message)
    assert rig.set_parameters(image_timeout=10.0).successful
    rig.probe.camera = rig.probe.node.create_publisher(Image, f'{rig.namespace}/image', 1)
    assert rig.probe.wait(rig.probe.camera.get_subscription_count)
    states = [rig.show().state for _ in range(4)]
    assert states[0] == S.STATE_RELOCALISED and states[-1] == S.STATE_TRACKING
    assert rig.show().target_id == name


def test_stamps_jump_back(rig):
    """As when a bag starts over: lost, said so, found and confirmed; init by stamp works again."""
    name = rig.started().target_id
    first = len(rig.probe.heard['status'])
    rig.clock_ns -= 100 * 10**9
    states = [rig.show().state for _ in range(4)]
    assert states[0] == S.STATE_RELOCALISED and states[-1] == S.STATE_TRACKING
    lost = next(m for m in rig.probe.heard['status'][first:] if m.state == S.STATE_LOST)
    assert lost.reason == S.REASON_STAMP_JUMP and lost.target_id == name
    assert rig.init(stamp_ns=rig.clock_ns).success


def test_a_few_images_out_of_order_do_no_harm(rig):
    name = rig.started().target_id
    for step in (0.1, -0.05, 0.1, -0.2, 0.3):
        target = rig.show(step=step)
        assert (target.valid, target.target_id) == (True, name)
        assert not np.isinf((target.vx, target.vy)).any()
        assert np.isnan((target.vx, target.vy)).all() == (step < 0), 'no speed backwards in time'
