"""Refuse options by which a command would write over what it reads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Mapping

from siamx_ros.config import ModelConfig
from siamx_ros.files import check_outputs

Paths = Mapping[str, Any]


def check_written(args: argparse.Namespace, inputs: Paths, files: Paths = {},
                  folders: Paths = {}, model: ModelConfig | None = None) -> None:
    """Check a command's outputs against its inputs, settings files and weights.

    Args:
        args: with ``config``, the settings files, where the command has them.

    Raises:
        InputError: see there, or the weights do not exist.
    """
    if not any([*files.values(), *folders.values()]):
        return
    settings = {f'--config[{number}]': path
                for number, path in enumerate(getattr(args, 'config', None) or [])}
    weights = {} if model is None else {'--weights': weights_file(model.weights)}
    check_outputs({**inputs, **settings, **weights}, files, folders)


def weights_file(weights: str) -> Path | None:
    """The file of a checkpoint that is given by name or path; None of random weights."""
    from siamx_ros.model.weights import find_weights
    return None if weights == 'random' else find_weights(weights)
