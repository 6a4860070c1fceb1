"""360VOT: panoramas whose left and right borders meet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from siamx_ros.data.sequence import Sequence, absent_as_nan, list_images
from siamx_ros.errors import InputError


def read_360vot(root: Path) -> list[Sequence]:
    """``<name>/{image/*.jpg,label.json}``: the upright boxes, which may cross the border.

    Raises:
        InputError: a label is missing or malformed.
    """
    return [_sequence(path) for path in sorted(root.glob('*/label.json'))]


def _sequence(path: Path) -> Sequence:
    images = list_images(path.parent / 'image')
    if not images:
        raise InputError(f'{path.parent} is no sequence: it has no images in image/')
    try:
        labels = json.loads(path.read_text(encoding='utf-8'))
        rows = [labels[image.name]['bbox'] for image in images]
        centres = np.array([[row['cx'], row['cy'], row['w'], row['h']] for row in rows], float)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f'cannot read {path}: {error}') from None
    except KeyError as error:
        raise InputError(f'{path} has no entry {error} for one of the images') from None
    boxes = centres.reshape(len(images), 4).copy()
    boxes[:, :2] -= boxes[:, 2:] / 2
    return Sequence(path.parent.name, images, absent_as_nan(boxes), boxes)
