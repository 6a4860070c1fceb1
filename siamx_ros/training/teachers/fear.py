"""FEAR-XS (MIT) from its ONNX files: each patch is stretched so that its target is square."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from siamx_ros.training.teachers.answer import Answer, corners, load_graph

TEMPLATE, SEARCH = 128, 256
"""Sides of its patches, pixels."""
TEMPLATE_REACH, SEARCH_REACH = 1.4, 5.0
"""How many target sizes they show."""


class Fear:
    """Answers of ``template.onnx`` and ``search.onnx`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._template = load_graph(folder / 'template.onnx')
        self._search = load_graph(folder / 'search.onnx')

    def __call__(self, templates: np.ndarray, searches: np.ndarray,
                 extents: np.ndarray) -> Answer:
        """See :class:`Teacher`."""
        scores, boxes = [], []
        for template, search, extent in zip(templates, searches, extents):
            size = np.maximum(extent[2:] - extent[:2], 1.0)
            middle = (extent[:2] + extent[2:]) / 2
            kernel = self._template.infer([_cut(template, middle, TEMPLATE_REACH * size, TEMPLATE)])
            centre = np.full(2, search.shape[0] / 2)
            patch = _cut(search, centre, SEARCH_REACH * size, SEARCH)
            answer = self._search.infer({'rgb': patch, 'template_features': kernel[0]})
            scores.append(1 / (1 + np.exp(-answer['cls'].ravel().astype(np.float64))))
            seen = corners(answer['bbox'], 16, SEARCH)[0]
            step = np.tile(SEARCH_REACH * size / SEARCH, 2)
            boxes.append((seen - SEARCH / 2) * step + np.tile(centre, 2))
        return Answer(np.stack(scores), np.stack(boxes))


def _cut(patch: np.ndarray, centre: np.ndarray, size: np.ndarray, side: int) -> np.ndarray:
    """A rectangle of a patch (width and height ``size``) as 1 x 3 x side x side float32 RGB."""
    step = size / side
    matrix = np.array([[step[0], 0, centre[0] - size[0] / 2 + step[0] / 2 - 0.5],
                       [0, step[1], centre[1] - size[1] / 2 + step[1] / 2 - 0.5]])
    cut = cv2.warpAffine(patch, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                         borderValue=cv2.mean(patch)[:3])
    return np.ascontiguousarray(cut[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
