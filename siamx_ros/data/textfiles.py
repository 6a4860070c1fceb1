"""Text files of data sets: numbers, flags and lists of names.

A byte-order mark at the start of a file is no part of its text. What cannot be understood is
refused: it never counts as "no flag" or "not on the list".
"""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath
import re
from typing import Callable, Hashable, Iterable

import numpy as np

from siamx_ros.errors import InputError

SEPARATOR = re.compile(r'[,;\s]+')
WORDS = {'true': 1.0, 'false': 0.0}


def read_text(path: str | Path) -> str:
    """The text of a file in UTF-8, with or without a byte-order mark.

    Raises:
        InputError: not readable as text.
    """
    try:
        return Path(path).read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'cannot read {path}: {error}') from None


def read_lines(path: str | Path) -> list[str]:
    """The lines of a text file without empty ones at its end.

    Raises:
        InputError: not readable as text.
    """
    return read_text(path).rstrip().splitlines()


def read_numbers(path: str | Path, *widths: int) -> np.ndarray:
    """Read lines of numbers between commas, semicolons or blanks: N x width float64.

    Args:
        widths: how many numbers a line may hold; all lines hold the same. A line with nothing but
            ``nan`` stands for as many.

    Returns:
        N x width float64.

    Raises:
        InputError: not readable, or a line that is something else (named by its number).
    """
    rows: list[list[float]] = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            row = [float(part) for part in SEPARATOR.sub(' ', line).split()]
        except ValueError:
            row = []
        if len(row) == 1 and math.isnan(row[0]):
            row *= len(rows[0]) if rows else widths[0]
        if len(row) not in widths or len(row) != len(rows[0] if rows else row) or (
                math.inf in map(abs, row)):
            raise InputError(f'{path}, line {number}, must hold {" or ".join(map(str, widths))} '
                             f'numbers, got {line.strip()[:60]!r}')
        rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), -1 if rows else widths[0])


def read_flags(path: str | Path, count: int, highest: int = 1) -> np.ndarray:
    """Read ``count`` whole numbers from 0 to ``highest``; ``true`` and ``false`` are 1 and 0.

    Raises:
        InputError: not readable, another number of flags, or one that is something else.
    """
    words = SEPARATOR.sub(' ', read_text(path)).split()
    if len(words) != count:
        raise InputError(f'{path} holds {len(words)} flags for {count} boxes')
    flags = np.full(count, np.nan)
    for index, word in enumerate(words):
        try:
            flags[index] = WORDS[word.lower()] if word.lower() in WORDS else float(word)
        except ValueError:
            pass
    wrong = ~np.isin(flags, np.arange(highest + 1))
    if wrong.any():
        index = int(np.argmax(wrong))
        raise InputError(f'flag {index + 1} of {path} must be a whole number from 0 to {highest}, '
                         f'got {words[index][:60]!r}')
    return flags.astype(int)


def read_names(path: str | Path) -> list[str]:
    """The names on a list, one a line or between commas, semicolons or blanks.

    Of a path such as ``class/name`` the last part is the name.

    Raises:
        InputError: not readable, or there is no name.
    """
    words = SEPARATOR.sub(' ', read_text(path)).split()
    names = [PurePosixPath(word.replace('\\', '/')).name for word in words]
    if not all(names) or not names:
        raise InputError(f'{path} must hold names of sequences, got {" ".join(words)[:60]!r}')
    return names


def select_listed(path: Path, folders: Iterable[Path],
                  key: Callable[[str], Hashable] = str.casefold) -> list[Path]:
    """Those of the folders that a list names, in its order.

    Args:
        key: names with the same key are the same; the default takes capitals as small letters.

    Raises:
        InputError: a name that is there twice or has no folder, or two folders of one name.
    """
    known = folders_by_name(folders, key)
    names = read_names(path)
    keys = [key(name) for name in names]
    missing = [name for name in names if key(name) not in known]
    if missing:
        raise InputError(f'{path} names {len(missing)} sequences that are not there, such as '
                         f'{missing[0]!r}: take them off the list to go without them')
    if len(set(keys)) < len(keys):
        twice = names[next(i for i, each in enumerate(keys) if each in keys[:i])]
        raise InputError(f'{path} names the sequence {twice!r} more than once')
    return [known[each] for each in keys]


def folders_by_name(folders: Iterable[Path],
                    key: Callable[[str], Hashable] = str.casefold) -> dict[Hashable, Path]:
    """Folders by the key of their names.

    Raises:
        InputError: two of one name, so that a list would not say which.
    """
    known: dict[Hashable, Path] = {}
    for folder in folders:
        other = known.setdefault(key(folder.name), folder)
        if other != folder:
            raise InputError(f'{folder} and {other} are two sequences of one name')
    return known
