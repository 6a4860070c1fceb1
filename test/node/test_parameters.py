"""Parameters over DDS: described, ranged, live or refused with a reason, unknown ones named."""

from __future__ import annotations

import time

from command_line import python, refused
import pytest
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.qos import ReliabilityPolicy

from siamx_ros.config import TrackerConfig
from siamx_ros.msg import TrackerStatus as S
from siamx_ros.node_config import NodeConfig
from siamx_ros.settings import parameters

pytestmark = pytest.mark.ros


def value(rig, name: str):
    answer = rig.probe.call(GetParameters, 'get_parameters', GetParameters.Request(names=[name]))
    return parameter_value_to_python(answer.values[0])


def test_every_setting_is_a_described_parameter(rig):
    declared = {name: field for name, field, _ in parameters(NodeConfig())}
    listed = rig.probe.call(ListParameters, 'list_parameters', ListParameters.Request())
    assert set(declared) <= set(listed.result.names)
    assert not [name for name in listed.result.names if 'heat_map' in name or 'crop' in name]
    request = DescribeParameters.Request(names=list(declared))
    answer = rig.probe.call(DescribeParameters, 'describe_parameters', request)
    assert len(answer.descriptors) == len(declared)
    for descriptor in answer.descriptors:
        meta = declared[descriptor.name].metadata
        assert meta['help'] in descriptor.description
        assert meta['unit'] in descriptor.description
        when = descriptor.description.rpartition('; ')[2]
        assert when.startswith('live: ') == meta['live']
        assert when.startswith('read once') == (
            descriptor.name in ('autostart', 'status_rate')), descriptor.name
        ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
        assert [(r.from_value, r.to_value) for r in ranges] == (
            [(meta['low'], meta['high'])] if meta['low'] is not None else [])
        for choice in meta['choices']:
            assert choice in descriptor.additional_constraints


def test_a_live_change_acts_on_the_next_image(rig, make_scene):
    rig.started()
    doubtful = make_scene(confidence=0.9)
    assert rig.show(doubtful).state == S.STATE_TRACKING
    assert rig.set_parameters(tracking__lost_threshold=0.95, tracking__recover_threshold=0.95,
                              tracking__relocalise_threshold=0.95,
                              tracking__unbroken_margin=0.0).successful
    assert rig.show(doubtful).state == S.STATE_UNCERTAIN
    assert rig.set_parameters(tracking__lost_threshold=0.85, tracking__recover_threshold=0.85,
                              tracking__relocalise_threshold=0.85).successful
    assert rig.show(doubtful).state == S.STATE_TRACKING
    usual = TrackerConfig().lost_threshold
    assert f'tracking.lost_threshold: {usual} -> 0.95' in rig.log


@pytest.mark.parametrize('change, words', [
    ({'tracking__lost_threshold': 1.5}, 'range'),
    ({'tracking__recover_threshold': 0.1}, 'recover_threshold (0.1) must not be below'),
    ({'tracking__adaptive': 'magic'}, 'must be one of off, momentum'),
    ({'model__device': 'cuda:9'}, 'model.device cannot change while the node is configured'),
    ({'status_rate': 7.0}, 'status_rate is read once'),
    ({'max_rate': 'fast'}, 'type'),
    ({'max_image_age': 0.001}, 'max_image_age must be 0'),
    ({'max_rate': float('nan')}, '')], ids=str)
def test_a_change_is_refused_with_a_reason_and_as_a_whole(rig, change, words):
    before = value(rig, 'debug_rate')
    result = rig.set_parameters(debug_rate=before + 1, **change)
    assert not result.successful and words in result.reason and result.reason
    assert value(rig, 'debug_rate') == before


def test_unknown_names_are_reported_with_near_ones(make_rig):
    rig = make_rig({'image_timout': 1.0, 'tracking': {'n_lots': 3}, 'use_sim_time': False})
    for words in ("'image_timout' was given but does not exist", 'near names: image_timeout',
                  "'tracking.n_lots' was given but does not exist"):
        assert words in rig.log, rig.log
    assert 'use_sim_time' not in rig.log
    assert not rig.set_parameters(image_timout=1.0).successful


def test_quality_of_service_of_outputs_can_be_overridden(make_rig):
    name = '/overridden/siamx_tracker/target'
    rig = make_rig({f'qos_overrides.{name}.publisher': {'reliability': 'best_effort', 'depth': 3}},
                   name='/overridden')
    [info] = rig.probe.wait(lambda: rig.probe.node.get_publishers_info_by_topic(name))
    assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert 'does not exist' not in rig.log
    assert value(rig, f'qos_overrides.{name}.publisher.depth') == 3


def test_values_are_taken_as_yaml_reads_them(make_rig):
    """A whole number for a float, and a truth value for a plain ``off``; at the start and later."""
    rig = make_rig({'max_rate': 15, 'tracking': {'lost_time': 2, 'adaptive': False}})
    assert value(rig, 'max_rate') == 15.0 and isinstance(value(rig, 'max_rate'), float)
    assert value(rig, 'tracking.lost_time') == 2.0
    assert value(rig, 'tracking.adaptive') == 'off'
    assert rig.set_parameters(tracking__adaptive='global').successful
    for name, given, wanted in (
            ('target_height', 2, 2.0), ('tracking.adaptive', False, 'off')):
        request = SetParameters.Request(
            parameters=[Parameter(name, value=given).to_parameter_msg()])
        [result] = rig.probe.call(SetParameters, 'set_parameters', request).results
        assert result.successful and value(rig, name) == wanted
    for name, given in (('image_transport', True), ('tracking.n_lost', 2.5), ('max_rate', True)):
        refused = rig.set_parameters(**{name.replace('.', '__'): given})
        assert not refused.successful and 'type' in refused.reason, name


@pytest.mark.parametrize('argument, words', [
    ('max_rate:=fast', 'max_rate'), ('tracking.n_lost:=0', 'tracking.n_lost'),
    ('image_transport:=smoke', 'image_transport must be one of raw, compressed'),
    ('tracking.recover_threshold:=0.2', 'must not be below')])
def test_bad_values_at_the_start_end_the_node_with_one_sentence(argument, words):
    refused(python('-m', 'siamx_ros.node.tracker_node', '--ros-args', '-p', argument), words)


def test_max_rate_goes_by_stamps(rig, make_scene):
    assert rig.set_parameters(max_rate=10.0).successful
    before = len(rig.probe.heard['target'])
    rig.next_stamp(1.0)
    for _ in range(5):
        rig.show()
        for _ in range(2):
            rig.probe.publish(make_scene(), rig.next_stamp())
            assert rig.trigger('start').success, 'the image came before the call'
    assert len(rig.probe.heard['target']) == before + 5
    assert rig.set_parameters(max_rate=0.0).successful


def test_max_rate_without_stamps_lets_all_through(rig, make_scene):
    assert rig.set_parameters(max_rate=10.0).successful
    heard = rig.probe.heard['target']
    for _ in range(3):
        count = len(heard)
        rig.probe.publish(make_scene(), 0)
        assert rig.probe.wait(lambda: len(heard) > count)
    assert rig.set_parameters(max_rate=0.0).successful


def test_images_that_are_all_too_old_are_no_images(make_rig, make_scene):
    rig = make_rig({'max_image_age': 5.0, 'image_timeout': 0.5})
    rig.clock_ns = time.time_ns()
    rig.started()
    old = rig.clock_ns - 3600 * 10**9
    heard = rig.probe.heard['status']

    def stale():
        rig.probe.publish(make_scene(), old)
        time.sleep(0.05)
        return heard[-1].state == heard[-1].STATE_INPUT_STALE
    assert rig.probe.wait(stale)
    assert 'younger than 5 s (max_image_age)' in heard[-1].message
    rig.diagnosis(lambda status, values: int(values['too_old_total']) > 1)
    assert 'younger than 5 s (max_image_age)' in rig.init().message
    rig.clock_ns = time.time_ns()
    assert not rig.show().valid, 'to be confirmed first'
