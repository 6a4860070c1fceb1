"""The message files, the records of the core and the real vision_msgs agree."""

from __future__ import annotations

from enum import IntEnum
import json
from pathlib import Path
import re

import pytest

from siamx_ros.control.observation import FollowReason, FollowState
from siamx_ros.records import BoxSource, Reason, TrackState

CONSTANT = re.compile(r'^u?int\d+ ([A-Z][A-Z0-9_]*) *= *(\d+)', re.MULTILINE)
FIELD = re.compile(r'^(?!#)([\w/]+(?:\[\])?) ([a-z]\w*)', re.MULTILINE)


def constants(path: Path, prefix: str = '') -> dict[str, int]:
    """Constants of a message file whose name begins with prefix, without it."""
    found = {name: int(value) for name, value in CONSTANT.findall(path.read_text())}
    return {n.removeprefix(prefix): v for n, v in found.items() if n.startswith(prefix)}


def members(enum: type[IntEnum]) -> dict[str, int]:
    return {member.name: member.value for member in enum}


@pytest.mark.parametrize(('message', 'prefix', 'enum'), [
    ('TrackedTarget', 'STATE_', TrackState), ('TrackerStatus', 'STATE_', TrackState),
    ('TrackerStatus', 'REASON_', Reason), ('TrackedTarget', 'BOX_', BoxSource),
    ('FollowerStatus', 'STATE_', FollowState), ('FollowerStatus', 'REASON_', FollowReason)])
def test_constants_equal_the_enums_of_the_core(repository, message, prefix, enum) -> None:
    assert constants(repository / f'msg/{message}.msg', prefix) == members(enum)


def test_error_codes_keep_their_numbers(repository) -> None:
    names = ('NOT_ACTIVE NO_IMAGE IMAGE_STALE STAMP_NOT_BUFFERED FRAME_MISMATCH BBOX_INVALID '
             'BBOX_TOO_SMALL BBOX_OUT_OF_IMAGE BBOX_ROTATED ALREADY_TRACKING INFERENCE_FAILED '
             'TIMEOUT LOW_TEXTURE TARGET_DROPPED').split()
    expected = {'NONE': 0, **{name: 701 + i for i, name in enumerate(names)}}
    assert constants(repository / 'srv/InitTarget.srv') == expected
    assert constants(repository / 'srv/AddTarget.srv') == {'NONE': 0, 'TOO_MANY_TARGETS': 715}


def test_every_field_and_constant_is_explained(repository) -> None:
    """A comment stands above each field, or above the group it is in; constants of a kind too."""
    for path in [*repository.glob('msg/*.msg'), *repository.glob('srv/*.srv')]:
        for block in re.split(r'\n\s*\n|^---$', path.read_text(), flags=re.MULTILINE):
            if FIELD.search(block) or CONSTANT.search(block):
                assert '#' in block or 'success' in block, f'{path.name}: {block}'


@pytest.mark.ros
@pytest.mark.parametrize('package, message, start', [
    ('vision_msgs', 'Detection2DArray', 'RIHS01_21427412'),
    ('tf2_msgs', 'TFMessage', 'RIHS01_e369d0f05a23ae52')])
def test_interfaces_are_wire_compatible_with_the_real_ones(package, message, start) -> None:
    """The type hash covers names, fields and order of a message and all it includes."""
    from ament_index_python.packages import get_package_share_directory
    share = Path(get_package_share_directory(package))
    [path] = share.rglob(f'{message}.json')
    hashes = {entry['type_name']: entry['hash_string']
              for entry in json.loads(path.read_text())['type_hashes']}
    assert hashes[f'{package}/msg/{message}'].startswith(start)
