"""Benchmarks in their official layouts, of a few black pictures each."""

import json

import cv2
import numpy as np

BOX = '11,21,30,40'


def images(folder, count, pattern='{:08d}.jpg', first=1):
    folder.mkdir(parents=True)
    for index in range(first, first + count):
        cv2.imwrite(str(folder / pattern.format(index)), np.zeros((60, 80, 3), np.uint8))


def lasot(root):
    for name in ('cat-1', 'cat-20'):
        images(root / 'cat' / name / 'img', 3)
        (root / 'cat' / name / 'groundtruth.txt').write_text(f'{BOX}\n' * 3)
        (root / 'cat' / name / 'full_occlusion.txt').write_text('0,1,0')
        (root / 'cat' / name / 'out_of_view.txt').write_text('0,0,1')
    (root / 'testing_set.txt').write_text('cat-20\n')


def got10k(root):
    for name in ('GOT-10k_Val_000001', 'GOT-10k_Val_000002'):
        images(root / 'val' / name, 3)
        (root / 'val' / name / 'groundtruth.txt').write_text('10.0000,20.0000,30,40\n' * 3)
        (root / 'val' / name / 'cover.label').write_text('8\n0\n1\n')


def trackingnet(root):
    images(root / 'TEST' / 'frames' / 'abc_0', 12, '{}.jpg', 0)
    (root / 'TEST' / 'anno').mkdir()
    (root / 'TEST' / 'anno' / 'abc_0.txt').write_text('10,20,30,40\n')


def vot(root):
    for name in ('agility', 'ants1'):
        images(root / 'sequences' / name / 'color', 2)
        (root / 'sequences' / name / 'groundtruth.txt').write_text(
            '10,20,40,20,40,60,10,60\n' * 2)
    (root / 'sequences' / 'list.txt').write_text('ants1\nagility\n')


def vot_long_term(root):
    images(root / 'person' / 'color', 3)
    (root / 'person' / 'groundtruth.txt').write_text('10,20,30,40\nnan,nan,nan,nan\nnan\n')


def otb(root):
    images(root / 'David' / 'img', 302, '{:04d}.jpg')
    (root / 'David' / 'groundtruth_rect.txt').write_text('11\t21\t30\t40\n' * 3)
    images(root / 'Jogging' / 'img', 2, '{:04d}.jpg')
    for number in (1, 2):
        (root / 'Jogging' / f'groundtruth_rect.{number}.txt').write_text('11,21,30,40\n' * 2)


def uav(root):
    images(root / 'data_seq' / 'UAV123' / 'bird1', 5, '{:06d}.jpg')
    (root / 'anno' / 'UAV123').mkdir(parents=True)
    (root / 'anno' / 'UAV123' / 'bird1_2.txt').write_text('11,21,30,40\nNaN,NaN,NaN,NaN\n')
    (root / 'configSeqs.m').write_text(
        "seqUAV123={struct('name','bird1_2','path','..\\data_seq\\UAV123\\bird1\\',"
        "'startFrame',3,'endFrame',4,'nz',6,'ext','jpg','init_rect', [0,0,0,0])};\n")


def vot360(root):
    images(root / '0000' / 'image', 2, '{:06d}.jpg', 0)
    label = {'bbox': {'cx': 25, 'cy': 40, 'w': 30, 'h': 40, 'rotation': 0}}
    (root / '0000' / 'label.json').write_text(
        json.dumps({'000000.jpg': label, '000001.jpg': label}))


WRITERS = {'lasot': lasot, 'got10k': got10k, 'trackingnet': trackingnet, 'vot': vot,
           'votlt': vot_long_term, 'otb': otb, 'uav': uav, '360vot': vot360}
