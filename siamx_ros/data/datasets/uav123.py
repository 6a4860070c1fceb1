"""UAV123: videos from drones; boxes from pixel 1, several sequences in one folder of images."""

from __future__ import annotations

from functools import partial
from pathlib import Path
import re

from siamx_ros.data.annotation import TEST, Annotation, Entries, Entry
from siamx_ros.data.sequence import Sequence, list_images
from siamx_ros.data.textfiles import read_lines, read_numbers


def list_uav123(root: Path) -> Entries:
    """``data_seq/UAV123/<folder>/*.jpg``, ``anno/UAV123/<name>.txt``, ``configSeqs.m``."""
    ranges = _ranges(root / 'configSeqs.m')
    for path in sorted((root / 'anno' / 'UAV123').glob('[!.]*.txt')):
        name, first, last = ranges.get(path.stem, (path.stem, 1, None))
        folder = root / 'data_seq' / 'UAV123' / name
        part = slice(first - 1, last)
        yield Entry(partial(_sequence, path, folder, part), path.stem)


def _sequence(path: Path, folder: Path, part: slice) -> Sequence:
    return Annotation(path.stem, folder, read_numbers(path, 4), origin=1,
                      images=list_images(folder)[part]).for_split(TEST)


def _ranges(path: Path) -> dict[str, tuple[str, int, int]]:
    """Name -> folder, first and last image, from UAV123's own lists of sequences.

    The file also lists UAV20L and the videos at 10 images a second, by the same names: what lies in
    a folder ``UAV123`` is taken, of a name the first.
    """
    if not path.is_file():
        return {}
    entry = re.compile(r"'name','([^']+)','path','([^']*?)([^'/\\]+)[/\\]?','startFrame',(\d+),"
                       r"'endFrame',(\d+)")
    code = '\n'.join(line.partition('%')[0] for line in read_lines(path))
    found = entry.findall(re.sub(r'[ \t]', '', code))
    own = [each for each in found if re.search(r'(^|[/\\])UAV123[/\\]$', each[1])]
    return {name: (folder, int(first), int(last))
            for name, _, folder, first, last in reversed(own or found)}
