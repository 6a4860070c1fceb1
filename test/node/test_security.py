"""What the network sees of the node: an exact policy, own names, no code from data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from security_policy import check_policy

import siamx_ros

pytestmark = pytest.mark.ros
PACKAGE = Path(siamx_ros.__file__).resolve().parent


def test_the_policy_allows_what_the_node_uses_and_no_more(make_rig, repository):
    rig = make_rig()
    check_policy(repository, rig.probe, 'siamx_tracker', rig.namespace,
                 optional={'/depth', '/image/compressed'})


FORBIDDEN_CALLS = {'eval', 'exec', 'compile', '__import__'}
FORBIDDEN_MODULES = {'marshal', 'shelve', 'urllib', 'requests', 'http', 'socket', 'ftplib'}


@pytest.mark.parametrize('path', [
    pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in sorted(PACKAGE.rglob('*.py'))
    if path.relative_to(PACKAGE).parts[0] not in ('msg', 'srv')])
def test_no_code_from_data_and_no_network(path):
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            assert not FORBIDDEN_MODULES & {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module.split('.')[0] not in {*FORBIDDEN_MODULES, 'pickle'}
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == 'pickle':
            assert node.attr == 'UnpicklingError', 'the name of an error, no more'
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == 'torch.load':
            words = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert words.get('weights_only') == 'True'


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

    def names() -> set[str]:
        return {status.name for array in front.probe.heard['diagnostics'] for status in array.status
                if status.name.startswith('/robot/')}
    wanted = {f'/robot/{name}/siamx_tracker: tracking' for name in ('front', 'rear')}
    assert front.probe.wait(lambda: names() == wanted), names()


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
