"""Print the nodes' parameters: a table for the documentation, or the parameter files.

docs/parameters.md, config/tracker.yaml and config/follow_me.yaml are this command's output; each
name, default, unit and range is declared once, in code.
"""

from __future__ import annotations

import argparse

import yaml

from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.node_config import NodeConfig
from siamx_ros.panel.panel_config import PanelConfig
from siamx_ros.settings import Settings, parameter_values, parameters
from siamx_ros.settings_files import TRACKER_NODE

HEADER = """# Parameters

Printed by `python -m siamx_ros params`; do not edit. *Live* parameters may change while a node
runs.

## Tracker

`siamx_tracker`. Those that are not live are read when it is configured, `autostart` and
`status_rate` when it starts.

"""
FOLLOWER_HEADER = """
## Follower

`follower`, see [follow.md](follow.md). Those that are not live are read when it starts.

"""
PANEL_HEADER = """
## Panel

`panel`, see [panel.md](panel.md). Those that are not live are read when it starts.

"""
COLUMNS = """| parameter | default | unit | range | live | meaning |
|---|---|---|---|---|---|
"""
YAML_HEADER = """# Every parameter of the tracker node at its default, as printed by
# `python -m siamx_ros params --yaml`; the meaning of each stands in docs/parameters.md.
"""
FOLLOW_ME_HEADER = """# Parameters of the nodes of follow_me.launch.py at their defaults, printed by
# `python -m siamx_ros params --follow-me`; the meaning of each stands in docs/parameters.md.
# Of the tracker, those that following depends on; the others keep their defaults.
"""
GEOMETRY = ('image_transport', 'image_rectified', 'use_depth', 'depth_slop', 'depth_max',
            'target_height', 'fallback_hfov')
"""Parameters of the tracker that decide whether a bearing and a range are known."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('--yaml', action='store_true',
                        help="print the tracker's parameter file instead")
    parser.add_argument('--follow-me', action='store_true',
                        help='print the parameter file of all nodes that follow')


def run(args: argparse.Namespace) -> int:
    """Print; returns the exit status."""
    chosen = follow_me_file if args.follow_me else parameter_file if args.yaml else tables
    print(chosen(), end='')
    return 0


def tables() -> str:
    """The parameters of all nodes as Markdown."""
    return (HEADER + table(NodeConfig()) + FOLLOWER_HEADER + table(FollowerConfig())
            + PANEL_HEADER + table(PanelConfig()))


def table(settings: Settings) -> str:
    """The parameters of one node."""
    rows = []
    for name, field, default in parameters(settings):
        meta = field.metadata
        limits = ''
        if meta['choices']:
            limits = ', '.join(map(str, meta['choices']))
        elif meta['low'] is not None:
            limits = f'{meta["low"]:g} to {meta["high"]:g}'
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        rows.append(f'| `{name}` | {shown or "(empty)"} | {meta["unit"]} | {limits} | '
                    f'{"yes" if meta["live"] else ""} | {meta["help"]} |\n')
    return COLUMNS + ''.join(rows)


def parameter_file() -> str:
    """The parameters as a ROS parameter file that fits any node name."""
    values = {'/**': {'ros__parameters': parameter_values(NodeConfig())}}
    return YAML_HEADER + yaml.safe_dump(values, sort_keys=False)


def follow_me_file() -> str:
    """The parameters of all nodes that follow, in any namespace."""
    tracker = NodeConfig().to_dict()
    nodes = {TRACKER_NODE: {name: tracker[name] for name in GEOMETRY},
             'follower': FollowerConfig().to_dict(), 'panel': PanelConfig().to_dict()}
    values = {f'/**/{name}': {'ros__parameters': settings} for name, settings in nodes.items()}
    return FOLLOW_ME_HEADER + yaml.safe_dump(values, sort_keys=False)
