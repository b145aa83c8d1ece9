/** What watches evaluations, the shares of averages, and what has changed since a run began. */
import { loadSpecText } from '../../compiler/frontend/load';
import { averageShares } from '../../compiler/train/hyper';
import { changesSince } from '../../compiler/train/resume';
import { Best, EarlyStop } from '../../compiler/train/watch';
import { TINY } from '../support/cli';

const spec = loadSpecText(TINY, 'model.yaml');
const at = spec.at;

describe('early stop', () => {
  const run = (figures: readonly number[], more: object = {}, metric = 'loss'): number | undefined => {
    const stop = new EarlyStop(spec, { metric, patience: 1, minDelta: 0, at, ...more });
    const end = figures.findIndex((figure) => {
      stop.see({ [metric]: figure });
      return stop.isOver;
    });
    return end < 0 ? undefined : end;
  };

  it('counts evaluations in a row that are no better', () => {
    expect(run([3, 2, 2, 1, 1, 1])).toBe(5);
    expect(run([3, 2, 1])).toBeUndefined();
    expect(run([3, 2.5, 2, 1.5], { minDelta: 0.6 })).toBeUndefined();
    expect(run([3, 2.5, 2.4, 2.4], { minDelta: 0.7 })).toBe(2);
    expect(run([1, 2, 3], { patience: 0 })).toBe(1);
  });

  it('knows which way is up', () => {
    expect(run([0.1, 0.2, 0.3], {}, 'accuracy')).toBeUndefined();
    expect(run([0.3, 0.2, 0.1], {}, 'accuracy')).toBe(2);
    expect(run([0.3, 0.2, 0.1], { mode: 'min' }, 'accuracy')).toBeUndefined();
  });

  it('takes what is no number for no better, at the start too', () => {
    expect(run([NaN, NaN])).toBe(1);
    expect(run([NaN, 1, 2, 0.5])).toBeUndefined();
  });

  it('goes on from its state', () => {
    const first = new EarlyStop(spec, { metric: 'loss', patience: 2, minDelta: 0, at });
    for (const loss of [1, 2, 3]) first.see({ loss });
    const second = new EarlyStop(spec, { metric: 'loss', patience: 2, minDelta: 0, at }, first.state);
    second.see({ loss: 1 });
    expect([first.isOver, second.isOver]).toEqual([false, true]);
  });
});

it('the best is the first of equals, and goes on from its state', () => {
  const best = new Best(spec, 'accuracy', undefined);
  expect([0.2, NaN, 0.5, 0.5, 0.4].map((accuracy, i) => best.see(i, { accuracy, loss: 1 }))).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
  expect(best.found).toEqual({ step: 2, figures: { accuracy: 0.5, loss: 1 } });
  expect(new Best(spec, 'accuracy', best.found).see(9, { accuracy: 0.45 })).toBe(false);
});

describe('averages', () => {
  const steps = (count: number, unit: 'steps' | 'epochs' = 'steps') => ({ count, unit });
  const keep = (more: object, until: number): number[] => {
    const average = { warmup: false, start: steps(0), every: steps(1), at, ...more };
    return Array.from({ length: until }, (_, i) => averageShares(average, i + 1, 4)['average.keep']!);
  };

  it('begin with the weights, then keep their share', () => {
    expect(keep({ decay: 0.9 }, 3)).toEqual([0, 0.9, 0.9]);
    expect(keep({ decay: 0.9, start: steps(2), every: steps(2) }, 7)).toEqual([0, 0, 0, 0, 1, 0.9, 1]);
    expect(keep({ start: steps(1, 'epochs'), every: steps(0.5, 'epochs') }, 10)).toEqual([
      0,
      0,
      0,
      0,
      0,
      0,
      1,
      0.5,
      1,
      expect.closeTo(2 / 3, 12),
    ]);
  });

  it('warm up', () => {
    const expected = [0, 2 / 11, 3 / 12, 0.3, 0.3];
    keep({ decay: 0.3, warmup: true }, 5).forEach((share, i) => expect(share).toBeCloseTo(expected[i]!, 12));
  });

  it('give all there is', () => {
    const average = { warmup: false, decay: 0.999, start: steps(0), every: steps(1), at };
    for (const step of [1, 2, 50]) {
      const shares = averageShares(average, step, 4);
      expect(shares['average.keep']! + shares['average.fresh']!).toBe(1);
    }
  });
});

describe('what has changed', () => {
  const with_ = (from: string, to: string): readonly string[] =>
    changesSince(spec.resolved, loadSpecText(TINY.replace(from, to), 'model.yaml')).map(({ message }) => message);

  it('is named by its path', () => {
    expect(with_('lr: 0.05', 'lr: 0.1')).toEqual(['the run began with `train.optimizer.lr` 0.05 and goes on with 0.1']);
    expect(with_('momentum: 0.9}', 'momentum: 0.9}\n  clip: {norm: 1}')).toEqual([
      'the run began with `train.clip` left out and goes on with {"norm":1}',
    ]);
    expect(with_('rate: 0.25', 'rate: 0.5')).toEqual(['the run began with `layers[2].rate` 0.25 and goes on with 0.5']);
  });

  it('does not matter for when things are written', () => {
    expect(with_('momentum: 0.9}', 'momentum: 0.9}\n  checkpoint: {every: 7}\n  evaluate: {every: 9}')).toEqual([]);
    expect(changesSince(undefined, spec)).toEqual([]);
  });

  it('is cut short', () => {
    const many = TINY.replace(
      /train:\n[^]*$/,
      'train: {batch_size: 9, steps: 1, seed: 4, accumulate: 3, ema: {}, optimizer: {type: adam}}',
    );
    const messages = changesSince(spec.resolved, loadSpecText(many, 'model.yaml')).map(({ message }) => message);
    expect(messages).toHaveLength(6);
    expect(messages[5]).toContain('more fields');
  });
});
