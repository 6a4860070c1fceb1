"""The follower process: ~/target in, cmd_vel out; needs neither torch nor the tracker."""
