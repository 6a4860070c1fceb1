"""Print the node's parameters: a table for the documentation, or the parameter file.

docs/parameters.md and config/tracker.yaml are this command's output; each name, default, unit and
range is declared once, in code.
"""

from __future__ import annotations

import argparse

import yaml

from siamx_ros.node_config import NodeConfig
from siamx_ros.settings import walk

HEADER = """# Parameters

Printed by `python -m siamx_ros params`; do not edit. *Live* parameters may change while the node
runs, the others are read when it is configured, `autostart` and `status_rate` when it starts.

| parameter | default | unit | range | live | meaning |
|---|---|---|---|---|---|
"""
YAML_HEADER = """# Every parameter of the tracker node at its default, as printed by
# `python -m siamx_ros params --yaml`; the meaning of each stands in docs/parameters.md.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('--yaml', action='store_true', help='print the parameter file instead')


def run(args: argparse.Namespace) -> int:
    """Print; returns the exit status."""
    print(parameter_file() if args.yaml else table(), end='')
    return 0


def table() -> str:
    """The parameters as Markdown."""
    rows = []
    for name, field, default in walk(NodeConfig()):
        meta = field.metadata
        limits = ''
        if meta['choices']:
            limits = ', '.join(map(str, meta['choices']))
        elif meta['low'] is not None:
            limits = f'{meta["low"]:g} to {meta["high"]:g}'
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        rows.append(f'| `{name}` | {shown or "(empty)"} | {meta["unit"]} | {limits} | '
                    f'{"yes" if meta["live"] else ""} | {meta["help"]} |\n')
    return HEADER + ''.join(rows)


def parameter_file() -> str:
    """The parameters as a ROS parameter file that fits any node name."""
    values = {'/**': {'ros__parameters': NodeConfig().to_dict()}}
    return YAML_HEADER + yaml.safe_dump(values, sort_keys=False)
