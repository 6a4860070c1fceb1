"""People for the renderer: bodies with joints that walk, in the clothes they wear."""

from __future__ import annotations

import math

import numpy as np
from panda3d.core import NodePath

from siamx_ros.simulation import textures
from siamx_ros.simulation.clothes import Clothes, Colour
from siamx_ros.simulation.meshes import Profile, lathe, texture_of

MODEL_HEIGHT = 1.75
HIP, KNEE, SHOULDER = 0.92, 0.44, 0.48
"""Heights of a person of MODEL_HEIGHT: hip above the floor; thigh; shoulder above the hip."""
WALKING_PACE = 0.9
"""Speed at which steps have their full length, m/s."""

TORSO: Profile = (
    (-0.06, 0.02, 0.02, 0.0), (-0.05, 0.178, 0.128, 0.0), (0.02, 0.172, 0.122, 0.0),
    (0.14, 0.15, 0.105, 0.0), (0.32, 0.175, 0.12, 0.01), (0.44, 0.19, 0.105, 0.0),
    (0.52, 0.15, 0.08, -0.005), (0.56, 0.07, 0.06, 0.0), (0.57, 0.01, 0.01, 0.0))
HIPS: Profile = ((-0.13, 0.02, 0.02, 0.0), (-0.11, 0.145, 0.11, 0.0), (0.01, 0.168, 0.12, 0.0),
                 (0.06, 0.15, 0.108, 0.0), (0.07, 0.01, 0.01, 0.0))
THIGH: Profile = ((-0.50, 0.01, 0.01, 0.0), (-0.48, 0.062, 0.066, 0.0), (-0.25, 0.076, 0.082, 0.0),
                  (0.0, 0.09, 0.1, 0.0), (0.05, 0.01, 0.01, 0.0))
SHANK: Profile = (
    (-0.42, 0.01, 0.01, 0.0), (-0.41, 0.05, 0.056, 0.0), (-0.22, 0.058, 0.066, -0.01),
    (0.0, 0.062, 0.066, 0.0), (0.04, 0.01, 0.01, 0.0))
SHOE: Profile = (
    (-0.10, 0.04, 0.12, 0.05), (-0.06, 0.048, 0.125, 0.05), (-0.02, 0.042, 0.09, 0.02),
    (0.02, 0.03, 0.04, 0.0), (0.03, 0.01, 0.01, 0.0))
UPPER_ARM: Profile = (
    (-0.29, 0.01, 0.01, 0.0), (-0.28, 0.044, 0.046, 0.0), (-0.1, 0.05, 0.054, 0.0),
    (-0.01, 0.052, 0.056, 0.0), (0.035, 0.02, 0.02, 0.0))
FOREARM: Profile = (
    (-0.26, 0.01, 0.01, 0.0), (-0.25, 0.03, 0.034, 0.0), (-0.1, 0.041, 0.044, 0.0),
    (0.0, 0.043, 0.045, 0.0), (0.03, 0.01, 0.01, 0.0))
HAND: Profile = (
    (-0.16, 0.01, 0.015, 0.02), (-0.13, 0.022, 0.04, 0.015), (-0.06, 0.026, 0.045, 0.0),
    (0.0, 0.02, 0.03, 0.0))
NECK: Profile = ((-0.06, 0.06, 0.06, 0.0), (0.09, 0.052, 0.056, 0.01))
HEAD: Profile = (
    (0.0, 0.02, 0.02, 0.02), (0.015, 0.045, 0.05, 0.025), (0.07, 0.066, 0.085, 0.012),
    (0.14, 0.076, 0.096, 0.0), (0.19, 0.07, 0.088, -0.005), (0.235, 0.03, 0.04, -0.01),
    (0.24, 0.005, 0.005, -0.01))
HAIR: Profile = (
    (0.06, 0.055, 0.035, -0.075), (0.10, 0.076, 0.07, -0.04), (0.16, 0.084, 0.1, -0.012),
    (0.205, 0.074, 0.093, -0.01), (0.245, 0.035, 0.05, -0.015), (0.25, 0.005, 0.005, -0.015))
NOSE: Profile = (
    (0.075, 0.005, 0.005, 0.085), (0.08, 0.014, 0.02, 0.092), (0.12, 0.007, 0.01, 0.088))
RUCKSACK: Profile = (
    (0.04, 0.02, 0.02, -0.16), (0.06, 0.13, 0.08, -0.17), (0.3, 0.14, 0.09, -0.17),
    (0.45, 0.11, 0.07, -0.16), (0.49, 0.02, 0.02, -0.15))


class Figure:
    """One person in the scene graph; +y is forwards, the origin stands on the floor."""

    def __init__(self, clothes: Clothes, height: float) -> None:
        self.root = NodePath('person')
        self.root.setScale(height / MODEL_HEIGHT)
        self._clothes = clothes
        self._rng = np.random.default_rng((clothes.seed, 6))
        self._cloth = texture_of(textures.cloth(clothes))
        self._skin = self._painted(clothes.skin, 0.05)
        self._trousers = self._painted(clothes.trousers, 0.12)
        self._shoes = self._painted(clothes.shoes, 0.1)
        self._hips = self.root.attachNewNode('hips')
        self._trunk = self._hips.attachNewNode('trunk')
        self._head = self._trunk.attachNewNode('head')
        self._dress_trunk()
        self._legs = [self._leg(side) for side in (-1, 1)]
        self._arms = [self._arm(side) for side in (-1, 1)]
        self.pose(0.0, 0.0)

    def place(self, x: float, y: float, heading: float) -> None:
        """Stand at a point, facing a direction: metres, radians from the x axis."""
        self.root.setPos(x, y, 0.0)
        self.root.setH(math.degrees(heading) - 90.0)

    def pose(self, phase: float, speed: float) -> None:
        """Take the posture of a phase of the gait, radians, at a speed in m/s."""
        share = min(1.0, speed / WALKING_PACE)
        lift = 0.022 * share * abs(math.cos(phase))
        self._hips.setPos(0.0, 0.0, HIP - 0.012 * share + lift)
        self._trunk.setHpr(6 * share * math.sin(phase), -4 * share, 0.0)
        for side, (hip, knee, ankle), (shoulder, elbow) in zip(
                (1, -1), self._legs, self._arms):
            swing = side * math.sin(phase)
            flexion = max(0.0, side * math.cos(phase))
            hip.setP(share * (26 * swing + 10 * flexion))
            knee.setP(-share * (6 + 46 * flexion))
            ankle.setP(share * (-20 * swing + 30 * flexion) * 0.5)
            shoulder.setHpr(0.0, -24 * share * swing, side * -5.0)
            elbow.setP(10 + share * (16 + 10 * -swing))

    def _painted(self, colour: Colour, contrast: float):
        return texture_of(textures.painted(colour, 32, self._rng, contrast))

    def _part(self, parent: NodePath, profile: Profile, texture, **options) -> NodePath:
        part = lathe(profile, **options)
        part.setTexture(texture)
        part.reparentTo(parent)
        return part

    def _dress_trunk(self) -> None:
        hair = self._painted(self._clothes.hair, 0.25)
        self._part(self._trunk, TORSO, self._cloth, turns=20, roundness=2.4)
        self._part(self._hips, HIPS, self._trousers, turns=18, roundness=2.3)
        self._head.setPos(0.0, 0.01, SHOULDER + 0.15)
        self._part(self._head, NECK, self._skin).setPos(0.0, -0.01, -0.05)
        self._part(self._head, HEAD, self._skin, turns=18)
        self._part(self._head, HAIR, hair, turns=18)
        self._part(self._head, NOSE, self._skin, turns=8)
        if self._clothes.rucksack:
            bag = self._painted(self._clothes.rucksack, 0.15)
            self._part(self._trunk, RUCKSACK, bag, turns=16, roundness=3.5)

    def _leg(self, side: int) -> tuple[NodePath, NodePath, NodePath]:
        hip = self._hips.attachNewNode('hip')
        hip.setPos(side * 0.085, 0.0, -0.02)
        self._part(hip, THIGH, self._trousers)
        knee = hip.attachNewNode('knee')
        knee.setPos(0.0, 0.0, -KNEE)
        self._part(knee, SHANK, self._trousers)
        ankle = knee.attachNewNode('ankle')
        ankle.setPos(0.0, 0.0, -0.37)
        self._part(ankle, SHOE, self._shoes, roundness=2.6)
        return hip, knee, ankle

    def _arm(self, side: int) -> tuple[NodePath, NodePath]:
        shoulder = self._trunk.attachNewNode('shoulder')
        shoulder.setPos(side * 0.21, 0.0, SHOULDER - 0.02)
        self._part(shoulder, UPPER_ARM, self._cloth, repeat=(0.5, 0.5))
        elbow = shoulder.attachNewNode('elbow')
        elbow.setPos(0.0, 0.0, -0.28)
        sleeve = self._cloth if self._clothes.long_sleeves else self._skin
        self._part(elbow, FOREARM, sleeve, repeat=(0.4, 0.4))
        self._part(elbow, HAND, self._skin).setPos(0.0, 0.0, -0.24)
        return shoulder, elbow
