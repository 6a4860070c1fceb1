"""For `pip install .`: the tracker without ROS. With ROS, colcon builds from CMakeLists.txt."""

from pathlib import Path
import re

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
VERSION = re.search(r"__version__ = '([^']+)'", (ROOT / 'siamx_ros/__init__.py').read_text())

BAG = ['rosbags>=0.11.9']
EVAL = ['matplotlib>=3.5', *BAG]
TRAIN = ['matplotlib>=3.5']
FAST = ['openvino>=2024.4']
ONNX = ['onnx>=1.14', 'onnxruntime>=1.16']
DEMO = ['matplotlib>=3.5', 'panda3d>=1.10.14', 'scikit-image>=0.22']
PANEL = ['aiohttp>=3.9']

setup(
    name='siamx_ros',
    version=VERSION[1],
    description='SiamX target tracking for robots',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['siamx_ros', 'siamx_ros.*']),
    package_data={'siamx_ros': ['weights/*.pt', 'weights/*.md', 'panel/static/*']},
    zip_safe=False,
    install_requires=[
        'numpy>=1.22', 'opencv-python-headless>=4.5.5', 'PyYAML>=5.4', 'torch>=2.1', 'tqdm>=4.60'],
    extras_require={
        'bag': BAG, 'demo': DEMO, 'eval': EVAL, 'fast': FAST, 'onnx': ONNX, 'panel': PANEL,
        'train': TRAIN,
        'dev': sorted({
            *DEMO, *EVAL, *FAST, *ONNX, *PANEL, *TRAIN, 'flake8>=5', 'pytest>=7',
            'pytest-xdist>=3.7', 'selenium>=4.11'})},
    entry_points={'console_scripts': ['siamx = siamx_ros.cli:main']},
)
