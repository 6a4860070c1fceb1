"""Where TF says that the camera is on the base, and when that counts."""

from dataclasses import replace
import math
import sys
import time
from types import SimpleNamespace

from builtin_interfaces.msg import Time
from follower_robot import Robot
from geometry_msgs.msg import TransformStamped
import numpy as np
import pytest
from tf2_msgs.msg import TFMessage

from siamx_ros.client.probe import stamp
from siamx_ros.control.follower import Follower
from siamx_ros.control.mounting import Mounting
from siamx_ros.control.observation import FollowReason, Now
from siamx_ros.follower.observe import observation
from siamx_ros.follower.transforms import NewestTransforms, TfBuffer
from siamx_ros.msg import TrackedTarget

pytestmark = pytest.mark.ros


def transform(parent, child, place, turn=(0.0, 0.0, 0.0, 1.0), sec=0):
    message = TransformStamped(child_frame_id=child)
    message.header.stamp.sec = sec
    message.header.frame_id = parent
    vector, rotation = message.transform.translation, message.transform.rotation
    vector.x, vector.y, vector.z = place
    rotation.x, rotation.y, rotation.z, rotation.w = turn
    return message


@pytest.fixture
def newest():
    """The small buffer, with no node below it."""
    return NewestTransforms(SimpleNamespace(create_subscription=lambda *_: None))


def take(buffer, *transforms):
    buffer.take(TFMessage(transforms=list(transforms)))


def test_a_chain_of_transforms_upwards_and_downwards(newest):
    left = (0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5))
    take(newest, transform('base_link', 'mast', (0.1, 0.0, 1.0), left),
         transform('/mast', '/camera', (0.2, 0.0, 0.0)), transform('odom', 'base_link', (9, 9, 0)),
         transform('base_link', 'wheel', (0.0, 0.3, 0.0)))
    pose = newest.pose('camera', 'base_link')
    assert pose.translation == pytest.approx([0.1, 0.2, 1.0])
    assert pose.rotation @ [1, 0, 0] == pytest.approx([0, 1, 0])
    assert newest.pose('camera', 'wheel').translation == pytest.approx([0.1, -0.1, 1.0])
    assert newest.pose('base_link', 'mast').translation == pytest.approx([0.0, 0.1, -1.0])
    assert newest.pose('camera', 'camera').translation == pytest.approx([0, 0, 0])
    assert newest.pose('camera', 'map') is None and newest.pose('nobody', 'base_link') is None


def test_the_newest_transform_counts_and_broken_ones_do_no_harm(newest):
    take(newest, transform('base', 'pan', (0.0, 0.0, 1.0)))
    take(newest, transform('base', 'pan', (0.0, 0.0, 2.0)))
    take(newest, transform('base', 'pan', (0.0, 0.0, 3.0), (0.0, 0.0, 0.0, 0.0)))
    assert newest.pose('pan', 'base').translation == pytest.approx([0, 0, 2])
    take(newest, transform('b', 'a', (1.0, 0, 0)), transform('a', 'b', (1.0, 0, 0)))
    assert newest.pose('a', 'base') is None, 'a loop ends'
    assert isinstance(newest.pose('a', 'b'), Mounting)


def test_a_pose_that_moves_counts_near_its_time_and_a_static_one_always(newest):
    newest.take_static(TFMessage(transforms=[transform('mast', 'camera', (0.2, 0.0, 0.0))]))
    take(newest, transform('base', 'mast', (0.0, 0.0, 1.0), sec=100),
         transform('odom', 'base', (9.0, 9.0, 0.0), sec=5))

    def pose(sec, frame='camera', base='base'):
        return newest.pose(frame, base, Time(sec=sec, nanosec=400_000_000), 0.5)
    assert not pose(100).unknown and pose(900, base='mast').unknown == '', 'static'
    for sec, *frames in ((111, 'camera', 'base'), (111, 'base', 'camera'), (90, 'mast', 'base')):
        late = pose(sec, *frames)
        assert 's apart from the image' in late.unknown and np.isnan(late.translation).all()
    assert '11.4 s' in pose(111).unknown and pose(111, base='map') is None
    assert newest.pose('camera', 'base').translation == pytest.approx([0.2, 0, 1]), 'at any time'


def test_nothing_is_carried_over_by_a_pose_that_is_missing():
    said = TrackedTarget(seq=7, target_id='a', state=2, valid=True, bearing=0.2, range=2.0)
    seen = observation(said, Mounting.missing('too old'))
    assert not (seen.bearing_known or seen.range_known or seen.certain)
    assert math.isnan(seen.bearing_rate)
    follower = Follower()
    command = follower.update(replace(seen, stamp_s=5.0), Now(5.0, 5.0))
    assert (command.reason, command.message) == (FollowReason.BEARING_UNKNOWN, 'too old')


@pytest.mark.parametrize('header_sec, known', [(0, True), (100, True), (90, False)])
def test_tf2_is_asked_for_the_newest_pose_in_the_same_way(monkeypatch, header_sec, known):
    """A stand-in of tf2_ros, which knows nothing at the time of the image."""
    class Buffer:
        def lookup_transform(self, base, frame, time):
            if time.nanoseconds:
                raise LookupError
            return transform(base, frame, (1.0, 0.0, 0.0), sec=header_sec)
    monkeypatch.setitem(sys.modules, 'tf2_ros', SimpleNamespace(
        TransformException=LookupError, Buffer=Buffer, TransformListener=lambda *_: None))
    found = TfBuffer(None).pose('camera', 'base', Time(sec=100, nanosec=300_000_000), 0.5)
    assert (found.unknown == '') is known
    assert TfBuffer(None).pose('camera', 'base').unknown == '', 'at any time'


def test_a_camera_on_a_mast_whose_tf_has_ended_has_no_bearing(tmp_path):
    with Robot(tmp_path, {'enabled_at_start': True, 'max_age': 0.5, 'silence_timeout': 5.0,
                          'base_frame': 'chassis'}) as robot:
        message = TransformStamped(child_frame_id='eye')
        message.header.frame_id = 'chassis'
        turn = message.transform.rotation
        turn.x, turn.y, turn.z, turn.w = -0.5, 0.5, -0.5, 0.5
        mast = robot.publisher(TFMessage, '/tf')

        def pans() -> bool:
            message.header.stamp = stamp(time.time_ns())
            mast.publish(TFMessage(transforms=[message]))
            return 'TF places' in robot.log_path.read_text() and robot.velocities \
                and robot.velocities[-1].linear.x > 0.1
        assert robot.wait(pans), robot.last_words()
        assert robot.stands(FollowReason.BEARING_UNKNOWN, 's apart from the image')
        assert 'the bearing is unknown' in robot.log_path.read_text()
        assert robot.wait(pans), robot.last_words()
