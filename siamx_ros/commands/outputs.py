"""Refuse options by which a command would write over what it reads."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from types import MappingProxyType
from typing import Any, Container, Mapping, Sequence

from siamx_ros.config import ModelConfig
from siamx_ros.files import check_outputs, check_places

Paths = Mapping[str, Any]
NONE: Paths = MappingProxyType({})


def check_written(args: argparse.Namespace, inputs: Paths, files: Paths = NONE,
                  folders: Paths = NONE, model: ModelConfig | None = None) -> None:
    """Check a command's outputs against its inputs, settings files and weights.

    Args:
        args: with ``config``, the settings files, where the command has them.

    Raises:
        InputError: see there and :func:`check_places`, or the weights do not exist.
    """
    if not any([*files.values(), *folders.values()]):
        return
    settings = {f'--config[{number}]': path
                for number, path in enumerate(getattr(args, 'config', None) or [])}
    weights = {} if model is None else {'--weights': weights_file(model.weights)}
    check_outputs({**inputs, **settings, **weights}, files, folders)
    into = [(name, Path(path)) for name, path in folders.items() if path]
    own = {path for _, path in into}  # what lies in such a folder is the command's
    check_places([(name, Path(path)) for name, path in files.items()
                  if path and Path(path).parent not in own], into)


def note_left_out(sequences: Sequence[Any], run_over: Container[str]) -> int:
    """Say which sequences are in no table, after each was warned of; returns the exit status.

    Args:
        sequences: all, each with a name.
        run_over: names of those that could be used.
    """
    missing = [each.name for each in sequences if each.name not in run_over]
    if missing:
        print(f'note: left out of all tables, for the reasons above: {", ".join(missing)}',
              file=sys.stderr)
    return 1 if missing else 0


def weights_file(weights: str) -> Path | None:
    """The file of a checkpoint that is given by name or path; None of random weights."""
    from siamx_ros.model.weights import find_weights
    return None if weights == 'random' else find_weights(weights)
