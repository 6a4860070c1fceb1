"""Figures of matplotlib that need no display and leave no global state."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from siamx_ros.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure
    return Figure(figsize=(width, height), layout='constrained')


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all; the same figure gives the same bytes.

    Raises:
        OSError: it cannot be written.
    """
    picture = BytesIO()
    figure.savefig(picture, format='png', dpi=130, metadata={'Software': None})
    write_whole(path, picture.getbuffer())
    return path
