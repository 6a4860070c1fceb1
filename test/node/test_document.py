"""docs/ros.md has a line for everything, and names only what is there."""

from __future__ import annotations

from pathlib import Path
import re

import pytest
from security_policy import own_names

from siamx_ros.messages.status_board import REASON_TEXTS, STATE_TEXTS
from siamx_ros.msg import TrackerStatus
from siamx_ros.node.health import MISMATCHES, Health, memory
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import Reason, TrackState
from siamx_ros.settings import parameters
from siamx_ros.srv import AddTarget, InitTarget

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def text(repository: Path) -> str:
    return (repository / 'docs/ros.md').read_text(encoding='utf-8')


def constants(kind: type, prefix: str = '') -> dict[str, int]:
    """Constants of a message whose names begin with a prefix, without it."""
    names = [name for name in dir(type(kind)) + dir(kind) if re.fullmatch(f'{prefix}[A-Z_]+', name)]
    return {name.removeprefix(prefix): getattr(kind, name) for name in names
            if type(getattr(kind, name, None)) is int}


def test_states_and_reasons_have_a_line_and_a_sentence(text):
    for prefix, kind, texts in (('STATE_', TrackState, STATE_TEXTS),
                                ('REASON_', Reason, REASON_TEXTS)):
        assert constants(TrackerStatus, prefix) == {item.name: item.value for item in kind}
        assert set(texts) == set(kind)
        for item in kind:
            assert f'| {item.name} | {item.value} |' in text


def test_error_codes_have_a_line(text):
    codes = constants(InitTarget.Response)
    assert len(codes) == 15
    codes['TOO_MANY_TARGETS'] = AddTarget.Response.TOO_MANY_TARGETS
    for name, code in codes.items():
        assert f'| {code} | {name} |' in text


def test_every_parameter_is_named_or_in_a_named_group(text):
    for name, _, _ in parameters(NodeConfig()):
        assert f'`{name}`' in text or f'`{name.split(".")[0]}.*`' in text, name


@pytest.mark.parametrize('node, document, count', [
    ('siamx_tracker', 'ros', 16), ('follower', 'follow', 7), ('panel', 'panel', 10),
    ('target_from_detections', 'follow', 3)])
def test_every_topic_and_service_of_the_policy_has_a_line(repository, node, document, count):
    text = (repository / f'docs/{document}.md').read_text(encoding='utf-8')
    names = own_names(repository, node)
    assert len(names) >= count
    for name in names:
        assert f'`{name}`' in text, name


def test_diagnostics_have_a_line(text):
    health = Health()
    for number in range(60):
        health.received(0.1, number / 30, 100)
    health.tracked(latency=0.1, inference=0.1, overhead=0.1, dropped=0,
                   mismatches=dict.fromkeys(MISMATCHES, ''))
    for key in ['state', 'input', 'image_values', *memory(), *health.figures()]:
        assert f'`{key}`' in text, key
