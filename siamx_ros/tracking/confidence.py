"""From a raw score and its companions to a confidence whose 0.85 separates right from wrong."""

from __future__ import annotations

from dataclasses import dataclass
import math
import sys

from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError

SMALLEST = 1e-9
"""Scores closer to 0 or 1 count as this far from it."""

USUAL_BACKWARD = 0.97
"""Backward score that is assumed where none was computed: about what the target itself gets."""


@dataclass(frozen=True)
class Calibration:
    """A logistic model over six indicators; the defaults return the raw score.

    confidence = sigmoid(score * logit(raw score) + peak * peak_ratio + similarity * s
                         + response * r + colour * c + backward * logit(backward score) + bias)
    """

    score: float = 1.0
    peak: float = 0.0
    similarity: float = 0.0
    response: float = 0.0
    colour: float = 0.0
    backward: float = 0.0
    bias: float = 0.0

    @classmethod
    def from_tables(cls, tables: dict, online: bool) -> Calibration:
        """The table of a checkpoint that was fitted with the online classifier, or without.

        Raises:
            InputError: the table is not what :meth:`from_dict` takes.
        """
        table = tables.get('online' if online else 'network', {})
        if not isinstance(table, dict):
            raise InputError(f'calibration must hold tables of numbers, got {table!r}')
        return cls.from_dict(table)

    @classmethod
    def from_dict(cls, values: dict) -> Calibration:
        """From one of a checkpoint's tables; absent numbers keep their default.

        Raises:
            InputError: an unknown name or something that is no finite number.
        """
        known = cls.__dataclass_fields__
        for name, value in values.items():
            if name not in known or not isinstance(value, (int, float)) or not (
                    abs(value) <= sys.float_info.max):
                raise InputError(f'calibration holds {name}={value!r:.80}; expected finite '
                                 f'numbers for {", ".join(known)}')
        return cls(**{name: float(value) for name, value in values.items()})

    def __call__(self, raw_score: float, peak_ratio: float, similarity: float,
                 response: float = 0.0, colour: float = 0.0,
                 backward: float = USUAL_BACKWARD) -> float:
        """Confidence, 0 to 1."""
        total = self.score * logit(raw_score) + self.backward * logit(backward) + self.bias
        if self.peak:
            total += self.peak * peak_ratio
        if self.similarity:
            total += self.similarity * similarity
        total += self.response * response + self.colour * colour
        return 1 / (1 + math.exp(-min(max(total, -60.0), 60.0)))


def logit(score: float) -> float:
    """Logarithm of the odds of a score, 0 to 1; finite for all of them."""
    odds = min(max(score, SMALLEST), 1 - SMALLEST)
    return math.log(odds / (1 - odds))


def doubted(confidence: float, doubt: float) -> float:
    """A confidence, 0 to 1, whose logit is lowered by ``doubt``."""
    odds = confidence * math.exp(-doubt)
    return odds / (1 - confidence + odds)


def check_same_fit(before: TrackerConfig, now: TrackerConfig) -> None:
    """Check that the calibration of a tracker, chosen when it was loaded, goes with other settings.

    Raises:
        InputError: only one of them has the online classifier, with which confidence is another.
    """
    if bool(before.online_weight) != bool(now.online_weight):
        raise InputError(
            'online_weight cannot change between 0 and more, from '
            f'{before.online_weight:g} to {now.online_weight:g}: confidence was fitted with or '
            'without the classifier; load another tracker')
