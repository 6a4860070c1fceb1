"""COCO: photographs and boxes of the objects in them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np

from siamx_ros.data.annotation import Entries, Entry, Photo
from siamx_ros.data.textfiles import read_text
from siamx_ros.errors import InputError

LOG = logging.getLogger(__name__)


def list_coco(root: Path) -> Entries:
    """``annotations/instances_train*.json`` and ``<split>/`` or ``images/<split>/``.

    COCO's boxes are in pixels as they are stored, whatever the EXIF orientation of a file says;
    tables that other tools write may be in pixels of the turned picture. Width and height in the
    table tell which.

    Raises:
        InputError: a table is damaged, or its photographs are not there.
    """
    for path in sorted((root / 'annotations').glob('instances_train*.json')):
        split = path.stem.removeprefix('instances_')
        folder = root / split if (root / split).is_dir() else root / 'images' / split
        if not folder.is_dir():
            raise InputError(f'there is no folder of photographs {root / split} for {path.name}')
        images, boxes = _read_table(path)
        strange = boxes.keys() - images.keys()
        if strange:
            LOG.warning('not used: boxes of %d images that %s does not list', len(strange), path)
        for number in sorted(boxes.keys() & images.keys()):
            name, size = images[number]
            photo = Photo(folder / name, np.array(boxes[number], np.float32), size)
            yield Entry(lambda photo=photo: photo)


def _read_table(path: Path) -> tuple[dict[int, tuple[str, tuple[int, int]]], dict[int, list]]:
    """File name and size, and boxes, by the number of the image; crowds are left out."""
    def without_outline(entry: dict) -> dict:
        entry.pop('segmentation', None)
        return entry

    boxes: dict[int, list] = {}
    try:
        table = json.loads(read_text(path), object_hook=without_outline)
        images = {image['id']: (image['file_name'], (int(image['width']), int(image['height'])))
                  for image in table['images']}
        for entry in table['annotations']:
            if not entry.get('iscrowd'):
                x, y, w, h = (float(value) for value in entry['bbox'])
                boxes.setdefault(entry['image_id'], []).append((x, y, w, h))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f'{path} is not a COCO table of instances: {error!r}') from None
    return images, boxes
