"""What an episode was worth: distances kept, time lost, the wrong person, collisions, stops."""

from __future__ import annotations

from dataclasses import asdict, dataclass
import math
from typing import Any, Sequence

import numpy as np

from siamx_ros.simulation.episode import Moment

WITHIN = 0.5
"""A distance counts as kept while it differs less than this from the standoff, metres."""
IN_VIEW = 0.25
"""A target of which this share is seen can be tracked."""
STANDS = 0.02
"""A robot slower than this stands, m/s."""


@dataclass(frozen=True)
class Score:
    """The summary of one episode; shares of the time, seconds, metres.

    Attributes:
        in_view: share of the time in which the target could be seen.
        kept: share of the time within :data:`WITHIN` of the standoff; ``kept_in_view`` of the
            time in which the target could be seen.
        lost_s: for how long the target could be seen and was not reported as valid.
        away_s: for how long it could not be seen.
        wrong_s: for how long a valid box showed another person.
        collisions: how often the robot touched a person or a wall.
        stop_delay_s: longest time from the last valid message to standing still.
    """

    seed: int
    duration_s: float
    in_view: float
    kept: float
    kept_in_view: float
    lost_s: float
    away_s: float
    wrong_s: float
    collisions: int
    stop_delay_s: float
    nearest: float
    travelled: float
    guarded_s: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, rounded, for JSON."""
        return {name: round(value, 3) if isinstance(value, float) else value
                for name, value in asdict(self).items()}


def score(seed: int, moments: Sequence[Moment], standoff: float, *, collisions: int,
          travelled: float, guarded_s: float) -> Score:
    """Score the log of an episode."""
    times = np.array([m.now_s for m in moments])
    steps = np.diff(times, append=times[-1] + float(np.median(np.diff(times))))
    gaps = np.array([m.gap for m in moments])
    seen = np.array([m.visible_share >= IN_VIEW for m in moments])
    valid = np.array([m.report is not None and m.report.valid for m in moments])
    wrong = valid & np.array([m.shown == 'other' for m in moments])
    kept = np.abs(gaps - standoff) <= WITHIN
    total = float(steps.sum())
    return Score(
        seed, total, float(steps[seen].sum()) / total, float(steps[kept].sum()) / total,
        float(steps[kept & seen].sum() / max(steps[seen].sum(), 1e-9)),
        float(steps[seen & ~valid].sum()), float(steps[~seen].sum()), float(steps[wrong].sum()),
        collisions, stop_delay(moments), float(gaps.min()), travelled, guarded_s)


def stop_delay(moments: Sequence[Moment]) -> float:
    """Longest time from a last valid message to standing still, seconds."""
    longest, last_valid, moved = 0.0, -math.inf, False
    for moment in moments:
        if moment.report is not None and moment.report.valid:
            last_valid, moved = moment.now_s, abs(moment.moving[0]) > STANDS
        elif moved:
            if abs(moment.moving[0]) > STANDS:
                longest = max(longest, moment.now_s - last_valid)
            else:
                moved = False
    return longest


COLUMNS = (('seed', '{}'), ('in_view', '{:.0%}'), ('kept', '{:.0%}'),
           ('kept_in_view', '{:.0%}'), ('lost_s', '{:.1f}'), ('away_s', '{:.1f}'),
           ('wrong_s', '{:.1f}'), ('collisions', '{}'),
           ('stop_delay_s', '{:.2f}'), ('nearest', '{:.2f}'), ('guarded_s', '{:.1f}'))
HEADINGS = ('world', 'in view', 'within 0.5 m', 'same, in view', 'lost s', 'away s', 'wrong s',
            'collisions', 'stop s', 'nearest m', 'guard s')
OVER_ALL = {'collisions': sum, 'stop_delay_s': max, 'nearest': min}
"""How columns are summed up over all episodes; the others by their mean."""


def table(scores: Sequence[Score]) -> str:
    """A Markdown table: a row for each episode, and the mean or the worst of all."""
    rows = [[pattern.format(getattr(s, name)) for name, pattern in COLUMNS] for s in scores]
    if len(scores) > 1:
        def over(name: str) -> float:
            values = [getattr(s, name) for s in scores]
            return OVER_ALL.get(name, np.mean)(values)
        rows.append(['all', *(pattern.format(over(name)) for name, pattern in COLUMNS[1:])])
    lines = [HEADINGS, ['---:'] * len(HEADINGS), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
