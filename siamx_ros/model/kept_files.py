"""What took long to compute, kept in files for the next process; whatever fails, it is computed."""

from __future__ import annotations

from contextlib import suppress
import functools
import hashlib
import logging
from pathlib import Path
import tempfile
from typing import Iterable

LOGGER = logging.getLogger(__name__)
FOLDER = Path('~/.cache/siamx_ros')


class KeptFiles:
    """Bytes by key, in a folder below :data:`FOLDER`, with a checksum each.

    Args:
        name: of the folder.
        limit: how many files; those that were not used for the longest time leave.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name, self._limit = name, limit

    def read(self, key: str) -> bytes | None:
        """What was kept, or None."""
        try:
            path = self._path(key)
            data = path.read_bytes()
            with suppress(OSError):  # what may be read, but not changed, is as good
                path.touch()
        except (OSError, RuntimeError) as error:
            LOGGER.debug('not read: %s', error)
            return None
        whole = hashlib.sha256(data[32:]).digest() == data[:32]
        return data[32:] if whole else None

    def write(self, key: str, data: bytes) -> None:
        """Keep ``data``, whole or not at all."""
        try:
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                partial = Path(folder) / key
                partial.write_bytes(hashlib.sha256(data).digest() + data)
                partial.replace(path)
            self._prune(path.parent)
        except (OSError, RuntimeError) as error:
            LOGGER.debug('not kept: %s', error)

    def _path(self, key: str) -> Path:
        """Raises RuntimeError where there is no home."""
        return FOLDER.expanduser() / self._name / key

    def _prune(self, folder: Path) -> None:
        files = [path for path in folder.iterdir() if path.is_file()]
        for path in sorted(files, key=lambda path: path.stat().st_mtime)[:-self._limit]:
            path.unlink(missing_ok=True)


def digest(parts: Iterable[str | bytes]) -> str:
    """A key that differs where any of the parts, or where one ends, does."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, 'big') + data)
    return total.hexdigest()


@functools.cache
def code_digest() -> str:
    """Of the code in this folder: another one may compute something else under the same name."""
    folder = Path(__file__).parent
    return digest(path.read_bytes() for path in sorted(folder.glob('*.py')))
