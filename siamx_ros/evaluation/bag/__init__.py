"""Replaying recorded bags through a tracker, without ROS."""
