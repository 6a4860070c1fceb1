"""One self-describing checkpoint format: saved, found and loaded strictly.

A checkpoint is a dictionary of plain values and tensors: ``format``, ``network`` (the settings of
:class:`~siamx_ros.config.NetworkConfig`), ``state_dict``, ``calibration`` (see
:mod:`siamx_ros.tracking.confidence`), ``ranges`` (see :mod:`siamx_ros.model.quantisation`) and
``card`` (where the weights come from). It is read with ``weights_only=True``: data, never code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
import hashlib
import io
import math
import os
from pathlib import Path
import pickle
import re
from typing import Any
import zipfile

import torch
from torch import nn

from siamx_ros.config import NetworkConfig
from siamx_ros.errors import InputError
from siamx_ros.files import refuse_pointer
from siamx_ros.model.network import SiameseNet, SiamXNet, make_network
from siamx_ros.model.quantisation import Ranges
from siamx_ros.settings import SettingsError

FORMAT = 'siamx-checkpoint-1'
SHIPPED = Path(__file__).resolve().parent.parent / 'weights'
SEARCH_PATH = 'SIAMX_WEIGHTS'
"""Environment variable with a folder of further checkpoints."""


class WeightsError(InputError):
    """A checkpoint is missing, damaged, foreign or does not fit."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file says.

    Attributes:
        network: the network with its weights, in eval mode, float32, on the CPU.
        calibration: numbers that turn scores into confidence; empty for none.
        ranges: of what the convolutions take in, for int8; empty for none.
        card: origin, data, command and figures.
        path, sha256: the file, for results and logs; empty when not from a file.
    """

    network: SiameseNet
    calibration: dict[str, Any] = field(default_factory=dict)
    ranges: Ranges = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    path: str = ''
    sha256: str = ''


def save_checkpoint(path: str | Path, network: SiameseNet, *, calibration: dict | None = None,
                    ranges: Ranges | None = None, card: dict | None = None,
                    half: bool = False) -> None:
    """Write a checkpoint; ``half`` stores convolutions as fp16. The file appears whole or not.

    Statistics stay fp32: variances of pixel values exceed what fp16 can hold.

    Raises:
        WeightsError: a weight exceeds it too.
    """
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()
             if not name.endswith('num_batches_tracked')}
    write_atomically(path, {
        'format': FORMAT, 'network': network.config.to_dict(),
        'state_dict': in_half(state) if half else state,
        'calibration': calibration or {}, 'ranges': ranges or {}, 'card': card or {}})


def in_half(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of a network, those of convolutions as fp16.

    Raises:
        WeightsError: one holds numbers that fp16 cannot; it is named.
    """
    halved = {n: v.half() if v.is_floating_point() and v.ndim > 1 else v for n, v in state.items()}
    for name, value in halved.items():
        if value.dtype == torch.half and not value.isfinite().all():
            raise WeightsError(f'{name} holds {state[name].abs().max().item():g}, fp16 at most '
                               f'{torch.finfo(torch.half).max:g}: store it without --half')
    return halved


def write_atomically(path: str | Path, content: dict) -> None:
    """torch.save, see :func:`write_whole`."""
    file = io.BytesIO()  # writing to a full disk itself, torch raises no OSError
    torch.save(content, file)
    write_whole(path, file.getbuffer())


def write_whole(path: str | Path, data: bytes | memoryview) -> None:
    """Write to a temporary name beside the target, then rename; nothing is left of a failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.partial')
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_checkpoint(weights: str | Path) -> Checkpoint:
    """Load a shipped model by name, or a checkpoint by path; 'random' gives untrained weights.

    Raises:
        WeightsError: not found (the places looked in are listed), damaged, of another format, or
            with missing, extra or misshapen tensors or numbers that are none.
    """
    if str(weights) == 'random':
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = SiamXNet(NetworkConfig.light()).eval()
        network.head.adjust.data.zero_()  # untrained distances would overflow the exponential
        return Checkpoint(network, card={'name': 'random'})
    path = find_weights(weights)
    content = read_file(path)
    if not isinstance(content, dict) or content.get('format') != FORMAT:
        raise WeightsError(
            f'{path} is not a {FORMAT} file; the authors\' SiamX.pth is converted by '
            "'python -m siamx_ros import-weights'")
    network = _build(path, content)
    return Checkpoint(
        network, _table(path, content, 'calibration'), _ranges(path, content, network),
        _table(path, content, 'card'), str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def find_weights(weights: str | Path) -> Path:
    """Path of a checkpoint: a path if it has a separator or suffix, else a name to look up.

    Raises:
        WeightsError: no such file; says where it looked.
    """
    text = str(weights)
    if os.sep in text or Path(text).suffix:
        path = Path(text).expanduser()
        if not path.is_file():
            raise WeightsError(f'weights file {path} ' + (
                'is a folder' if path.is_dir() else 'does not exist'))
        return path
    folders = [Path(os.environ[SEARCH_PATH])] if os.environ.get(SEARCH_PATH) else []
    folders += [SHIPPED, Path.home() / '.cache' / 'siamx_ros']
    for folder in folders:
        if (folder / f'{text}.pt').is_file():
            return folder / f'{text}.pt'
    known = sorted(path.stem for path in SHIPPED.glob('*.pt'))
    places = ', '.join(str(folder) for folder in folders)
    raise WeightsError(
        f'no weights named {text!r} in {places}; shipped: {", ".join(known) or "none"}')


def read_file(path: Path) -> Any:
    """Read a file written by torch, refusing anything but plain data.

    Raises:
        WeightsError: truncated, not a torch file, or it tries to bring code.
        InputError: Git LFS has not fetched it.
    """
    refuse_pointer(path)
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r'GLOBAL (\S+)', str(error))
        held = f' ({found[1]})' if found else ''
        raise WeightsError(f'{path} is refused: it is damaged or holds more than plain tensors'
                           f'{held}, which could run code') from None
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError,
            OSError, zipfile.BadZipFile) as error:
        reason = str(error).split('\n')[0][:200]
        if 'weights_only' in reason:  # torch says how to load such a file unsafely
            reason = 'TorchScript or an old format, which could run code'
        raise WeightsError(
            f'{path} cannot be read as a checkpoint: truncated or no torch file ({reason})'
        ) from None


def _build(path: Path, content: dict) -> SiameseNet:
    try:
        config = NetworkConfig.from_dict(content.get('network'))
    except (SettingsError, AttributeError, TypeError) as error:
        raise WeightsError(f'{path} describes a network that this version does not know: {error}'
                           ) from None
    network = make_network(config)
    load_strictly(network, content.get('state_dict'), str(path))
    return network.eval()


def _table(path: Path, content: dict, name: str) -> dict:
    table = content.get(name) or {}
    if not isinstance(table, dict):
        raise WeightsError(f'{path} must hold a table as {name}, got {type(table).__name__}')
    return dict(table)


def _ranges(path: Path, content: dict, network: SiameseNet) -> Ranges:
    known = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    ranges = _table(path, content, 'ranges')
    for name, bounds in ranges.items():
        if name not in known or not _is_range(bounds):
            raise WeightsError(
                f'{path} holds the range {name!r}: {bounds!r}; expected a convolution of the '
                'network and two finite numbers around 0')
    return ranges


def _is_range(bounds: Any) -> bool:
    return (isinstance(bounds, tuple) and len(bounds) == 2
            and all(isinstance(end, float) and math.isfinite(end) for end in bounds)
            and bounds[0] <= 0 <= bounds[1])


def load_strictly(network: SiameseNet, state: Any, origin: str) -> None:
    """Copy tensors into a network: all names and shapes must fit (counters may be absent).

    Raises:
        WeightsError: names the first missing, extra or misshapen tensors.
    """
    if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
        raise WeightsError(f'{origin} holds no table of tensors')
    wanted = {n: v for n, v in network.state_dict().items()
              if not n.endswith('num_batches_tracked')}
    state = {n: v for n, v in state.items() if not n.endswith('num_batches_tracked')}
    problems = [
        *_listed('missing', sorted(wanted.keys() - state.keys())),
        *_listed('unexpected', sorted(state.keys() - wanted.keys())),
        *_listed('of another shape', [
            f'{n} {tuple(state[n].shape)} instead of {tuple(wanted[n].shape)}'
            for n in wanted.keys() & state.keys() if state[n].shape != wanted[n].shape])]
    if problems:
        raise WeightsError(f'{origin} does not fit the network: ' + '; '.join(problems))
    if not all(torch.isfinite(v).all() for v in state.values() if v.is_floating_point()):
        raise WeightsError(f'{origin} holds numbers that are not finite')
    network.load_state_dict({n: v.float() for n, v in state.items()}, strict=False)


def _listed(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return [f'{len(names)} {what}: {", ".join(names[:3])}{more}']
