"""Files as they are given: pointers in place of content, names, and outputs that are inputs."""

from __future__ import annotations

from contextlib import contextmanager
import os
from pathlib import Path
import shutil
from typing import Iterable, Iterator, Mapping

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
    """A name for a plot: what is not UTF-8 in it is written as an escape, and no $ begins a
    formula."""
    return name.encode('utf-8', 'backslashreplace').decode('utf-8').replace('$', r'\$')


def refuse_no_folder(path: str | Path) -> None:
    """Refuse what is no folder.

    Raises:
        InputError: it is a file, or nothing is there.
    """
    if not Path(path).is_dir():
        raise InputError(f'{path} is a file, expected a folder' if Path(path).exists()
                         else f'there is no folder {path}')


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


def check_places(files: Iterable[tuple[str, Path]], folders: Iterable[tuple[str, Path]]) -> None:
    """Refuse outputs that cannot be written where they are to lie; nothing is opened or made.

    Args:
        files: options, and files that are written.
        folders: options, and folders that are written into.

    Raises:
        InputError: a file is a folder, or a folder a file; or what is there may not be changed.
    """
    for option, path in files:
        if path.is_dir():
            raise InputError(f'{option} {path} is a folder: name a file')
        _check_place(option, path)
    for option, path in folders:
        if path.exists() and not path.is_dir():
            raise InputError(f'{option} {path} is a file: name a folder')
        _check_place(option, path)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Where to make a folder that is to be there when it is whole, and not before.

    Raises:
        InputError: it is there already.
    """
    if path.exists():
        raise InputError(f'{path} exists already: name a new folder')
    partial = path.with_name(f'.{path.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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


def _check_place(option: str, path: Path) -> None:
    """Refuse what may not be changed, or lies where nothing can be made."""
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if there != path and not there.is_dir():
        raise InputError(f'{option} {path} would lie in {there}, which is no folder')
    if not os.access(there, os.W_OK):
        raise InputError(f'{option} {path} cannot be written: {there} may not be changed')


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
