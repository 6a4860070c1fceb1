"""Files that are there whole or as before, whatever happens while they are written."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def write_whole(path: str | Path, data: bytes | memoryview) -> None:
    """Write to a temporary name beside the target, then rename; nothing is left of a failure.

    Raises:
        OSError: it cannot be written; its ``filename`` is the target, or a folder above it that
            cannot be made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.partial')
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:  # of a full disk, the system says no name
        error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):  # what cannot be removed was not made, and is no news
            partial.unlink()


def write_text(path: str | Path, text: str) -> None:
    """The same for text, as UTF-8; what of a file's name is none is written as an escape.

    Raises:
        OSError: see :func:`write_whole`.
    """
    write_whole(path, text.encode('utf-8', 'backslashreplace'))
