"""Who may import whom (docs/architecture.md), read from the imports themselves."""

import ast
from pathlib import Path

import pytest

import siamx_ros

PACKAGE = Path(siamx_ros.__file__).resolve().parent
ROS = {'rclpy', 'sensor_msgs', 'vision_msgs', 'std_msgs', 'std_srvs', 'geometry_msgs',
       'diagnostic_msgs', 'lifecycle_msgs', 'builtin_interfaces', 'cv_bridge', 'launch', 'tf2_msgs',
       'tf2_ros', 'rosgraph_msgs'}
VALUES = {
    'errors', 'files', 'geometry', 'patch_geometry', 'records', 'schemes', 'settings',
    'settings_files', 'config', 'node_config', 'whole_files', 'figures'}
SURFACES = {
    'imaging', 'image_region', 'reduced_image', 'frame_sources', 'drawing', 'recording',
    'synthetic'}
INTERFACES = {'msg', 'srv', 'qos'}
CORE = VALUES | SURFACES | {'messages', 'data', 'model', 'tracking', 'evaluation'}
RULES = {
    **{name: (VALUES, {'torch', 'cv2', *ROS}) for name in VALUES},
    **{name: (VALUES | SURFACES, {'torch', *ROS}) for name in SURFACES},
    'model': ({'model', 'config', 'geometry', 'patch_geometry', 'settings', 'errors', 'files',
               'whole_files'},
              {'cv2', *ROS}),
    'tracking': (VALUES | {'tracking', 'model', 'imaging', 'image_region', 'reduced_image'},
                 ROS),
    'control': (VALUES | {'control'}, {'torch', *ROS}),
    'simulation': (VALUES | {'simulation', 'control', 'drawing', 'recording', 'cli'},
                   {'torch', *ROS}),
    'data': (VALUES | {'data', 'imaging'}, {'torch', *ROS}),
    'qos': (set(), {'torch', 'cv2'}),
    'messages': (VALUES | {'messages', 'control', 'imaging', 'reduced_image'},
                 {'torch', *(ROS - {'cv_bridge'})}),
    'training': (VALUES | {'training', 'model', 'data', 'imaging'}, ROS),
    'evaluation': (CORE | {'control'}, ROS),
    'client': (VALUES | INTERFACES | {'client', 'messages'}, {'torch', 'cv2'}),
    'node': (VALUES | INTERFACES
             | {'node', 'messages', 'control', 'drawing', 'reduced_image', 'tracking', 'model'},
             set()),
    'follower': (VALUES | INTERFACES | {'follower', 'control', 'messages', 'node'},
                 {'torch', 'cv2'}),
    'tools': (VALUES | SURFACES | INTERFACES
              | {'tools', 'node', 'client', 'messages', 'control', 'cli'}, {'torch'}),
    'panel': (VALUES | INTERFACES | {'panel', 'client', 'node', 'messages', 'control'}, {'torch'}),
    'demo': (CORE | INTERFACES | {'demo', 'client', 'cli', 'commands'}, {'torch'}),
    'follow_demo': (VALUES | INTERFACES | {'follow_demo', 'simulation', 'client', 'follower',
                                           'messages', 'control', 'cli'}, {'torch', 'cv2'}),
    'commands': (
        CORE | {'commands', 'training', 'client', 'cli', 'control', 'follower', 'panel',
                'simulation'}, ROS),
    'cli': (VALUES | {'commands', 'cli'}, {'torch', 'cv2', *ROS}),
}
"""Part -> (parts of ours it may import, foreign packages it must not)."""


def modules():
    for path in sorted(PACKAGE.rglob('*.py')):
        parts = path.relative_to(PACKAGE).with_suffix('').parts
        if parts[0] not in ('__init__', '__main__'):
            yield pytest.param(path, parts[0], id='.'.join(parts))


def imported(path):
    """All dotted names that a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


@pytest.mark.parametrize('path, part', modules())
def test_imports(path, part):
    ours, foreign = RULES[part]
    for name in imported(path):
        head, *rest = name.split('.')
        assert head not in foreign, f'{part} must not import {name}'
        if head == 'siamx_ros' and rest and rest[0] != '__version__':
            assert rest[0] in ours, f'{part} must not import {name}'
