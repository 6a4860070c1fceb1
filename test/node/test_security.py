"""What the network can make the node do: an exact policy, no code from data."""

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
