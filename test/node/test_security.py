"""What the network can make the node do: an exact policy, bounded memory, no code from data."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
from security_policy import check_policy

import siamx_ros
from siamx_ros.messages.frames import Frame, FrameBuffer

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


def frame(stamp: float, size: int) -> Frame:
    return Frame(SimpleNamespace(data=bytes(size)), stamp, 0.0, 0.0)


def test_the_frame_memory_is_bounded_in_time_and_size():
    buffer = FrameBuffer(seconds=1.0, max_mb=1.0)
    for number in range(1000):
        buffer.add(frame(number / 30, 1000))
    assert len(buffer.since(999 / 30 - 1.0, tolerance=0.1)) <= 31
    for number in range(1000, 1100):
        buffer.add(frame(number / 30, 300_000))
    kept = buffer.since(1097 / 30)
    assert len(kept) == 3 and sum(f.size_bytes for f in kept) <= 1e6
    buffer.add(frame(2000 / 30, 5_000_000))
    assert buffer.newest().size_bytes == 5_000_000, 'the newest is always kept'
    assert buffer.since(1099 / 30) == []
