"""Tables and plots of results."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError
from siamx_ros.evaluation import image_checksums, results
from siamx_ros.evaluation.kits.submission import FIGURES, OFFICIAL
from siamx_ros.evaluation.plots import speed_plot, write_plots
from siamx_ros.evaluation.runner import Run
from siamx_ros.evaluation.scores import mean_scores, score
from siamx_ros.evaluation.tables import as_markdown, sequence_table, tracker_table
from siamx_ros.evaluation.timelines import changeful, illustrated_timeline
from siamx_ros.whole_files import write_text


def write_report(folder: Path, runs: dict[str, list[Run]]) -> list[Path]:
    """Write ``report.md``, ``scores.json`` and ``plots/`` into a results folder.

    Args:
        folder: where.
        runs: name of the tracker -> its runs.

    Where the folder holds the figures of a benchmark's own kit, the first of them over speed (for
    VOT that is EAO) is drawn, too.

    Returns:
        The files that were written.
    """
    parts = ['# Evaluation', as_markdown(tracker_table(runs))]
    for name, tracker_runs in runs.items():
        parts += [f'## {name}', as_markdown(sequence_table(tracker_runs))]
    write_text(folder / 'report.md', '\n\n'.join(parts) + '\n')
    scores = {name: {'mean': asdict(mean_scores(each)),
                     'sequences': {run.name: asdict(score(run)) for run in each}}
              for name, each in runs.items()}
    write_text(folder / 'scores.json',
               json.dumps(results.json_values(scores), indent=2) + '\n')
    return [folder / 'report.md', folder / 'scores.json', *write_plots(folder / 'plots', runs),
            *_official_plot(folder, runs)]


def _official_plot(folder: Path, runs: dict[str, list[Run]]) -> list[Path]:
    for earlier in (folder / 'plots').glob('*_speed_official.png'):
        earlier.unlink()
    path = folder / OFFICIAL / FIGURES
    if not path.is_file():
        return []
    try:
        figures = json.loads(path.read_text(encoding='utf-8'))
        known = {name: runs[name] for name in runs if name in figures}
        label = next(iter(next(iter(figures.values()))))
        merits = {name: float('nan') if figures[name][label] is None else figures[name][label]
                  for name in known}
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise InputError(f'{path} is damaged: {error!r}') from None
    if not known:
        return []
    name = label.lower().replace('@', '')
    return [speed_plot(folder / 'plots' / f'{name}_speed_official.png', known, merits, label)]


def draw_timelines(folder: Path, runs: dict[str, list[Run]], sequences: list[Sequence],
                   count: int) -> list[Path]:
    """Draw ``<tracker>/<sequence>.png`` of the sequences with most changes of the first's state.

    Returns:
        ``<folder>/<tracker>/<sequence>.png`` of every tracker.

    Raises:
        InputError: an image cannot be read.
    """
    chosen = changeful(next(iter(runs.values())), count)
    return [illustrated_timeline(folder / name / f'{each[index].name}.png', each[index],
                                 sequences[index].frame_paths)
            for name, each in runs.items() for index in chosen]


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


def common_sequences(folder: Path, runs: dict[str, list[Run]]) -> dict[str, list[Run]]:
    """The runs over those sequences that every tracker has: only they can be compared.

    Args:
        folder: where the runs were read.
        runs: name of the tracker -> its runs, sorted by name.

    Raises:
        InputError: two trackers were run over different videos of one name.
    """
    shared = set.intersection(*({run.name for run in each} for each in runs.values()))
    common = {name: [run for run in each if run.name in shared] for name, each in runs.items()}
    for same_name in zip(*common.values()):
        _refuse_other_videos(folder, dict(zip(common, same_name)))
    return common


def _refuse_other_videos(folder: Path, runs: dict[str, Run]) -> None:
    """Refuse runs of one name, by tracker, whose true boxes, image files or restarts differ."""
    first, *others = runs
    name = runs[first].name
    for other in others:
        if (runs[first].codes is None) != (runs[other].codes is None):
            raise _differ(name, first, other, 'protocols (in one pass, with restarts)')
        if not np.array_equal(runs[first].truth, runs[other].truth, equal_nan=True):
            raise _differ(name, first, other, 'frames or boxes')
    trackers = {image_checksums.noted(folder / tracker, name): tracker for tracker in runs}
    trackers.pop('', None)
    if len(trackers) > 1:
        raise _differ(name, *list(trackers.values())[:2], 'images')


def _differ(name: str, one: str, other: str, what: str) -> InputError:
    return InputError(f'the results of {name} by {one} and by {other} are of different {what} and '
                      'cannot be compared: evaluate one again with --overwrite, or choose with '
                      '--trackers')
