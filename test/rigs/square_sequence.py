"""A written sequence that every tracker can follow."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_square(folder: Path, boxes: list[tuple[int, int, int, int]],
                 size: tuple[int, int]) -> Path:
    """Write a textured square at boxes (x, y, w, h) over a blurred background of (w, h) pixels."""
    (folder / 'img').mkdir(parents=True)
    noise = np.random.default_rng(3)
    back = cv2.GaussianBlur(noise.integers(0, 90, (*size[::-1], 3), np.uint8), (0, 0), 2)
    square = noise.integers(0, 255, (4, 4, 3), np.uint8)
    for index, (x, y, w, h) in enumerate(boxes):
        image = back.copy()
        image[y:y + h, x:x + w] = cv2.resize(square, (w, h))
        cv2.imwrite(str(folder / 'img' / f'{index:04d}.png'), image)
    np.savetxt(folder / 'groundtruth.txt', boxes, fmt='%d', delimiter=',')
    return folder
