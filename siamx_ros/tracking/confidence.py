"""From a raw score and its companions to a confidence whose 0.85 separates right from wrong."""

from __future__ import annotations

from dataclasses import dataclass
import math

from siamx_ros.errors import InputError


@dataclass(frozen=True)
class Calibration:
    """A logistic model over five indicators; the defaults return the raw score.

    confidence = sigmoid(score * logit(raw score) + peak * peak_ratio + similarity * s
                         + response * r + colour * c + bias)
    """

    score: float = 1.0
    peak: float = 0.0
    similarity: float = 0.0
    response: float = 0.0
    colour: float = 0.0
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
            if name not in known or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise InputError(f'calibration holds {name}={value!r}; known: {", ".join(known)}')
        return cls(**{name: float(value) for name, value in values.items()})

    def __call__(self, raw_score: float, peak_ratio: float, similarity: float,
                 response: float = 0.0, colour: float = 0.0) -> float:
        """Confidence, 0 to 1."""
        raw = min(max(raw_score, 1e-9), 1 - 1e-9)
        total = self.score * math.log(raw / (1 - raw)) + self.bias
        if self.peak:
            total += self.peak * peak_ratio
        if self.similarity:
            total += self.similarity * similarity
        total += self.response * response + self.colour * colour
        return 1 / (1 + math.exp(-min(max(total, -60.0), 60.0)))


def doubted(confidence: float, doubt: float) -> float:
    """A confidence, 0 to 1, whose logit is lowered by ``doubt``."""
    odds = confidence * math.exp(-doubt)
    return odds / (1 - confidence + odds)
