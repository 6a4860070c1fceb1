"""LightTrack-Mobile (MIT) from its OpenVINO files: patches as ours, a pixel larger."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamx_ros.training.teachers.answer import Answer, corners, load_graph


class LightTrack:
    """Answers of ``z_feature.xml``, ``x_feature.xml`` and ``head.xml`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._template = load_graph(folder / 'z_feature.xml')
        self._search = load_graph(folder / 'x_feature.xml')
        self._head = load_graph(folder / 'head.xml')

    def __call__(self, templates: np.ndarray, searches: np.ndarray,
                 extents: np.ndarray) -> Answer:
        """See :class:`Teacher`."""
        scores, distances = [], []
        for template, search in zip(_wider(templates), _wider(searches)):
            kernel = self._template.infer([template[None]])[0]
            features = self._search.infer([search[None]])[0]
            answer = self._head.infer([kernel, features])
            scores.append(answer[0].ravel().copy())
            distances.append(answer[1].reshape(4, *answer[0].shape[-2:]).copy())
        return Answer(np.stack(scores), corners(np.stack(distances), 16, 256))


def _wider(patches: np.ndarray) -> np.ndarray:
    """Patches with their last row and column once more."""
    return np.pad(patches, ((0, 0), (0, 1), (0, 1), (0, 0)), mode='edge')
