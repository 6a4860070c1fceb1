"""The files of the page, read once when the panel starts: no request ever names a file."""

from __future__ import annotations

from importlib.resources import files

PAGE = 'index.html'
LOCKED = 'locked.html'
TYPES = {'html': 'text/html', 'css': 'text/css', 'js': 'text/javascript', 'svg': 'image/svg+xml'}


def page_files() -> dict[str, tuple[bytes, str]]:
    """Name of each file -> its content and type."""
    folder = files('siamx_ros.panel') / 'static'
    return {file.name: (file.read_bytes(), TYPES[file.name.rpartition('.')[2]])
            for file in folder.iterdir() if file.name.rpartition('.')[2] in TYPES}
