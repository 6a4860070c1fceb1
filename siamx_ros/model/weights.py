"""One self-describing checkpoint format: saved, found and loaded strictly.

A checkpoint is a dictionary of plain values and tensors: ``format``, ``network`` (the settings of
:class:`~siamx_ros.config.NetworkConfig`), ``state_dict``, ``calibration`` (see
:mod:`siamx_ros.tracking.confidence`), ``ranges`` (see :mod:`siamx_ros.model.quantisation`) and
``card`` (where the weights come from). It is read with ``weights_only=True``: data, never code.
"""

from __future__ import annotations

from contextlib import suppress
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
from siamx_ros.files import refuse_pointer
from siamx_ros.model.network import SiameseNet, SiamXNet, make_network
from siamx_ros.model.quantisation import Ranges
from siamx_ros.model.state_dicts import WeightsError, in_half, load_strictly, named_tensors
from siamx_ros.settings import SettingsError
from siamx_ros.whole_files import write_whole

FORMAT = 'siamx-checkpoint-1'
SHIPPED = Path(__file__).resolve().parent.parent / 'weights'
SEARCH_PATH = 'SIAMX_WEIGHTS'
"""Environment variable with a folder of further checkpoints."""


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


def write_atomically(path: str | Path, content: dict) -> None:
    """torch.save, see :func:`siamx_ros.whole_files.write_whole`."""
    file = io.BytesIO()  # writing to a full disk itself, torch raises no OSError
    torch.save(content, file)
    write_whole(path, file.getbuffer())


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
        WeightsError: no such file, or none that can be looked for; says where it looked.
    """
    text = str(weights)
    try:
        return _given(text) if os.sep in text or Path(text).suffix else _known(text)
    except (OSError, RuntimeError) as error:
        raise WeightsError(f'weights {text!r} cannot be looked for: {error}') from None


def _given(text: str) -> Path:
    """Raises RuntimeError where the home of a user is not known."""
    path = Path(text).expanduser()
    if not path.is_file():
        raise WeightsError(
            f'weights file {path} {"is a folder" if path.is_dir() else "does not exist"}')
    return path


def _known(name: str) -> Path:
    folders = [Path(os.environ[SEARCH_PATH])] if os.environ.get(SEARCH_PATH) else []
    folders.append(SHIPPED)
    with suppress(RuntimeError):  # no HOME, and a user that the system does not know
        folders.append(Path.home() / '.cache' / 'siamx_ros')
    for folder in folders:
        if (folder / f'{name}.pt').is_file():
            return folder / f'{name}.pt'
    known = sorted(path.stem for path in SHIPPED.glob('*.pt'))
    places = ', '.join(str(folder) for folder in folders)
    raise WeightsError(
        f'no weights named {name!r} in {places}; shipped: {", ".join(known) or "none"}')


def read_file(path: Path) -> Any:
    """Read a file written by torch, refusing anything but plain data.

    Raises:
        WeightsError: truncated, damaged, not a torch file, or it tries to bring code.
        InputError: Git LFS has not fetched it.
    """
    refuse_pointer(path)
    try:
        _check_sums(path)
        return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r'GLOBAL (\S+)', str(error))
        held = f' ({found[1]})' if found else ''
        raise WeightsError(f'{path} is refused: it is damaged or holds more than plain tensors'
                           f'{held}, which could run code') from None
    except Exception as error:  # damaged bytes lead torch to raise anything
        reason = str(error).split('\n')[0][:200]
        if 'weights_only' in reason:  # torch says how to load such a file unsafely
            reason = 'TorchScript or an old format, which could run code'
        raise WeightsError(
            f'{path} cannot be read as a checkpoint: truncated, damaged or no torch file ({reason})'
        ) from None


def _check_sums(path: Path) -> None:
    """Raise BadZipFile for a checksum that is wrong: torch looks at none."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            folders = [part.filename for part in archive.infolist() if part.external_attr & 0x10]
            wrong = archive.testzip() or next(iter(folders), None)  # torch fills no tensor of those
        if wrong is not None:
            raise zipfile.BadZipFile(f'{wrong} has another checksum or kind than it was given')


def _build(path: Path, content: dict) -> SiameseNet:
    try:
        config = NetworkConfig.from_dict(content.get('network'))
    except (SettingsError, AttributeError, TypeError) as error:
        raise WeightsError(f'{path} describes a network that this version does not know: {error}'
                           ) from None
    state = named_tensors(content.get('state_dict'), str(path))
    _check_size(path, config, state)
    try:
        network = make_network(config)
    except RuntimeError:
        raise WeightsError(f'{path} describes a network that memory does not hold') from None
    load_strictly(network, state, str(path))
    return network.eval()


def _check_size(path: Path, config: NetworkConfig, state: dict[str, torch.Tensor]) -> None:
    """Before a network is made, which takes memory and time without limit."""
    largest = max((max(tensor.shape, default=0) for tensor in state.values()), default=0)
    if sum(config.blocks) > len(state) or max(config.widths, default=0) > largest:
        raise WeightsError(f'{path} describes a larger network than that of its tensors: widths '
                           f'{config.widths}, blocks {config.blocks}')


def _table(path: Path, content: dict, name: str) -> dict:
    table = {} if content.get(name) is None else content[name]
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
