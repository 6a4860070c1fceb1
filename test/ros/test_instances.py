"""Two nodes side by side: names are relative or private, so they share nothing."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')

pytestmark = pytest.mark.ros
OUTPUTS = {'confidence', 'debug_image', 'debug_image/compressed', 'detections', 'heatmap',
           'status', 'target', 'target_pose'}
SERVICES = {'init', 'reset', 'set_enabled', 'start', 'stop'}


def test_two_instances_do_not_hear_each_other(make_rig):
    front, rear = make_rig(name='/robot/front'), make_rig(name='/robot/rear')
    front.started(target_id='a')
    rear.show()
    assert rear.probe.heard['target'][-1].target_id == ''
    rear.started(target_id='b')
    assert front.show().target_id == 'a' and rear.show().target_id == 'b'
    front.trigger('reset')
    assert front.show().target_id == '' and rear.show().target_id == 'b'
    names = {status.name for array in front.probe.wait(
        lambda: len(front.probe.heard['diagnostics']) > 4 and front.probe.heard['diagnostics'])
        for status in array.status}
    assert names == {'/robot/front/siamx_tracker: tracking', '/robot/rear/siamx_tracker: tracking'}


def test_every_name_is_in_the_namespace_of_the_node(make_rig):
    rig = make_rig(name='/deep/down')
    node = rig.probe.node
    published = {name for name, _ in node.get_publisher_names_and_types_by_node(
        'siamx_tracker', '/deep/down')}
    subscribed = {name for name, _ in node.get_subscriber_names_and_types_by_node(
        'siamx_tracker', '/deep/down')}
    served = {name for name, _ in node.get_service_names_and_types_by_node(
        'siamx_tracker', '/deep/down')}
    own = '/deep/down/siamx_tracker'
    assert {f'{own}/{name}' for name in OUTPUTS} <= published
    assert published - {f'{own}/{name}' for name in OUTPUTS} <= {
        '/diagnostics', '/rosout', '/parameter_events', f'{own}/transition_event'}
    assert subscribed - {'/parameter_events'} == {
        f'/deep/down/{name}' for name in ('image', 'camera_info', 'init_box')}
    assert {f'{own}/{name}' for name in SERVICES} <= served
    assert all(name.startswith(f'{own}/') for name in served)
