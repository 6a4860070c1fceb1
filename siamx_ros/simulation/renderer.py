"""Draws a world as its robot's camera sees it, with Panda3D's own software renderer."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from panda3d.core import (
    AmbientLight, BitMask32, Camera, ColorAttrib, DirectionalLight, FrameBufferProperties,
    GraphicsEngine, GraphicsOutput, GraphicsPipe, GraphicsPipeSelection, LightAttrib, Mat4,
    NodePath, PerspectiveLens, RenderState, SamplerState, TexGenAttrib, TexMatrixAttrib, Texture,
    TextureAttrib, TextureStage, TransformState, TransparencyAttrib, WindowProperties)

from siamx_ros.errors import InputError
from siamx_ros.simulation.figures import Figure
from siamx_ros.simulation.frame import MASK_SHARE
from siamx_ros.simulation.robot import Pose
from siamx_ros.simulation.scenery import add_shadow, build_scenery
from siamx_ros.simulation.world import World

LEVELS = 8
"""Grey levels of the mask from one person to the next: the renderer rounds."""
MASK_BIT = 5
"""Bit of the mask's camera: shadows are hidden from it."""
NEAR, FAR = 0.15, 40.0
FARTHEST, STEPS = 10.24, 4096
"""Largest depth that is drawn, metres, and in how many steps."""


class Rendering(NamedTuple):
    """The world from one place.

    Attributes:
        image: H x W x 3 uint8 BGR.
        mask: H/2 x W/2 uint8, the number of the person in the world's list from 1 on, 0 for the
            building.
        depth: H/2 x W/2 float32 metres along the optical axis, at most :data:`FARTHEST`.
    """

    image: np.ndarray
    mask: np.ndarray
    depth: np.ndarray


class Renderer:
    """The world as an image, as a mask of who is seen where, and as depth."""

    def __init__(self, world: World, width: int, height: int, focal: float) -> None:
        """Build the scene.

        Args:
            width, height: of the images, pixels.
            focal: of the camera, pixels.

        Raises:
            InputError: Panda3D cannot draw here.
        """
        self._world = world
        self._scene = NodePath('scene')
        self._scene.setBin('unsorted', 0)  # the usual order is that of addresses in memory
        build_scenery(world.plan, world.seed).reparentTo(self._scene)
        self._figures = {}
        for number, person in enumerate(world.people, 1):
            figure = Figure(world.clothes[person.name], person.height)
            add_shadow(figure.root).hide(BitMask32.bit(MASK_BIT))
            figure.root.setTag('person', str(number))
            figure.root.reparentTo(self._scene)
            self._figures[person.name] = figure
        self._light()
        self._engine = GraphicsEngine()
        pipe = GraphicsPipeSelection.getGlobalPtr().makePipe('TinyOffscreenGraphicsPipe',
                                                             'p3tinydisplay')
        if pipe is None:
            raise InputError('this Panda3D has no p3tinydisplay, its software renderer')
        lens = PerspectiveLens()
        lens.setFov(2 * math.degrees(math.atan(width / 2 / focal)),
                    2 * math.degrees(math.atan(height / 2 / focal)))
        lens.setNearFar(NEAR, FAR)
        self._rig = self._scene.attachNewNode('rig')
        self._image = self._view(pipe, width, height, Camera('camera', lens))
        small = width // MASK_SHARE, height // MASK_SHARE
        self._mask = self._view(pipe, *small, self._flat(Camera('mask', lens)))
        self._depth = self._view(pipe, *small, _measuring(Camera('depth', lens)))

    def close(self) -> None:
        """Free the renderer's memory."""
        self._engine.removeAllWindows()

    def render(self, place: Pose, height: float, pitch: float) -> Rendering:
        """Draw the world from a camera.

        Args:
            place, height: of the camera, which looks along the heading.
            pitch: upwards, radians.
        """
        for person in self._world.people:
            figure = self._figures[person.name]
            figure.place(person.x, person.y, person.heading)
            figure.pose(person.phase, person.speed)
        self._rig.setPos(place.x, place.y, height)
        self._rig.setHpr(math.degrees(place.heading) - 90.0, math.degrees(pitch), 0.0)
        self._engine.renderFrame()
        TransformState.garbageCollect()  # it keeps every pose of everybody otherwise
        measured = self._pixels(self._depth).astype(np.float32)
        depth = (measured[..., 2] * 256 + measured[..., 1]) * np.float32(FARTHEST / STEPS)
        return Rendering(self._pixels(self._image)[..., :3],
                         self._pixels(self._mask)[..., 2] // LEVELS, depth)

    def _light(self) -> None:
        ambient = AmbientLight('sky')
        ambient.setColor((0.58, 0.58, 0.6, 1))
        lamp = DirectionalLight('lamps')
        lamp.setColor((0.5, 0.49, 0.46, 1))
        for light, turn in ((ambient, None), (lamp, (35, -55, 0))):
            node = self._scene.attachNewNode(light)
            if turn:
                node.setHpr(*turn)
            self._scene.setLight(node)

    def _flat(self, camera: Camera) -> Camera:
        """A camera that sees everybody in a flat colour of their own."""
        def state(level: int) -> RenderState:
            return RenderState.make(
                ColorAttrib.makeFlat(((level + 0.5) * LEVELS / 255, 0, 0, 1)),
                LightAttrib.makeAllOff(), TextureAttrib.makeAllOff(),
                TransparencyAttrib.make(TransparencyAttrib.M_none), 9)
        camera.setInitialState(state(0))
        camera.setTagStateKey('person')
        camera.setCameraMask(BitMask32.bit(MASK_BIT))
        for number in range(1, len(self._world.people) + 1):
            camera.setTagState(str(number), state(number))
        return camera

    def _view(self, pipe: GraphicsPipe, width: int, height: int, camera: Camera) -> Texture:
        """A buffer in which a camera draws; returns the texture that gets a copy."""
        properties = FrameBufferProperties()
        properties.setRgbColor(True)
        properties.setDepthBits(24)
        buffer = self._engine.makeOutput(
            pipe, camera.getName(), 0, properties, WindowProperties.size(width, height),
            GraphicsPipe.BF_refuse_window)
        if buffer is None:
            raise InputError(f'Panda3D cannot draw images of {width}x{height} pixels')
        texture = Texture(camera.getName())
        buffer.addRenderTexture(texture, GraphicsOutput.RTM_copy_ram)
        region = buffer.makeDisplayRegion()
        region.setCamera(self._rig.attachNewNode(camera))
        buffer.setClearColor((0, 0, 0, 1))
        return texture

    @staticmethod
    def _pixels(texture: Texture) -> np.ndarray:
        size = (texture.getYSize(), texture.getXSize(), texture.getNumComponents())
        return np.frombuffer(texture.getRamImage(), np.uint8).reshape(size)[::-1]


def _measuring(camera: Camera) -> Camera:
    """A camera that sees everything painted with its depth, by a texture along the optical axis."""
    numbers = np.arange(STEPS)
    colours = np.stack([numbers >> 8, numbers & 255, np.zeros(STEPS, int)], axis=-1)
    scale = Texture('depth')
    scale.setup2dTexture(STEPS, 1, Texture.T_unsigned_byte, Texture.F_rgb)
    scale.setRamImageAs(colours.astype(np.uint8).tobytes(), 'RGB')
    scale.setWrapU(SamplerState.WM_clamp)
    scale.setMinfilter(SamplerState.FT_nearest)
    scale.setMagfilter(SamplerState.FT_nearest)
    stage = TextureStage.getDefault()
    along = Mat4(0, 0, 0, 0, 1 / FARTHEST, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    camera.setInitialState(RenderState.make(
        ColorAttrib.makeFlat((1, 1, 1, 1)), LightAttrib.makeAllOff(), TextureAttrib.make(scale),
        TransparencyAttrib.make(TransparencyAttrib.M_none), 9).addAttrib(
            TexGenAttrib.make(stage, TexGenAttrib.M_eye_position), 9).addAttrib(
                TexMatrixAttrib.make(stage, TransformState.makeMat(along)), 9))
    camera.setCameraMask(BitMask32.bit(MASK_BIT))
    return camera
