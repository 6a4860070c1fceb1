"""LightTrack-Mobile (MIT) from its OpenVINO files: square patches with context at one scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamx_ros.geometry import context_side
from siamx_ros.training.teachers.answer import Answer, corners, cut, load_graph, uncut

TEMPLATE, SEARCH = 128, 256
"""Sides of its patches, pixels."""
SEARCH_REACH = SEARCH / TEMPLATE
"""How many times as much as a template a search patch shows."""
CELLS = 16
"""Cells a side of its score map."""


class LightTrack:
    """Answers of ``z_feature.xml``, ``x_feature.xml`` and ``head.xml`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._template = load_graph(folder / 'z_feature.xml')
        self._search = load_graph(folder / 'x_feature.xml')
        self._head = load_graph(folder / 'head.xml')

    def __call__(self, templates: np.ndarray, searches: np.ndarray, extents: np.ndarray,
                 zoom: float) -> Answer:
        """See :class:`Teacher`."""
        scores, boxes = [], []
        for template, search, extent in zip(templates, searches, extents):
            size = np.maximum(extent[2:] - extent[:2], 1.0)
            reach = np.full(2, context_side(*size))
            middle = (extent[:2] + extent[2:]) / 2
            kernel = self._template.infer([cut(template, middle, reach, TEMPLATE)[None]])[0]
            seen = np.full(2, len(search) / 2), SEARCH_REACH * zoom * reach, SEARCH
            features = self._search.infer([cut(search, *seen)[None]])[0]
            answer = self._head.infer([kernel, features])
            scores.append(answer[0].ravel().copy())
            distances = answer[1].reshape(1, 4, *answer[0].shape[-2:])
            boxes.append(uncut(corners(distances, CELLS, SEARCH)[0], *seen))
        return Answer(np.stack(scores), np.stack(boxes))
