"""FEAR-XS (MIT) from its ONNX files: each patch is stretched so that its target is square."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamx_ros.training.teachers.answer import Answer, corners, cut, load_graph, uncut

TEMPLATE, SEARCH = 128, 256
"""Sides of its patches, pixels."""
TEMPLATE_REACH, SEARCH_REACH = 1.4, 5.0
"""How many target sizes they show."""
CELLS = 16
"""Cells a side of its score map."""


class Fear:
    """Answers of ``template.onnx`` and ``search.onnx`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._template = load_graph(folder / 'template.onnx')
        self._search = load_graph(folder / 'search.onnx')

    def __call__(self, templates: np.ndarray, searches: np.ndarray, extents: np.ndarray,
                 zoom: float) -> Answer:
        """See :class:`Teacher`."""
        scores, boxes = [], []
        for template, search, extent in zip(templates, searches, extents):
            size = np.maximum(extent[2:] - extent[:2], 1.0)
            middle = (extent[:2] + extent[2:]) / 2
            kernel = self._template.infer(
                [_input(cut(template, middle, TEMPLATE_REACH * size, TEMPLATE))])
            seen = np.full(2, len(search) / 2), SEARCH_REACH * zoom * size, SEARCH
            answer = self._search.infer(
                {'rgb': _input(cut(search, *seen)), 'template_features': kernel[0]})
            scores.append(1 / (1 + np.exp(-answer['cls'].ravel().astype(np.float64))))
            boxes.append(uncut(corners(answer['bbox'], CELLS, SEARCH)[0], *seen))
        return Answer(np.stack(scores), np.stack(boxes))


def _input(patch: np.ndarray) -> np.ndarray:
    """A BGR patch as 1 x 3 x S x S float32 RGB."""
    return np.ascontiguousarray(patch[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
