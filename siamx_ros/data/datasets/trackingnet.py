"""TrackingNet: videos from YouTube; boxes from pixel 0."""

from __future__ import annotations

from functools import partial
import logging
from pathlib import Path
import re

from siamx_ros.data.annotation import TRAIN, Annotation, Entries, Entry, Video
from siamx_ros.data.sequence import Sequence
from siamx_ros.data.textfiles import read_numbers
from siamx_ros.errors import name_some

LOG = logging.getLogger(__name__)


def list_trackingnet(root: Path, split: str) -> Entries:
    """``TRAIN_<n>/`` or ``[TEST/]``, each with ``anno/<name>.txt`` and ``frames/<name>/%d.jpg``.

    For training, the folder or one of its parts. A name is that of the recording, ``_`` and the
    number of the target in it. Of the test part, first boxes only.
    """
    for part in _parts(root, split):
        paths = sorted((part / 'anno').glob('[!.]*.txt'))
        frames = part / 'frames'
        unused = {path.name for path in frames.glob('[!.]*')} - {path.stem for path in paths}
        if unused:
            LOG.warning('not used: %d in %s have no boxes in anno/: %s', len(unused), frames,
                        name_some(sorted(unused)))
        for path in paths:
            yield Entry(partial(_content, path, frames / path.stem, split), path.stem)


def _content(path: Path, folder: Path, split: str) -> Video | Sequence:
    return Annotation(path.stem, folder, read_numbers(path, 4), pattern='%d.jpg', first=0,
                      recording=re.sub(r'_\d+$', '', path.stem), withheld=True).for_split(split)


def _parts(root: Path, split: str) -> list[Path]:
    if split == TRAIN:
        own = re.fullmatch(r'TRAIN_\d+', root.resolve().name)
        return [root] if own else sorted(root.glob('TRAIN_*'))
    return [root / 'TEST' if (root / 'TEST').is_dir() else root]
