"""A settings dataclass as ROS parameters: declared, described, ranged, changed while running."""

from __future__ import annotations

from typing import Callable

from rcl_interfaces.msg import (
    FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult)
from rclpy.node import Node

from siamx_ros.config import Settings, SettingsError, walk

FOREIGN = ('use_sim_time', 'start_type_description_service')
"""Parameters that rclpy declares itself."""


class NodeParameters:
    """The node's settings; a change makes a new frozen value and hands it on.

    Args:
        node: where the parameters are declared.
        defaults: declares names, ranges and defaults.
        apply: called with the new settings after a change was accepted.

    Raises:
        SettingsError: the given values contradict each other.
    """

    def __init__(self, node: Node, defaults: Settings, apply: Callable[[Settings], None]) -> None:
        self._node, self._apply = node, apply
        self._live = {name for name, field, _ in walk(defaults) if field.metadata['live']}
        self._declared = set()
        values = {}
        for name, field, default in walk(defaults):
            start = list(default) if isinstance(default, tuple) else default
            values[name] = node.declare_parameter(name, start, _descriptor(field, default)).value
            self._declared.add(name)
        self.settings = defaults.replace(values)
        self._pending: Settings | None = None
        self._warn_of_unknown_names()
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._take)

    def _check(self, parameters) -> SetParametersResult:
        """Accept or refuse a set of changes as a whole."""
        values = {p.name: p.value for p in parameters if p.name in self._declared}
        fixed = sorted(set(values) - self._live)
        if fixed:
            return SetParametersResult(
                successful=False, reason=f'{", ".join(fixed)} cannot change while the node runs')
        try:
            self._pending = self.settings.replace(values)
        except SettingsError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take(self, parameters) -> None:
        changed = [p for p in parameters if p.name in self._declared]
        if not changed:
            return
        old = {name: value for name, _, value in walk(self.settings)}
        self.settings = self.settings.replace({p.name: p.value for p in changed})
        for parameter in changed:
            self._node.get_logger().info(
                f'{parameter.name}: {old[parameter.name]} -> {parameter.value}')
        self._apply(self.settings)

    def _warn_of_unknown_names(self) -> None:
        given = getattr(self._node, '_parameter_overrides', {})
        for name in sorted(set(given) - self._declared):
            if name not in FOREIGN and not name.startswith('qos_overrides.'):
                self._node.get_logger().warning(
                    f'parameter {name!r} was given but does not exist; it has no effect')


def _descriptor(field, default) -> ParameterDescriptor:
    meta = field.metadata
    unit = f' [{meta["unit"]}]' if meta['unit'] else ''
    descriptor = ParameterDescriptor(
        description=f'{meta["help"]}{unit}',
        additional_constraints=f'one of: {", ".join(map(str, meta["choices"]))}'
        if meta['choices'] else '')
    low, high = meta['low'], meta['high']
    if isinstance(default, bool) or low is None or high is None:
        return descriptor
    if isinstance(default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)]
    elif isinstance(default, int):
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    return descriptor
