"""Data sets in their official layouts, of a few pictures with a red target in each."""

import json

import cv2
import numpy as np
from training_pairs import CALM

from siamx_ros.training.train_config import TrainConfig

FRAMES = 6
STILL = {**CALM, 'augment.still_rotation': 0.0, 'augment.still_flip': 0.0}


def picture(path, x, y, size=(30, 36)):
    """A grey picture with one red rectangle, saved losslessly enough."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((120, 160, 3), 110, np.uint8)
    image[y:y + size[1], x:x + size[0]] = (0, 0, 220)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95])


def frames(folder, pattern, first, offset=0):
    """Six frames with the target moving by four pixels; the lines of its boxes."""
    for i in range(FRAMES):
        picture(folder / (pattern % (first + i)), 30 + 4 * i, 40)
    return '\n'.join(f'{30 + 4 * i + offset},{40 + offset},30,36' for i in range(FRAMES)) + '\n'


def make_coco(root):
    boxes = [[20.0, 30.0, 30.0, 36.0], [90.0, 30.0, 30.0, 36.0]]
    images, annotations = [], []
    for number in range(1, 5):
        name = f'{number:012d}.jpg'
        picture(root / 'train2017' / name, 20, 30)
        image = cv2.imread(str(root / 'train2017' / name))
        image[30:66, 90:120] = (220, 0, 0)
        cv2.imwrite(str(root / 'train2017' / name), image)
        images.append({'id': number, 'file_name': name, 'width': 160, 'height': 120})
        annotations += [{'image_id': number, 'bbox': box, 'iscrowd': 0, 'segmentation': [[1, 2]]}
                        for box in boxes]
        annotations.append({'image_id': number, 'bbox': [0, 0, 160, 120], 'iscrowd': 1})
    (root / 'annotations').mkdir()
    annotations.append({'image_id': 99, 'bbox': [0, 0, 20, 20]})
    table = {'images': images, 'annotations': annotations}
    (root / 'annotations' / 'instances_train2017.json').write_text(json.dumps(table))
    (root / 'annotations' / 'instances_val2017.json').write_text('{}')


def make_got10k(root, part='Train'):
    names = [f'GOT-10k_{part}_{n:06d}' for n in (1, 2, 3)]
    base = root / part.lower()
    for name in names:
        lines = frames(base / name, '%08d.jpg', 1)
        (base / name / 'groundtruth.txt').write_text(lines)
        (base / name / 'absence.label').write_text('0\n1\n0\n0\n0\n0\n')
        (base / name / 'cover.label').write_text('8\n8\n0\n7\n8\n8\n')
    (base / 'list.txt').write_text('\n'.join(names) + '\n')


def make_lasot(root):
    for name in ('cat-1', 'cat-2', 'cat-3'):
        folder = root / 'cat' / name
        lines = frames(folder / 'img', '%08d.jpg', 1, offset=1)
        (folder / 'groundtruth.txt').write_text(lines)
        (folder / 'full_occlusion.txt').write_text('0,1,0,0,0,0\n')
        (folder / 'out_of_view.txt').write_text('0,0,0,0,0,1\n')
    (root / 'testing_set.txt').write_text('cat-2\n')


def make_trackingnet(root):
    for part, name in (('TRAIN_0', 'a-1_0'), ('TRAIN_3', 'b_2'), ('TEST', 'c_3')):
        lines = frames(root / part / 'frames' / name, '%d.jpg', 0)
        (root / part / 'anno').mkdir(parents=True)
        (root / part / 'anno' / f'{name}.txt').write_text(lines)


MAKERS = {'coco': make_coco, 'got10k': make_got10k, 'lasot': make_lasot,
          'trackingnet': make_trackingnet}


def configure(kind, root, **changes):
    return TrainConfig().replace({**STILL, 'sources': [f'{kind}:{root}:1:3'], **changes})
