"""Two nodes side by side: names are relative or private, so they share nothing."""

import pytest

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
    own = {f'/siamx_tracker/{name}' for name in OUTPUTS}
    assert rig.probe.wait(lambda: own <= rig.graph('publisher'))
    assert rig.graph('publisher') - own <= {
        '/diagnostics', '/rosout', '/parameter_events', '/siamx_tracker/transition_event'}
    inputs = {'/image', '/camera_info', '/init_box', '/siamx_tracker/hold_image'}
    assert rig.probe.wait(lambda: inputs <= rig.graph('subscriber'))
    assert rig.graph('subscriber') - {'/parameter_events'} == inputs
    assert rig.probe.wait(
        lambda: {f'/siamx_tracker/{name}' for name in SERVICES} <= rig.graph('service'))
    assert all(name.startswith('/siamx_tracker/') for name in rig.graph('service'))
