"""What a teacher says of pairs of patches, and how its network is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from siamx_ros.model import openvino_graph
from siamx_ros.model.fear_weights import reason_of
from siamx_ros.model.weights import WeightsError

STRIDE = 16
"""Pixels of a teacher's search patch per cell of its score map."""


class Answer(NamedTuple):
    """What a teacher sees in search patches.

    Attributes:
        scores: B x N in 0..1, one for each cell of its score map.
        boxes: B x N x 4 corners, pixels of our search patch.
    """

    scores: np.ndarray
    boxes: np.ndarray


class Teacher(Protocol):
    """A tracker that answers to the patches of a batch."""

    def __call__(self, templates: np.ndarray, searches: np.ndarray, extents: np.ndarray,
                 zoom: float) -> Answer:
        """Look for targets in search patches.

        Args:
            templates: B x 127 x 127 x 3 uint8 BGR; searches: B x 255 x 255 x 3.
            extents: B x 4 corners of the targets in the templates.
            zoom: pixels in a search patch of what is one pixel wide in a template.
        """


def load_graph(path: Path) -> Any:
    """An inference request for an ONNX file or OpenVINO IR, on one thread.

    Raises:
        WeightsError: it is missing or cannot be read.
    """
    if not path.is_file():
        raise WeightsError(f'the teacher file {path} does not exist')
    try:
        model = openvino_graph.read(path)
    except RuntimeError as error:
        raise WeightsError(f'{path} cannot be read as a network: {reason_of(error)}') from None
    return openvino_graph.compiled(model, openvino_graph.fastest_float(), 1)


def cut(patch: np.ndarray, centre: np.ndarray, size: np.ndarray, side: int) -> np.ndarray:
    """A rectangle of a patch (width and height ``size``) as side x side x 3; beyond it its mean."""
    step = size / side
    matrix = np.array([[step[0], 0, centre[0] - size[0] / 2 + step[0] / 2 - 0.5],
                       [0, step[1], centre[1] - size[1] / 2 + step[1] / 2 - 0.5]])
    return cv2.warpAffine(
        patch, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=cv2.mean(patch)[:3])


def uncut(boxes: np.ndarray, centre: np.ndarray, size: np.ndarray, side: int) -> np.ndarray:
    """Corners N x 4 in what :func:`cut` gave, in pixels of the patch."""
    return (boxes - side / 2) * np.tile(size / side, 2) + np.tile(centre, 2)


def corners(distances: np.ndarray, cells: int, side: int) -> np.ndarray:
    """Boxes B x N x 4 as corners, of side distances B x 4 x cells x cells, patch ``side`` wide."""
    grid = (np.arange(cells) - cells // 2) * STRIDE + side // 2
    x, y = np.meshgrid(grid, grid)
    left, top, right, bottom = np.moveaxis(distances, 1, 0)
    boxes = np.stack([x - left, y - top, x + right, y + bottom], -1)
    return boxes.reshape(len(distances), -1, 4)
