"""Images of every encoding, transport and quality of service arrive at the node."""

import time

from camera_messages import message, picture
import cv2
from node_rig import SCRIPTED_NODE
import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from siamx_ros.client.probe import BEST_EFFORT, stamp

pytestmark = pytest.mark.ros


def test_compressed_transport(make_rig):
    rig = make_rig({'image_transport': 'compressed'}, ready=False)
    camera = rig.probe.node.create_publisher(
        CompressedImage, f'{rig.namespace}/image/compressed', 1)
    assert rig.probe.wait(camera.get_subscription_count, 60)
    data = cv2.imencode('.png', np.kron(picture(), np.ones((2, 2, 1), np.uint8)))[1].tobytes()

    def show(data=data):
        sent = CompressedImage(format='png', data=data)
        sent.header.stamp = stamp(rig.next_stamp())
        camera.publish(sent)
        return rig.probe.answer(rig.clock_ns)
    assert rig.up().probe.wait(show, 60), 'the first may go unheard'
    answer = rig.init(image_width=160, image_height=120)
    assert answer.success and answer.bbox.size_x == 80.0, 'scaled by the decoded size'
    target = show()
    assert target.target_id == answer.target_id
    assert (target.image_width, target.image_height) == (320, 240)
    bad = show(b'no image')
    assert not bad.valid and bad.box_source == bad.BOX_NONE


@pytest.mark.parametrize('rules, topic', [
    (['image:=/front/image'], '/front/image/compressed'),
    (['image:=/front/image', 'image/compressed:=/jpeg'], '/jpeg')], ids=['image', 'both'])
def test_compressed_images_follow_a_remap_of_image(make_rig, rules, topic):
    given = [part for rule in rules for part in ('-r', rule)]
    rig = make_rig({'image_transport': 'compressed'}, ready=False,
                   command=(*SCRIPTED_NODE, '--ros-args', *given, '--'))
    node = rig.probe.node
    assert rig.probe.wait(lambda: node.get_subscriptions_info_by_topic(topic), 60), rig.log


@pytest.mark.parametrize('qos, setting', [
    (BEST_EFFORT, 'auto'), (BEST_EFFORT, 'best_effort'), (QoSProfile(depth=1), 'best_effort')])
def test_images_arrive_whatever_the_publisher_offers(make_rig, qos, setting):
    rig = make_rig({'image_reliability': setting}, ready=False)
    rig.probe.node.destroy_publisher(rig.probe.camera)
    assert rig.probe.wait(lambda: rig.probe.heard['status'] and not
                          rig.probe.heard['status'][-1].message.endswith('not active'), 60)
    rig.probe.camera = rig.probe.node.create_publisher(Image, f'{rig.namespace}/image', qos)
    assert rig.probe.wait(rig.probe.camera.get_subscription_count)
    deadline = time.monotonic() + 20
    while not rig.probe.heard['target'] and time.monotonic() < deadline:
        message_ = message(picture(), 'bgr8', 160, 120)
        message_.header.stamp = stamp(rig.next_stamp())
        rig.probe.camera.publish(message_)
        rig.probe.wait(lambda: rig.probe.heard['target'], 0.1)
    assert rig.probe.heard['target']
    _, values = rig.diagnosis(lambda status, values: 'input' in values)
    reliable = qos.reliability == ReliabilityPolicy.RELIABLE
    assert 'subscribed as best effort' in values['input']
    assert ('(reliable)' if reliable else '(best effort)') in values['input']
    if setting == 'auto':
        assert 'subscribed again as best effort' in rig.log


def test_a_camera_that_comes_back_reliable_is_heard_reliably_again(make_rig):
    rig = make_rig(ready=False)
    probe = rig.probe
    for qos, words in ((BEST_EFFORT, 'subscribed as best effort'),
                       (QoSProfile(depth=1), 'subscribed as reliable')):
        probe.node.destroy_publisher(probe.camera)
        probe.camera = probe.node.create_publisher(Image, f'{rig.namespace}/image', qos)
        rig.diagnosis(lambda status, values: words in values.get('input', ''))
    assert 'the publisher is reliable; subscribed again as reliable' in rig.log


def test_a_forced_reliability_that_cannot_match_is_reported(make_rig):
    rig = make_rig({'image_reliability': 'reliable', 'image_timeout': 0.5}, ready=False)
    rig.probe.node.destroy_publisher(rig.probe.camera)
    rig.probe.camera = rig.probe.node.create_publisher(
        Image, f'{rig.namespace}/image', BEST_EFFORT)
    status, _ = rig.diagnosis(lambda status, values: 'no image' in status.message, 60)
    assert 'subscribed as reliable' in status.message and '(best effort)' in status.message
    assert 'image_reliability is reliable, but' in rig.log


@pytest.mark.parametrize('broken', [False, True], ids=['shipped', 'broken'])
def test_the_profile_for_large_images_is_understood(
        make_rig, make_scene, monkeypatch, tmp_path, repository, broken):
    """The broken one shows that a fault in it would be seen."""
    profile = repository / 'config/middleware/fastdds_large_images.xml'
    if broken:
        text = profile.read_text(encoding='utf-8').replace('segment_size', 'segment_width')
        profile = tmp_path / 'broken.xml'
        profile.write_text(text, encoding='utf-8')
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', str(profile))
    rig = make_rig()
    assert rig.show(make_scene(1080, 1920)).image_width == 1920
    assert ('XMLPARSER' in rig.log) == broken, rig.log


def test_an_encoding_can_be_overridden_while_running(rig):
    assert rig.set_parameters(image_encoding_override='rgb8').successful
    rig.started()
    assert rig.show(encoding='nonsense').valid
    assert rig.set_parameters(image_encoding_override='').successful
    assert not rig.show(encoding='nonsense').valid
    assert rig.probe.wait(lambda: "'nonsense'" in rig.probe.heard['status'][-1].message)
