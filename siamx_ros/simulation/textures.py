"""Surfaces drawn by arithmetic: cloth, planks, plaster, posters; no pictures are shipped.

All are H x W x 3 uint8 RGB with sides that are powers of two, and the same for the same seed.
"""

from __future__ import annotations

import cv2
import numpy as np

from siamx_ros.simulation.clothes import Clothes, Colour


def clouds(side: int, rng: np.random.Generator, roughness: float = 0.6) -> np.ndarray:
    """Fractal noise that tiles, side x side float32, mean 0, deviation 1."""
    total = np.zeros((side, side), np.float32)
    cells, weight = 4, 1.0
    while cells <= side // 2:
        grid = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        layer = cv2.resize(np.pad(grid, 2, mode='wrap'), None, fx=side / cells, fy=side / cells,
                           interpolation=cv2.INTER_CUBIC)
        edge = 2 * side // cells
        total += weight * layer[edge:edge + side, edge:edge + side]
        cells, weight = cells * 2, weight * roughness
    return (total - total.mean()) / total.std()


def painted(colour: Colour, side: int, rng: np.random.Generator,
            contrast: float = 0.08) -> np.ndarray:
    """One colour with uneven brightness."""
    return tinted(np.broadcast_to(np.array(colour, np.float32), (side, side, 3)),
                  clouds(side, rng), contrast)


def tinted(image: np.ndarray, noise: np.ndarray, contrast: float) -> np.ndarray:
    """An image made brighter and darker by noise."""
    return np.clip(image * (1 + contrast * noise[..., None]), 0, 255).astype(np.uint8)


def cloth(clothes: Clothes, side: int = 128) -> np.ndarray:
    """The shirt's cloth: plain, stripes, checks, or a print on the chest, with folds."""
    rng = np.random.default_rng((clothes.seed, 5))
    image = np.empty((side, side, 3), np.float32)
    image[:] = clothes.shirt
    rows, columns = np.mgrid[0:side, 0:side]
    second = np.array(clothes.second, np.float32)
    if clothes.pattern == 'stripes':
        image[(rows * 7 // side) % 2 == 1] = second
    elif clothes.pattern == 'checks':
        share = ((rows * 12 // side) % 2 + (columns * 16 // side) % 2) / 2.0
        image = image * (1 - 0.7 * share[..., None]) + second * 0.7 * share[..., None]
    elif clothes.pattern == 'print':
        for _ in range(7):
            spot = rng.uniform(0.1, 0.9, 2) * side
            cv2.circle(image, (int(spot[0]), int(spot[1])), int(rng.uniform(4, 12)),
                       tuple(map(float, second)), -1)
    return tinted(image, clouds(side, rng, 0.75), 0.10)


def planks(side: int, rng: np.random.Generator) -> np.ndarray:
    """A wooden floor of 8 rows of boards."""
    image = np.zeros((side, side, 3), np.float32)
    height = side // 8
    grain = cv2.resize(clouds(side, rng, 0.8), (side * 4, side))[:, :side]
    for row in range(8):
        cuts = [0, *sorted(rng.integers(side // 6, side - side // 6, 2)), side]
        for left, right in zip(cuts, cuts[1:]):
            tone = np.array([168, 124, 84]) * rng.uniform(0.75, 1.1)
            image[row * height:(row + 1) * height, left:right] = tone
            image[row * height:(row + 1) * height, left:left + 2] *= 0.55
        image[row * height:row * height + 2] *= 0.55
    return tinted(image, grain, 0.11)


def tiles(side: int, rng: np.random.Generator) -> np.ndarray:
    """A stone floor of 4 x 4 tiles in two shades."""
    image = np.zeros((side, side, 3), np.float32)
    size = side // 4
    for row in range(4):
        for column in range(4):
            tone = np.array([150, 148, 142]) * (0.72 if (row + column) % 2 else 1.0)
            cell = image[row * size:(row + 1) * size, column * size:(column + 1) * size]
            cell[:] = tone * rng.uniform(0.92, 1.05)
            cell[:3], cell[:, :3] = 92, 92
    return tinted(image, clouds(side, rng), 0.09)


def plaster(side: int, rng: np.random.Generator) -> np.ndarray:
    """A painted wall: a dado below, a rail, and lighter paint above."""
    tone = np.array([[204, 196, 178], [186, 200, 190], [200, 186, 176], [188, 194, 206]][
        rng.integers(4)], np.float32)
    image = np.empty((side, side, 3), np.float32)
    image[:] = tone
    image[side * 2 // 3:] = tone * 0.66
    image[side * 2 // 3:side * 2 // 3 + side // 48] = (104, 82, 62)
    image[-side // 24:] = (84, 72, 62)
    return tinted(image, clouds(side, rng), 0.05)


def poster(side: int, rng: np.random.Generator) -> np.ndarray:
    """A framed picture of coloured shapes."""
    image = painted(tuple(int(v) for v in rng.integers(90, 230, 3)), side, rng, 0.15)
    for _ in range(9):
        colour = tuple(int(v) for v in rng.integers(10, 245, 3))
        centre = tuple(int(v) for v in rng.integers(0, side, 2))
        size = int(rng.integers(side // 12, side // 3))
        if rng.random() < 0.5:
            cv2.circle(image, centre, size, colour, -1)
        else:
            corner = (centre[0] + size, centre[1] + int(rng.integers(4, side // 3)))
            cv2.rectangle(image, centre, corner, colour, -1)
    cv2.rectangle(image, (0, 0), (side - 1, side - 1), (46, 36, 30), side // 20)
    return image


def concrete(side: int, rng: np.random.Generator) -> np.ndarray:
    """A pillar's surface with a coloured band at eye level."""
    image = painted((158, 156, 150), side, rng, 0.12)
    band = tuple(int(v) for v in rng.integers(40, 200, 3))
    image[side // 2:side // 2 + side // 10] = band
    return image


def window(side: int, rng: np.random.Generator) -> np.ndarray:
    """A window with a bright sky, trees and a frame."""
    image = np.empty((side, side, 3), np.float32)
    image[:] = np.linspace((200, 222, 246), (236, 240, 240), side)[:, None]
    green = clouds(side, rng)[side // 2] * side / 16 + side * 0.62
    image[np.arange(side)[:, None] > green[None, :]] = (92, 122, 78)
    image = tinted(image, clouds(side, rng), 0.06)
    for place in (0, side // 2 - 3, side - 6):
        image[:, place:place + 6], image[place:place + 6] = 236, 236
    return image
