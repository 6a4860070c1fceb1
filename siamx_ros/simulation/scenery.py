"""The building for the renderer: floor, ceiling, walls, pillars, windows, pictures, lamps."""

from __future__ import annotations

import math

import numpy as np
from panda3d.core import NodePath, Texture, TransparencyAttrib

from siamx_ros.simulation import textures
from siamx_ros.simulation.floorplan import CORRIDOR_DEPTH, Floorplan, Wall
from siamx_ros.simulation.meshes import lathe, panel, texture_of

CEILING = 2.9
DOOR_HEIGHT = 2.1
CELL = 0.75
"""Length of the parts of floor and walls, metres: light and texture are exact at their corners."""


def build_scenery(plan: Floorplan, seed: int) -> NodePath:
    """All that stands still."""
    rng = np.random.default_rng((seed, 7))
    root = NodePath('building')
    floor = textures.planks if rng.random() < 0.5 else textures.tiles
    far = plan.depth + CORRIDOR_DEPTH
    _add(root, panel((0, 0, 0), (plan.width, 0, 0), (0, far, 0),
                     repeat=(plan.width / 1.6, far / 1.6), cells=_cells(plan.width, far)),
         texture_of(floor(256, rng)))
    _add(root, panel((0, far, CEILING), (plan.width, 0, 0), (0, -far, 0),
                     repeat=(plan.width, far), cells=_cells(plan.width, far)),
         texture_of(textures.painted((226, 226, 220), 64, rng, 0.03)))
    paint = texture_of(textures.plaster(256, rng))
    for wall in plan.walls:
        _build_wall(root, wall, plan, paint, rng)
    for x, y in plan.doors:
        _build_lintel(root, x, y, paint)
    for pillar in plan.pillars:
        size = pillar.radius
        body = lathe(((0, size, size, 0), (1.0, size, size, 0), (2.0, size, size, 0),
                      (CEILING, size, size, 0)), turns=24, repeat=(2, 1))
        body.setPos(*pillar.centre, 0)
        _add(root, body, texture_of(textures.concrete(128, rng)))
        add_shadow(root, size * 1.7).setPos(*pillar.centre, 0)
    _hang_lamps(root, plan)
    return root


def _build_wall(root: NodePath, wall: Wall, plan: Floorplan, paint: Texture,
                rng: np.random.Generator) -> None:
    """Both sides of a wall, with windows and pictures on the side of the hall."""
    for start, end in ((wall.start, wall.end), (wall.end, wall.start)):
        right = (end[0] - start[0], end[1] - start[1], 0.0)
        length = math.hypot(*right)
        _add(root, panel((*start, 0), right, (0, 0, CEILING), repeat=(length / 3, 1),
                         cells=_cells(length, CEILING)), paint)
        if plan.contains((start[0] + end[0]) / 2 - right[1] / length,
                         (start[1] + end[1]) / 2 + right[0] / length):
            continue
        _decorate(root, start, right, length, rng)


def _decorate(root: NodePath, start, right, length: float, rng: np.random.Generator) -> None:
    """Windows and pictures along the visible side of a wall."""
    ahead = (right[0] / length, right[1] / length)
    inwards = (ahead[1], -ahead[0])
    place = float(rng.uniform(0.5, 1.2))
    while place + 1.6 < length:
        glass = rng.random() < 0.35
        width = 1.4 if glass else float(rng.uniform(0.6, 1.2))
        height = 1.3 if glass else float(rng.uniform(0.6, 1.0))
        make = textures.window if glass else textures.poster
        corner = (start[0] + place * ahead[0] + 0.02 * inwards[0],
                  start[1] + place * ahead[1] + 0.02 * inwards[1], 1.05)
        _add(root, panel(corner, (width * ahead[0], width * ahead[1], 0), (0, 0, height)),
             texture_of(make(128, rng)))
        place += width + float(rng.uniform(0.5, 1.8))


def _build_lintel(root: NodePath, x: float, y: float, paint: Texture) -> None:
    """The wall above a door, and its frame."""
    half = 0.6
    for direction in (1, -1):
        _add(root, panel((x - direction * half, y, DOOR_HEIGHT), (direction * 2 * half, 0, 0),
                         (0, 0, CEILING - DOOR_HEIGHT), repeat=(0.4, 0.2)), paint)
    for side in (-half, half):
        post = lathe(((0, 0.05, 0.08, 0), (DOOR_HEIGHT, 0.05, 0.08, 0)), turns=8, roundness=8)
        post.setPos(x + side, y, 0)
        post.setColor(0.35, 0.24, 0.16, 1)
        post.reparentTo(root)


def _hang_lamps(root: NodePath, plan: Floorplan) -> None:
    for x in np.arange(1.5, plan.width - 0.5, 2.4):
        for y in np.arange(1.5, plan.depth + CORRIDOR_DEPTH, 2.4):
            lamp = panel((x - 0.6, y + 0.15, CEILING - 0.02), (1.2, 0, 0), (0, -0.3, 0))
            lamp.setColor(1.6, 1.6, 1.5, 1)
            lamp.setLightOff()
            lamp.reparentTo(root)


def add_shadow(root: NodePath, radius: float = 0.45) -> NodePath:
    """Lay a soft dark spot on the floor, as below a person."""
    shadow = panel((-radius, -radius, 0.004), (2 * radius, 0, 0), (0, 2 * radius, 0))
    shadow.setTexture(_spot())
    shadow.setTransparency(TransparencyAttrib.M_alpha)
    shadow.setLightOff()
    shadow.setDepthWrite(False)
    shadow.setBin('unsorted', 0)
    shadow.reparentTo(root)
    return shadow


def _spot() -> Texture:
    side = 32
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side * 2 - 1
    depth = np.clip(1 - np.hypot(rows, columns), 0, 1) ** 0.8 * 0.6
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[..., 3] = np.round(255 * depth)
    texture = Texture()
    texture.setup2dTexture(side, side, Texture.T_unsigned_byte, Texture.F_rgba)
    texture.setRamImageAs(pixels.tobytes(), 'RGBA')
    return texture


def _cells(width: float, height: float) -> tuple[int, int]:
    return math.ceil(width / CELL), math.ceil(height / CELL)


def _add(root: NodePath, part: NodePath, texture: Texture) -> None:
    part.setTexture(texture)
    part.reparentTo(root)
