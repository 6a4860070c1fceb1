# For a machine with python3, a C++ compiler and cmake, without ROS: all set-up is done on demand.
# With a ROS 2 distribution use colcon, see README.md.

PYTHON ?= python3
OUT ?= demo_output

.PHONY: help setup build demo test clean

help:
	@echo 'make demo   play a clip to the tracker node [VIDEO=file or folder, BOX=x,y,w,h, OUT=folder]'
	@echo 'make test   run all tests [ARGS=pytest arguments]'
	@echo 'make setup  only install and build, into .venv and .build'
	@echo 'make clean  remove .venv and .build'

setup build:
	@$(PYTHON) tools/bare_machine.py

demo: setup
	@. .build/env.sh && python -m siamx_ros.demo --out '$(OUT)' $(if $(VIDEO),--video '$(VIDEO)') $(if $(BOX),--box '$(BOX)')

test: setup
	@. .build/env.sh && pytest $(ARGS)

clean:
	rm -rf .venv .build .setup.lock
