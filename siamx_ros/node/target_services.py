"""~/add_target and ~/remove_target: targets besides the primary one."""

from __future__ import annotations

from typing import Any

from rclpy.callback_groups import CallbackGroup

from siamx_ros.messages.frames import Frame
from siamx_ros.node.init_validation import Refusal, box_on_image
from siamx_ros.node.services import CALLS, MAX_NAME, Services
from siamx_ros.srv import AddTarget, RemoveTarget


class TargetServices:
    """Served beside :class:`Services`, whose checks hold for a further target, too."""

    def __init__(self, node: Any, services: Services) -> None:
        self._node, self._services = node, services
        group: CallbackGroup = services.group
        for kind, name, answer in ((AddTarget, '~/add_target', self._add),
                                   (RemoveTarget, '~/remove_target', self._remove)):
            node.create_service(kind, name, answer, qos_profile=CALLS, callback_group=group)

    async def _add(self, request: AddTarget.Request,
                   response: AddTarget.Response) -> AddTarget.Response:
        return await self._services.answered(request, response, _start, 'add_target')

    async def _remove(self, request: RemoveTarget.Request,
                      response: RemoveTarget.Response) -> RemoveTarget.Response:
        name = request.target_id
        if not name:
            response.message = 'target_id must name a target, it is empty; ~/reset drops all'
            return response
        return await self._services.asked(
            lambda pipeline: pipeline.drop(name), response, f'target {name} was dropped')


def _start(pipeline: Any, frames: list[Frame], request: AddTarget.Request) -> list:
    """In the worker's thread, so that what is checked cannot change before it is used."""
    session, most = pipeline.session, pipeline.config.max_targets
    if len(session.further) >= most - 1:
        raise Refusal(
            AddTarget.Response.TOO_MANY_TARGETS,
            f'{len(session.further)} targets besides the primary one are tracked, '
            f'max_targets is {most}; there are: {", ".join(session.further.names) or "none"}')
    pipeline.take_settings()
    deadline = pipeline.catch_up_deadline
    return session.further.start(
        frames, lambda image: box_on_image(request, image, pipeline.config),
        request.target_id[:MAX_NAME], request.class_id[:MAX_NAME], session.target_id, deadline)
