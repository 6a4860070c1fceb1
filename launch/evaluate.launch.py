"""Replay a recorded bag through the tracker and score it.

`ros2 launch siamx_ros evaluate.launch.py bag:=run.mcap out:=results`
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_prefix
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.events.process import ProcessExited

from siamx_ros.tools.launch_arguments import installed_file, overruling, values

OPTIONS = {
    'out': '--out', 'mode': '--mode', 'latency': '--latency', 'tracker': '--tracker',
    'image_topic': '--image-topic', 'truth_topic': '--truth-topic', 'truth_bag': '--truth-bag',
    'truth_id': '--truth-id', 'truth_file': '--truth-file', 'init_topic': '--init-topic',
    'box': '--box', 'box_frame': '--box-frame', 'node': '--node', 'node_image': '--node-image',
    'criteria': '--criteria', 'video': '--video', 'params_file': '--config',
    'weights': '--weights', 'device': '--device', 'adaptive': '--adaptive'}
"""Launch argument -> option of evaluate_bag."""


def arguments() -> list[Action]:
    """All launch arguments; an empty value leaves the option out."""
    declare = DeclareLaunchArgument
    return [
        declare('bag', description='Bag to replay: a folder, .mcap, .db3 or .bag.'),
        declare('out', default_value='',
                description='Folder for tables, plots and a bag of results. Empty: only printed.'),
        declare('overwrite', default_value='false', choices=['true', 'false'],
                description='Replace the results in out.'),
        declare('mode', default_value='offline',
                choices=['offline', 'realtime', 'lockstep', 'live'],
                description='offline: every image; realtime: late ones are missed; lockstep and '
                            'live: through the node.'),
        declare('latency', default_value='',
                description='Milliseconds that the tracker takes for each image in mode realtime, '
                            'which needs it, or a file with one number a line.'),
        declare('tracker', default_value='',
                description='siamx, or csrt or kcf of OpenCV. Empty: siamx.'),
        declare('node', default_value='',
                description='Full name of a running tracker node for the modes lockstep and live. '
                            'Empty: one is started.'),
        declare('node_image', default_value='',
                description='Topic from which that node takes images. Empty: image beside it.'),
        declare('image_topic', default_value='',
                description='Images in the bag. Empty: the only topic of images.'),
        declare('truth_topic', default_value='',
                description='True boxes in the bag. Empty: /ground_truth, if it is there.'),
        declare('truth_bag', default_value='',
                description='Bag of the true boxes. Empty: the bag that is replayed.'),
        declare('truth_id', default_value='',
                description='Id of the target among the true boxes. Empty: there is one.'),
        declare('truth_file', default_value='',
                description='True boxes as text, "x,y,w,h" a line. Empty: from the bag.'),
        declare('init_topic', default_value='',
                description='Recorded request for the first box. Empty: the first true box.'),
        declare('box', default_value='',
                description='First box, "x,y,w,h" in pixels. Empty: the first true box.'),
        declare('box_frame', default_value='',
                description='Image on which box lies, counted from 0. Empty: the first.'),
        declare('criteria', default_value='',
                description='YAML of figures that must be reached, else the launch fails.'),
        declare('video', default_value='', description='Annotated video to write.'),
        installed_file('params_file', 'tracker.yaml', 'Parameters of the tracker as YAML.'),
        overruling('weights', 'Name of a shipped model or path of one.'),
        overruling('device', 'auto, cpu, cuda or cuda:N.'),
        overruling('adaptive', 'Adaptive scheme of the tracker.'),
    ]


def actions(context: LaunchContext) -> list[Action]:
    """What to start, now that the arguments are known."""
    given = values(context, __file__, arguments())
    return [ExecuteProcess(
        cmd=command(given), name='evaluate_bag', output='screen', on_exit=failed)]


def command(given: dict[str, str]) -> list[str]:
    """The call of evaluate_bag; one word an option, so that a value may begin with a dash."""
    program = Path(get_package_prefix('siamx_ros')) / 'lib/siamx_ros/evaluate_bag'
    options = [f'{option}={given[name]}' for name, option in OPTIONS.items() if given[name]]
    overwrite = ['--overwrite'] if given['overwrite'] == 'true' else []
    return [str(program), given['bag'], *options, *overwrite]


def failed(event: ProcessExited, _context: LaunchContext) -> None:
    """Have `ros2 launch` fail where the evaluation does.

    Raises:
        RuntimeError: the evaluation ended with another status than 0.
    """
    if event.returncode:
        raise RuntimeError(f'evaluate_bag ended with status {event.returncode}')


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
