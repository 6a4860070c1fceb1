"""The tracker node that evaluate-bag plays a bag to: started here, or one that runs already."""

from __future__ import annotations

import argparse
from contextlib import closing, contextmanager
import os
from pathlib import Path
import re
from tempfile import TemporaryDirectory
from typing import Any, Iterator

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.settings import parameter_values, walk

LIVE_MODES = ('live', 'lockstep')
NODE_NAME = 'siamx_tracker'
FULL_NAME = re.compile(r'(/[A-Za-z_][A-Za-z0-9_]*)+')
"""Of a node or a topic."""
ACCEPTING = {'min_contrast': 0.0, 'min_box_size': 2.0, 'init_timeout': 30.0, 'stall_timeout': 60.0,
             'image_timeout': 10.0, 'detect_frozen_images': False}
"""Parameters with which the node takes whatever the tracker itself takes, on a busy machine."""


def add_live_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the modes live and lockstep."""
    parser.add_argument('--node', metavar='NAME', default='',
                        help='full name of a tracker node that runs, such as /siamx_tracker, with '
                             'its own settings (default: one is started)')
    parser.add_argument('--node-image', metavar='T', default='',
                        help="topic from which --node takes images (default: 'image' beside it)")


def check_live_arguments(args: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Refuse what cannot be done by a node.

    Raises:
        InputError: an option belongs to another mode, or to another tracker than a running node,
            or there is no ROS here.
    """
    if args.mode not in LIVE_MODES:
        if args.node or args.node_image:
            raise InputError(f'--node and --node-image belong to --mode {" or ".join(LIVE_MODES)}')
        return
    if args.tracker != 'siamx':
        raise InputError(f'--mode {args.mode} plays to the tracker node, which has no tracker '
                         f'{args.tracker!r}')
    if args.node_image and not args.node:
        raise InputError('--node-image belongs to --node')
    if args.node and not FULL_NAME.fullmatch(args.node):
        raise InputError(f'--node must be a full name such as /{NODE_NAME}, got {args.node!r}')
    if args.node_image and not FULL_NAME.fullmatch(f'/{args.node_image.removeprefix("/")}'):
        raise InputError('--node-image must be the name of a topic such as /camera/image_raw, got '
                         f'{args.node_image!r}')
    if args.node and settings != {'model': ModelConfig(), 'tracking': TrackerConfig()}:
        raise InputError(f'{args.node} runs with settings of its own; give the settings to it, or '
                         'leave --node out')
    turned = [name for each in settings.values() for name, field, value in walk(each)
              if field.metadata['ablation'] and value != field.default]
    if turned:
        raise InputError(f'{", ".join(turned)} cannot be given to the node, only to --mode offline')
    _live_player(args.mode)


@contextmanager
def player_of(args: argparse.Namespace, settings: dict[str, Any],
              place: Path | None) -> Iterator[Any]:
    """The player of the node for a live mode, None for the others.

    Args:
        args, settings: of the command.
        place: where to leave the log of a node that is started; None for nowhere.

    Raises:
        InputError: there is no ROS here, or the node ended or does not answer.
    """
    if args.mode not in LIVE_MODES:
        yield None
        return
    kind = _live_player(args.mode)
    from siamx_ros.client.node_process import NodeDied
    from siamx_ros.client.probe import NoAnswer
    try:
        if args.node:
            beside = args.node.rpartition('/')[0]
            opened = closing(kind(args.node, args.node_image or f'{beside}/image'))
        else:
            opened = _started(settings, kind, place)
        with opened as player:
            yield player
    except (NodeDied, NoAnswer) as error:
        raise InputError(str(error)) from None


def _live_player(mode: str) -> type:
    """The player of a node."""
    try:
        from siamx_ros.client.player import LivePlayer
    except ImportError as error:
        raise InputError(
            f'--mode {mode} needs ROS 2 with rclpy and the messages of this package ({error}); '
            'source the set-up file of your ROS workspace, or use --mode offline') from None
    return LivePlayer


@contextmanager
def _started(settings: dict[str, Any], kind: type, place: Path | None) -> Iterator[Any]:
    """A node of our own, in a namespace of its own."""
    from siamx_ros.client.node_process import NodeProcess
    namespace = f'/evaluate_bag_{os.getpid()}'
    parameters = {**{name: parameter_values(each) for name, each in settings.items()}, **ACCEPTING}
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if place is not None:
            folder = place / 'node'
            folder.mkdir()
        with NodeProcess(folder, parameters, {'__ns': namespace}) as process, closing(
                kind(f'{namespace}/{NODE_NAME}', f'{namespace}/image', process.check,
                     process.last_words)) as player:
            yield player
