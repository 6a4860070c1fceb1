"""Tables and plots of results."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

from siamx_ros.evaluation import results
from siamx_ros.evaluation.plots import write_plots
from siamx_ros.evaluation.runner import Run
from siamx_ros.evaluation.scores import mean_scores, score
from siamx_ros.evaluation.tables import as_markdown, sequence_table, tracker_table


def write_report(folder: Path, runs: dict[str, list[Run]]) -> list[Path]:
    """Write ``report.md``, ``scores.json`` and ``plots/`` into a results folder.

    Args:
        folder: where.
        runs: name of the tracker -> its runs.

    Returns:
        The files that were written.
    """
    parts = ['# Evaluation', as_markdown(tracker_table(runs))]
    for name, tracker_runs in runs.items():
        parts += [f'## {name}', as_markdown(sequence_table(tracker_runs))]
    results.write_whole(folder / 'report.md', '\n\n'.join(parts) + '\n')
    results.write_whole(folder / 'scores.json', json.dumps(_plain(runs), indent=2) + '\n')
    return [folder / 'report.md', folder / 'scores.json', *write_plots(folder / 'plots', runs)]


def read_results(folder: Path, trackers: list[str] | None = None) -> dict[str, list[Run]]:
    """All runs of a results folder, by tracker.

    Args:
        folder: as written by an evaluation.
        trackers: only these; all if empty.

    Raises:
        InputError: no results, or damaged ones.
    """
    names = trackers or results.list_trackers(folder)
    runs = {}
    for name in names:
        results.read_fingerprint(folder / name)
        runs[name] = [results.read_run(folder / name, sequence)
                      for sequence in results.list_runs(folder / name)]
    return runs


def common_sequences(runs: dict[str, list[Run]]) -> dict[str, list[Run]]:
    """The runs over those sequences that every tracker has: only they can be compared."""
    shared = set.intersection(*({run.name for run in each} for each in runs.values()))
    return {name: [run for run in each if run.name in shared] for name, each in runs.items()}


def _plain(runs: dict[str, list[Run]]) -> dict:
    """Scores as JSON values; NaN, which JSON does not have, becomes null."""
    def values(scores) -> dict:
        return {name: None if isinstance(value, float) and math.isnan(value) else value
                for name, value in asdict(scores).items()}
    return {name: {'mean': values(mean_scores(each)),
                   'sequences': {run.name: values(score(run)) for run in each}}
            for name, each in runs.items()}
