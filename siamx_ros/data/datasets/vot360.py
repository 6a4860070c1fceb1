"""360VOT: panoramas whose left and right borders meet."""

from __future__ import annotations

from functools import partial
import json
from pathlib import Path

import numpy as np

from siamx_ros.data.annotation import TEST, Annotation, Entries, Entry
from siamx_ros.data.sequence import Sequence, list_images
from siamx_ros.data.textfiles import read_text
from siamx_ros.errors import InputError


def list_360vot(root: Path) -> Entries:
    """``<name>/{image/*.jpg,label.json}``: the upright boxes, which may cross the border."""
    for path in sorted(root.glob('*/label.json')):
        yield Entry(partial(_sequence, path), path.parent.name)


def _sequence(path: Path) -> Sequence:
    images = list_images(path.parent / 'image')
    if not images:
        raise InputError(f'{path.parent} is no sequence: it has no images in image/')
    try:
        labels = json.loads(read_text(path))
        rows = [labels[image.name]['bbox'] for image in images]
        boxes = np.array([[row['cx'], row['cy'], row['w'], row['h']] for row in rows], float)
    except (ValueError, TypeError) as error:
        raise InputError(f'cannot read {path}: {error}') from None
    except KeyError as error:
        raise InputError(f'{path} has no entry {error} for one of the images') from None
    if len(labels) != len(images):
        raise InputError(f'{path} has {len(labels)} entries for {len(images)} images')
    boxes[:, :2] -= boxes[:, 2:] / 2
    return Annotation(path.parent.name, path.parent, boxes, images=images).for_split(TEST)
