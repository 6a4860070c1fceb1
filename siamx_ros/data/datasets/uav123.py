"""UAV123: videos from drones; boxes from pixel 1, several sequences in one folder of images."""

from __future__ import annotations

from pathlib import Path
import re

from siamx_ros.data.annotation import TEST, Annotation, Entries
from siamx_ros.data.sequence import list_images
from siamx_ros.data.textfiles import read_lines, read_numbers


def list_uav123(root: Path) -> Entries:
    """``data_seq/UAV123/<folder>/*.jpg``, ``anno/UAV123/<name>.txt``, ``configSeqs.m``."""
    ranges = _ranges(root / 'configSeqs.m')
    for path in sorted((root / 'anno' / 'UAV123').glob('*.txt')):
        name, first, last = ranges.get(path.stem, (path.stem, 1, None))
        folder = root / 'data_seq' / 'UAV123' / name
        yield lambda path=path, folder=folder, part=slice(first - 1, last): Annotation(
            path.stem, folder, read_numbers(path, 4), origin=1,
            images=list_images(folder)[part]).for_split(TEST)


def _ranges(path: Path) -> dict[str, tuple[str, int, int]]:
    """Name -> folder, first and last image, from UAV123's own list of sequences."""
    if not path.is_file():
        return {}
    entry = re.compile(r"'name','([^']+)','path','[^']*?([^'/\\]+)[/\\]?','startFrame',(\d+),"
                       r"'endFrame',(\d+)")
    found = entry.findall('\n'.join(read_lines(path)).replace(' ', ''))
    return {name: (folder, int(first), int(last)) for name, folder, first, last in found}
