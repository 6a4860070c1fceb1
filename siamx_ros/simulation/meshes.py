"""Triangles for Panda3D: bodies turned on a lathe, and flat panels."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np
from panda3d.core import (
    Geom, GeomNode, GeomTriangles, GeomVertexData, GeomVertexFormat, NodePath, SamplerState,
    Texture)

Profile = Sequence[tuple[float, float, float, float]]
"""(height, half width, half depth, shift forwards) of a body's cross sections, from below."""


def texture_of(image: np.ndarray) -> Texture:
    """A texture that repeats, from H x W x 3 uint8 RGB."""
    texture = Texture()
    height, width = image.shape[:2]
    texture.setup2dTexture(width, height, Texture.T_unsigned_byte, Texture.F_rgb)
    texture.setRamImageAs(np.ascontiguousarray(image[::-1]).tobytes(), 'RGB')
    texture.setWrapU(SamplerState.WM_repeat)
    texture.setWrapV(SamplerState.WM_repeat)
    texture.setMinfilter(SamplerState.FT_linear_mipmap_linear)
    texture.setMagfilter(SamplerState.FT_linear)
    return texture


def lathe(profile: Profile, *, turns: int = 14, repeat: tuple[float, float] = (1.0, 1.0),
          roundness: float = 2.0) -> NodePath:
    """A closed body of cross sections that are superellipses.

    Args:
        profile: cross sections; the ends are closed by themselves where they are small.
        repeat: of the texture around and upwards.
        roundness: exponent of the superellipse; 2 is an ellipse, more is squarer.
    """
    rings = np.array(profile, np.float64)
    angles = np.linspace(0, math.tau, turns + 1)
    cos, sin = np.cos(angles), np.sin(angles)
    power = 2.0 / roundness
    across = np.sign(cos) * np.abs(cos) ** power
    along = np.sign(sin) * np.abs(sin) ** power
    points = np.stack([rings[:, 1:2] * across, rings[:, 2:3] * along + rings[:, 3:4],
                       np.repeat(rings[:, :1], turns + 1, axis=1)], axis=-1)
    span = max(float(rings[-1, 0] - rings[0, 0]), 1e-6)
    up = (rings[:, 0] - rings[0, 0]) / span
    texture = np.stack(np.meshgrid(angles / math.tau * repeat[0], up * repeat[1]), axis=-1)
    return _surface(points, texture)


def panel(corner: Sequence[float], right: Sequence[float], up: Sequence[float], *,
          repeat: tuple[float, float] = (1.0, 1.0), cells: tuple[int, int] = (1, 1)) -> NodePath:
    """A parallelogram seen from the side from which ``right`` leads to the right.

    Args:
        corner: the lower left corner; ``right`` and ``up`` lead to its neighbours.
        cells: parts each way; light is computed at their corners.
    """
    s, t = np.meshgrid(np.linspace(0, 1, cells[0] + 1), np.linspace(0, 1, cells[1] + 1))
    points = (np.array(corner, np.float64) + s[..., None] * np.array(right)
              + t[..., None] * np.array(up))
    return _surface(points, np.stack([s * repeat[0], t * repeat[1]], axis=-1))


def _surface(points: np.ndarray, texture: np.ndarray) -> NodePath:
    """A grid of points, rows x columns x 3, as triangles with smooth normals."""
    rows, columns = points.shape[:2]
    along_rows = np.gradient(points, axis=0)
    along_columns = np.gradient(points, axis=1)
    if np.allclose(points[:, 0], points[:, -1]):
        along_columns[:, 0] = along_columns[:, -1] = points[:, 1] - points[:, -2]
    normals = np.cross(along_columns, along_rows)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    vertical = np.array([0.0, 0.0, 1.0]) * np.where(
        np.arange(rows) < rows / 2, -1.0, 1.0)[:, None, None]
    normals = np.where(lengths > 1e-12, normals / np.maximum(lengths, 1e-12), vertical)
    vertices = np.concatenate([points, normals, texture], axis=-1)
    data = GeomVertexData('surface', GeomVertexFormat.getV3n3t2(), Geom.UH_static)
    data.uncleanSetNumRows(rows * columns)
    memory = memoryview(data.modifyArray(0)).cast('B')
    memory[:] = np.ascontiguousarray(vertices, np.float32).tobytes()
    triangles = GeomTriangles(Geom.UH_static)
    for i in range(rows - 1):
        for j in range(columns - 1):
            a, b = i * columns + j, (i + 1) * columns + j
            triangles.addVertices(a, a + 1, b + 1)
            triangles.addVertices(a, b + 1, b)
    geom = Geom(data)
    geom.addPrimitive(triangles)
    node = GeomNode('surface')
    node.addGeom(geom)
    return NodePath(node)
