# For a machine with python3, a C++ compiler and cmake, without ROS: all set-up is done on demand.
# With a ROS 2 distribution use colcon, see README.md.

PYTHON ?= python3
OUT ?= demo_output
RUN ?= runs/default
FIT ?= $(DATA)

OPENCV ?= 4.5.5.64
export DISTRO ?= jazzy
WORKERS ?= 2

.PHONY: help setup build demo follow-demo test test-opencv train clean

help:
	@echo 'make demo   play a clip to the tracker node [VIDEO=file or folder, BOX=x,y,w,h, OUT=folder]'
	@echo 'make follow-demo  let a simulated robot follow somebody [WORLD=number, WORLDS=how many]'
	@echo 'make test   run all tests [ARGS=pytest arguments, WORKERS=tests at a time]'
	@echo 'make test-opencv  the tests of images with the oldest OpenCV of setup.py [OPENCV=version]'
	@echo 'make train  train the default model again, DATA=folder FEAR=search.onnx [FIT=folder, RUN=folder]'
	@echo 'make setup  only install and build, into .venv and .build'
	@echo 'Each with DISTRO=kilted for ROS 2 Kilted in place of Jazzy.'
	@echo 'make clean  remove .venv and .build'

setup build:
	@$(PYTHON) tools/bare_machine.py

demo: setup
	@. .build/env.sh && python -m siamx_ros.demo --out '$(OUT)' $(if $(VIDEO),--video '$(VIDEO)') $(if $(BOX),--box '$(BOX)')

follow-demo: setup
	@. .build/env.sh && python -m siamx_ros.follow_demo $(if $(WORLD),--world '$(WORLD)') $(if $(WORLDS),--worlds '$(WORLDS)') $(ARGS)

# Most tests side by side, then those that measure time; of each part those that failed once more,
# without the load of the others. A part may have nothing to run (status 5); one that was
# interrupted or given a wrong option ends the whole.
test: setup
	@. .build/env.sh; \
	part() { python -m pytest --part=$$* $(ARGS); status=$$?; test $$status = 1 || return $$status; \
		echo 'The tests that failed, once more and alone:' >&2; \
		python -m pytest --part=$$1 --last-failed --last-failed-no-failures=none $(ARGS) || return 1; }; \
	part parallel -n $(WORKERS) --dist=loadfile --no-loadscope-reorder; first=$$?; \
	case $$first in 0|1|5) ;; *) exit $$first;; esac; \
	part serial; second=$$?; \
	if test $$first = 1; then echo 'Tests of the parallel part failed, see above.' >&2; fi; \
	case $$first$$second in 00|05|50) ;; *) exit 1;; esac

# In a folder that Python looks into first; OpenCV before 4.10 needs a numpy before 2.
test-opencv: setup
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps \
		--target .build/opencv-$(OPENCV) 'numpy==1.26.4' opencv-python-headless==$(OPENCV)
	@. .build/env.sh && PYTHONPATH='$(CURDIR)/.build/opencv-$(OPENCV)':$$PYTHONPATH python -m pytest \
		test/test_frame_sources.py test/test_imaging.py test/test_recording.py test/test_drawing.py \
		test/commands test/data test/messages test/training/test_sources.py test/training/test_cache.py $(ARGS)

# Goes on where it was broken off; a run that is whole is kept.
train: setup
	@test -n '$(DATA)' -a -n '$(FEAR)' || { echo 'error: make train needs DATA=folder and FEAR=search.onnx, see docs/training.md' >&2; exit 2; }
	@test ! -f '$(RUN)/last.pt' -a ! -f '$(RUN)/final.pt' || test "$$(cat '$(RUN)/data')" = '$(DATA)' || { \
		echo 'error: $(RUN) was begun with other DATA, name another folder with RUN' >&2; exit 2; }
	@mkdir -p '$(RUN)' && echo '$(DATA)' > '$(RUN)/data'
	@if test -f '$(RUN)/final.pt'; then echo '$(RUN) is whole and kept'; else . .build/env.sh; \
	if test -f '$(RUN)/last.pt'; then set -- --resume; else set -- --backbone '$(FEAR)'; fi; \
	python -m siamx_ros train '$(DATA)' --out '$(RUN)' "$$@" --config config/train/default.yaml; fi
	@. .build/env.sh && python -m siamx_ros calibrate '$(FIT)' --weights '$(RUN)/final.pt' \
		--out '$(RUN)/default.pt' --half --config config/train/default.yaml

clean:
	rm -rf .venv .build .setup.lock
