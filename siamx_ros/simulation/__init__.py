"""A world to try following in, without ROS: rooms, people, a robot, its camera, and the score."""
