"""The command report: the best epoch of a training run, and lists without a name."""

import pytest

HEADER = 'step,rate,loss,cls,reg,iou,hit,score,score_absent,pairs_per_s\n'


def log_with(folder, *overlaps):
    """Write the log of a training run whose epochs have these overlaps, in words."""
    rows = [f'{step},0.1,5,1,5,{overlap},0.25,0.5,0.5,19\n'
            for step, overlap in enumerate(overlaps, 1)]
    (folder / 'log.csv').write_text(HEADER + ''.join(rows))


@pytest.mark.parametrize('overlaps, best', [
    (('nan', '0.5', '0.4'), 'step 2, held-out overlap 0.500, hits 0.250'),
    (('0.3', 'nan', '0.4'), 'step 3, held-out overlap 0.400, hits 0.250'),
    (('0.3', 'inf', '0.1'), 'step 1, held-out overlap 0.300, hits 0.250'),
    (('nan', 'nan'), 'none, no held-out overlap is a finite number')])
def test_an_epoch_without_an_overlap_is_not_the_best(tmp_path, here, overlaps, best):
    log_with(tmp_path, *overlaps)
    done = here('report', tmp_path)
    assert (done.returncode, done.stdout) == (0, f'best epoch: {best}\n')
    assert (tmp_path / 'curves.png').is_file()


def test_no_tracker_is_not_all_trackers(tmp_path, here):
    (tmp_path / 'siamx').mkdir()
    (tmp_path / 'siamx' / 'run.json').write_text('{}')
    done = here('report', tmp_path, '--trackers', '')
    assert done.returncode == 2
    assert "--trackers takes names with commas between them, got ''" in done.stderr
    log_with(tmp_path, '0.5')
    assert '--trackers and --timelines are for' in here('report', tmp_path, '--trackers', '').stderr
