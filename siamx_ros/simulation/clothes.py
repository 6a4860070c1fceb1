"""What people wear; people who look alike wear nearly the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

SHIRTS: tuple[Colour, ...] = (
    (176, 42, 46), (38, 84, 150), (36, 112, 76), (206, 150, 46), (120, 60, 130), (200, 196, 188),
    (60, 62, 70), (196, 96, 52), (70, 150, 160), (150, 120, 90))
TROUSERS: tuple[Colour, ...] = (
    (44, 52, 82), (50, 48, 46), (104, 96, 80), (78, 84, 88), (92, 66, 48))
HAIR: tuple[Colour, ...] = ((38, 28, 22), (84, 58, 34), (150, 118, 70), (120, 120, 122))
SKIN: tuple[Colour, ...] = ((228, 182, 152), (198, 146, 112), (140, 96, 70), (94, 64, 48))
PATTERNS = ('plain', 'stripes', 'checks', 'print')


@dataclass(frozen=True)
class Clothes:
    """The look of one person; ``seed`` is that of the cloth's texture."""

    shirt: Colour
    second: Colour
    pattern: str
    trousers: Colour
    shoes: Colour
    hair: Colour
    skin: Colour
    rucksack: Colour | None
    long_sleeves: bool
    seed: int


def random_clothes(rng: np.random.Generator, seed: int) -> Clothes:
    """Clothes drawn at random."""
    def pick(colours: tuple[Colour, ...]) -> Colour:
        return colours[rng.integers(len(colours))]
    return Clothes(pick(SHIRTS), pick(SHIRTS), PATTERNS[rng.integers(len(PATTERNS))],
                   pick(TROUSERS), pick(TROUSERS), pick(HAIR), pick(SKIN),
                   pick(SHIRTS) if rng.random() < 0.3 else None, bool(rng.random() < 0.6), seed)


def look_alike(other: Clothes, rng: np.random.Generator, seed: int) -> Clothes:
    """Nearly the same shirt with other trousers, and one or two of the rest drawn anew.

    The trousers are what tells the two apart from all sides: nobody is a copy of another.
    """
    def shade(colour: Colour) -> Colour:
        return tuple(int(v) for v in np.clip(np.array(colour) + rng.normal(0, 9, 3), 0, 255))
    fresh = random_clothes(rng, seed)
    trousers = [colour for colour in TROUSERS if colour != other.trousers]
    alike = replace(other, shirt=shade(other.shirt), second=shade(other.second), seed=seed,
                    trousers=trousers[rng.integers(len(trousers))])
    for name in rng.permutation(['hair', 'skin', 'pattern', 'rucksack'])[:2]:
        alike = replace(alike, **{str(name): getattr(fresh, str(name))})
    return alike
