"""Files as they are given: pointers in place of content, names, and outputs that are inputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterable, Mapping

from siamx_ros.errors import InputError

LFS_POINTER = b'version https://git-lfs.github.com/spec/'
"""How the small text file begins that Git LFS leaves where the content was not fetched."""


def refuse_pointer(path: str | Path) -> None:
    """Refuse a file that Git LFS has not fetched; one that cannot be read is left to its reader.

    Raises:
        InputError: it is a pointer.
    """
    try:
        with open(path, 'rb') as file:
            start = file.read(len(LFS_POINTER))
    except OSError:
        return
    if start == LFS_POINTER:
        raise InputError(f'{path} is a Git LFS pointer, not the file itself: fetch it with '
                         '`git lfs pull`')


def refuse_name(path: str | Path) -> None:
    """Refuse a file whose name is not UTF-8, for a library that takes no other.

    Raises:
        InputError: it is not.
    """
    try:
        str(path).encode('utf-8')
    except UnicodeEncodeError:
        raise InputError(f'the name {ascii(str(path))} is not UTF-8, and OpenCV opens no such '
                         'video: rename it') from None


def printable(name: str) -> str:
    """A name for a plot or a page: what is not UTF-8 in it is written as an escape."""
    return name.encode('utf-8', 'backslashreplace').decode('utf-8')


def writable_folder(name: str, file: str) -> Path:
    """Make a folder, and a file of that name in it to see that it can be written into.

    Raises:
        InputError: it cannot.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    except OSError as error:
        raise InputError(f'cannot write into the folder {name}: {error.strerror}') from None
    return folder


def check_outputs(inputs: Mapping[str, str | Path | None], files: Mapping[str, str | Path | None],
                  folders: Mapping[str, str | Path | None] | None = None) -> None:
    """Refuse outputs that would replace an input or each other; nothing is opened or made.

    Links are followed. Of an input folder, its files count as inputs; what is written may be a
    folder that is replaced with all that is in it.

    Args:
        inputs: what they are called -> files and folders that are read; None is passed over.
        files: options -> files that are written, and folders that are replaced.
        folders: options -> folders that are written into.

    Raises:
        InputError: an output is an input, holds one, is a file of an input folder or another
            output, or an output folder lies in an input folder.
    """
    given = [(name, Path(path)) for name, path in inputs.items() if path]
    written: list[tuple[str, Path]] = []
    for option, path in ((name, Path(path)) for name, path in files.items() if path):
        for name, source in given:
            if is_same(path, source) or _is_below(source, path) or (
                    source.is_dir() and _is_file_of(path, source)):
                raise InputError(f'{option} {path} would replace {name} {source}: name another '
                                 'place')
        for other, earlier in written:
            if is_same(path, earlier):
                raise InputError(f'{option} and {other} are the same file, {path}')
        written.append((option, path))
    for option, path in ((name, Path(path)) for name, path in (folders or {}).items() if path):
        for name, source in given:
            if is_same(path, source) or (source.is_dir() and _is_below(path, source)):
                raise InputError(f'{option} {path} lies in {name} {source}, which is read: name '
                                 'another folder')


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths are the same file or folder, also by links; it need not exist."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _is_file_of(path: Path, folder: Path) -> bool:
    """Whether an existing file lies in a folder, or is another name of a file that does."""
    if not path.is_file():
        return False
    status = path.stat()
    return _is_below(path, folder) or (status.st_nlink > 1 and any(
        os.path.samestat(status, each) for each in _statuses(folder)))


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _statuses(folder: Path) -> Iterable[os.stat_result]:
    """The status of all files of a folder and of those below; what cannot be seen is left out."""
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.stat(os.path.join(place, name))
            except OSError:
                continue
