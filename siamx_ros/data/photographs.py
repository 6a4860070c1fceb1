"""A folder of photographs and the table of boxes beside it."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from siamx_ros.data.textfiles import read_text
from siamx_ros.errors import InputError
from siamx_ros.imaging import IMAGE_SUFFIXES


def list_photographs(folder: Path) -> tuple[list[Path], list[Path]]:
    """The photographs below a folder, sorted, and the files that are none by their suffix.

    Hidden files are neither; without the folder there are none.
    """
    files = sorted(path for path in folder.rglob('*')
                   if path.is_file() and not path.name.startswith('.'))
    return ([path for path in files if path.suffix.lower() in IMAGE_SUFFIXES],
            [path for path in files if path.suffix.lower() not in IMAGE_SUFFIXES])


def read_photo_boxes(table: Path, folder: Path,
                     photos: list[Path]) -> tuple[dict[Path, np.ndarray], list[str]]:
    """Boxes (N x 4 as x, y, w, h, float64) of the photographs that a table has some for.

    Args:
        table: JSON, ``{file: [[x, y, w, h], ...]}``. A file is named as it lies in the folder, with
            or without the name of the folder before it; else by its own name, if only one has it.

    Returns:
        Boxes by photograph, in the order of the table, and the names that are of no photograph.

    Raises:
        InputError: the table is damaged, or names a photograph twice.
    """
    found: dict[Path, np.ndarray] = {}
    unknown = []
    by_path = {path.relative_to(folder).as_posix(): path for path in photos}
    by_name: dict[str, list[Path]] = {}
    for path in photos:
        by_name.setdefault(path.name.casefold(), []).append(path)
    for name, boxes in _read_table(table).items():
        given = PurePosixPath(name.replace('\\', '/'))
        inside = given.relative_to(folder.name) if folder.name in given.parts[:1] else given
        same = by_name.get(given.name.casefold(), [])
        path = by_path.get(str(given)) or by_path.get(str(inside)) or (
            same[0] if len(same) == 1 else None)
        if path is None:
            unknown.append(name)
        elif path in found:
            raise InputError(f'{table} names {path} twice, the second time as {name!r}')
        else:
            found[path] = boxes
    return found, unknown


def _read_table(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    try:
        listed = json.loads(read_text(path), object_pairs_hook=_each_once)
        if not isinstance(listed, dict):
            raise ValueError(f'got a {type(listed).__name__}')
        return {name: _boxes(name, rows) for name, rows in listed.items()}
    except (TypeError, ValueError) as error:
        raise InputError(f'{path} is not a JSON table of boxes: {error}') from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f'it names {next(n for n in names if names.count(n) > 1)!r} twice')
    return table


def _boxes(name: str, rows: list) -> np.ndarray:
    boxes = np.array(rows, np.float64) if rows else np.zeros((0, 4))
    if boxes.shape[1:] != (4,) or not np.isfinite(boxes).all():
        raise ValueError(f'the boxes of {name} must be lists of four numbers x, y, w, h')
    return boxes
