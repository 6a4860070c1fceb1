"""The arguments of all launch files, each with a value and what then stands in a call."""

TRACKER = {
    'namespace': ('robot', '__ns:=/robot'), 'node_name': ('eye', '__node:=eye'),
    'params_file': ('{folder}/own.yaml', 'status_rate: 7.5'),
    'image_topic': ('/c/image', 'image:=/c/image '), 'depth_topic': ('/d', 'depth:=/d '),
    'camera_info_topic': ('/c/info', 'camera_info:=/c/info '),
    'image_transport': ('compressed', 'image_transport: compressed'),
    'image_reliability': ('best_effort', 'image_reliability: best_effort'),
    'weights': ('other.pt', 'model.weights: other.pt'), 'device': ('cuda:1', 'device: cuda:1'),
    'use_sim_time': ('true', 'use_sim_time: true'), 'autostart': ('false', 'autostart: false'),
    'log_level': ('debug', '--log-level debug'), 'bag': ('/dev', 'ros2 bag play /dev --clock'),
    'bag_rate': ('0.5', '--rate 0.5'), 'init_box': ('1,2,3,4', 'init_box 1,2,3,4 --node'),
    'use_depth': ('true', 'use_depth: true'), 'depth_slop': ('0.25', 'depth_slop: 0.25'),
    'target_height': ('2', 'target_height: 2.0'), 'fallback_hfov': ('70', 'fallback_hfov: 70.0'),
    'image_rectified': ('true', 'image_rectified: true'),
    'debug_view': ('true', 'lib/rqt_image_view/rqt_image_view'), 'respawn': ('true', None)}
"""Argument -> a value, and what then stands in a call or in its parameters; None is tried apart."""
EVALUATE = {
    'bag': ('walk.mcap', 'evaluate_bag walk.mcap'), 'out': ('/o', '--out=/o'),
    'overwrite': ('true', '--overwrite'), 'mode': ('realtime', '--mode=realtime'),
    'latency': ('20', '--latency=20'), 'tracker': ('csrt', '--tracker=csrt'),
    'image_topic': ('/i', '--image-topic=/i'), 'truth_topic': ('/t', '--truth-topic=/t'),
    'truth_bag': ('/b', '--truth-bag=/b'), 'truth_id': ('7', '--truth-id=7'),
    'truth_file': ('/f', '--truth-file=/f'), 'init_topic': ('/n', '--init-topic=/n'),
    'box': ('-1,2,3,4', '--box=-1,2,3,4'), 'box_frame': ('3', '--box-frame=3'),
    'node': ('/eye', '--node=/eye'), 'node_image': ('/e', '--node-image=/e'),
    'criteria': ('/c', '--criteria=/c'), 'video': ('/v.mp4', '--video=/v.mp4'),
    'params_file': ('{folder}/own.yaml', '--config={folder}/own.yaml'),
    'weights': ('w.pt', '--weights=w.pt'), 'device': ('cuda:1', '--device=cuda:1'),
    'adaptive': ('off', '--adaptive=off')}
FOLLOW_ME = {
    **{name: row for name, row in TRACKER.items() if name in (
        'namespace', 'params_file', 'image_topic', 'camera_info_topic', 'depth_topic',
        'image_transport', 'weights', 'device', 'use_depth', 'target_height', 'fallback_hfov',
        'use_sim_time', 'log_level', 'init_box', 'respawn', 'image_reliability', 'image_rectified',
        'depth_slop')},
    'panel': ('true', 'lib/siamx_ros/panel'), 'panel_host': ('0.0.0.0', 'host: 0.0.0.0'),
    'stop_topic': ('/halt', 'stop:=/halt '), 'cmd_vel_topic': ('/base/cmd', 'cmd_vel:=/base/cmd ')}
TWIST_MUX = {**{name: row for name, row in FOLLOW_ME.items() if name != 'cmd_vel_topic'},
             'mux_file': ('{folder}/own.yaml', 'status_rate: 7.5'),
             'cmd_vel_out': ('/base/cmd', 'cmd_vel_out:=/base/cmd ')}
NAV2 = {'nav2_file': ('{folder}/own.yaml', 'status_rate: 7.5'),
        'follow_object': ('true', 'opennav_following/opennav_following')}
TABLES = {'tracker': TRACKER, 'evaluate': EVALUATE, 'follow_me': FOLLOW_ME,
          'follow_me_twist_mux': TWIST_MUX, 'nav2_follow': NAV2}
"""Launch file -> its table; the recipes also take what the file that they include takes."""
ALSO = {'bag_rate': {'bag': '/dev'}, 'evaluate': {'bag': 'other.mcap'},
        'panel_host': {'panel': 'true'}, **dict.fromkeys(
            ('follow_me', 'follow_me_twist_mux', 'nav2_follow'), {'respawn': 'false'})}
"""Other arguments without which one has no effect."""
