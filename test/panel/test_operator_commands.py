"""Commands of a page: each value is checked, each refusal is a sentence."""

import json

import pytest

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.panel.operator_commands import ACTIONS, Command, ShownImage, parse_command

TARGET = {'action': 'target', 'viewer': 'page', 'box': [1, 2.5, 30, 40], 'stamp': [12, 500],
          'size': [160, 120], 'frame_id': 'camera'}


def test_buttons_and_a_drawn_target():
    for action in set(ACTIONS) - {'hold', 'target'}:
        assert parse_command(json.dumps({'action': action})) == Command(action)
    assert parse_command(json.dumps(TARGET)) == Command(
        'target', 'page', ShownImage((12, 500), (160, 120), 'camera'), BoundingBox(1, 2.5, 30, 40))
    assert parse_command(json.dumps({**TARGET, 'action': 'hold'})).image.stamp == (12, 500)


@pytest.mark.parametrize('text', [
    b'', b'{', b'[]', b'"stop"', b'null', b'7', b'\xff\xfe', b'[' * 3000, b'{"action": NaN}'])
def test_what_is_no_command(text):
    with pytest.raises(InputError):
        parse_command(text)


@pytest.mark.parametrize('change', [
    {'action': 'fly'}, {'action': None}, {'action': ['stop']}, {'viewer': 7},
    {'viewer': 'x' * 300}, {'box': None}, {'box': [1, 2, 3]}, {'box': [1, 2, 3, '4']},
    {'box': [1, 2, 3, float('nan')]}, {'box': [1, 2, float('inf'), 3]}, {'box': [1, 2, 0, 3]},
    {'box': [1, 2, 3, -3]}, {'box': [1, 2, 3, True]}, {'box': [1e30, 2, 3, 4]},
    {'box': [1, 2, 1e-200, 1e-200]}, {'stamp': [1]}, {'stamp': [1.5, 0]}, {'stamp': [-1, 0]},
    {'stamp': [2**31, 0]}, {'stamp': [1, 10**9]}, {'size': [0, 120]}, {'size': [160, 1e9]},
    {'size': '160x120'}, {'frame_id': 3}, {'frame_id': 'x' * 300},
    {'box': [1, 2, 3, 10 ** 400]}, {'stamp': [10 ** 400, 0]}, {'frame_id': '\ud800'}])
def test_values_out_of_range_are_refused(change):
    with pytest.raises(InputError) as error:
        parse_command(json.dumps({**TARGET, **change}))
    assert len(str(error.value)) < 300
