"""A settings dataclass as ROS parameters: declared, described, ranged, changed while running."""

from __future__ import annotations

import difflib
from typing import Any, Callable

from rcl_interfaces.msg import (
    FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from siamx_ros.node_config import is_of_ros
from siamx_ros.settings import Settings, SettingsError, as_meant, parameters as node_parameters

AT_START = ('autostart', 'status_rate', 'command', 'command_rate', 'enabled_at_start')
"""Parameters that are used once, when the process starts."""


class NodeParameters:
    """The node's settings; a change makes a new frozen value and hands it on.

    Args:
        apply: called with the new settings after a change was accepted.
        frozen: whether the settings that are not live are in use and cannot change now.

    Raises:
        SettingsError: a given value is of the wrong type or range, or contradicts another.
    """

    def __init__(self, node: Node, defaults: Settings, apply: Callable[[Settings], None],
                 frozen: Callable[[], bool]) -> None:
        self._node, self._apply, self._frozen = node, apply, frozen
        self._given = getattr(node, '_parameter_overrides', {})
        self._declared = {name: field for name, field, _ in node_parameters(defaults)}
        self._live = {name for name, field in self._declared.items() if field.metadata['live']}
        values = {name: self._declare(name, field, default)
                  for name, field, default in node_parameters(defaults)}
        self.settings = defaults.replace(values)
        self._warn_of_unknown_names()
        node.add_pre_set_parameters_callback(self._as_meant)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._take)

    def _declare(self, name: str, field: Any, default: Any) -> Any:
        """Declare one parameter; what is given for it may be of the type that YAML reads."""
        start = list(default) if isinstance(default, tuple) else default
        given = self._given[name].value if name in self._given else None
        meant = as_meant(field, given)
        other = type(meant) is not type(given)
        try:
            return self._node.declare_parameter(
                name, meant if other else start, _descriptor(name, field, default),
                ignore_override=other).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise SettingsError(f'parameter {name} = {given!r} cannot be used: {error}') from None

    def _as_meant(self, parameters: list[Parameter]) -> list[Parameter]:
        """Values in the type of their parameter where they were given as YAML reads them."""
        return [self._meant(parameter) for parameter in parameters]

    def _meant(self, parameter: Parameter) -> Parameter:
        if parameter.name not in self._declared:
            return parameter
        value = as_meant(self._declared[parameter.name], parameter.value)
        return parameter if value is parameter.value else Parameter(parameter.name, value=value)

    def _check(self, parameters) -> SetParametersResult:
        """Accept or refuse a set of changes as a whole."""
        values = {p.name: p.value for p in parameters if p.name in self._declared}
        fixed = sorted(set(values) - self._live)
        started = [name for name in fixed if name in AT_START]
        if started:
            return SetParametersResult(
                successful=False,
                reason=f'{", ".join(started)} is read once, when the process starts')
        if fixed and self._frozen():
            return SetParametersResult(
                successful=False, reason=f'{", ".join(fixed)} cannot change while the node is '
                'configured; give it at the start, or clean the node up first')
        try:
            self.settings.replace(values)
        except SettingsError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take(self, parameters) -> None:
        changed = [p for p in parameters if p.name in self._declared]
        if not changed:
            return
        old = {name: value for name, _, value in node_parameters(self.settings)}
        self.settings = self.settings.replace({p.name: p.value for p in changed})
        for parameter in changed:
            self._node.get_logger().info(
                f'{parameter.name}: {old[parameter.name]} -> {parameter.value}')
        self._apply(self.settings)

    def _warn_of_unknown_names(self) -> None:
        for name in sorted(set(self._given) - set(self._declared)):
            if is_of_ros(name):
                continue
            near = difflib.get_close_matches(name, self._declared, n=2)
            hint = f'; near names: {", ".join(near)}' if near else ''
            self._node.get_logger().warning(
                f'parameter {name!r} was given but does not exist; it has no effect{hint}')


def _when(name: str, live: bool) -> str:
    """When a change takes effect."""
    if live:
        return 'live: a change takes effect at once'
    return 'read once, when the process starts' if name in AT_START else \
        'fixed while the node is configured'


def _descriptor(name: str, field, default) -> ParameterDescriptor:
    meta = field.metadata
    unit = f' [{meta["unit"]}]' if meta['unit'] else ''
    descriptor = ParameterDescriptor(
        description=f'{meta["help"]}{unit}; {_when(name, meta["live"])}',
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
