"""Permission, observations and log lines of the follower, without ROS running."""

from dataclasses import replace
import math
import re

from command_line import python
import numpy as np
import pytest

from siamx_ros.control.mounting import ON_BASE, Mounting
from siamx_ros.control.observation import (
    FARTHEST, Command, FollowReason, FollowState, Place)
from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.follower.permission import Permission
from siamx_ros.records import TrackState

pytestmark = pytest.mark.ros
CONFIG = FollowerConfig()


def test_off_until_it_is_enabled_and_after_each_stop():
    permission = Permission(enabled=False)
    assert 'not enabled' in permission.objection(0.0, CONFIG)
    assert permission.enable(True) == '' and permission.objection(0.0, CONFIG) == ''
    permission.stop()
    assert 'stopped' in permission.objection(0.0, CONFIG)
    assert 'lift the stop' in permission.enable(True)
    permission.stop(False)
    assert 'not enabled' in permission.objection(0.0, CONFIG), 'a lifted stop starts nothing'
    assert permission.enable(True) == '' and permission.objection(0.0, CONFIG) == ''
    permission.enable(False)
    assert permission.objection(0.0, CONFIG)


def test_the_deadman_switch_must_be_held_and_must_say_so_again_and_again():
    permission, config = Permission(enabled=True), replace(CONFIG, use_deadman=True)
    assert 'deadman' in permission.objection(5.0, config)
    permission.deadman(True, 5.0)
    assert not permission.objection(5.5, config)
    assert permission.objection(5.6, config)
    permission.deadman(True, 6.0)
    permission.deadman(False, 6.1)
    assert permission.objection(6.1, config) and not permission.objection(6.1, CONFIG)


@pytest.mark.parametrize('command, distro, stamped', [
    ('auto', 'humble', False), ('auto', 'jazzy', False), ('auto', 'kilted', True),
    ('auto', 'rolling', True), ('twist', 'rolling', False), ('twist_stamped', 'jazzy', True)])
def test_the_type_of_the_command(monkeypatch, command, distro, stamped):
    monkeypatch.setenv('ROS_DISTRO', distro)
    assert FollowerConfig(command=command).stamped is stamped


def target(**fields):
    """A TrackedTarget of a person at 640x480."""
    from siamx_ros.msg import TrackedTarget
    message = TrackedTarget(
        seq=7, target_id='a', state=2, valid=True, bearing=0.2, elevation=0.1, bearing_rate=0.3,
        range=2.0, range_stddev=0.1, range_source=1, image_width=640, image_height=480)
    message.bbox.center.position.x, message.bbox.center.position.y = 320.0, 240.0
    message.bbox.size_x, message.bbox.size_y = 100.0, 200.0
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def test_a_message_becomes_an_observation():
    from siamx_ros.follower.observe import observation
    seen = observation(target(), ON_BASE)
    assert (seen.seq, seen.target_id, seen.valid, seen.from_depth) == (7, 'a', True, True)
    assert seen.bearing == pytest.approx(0.2) and seen.bearing_rate == pytest.approx(0.3)
    assert seen.range_m == pytest.approx(2.0 * math.cos(0.1)) and seen.box_height == 200
    assert seen.certain and not seen.slows_only
    unknown = observation(target(state=9), ON_BASE)
    assert unknown.state == TrackState.ERROR and not unknown.certain, 'of another version'


HIGH_UP = Mounting(ON_BASE.rotation, np.array([-0.2, 0.1, 1.0]))


@pytest.mark.parametrize('mounting', [ON_BASE, HIGH_UP], ids=['on base', 'high up'])
@pytest.mark.parametrize('broken', [math.nan, math.inf, -math.inf, 1e30, 10.0, -4.0])
def test_a_direction_out_of_all_bounds_is_unknown(broken, mounting):
    from siamx_ros.follower.observe import observation
    seen = observation(target(bearing=broken), mounting)
    assert not seen.bearing_known and not seen.range_known and not seen.certain
    assert math.isnan(seen.bearing_rate)
    level = observation(target(elevation=0.0), mounting)
    seen = observation(target(elevation=broken), mounting)
    assert (seen.bearing, seen.range_m) == (level.bearing, level.range_m), 'counts as level'


@pytest.mark.parametrize('mounting', [ON_BASE, HIGH_UP], ids=['on base', 'high up'])
@pytest.mark.parametrize('broken', [math.nan, math.inf, -math.inf, 1e30, FARTHEST, 0.0, -5.0])
def test_a_range_out_of_all_bounds_is_unknown(broken, mounting):
    from siamx_ros.follower.observe import observation
    seen = observation(target(range=broken), mounting)
    assert math.isnan(seen.range_m) and seen.certain
    assert seen.bearing == pytest.approx(0.2), 'the direction alone is carried over'


@pytest.mark.parametrize('broken', [math.nan, math.inf, -math.inf, 1e30, 400.0])
def test_a_rate_out_of_all_bounds_is_unknown(broken):
    from siamx_ros.follower.observe import observation
    seen = observation(target(bearing_rate=broken), ON_BASE)
    assert math.isnan(seen.bearing_rate) and seen.certain


@pytest.mark.parametrize('centre, size, sides, ends', [
    ((320, 240), (100, 480), False, True), ((20, 240), (100, 200), True, False),
    ((320, 400), (100, 200), False, True), ((600, 400), (100, 200), True, True),
    ((320, 240), (100, 200), True, True)])
def test_where_a_box_is_cut_off(centre, size, sides, ends):
    from siamx_ros.follower.observe import cut
    message = target(truncated=True)
    message.bbox.center.position.x, message.bbox.center.position.y = map(float, centre)
    message.bbox.size_x, message.bbox.size_y = map(float, size)
    assert cut(message) == (sides, ends)
    message.truncated = False
    assert cut(message) == (False, False)


def test_what_lasts_is_logged_once():
    from siamx_ros.follower.status import Announcer
    announcer = Announcer()
    drive = Command(0.3, 0.1, FollowState.FOLLOWING)
    stand = Command(reason=FollowReason.TRACKER_STATE, message='the tracker says LOST')
    messages = []
    for tick, command in enumerate([drive] * 20 + [stand] * 3 + [drive] * 10 + [stand] * 20):
        messages.append(announcer.news(command, tick * 0.05))
    assert [text for text in messages if text] == [
        'following', 'following', 'standing: the tracker says LOST']


def test_diagnostics_warn_of_what_needs_attention():
    from builtin_interfaces.msg import Time
    from diagnostic_msgs.msg import DiagnosticStatus
    from siamx_ros.follower.status import diagnostics, status

    def level(reason, enabled=True):
        report = status(Command(reason=reason, message='so'), Place(2.0, 0.1, 'a'),
                        enabled=enabled, stamp=Time(sec=3), frame_id='base_link')
        array = diagnostics('/robot/follower', report, {'camera_frame': 'eye'})
        values = {pair.key: pair.value for pair in array.status[0].values}
        assert values['reason'] == reason.name and values['camera_frame'] == 'eye'
        assert array.status[0].message == 'standing: so' and array.header.stamp.sec == 3
        return array.status[0].level
    assert level(FollowReason.SILENCE) == DiagnosticStatus.WARN
    drives = status(Command(0.4), Place(), enabled=True, stamp=Time(), frame_id='base_link')
    said = diagnostics('/robot/follower', drives, {}, 'nobody hears').status[0]
    assert said.level == DiagnosticStatus.WARN and 'nobody hears' in said.message
    assert level(FollowReason.ARRIVED) == level(FollowReason.SILENCE, False) == DiagnosticStatus.OK


def test_the_process_needs_neither_torch_nor_the_tracker():
    code = ('import sys, siamx_ros.follower.follower_node\n'
            "print([n for n in ('torch', 'cv2', 'siamx_ros.tracking') if n in sys.modules])")
    done = python('-c', code)
    assert done.stdout == '[]\n', done.stderr


def test_the_document_has_a_line_for_each_state_reason_topic_and_service(repository):
    text = (repository / 'docs/follow.md').read_text(encoding='utf-8')
    for item in (*FollowState, *FollowReason):
        assert f'| {item.name} | {item.value} |' in text
    node = (repository / 'siamx_ros/follower/follower_node.py').read_text(encoding='utf-8')
    names = re.findall(
        r"(?:create_(?:publisher|subscription|service)|HeardTopic)\([^']*'([^']+)'", node)
    assert {'cmd_vel', 'stop', '~/enable', '/diagnostics'} <= set(names)
    assert not [name for name in names if f'`{name}`' not in text]
