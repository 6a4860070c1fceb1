"""Scores as text: tables for the terminal and for Markdown."""

from __future__ import annotations

from typing import Any

from siamx_ros.evaluation.runner import Run
from siamx_ros.evaluation.scores import Scores, mean_scores, score

HEADINGS = {
    'auc': ('AUC', '.3f'),
    'success': ('SR0.5', '.3f'),
    'precision': ('P@20', '.3f'),
    'normalised_precision': ('normP@0.2', '.3f'),
    'speed': ('frames/s', '.1f'),
    'wrong_while_valid': ('wrong-while-valid', '.3f'),
    'false_lost': ('false-lost', '.3f'),
    'invalid_while_right': ('invalid-while-right', '.3f'),
    'valid_drops': ('drops/100', '.2f'),
    'valid_while_absent': ('valid-while-absent', '.3f'),
    'frames': ('frames', 'd'),
}
"""Field of Scores -> (heading, format)."""


def sequence_table(runs: list[Run]) -> list[list[str]]:
    """One row per sequence, then the mean; the first row holds the headings."""
    rows = [['sequence', *(heading for heading, _ in HEADINGS.values())]]
    rows += [[run.name, *_cells(score(run))] for run in runs]
    return [*rows, ['MEAN', *_cells(mean_scores(runs))]]


def tracker_table(all_runs: dict[str, list[Run]]) -> list[list[str]]:
    """One row per tracker with its means."""
    rows = [['tracker', *(heading for heading, _ in HEADINGS.values())]]
    return rows + [[name, *_cells(mean_scores(runs))] for name, runs in all_runs.items()]


def as_text(rows: list[list[str]]) -> str:
    """Aligned columns, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append('  '.join(cells).rstrip())
    return '\n'.join(lines)


def cell(value: Any, decimals: int = 3) -> str:
    """A figure, a text or, for None, a dash."""
    if value is None:
        return '-'
    return f'{value:.{decimals}f}' if isinstance(value, float) else str(value)


def as_markdown(rows: list[list[str]]) -> str:
    """The same rows as a Markdown table; a ``|`` inside a cell is escaped."""
    head, *body = rows
    ruler = ['---', *['---:'] * (len(head) - 1)]
    escaped = [[each.replace('|', r'\|') for each in row] for row in (head, ruler, *body)]
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in escaped)


def _cells(scores: Scores) -> list[str]:
    return [format(getattr(scores, name), style) for name, (_, style) in HEADINGS.items()]
