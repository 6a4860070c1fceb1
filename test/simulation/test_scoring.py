"""Scores of logs that are written by hand."""

from __future__ import annotations

import pytest

from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackResult, TrackState
from siamx_ros.simulation.episode import Moment, Report
from siamx_ros.simulation.scoring import score, stop_delay, table

STEP = 0.1


def moment(index: int, *, gap: float = 1.5, valid: bool = True, shown: str = 'target',
           speed: float = 0.3, visible: float = 1.0) -> Moment:
    state = TrackState.TRACKING if valid else TrackState.LOST
    report = Report(index * STEP, TrackResult(BoundingBox(1, 1, 2, 2), 0.9, state, valid=valid))
    return Moment(index * STEP, gap, 0.0, visible, shown, report, (speed, 0.0), (speed, 0.0), '',
                  (0.0, 0.0, 0.0), ())


def scored(moments: list[Moment]):
    return score(7, moments, 1.5, collisions=2, travelled=3.0, guarded_s=0.5)


def test_time_kept_lost_away_and_with_the_wrong_person() -> None:
    log = [moment(k) for k in range(40)]
    log += [moment(k, gap=2.3) for k in range(40, 50)]
    log += [moment(k, valid=False, shown='') for k in range(50, 60)]
    log += [moment(k, valid=False, shown='', visible=0.1, gap=4.0) for k in range(60, 80)]
    log += [moment(k, shown='other', gap=3.0) for k in range(80, 100)]
    result = scored(log)
    assert result.duration_s == pytest.approx(10.0)
    assert result.in_view == pytest.approx(0.8)
    assert result.kept == pytest.approx(0.5)
    assert result.kept_in_view == pytest.approx(50 / 80)
    assert result.lost_s == pytest.approx(1.0) and result.away_s == pytest.approx(2.0)
    assert result.wrong_s == pytest.approx(2.0)
    assert (result.collisions, result.nearest) == (2, 1.5)


def test_the_stop_delay_counts_from_the_last_valid_message_to_standing() -> None:
    log = [moment(0), moment(1), moment(2, valid=False), moment(3, valid=False),
           moment(4, valid=False, speed=0.0), moment(5, valid=False, speed=0.0)]
    assert stop_delay(log) == pytest.approx(0.2)
    rolling = log + [moment(6, valid=False, speed=0.3)]
    assert stop_delay(rolling) == pytest.approx(0.2), 'what begins later is no stop'
    assert stop_delay([moment(0, speed=0.0), moment(1, valid=False, speed=0.0)]) == 0.0


def test_the_table_has_the_worst_and_the_mean() -> None:
    rows = table([scored([moment(k) for k in range(10)]),
                  scored([moment(k, gap=2.6) for k in range(10)])]).splitlines()
    assert len(rows) == 5 and rows[2].startswith('| 7 |')
    cells = [cell.strip() for cell in rows[-1].split('|')]
    assert cells[1] == 'all' and '50%' in cells and '4' in cells and '1.50' in cells
