/** The learning-rate range test: its numbers against the formulas, its steps against training's own, every optimizer. */
import { findLearningRate, type RangeOptions, type RangeOutcome } from '../../compiler/train/lr-find';
import { drawn, rates, Smoothed, suggest, type RangePoint } from '../../compiler/train/lr-suggest';
import { ratesChart } from '../../compiler/train/report/rates';
import { checkSpec } from '../../compiler/frontend/load';
import { OPTIMIZERS } from '../../compiler/optimizers';
import { plot } from '../../cli/ui/plot';
import { ModelFolder, TINY } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

const N = 100;

/** A fall around step 60, ripples, and a rise from step 80 on. */
function points(count: number): RangePoint[] {
  const average = new Smoothed();
  return rates(1e-7, 10, N)
    .slice(0, count)
    .map((lr, i) => {
      const rise = i > 80 ? Math.exp((i - 85) / 3) : 0;
      const loss = 2.3 - 1.9 / (1 + Math.exp(-(i - 60) / 6)) + 0.02 * Math.sin(1.7 * i) + rise;
      return { step: i + 1, lr, loss, smoothed: average.see(loss) };
    });
}

// Computed in Python by the rules of fastai: bias-corrected average 0.98, first tenth and last five steps left out.
const REFERENCE = [
  {
    count: 100,
    smoothed: 9.343229779894552,
    valley: 0.0015922827933410938,
    steep: 0.06579332246575682,
    minimum: 0.07390722033525775,
  },
  {
    count: 90,
    smoothed: 1.601611967588573,
    valley: 0.0015922827933410938,
    steep: 0.06579332246575682,
    minimum: 0.061359072734131756,
  },
];

describe('suggestions', () => {
  it.each(REFERENCE)('of $count points', ({ count, smoothed, valley, steep, minimum }) => {
    const given = points(count);
    expect(given.at(-1)!.smoothed).toBeCloseTo(smoothed, 10);
    const found = suggest(given, N)!;
    expect(found.valley / valley).toBeCloseTo(1, 10);
    expect(found.steep / steep).toBeCloseTo(1, 10);
    expect(found.minimum / minimum).toBeCloseTo(1, 10);
  });

  it('need some points', () => {
    expect(suggest(points(17), N)).toBeUndefined();
    expect(suggest(points(18), N)).toBeDefined();
  });

  it('see divergence at four times the best, above a best below zero too', () => {
    const average = new Smoothed();
    expect(average.diverges(average.see(2), 4)).toBe(false);
    expect([average.diverges(8, 4), average.diverges(8.01, 4)]).toEqual([false, true]);
    const negative = new Smoothed();
    expect(negative.diverges(negative.see(-1), 4)).toBe(false);
    expect([negative.diverges(2, 4), negative.diverges(2.01, 4)]).toEqual([false, true]);
  });

  it('go up by one factor', () => {
    expect(rates(1e-4, 1, 5).map((rate) => Number(rate.toPrecision(6)))).toEqual([1e-4, 1e-3, 1e-2, 1e-1, 1]);
    expect(rates(0.5, 1, 1)).toEqual([0.5]);
  });
});

describe('pictures', () => {
  it('leave out where the loss runs away', () => {
    const shown = drawn(points(N));
    expect(shown.length).toBeLessThan(N);
    expect(Math.max(...shown.map(({ smoothed }) => smoothed))).toBeLessThan(5);
  });

  it('are of Braille in the terminal', () => {
    const ends = { x: (value: number) => `x${value}`, y: (value: number) => `y${value}` };
    const lines = plot(
      [
        [0, 0],
        [1, 1],
      ],
      { width: 2, height: 1, ...ends },
    ).split('\n');
    // A line from the lower left to the upper right over 4 by 4 dots.
    expect(lines[0]).toBe('y1 ┤⡠⠊');
    expect(lines[2]).toBe('    x0 x1');
    expect(plot([], ends)).toBe('');
  });

  it('mark the suggestions in SVG and escape the title', () => {
    const given = points(N);
    const svg = ratesChart('<a>', given, suggest(given, N));
    expect(svg).not.toContain('<a>');
    expect(svg).toContain('● valley');
    expect(svg).toContain('1e-7');
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});

const OPTIONS: RangeOptions = {
  from: 1e-5,
  to: 0.1,
  steps: 12,
  stopAt: 4,
  allowOutside: false,
  machine: { threads: 1 },
};

function find(options: Partial<RangeOptions>, ...overrides: string[]): Promise<RangeOutcome> {
  const { spec, diagnostics } = checkSpec(folder.at('model.yaml'), { overrides });
  if (!spec) throw new TypeError(JSON.stringify(diagnostics));
  const hooks = { onData: () => undefined, onStep: () => undefined, shouldStop: () => false };
  return findLearningRate(spec, { ...OPTIONS, ...options }, hooks);
}

describe('the test', () => {
  it('takes the steps that training takes, with the rate alone replaced', async () => {
    const steady = { from: 0.05, to: 0.05 * (1 + 1e-14) };
    const { points: found, ended } = await find(steady, 'train.schedule={type: step, step_size: 2, gamma: 0.1}');
    expect(ended).toBe('complete');
    await folder.train('steady');
    const lines = folder.lines('steady', 'metrics.jsonl').filter(({ split }) => split === 'train');
    expect(found.map(({ loss }) => loss)).toEqual(lines.map(({ loss }) => loss));
  });

  it('ends where the loss comes apart', async () => {
    const { points: found, ended } = await find({ to: 1e12, steps: 60 });
    expect(ended).toBe('diverged');
    expect(found.length).toBeLessThan(60);
  });

  it.each(Object.keys(OPTIMIZERS))('works with %s', async (type) => {
    const required = OPTIMIZERS[type as keyof typeof OPTIMIZERS].example;
    const { points: found } = await find({ steps: 8 }, `train.optimizer=${required}`);
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]!.lr).toBe(1e-5);
  });

  it('draws another step with another rate', async () => {
    const low = await find({ steps: 2 });
    const high = await find({ steps: 2, from: 0.01 });
    expect(high.points[0]!.loss).toBe(low.points[0]!.loss);
    expect(high.points[1]!.loss).not.toBe(low.points[1]!.loss);
  });
});

describe('dlc lr-find', () => {
  const run = (...args: string[]) => folder.dlc(['lr-find', 'model.yaml', '--threads', '1', ...args]);

  it('draws the curve and suggests; nothing else is left behind', async () => {
    const before = folder.list();
    const outcome = await run('--steps', '40', '--out', 'rates.html');
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/valley +train\.optimizer\.lr=/);
    expect(folder.list()).toEqual([...before, 'rates.html'].sort());
    expect(folder.text('rates.html')).toContain('<svg');
  });

  it('speaks JSON', async () => {
    const { code, stdout } = await run('--steps', '30', '--to', '1', '--json');
    expect(code).toBe(0);
    const outcome = JSON.parse(stdout) as RangeOutcome;
    expect(Object.keys(outcome.suggestions!)).toEqual(['valley', 'steep', 'minimum']);
    expect(outcome.points[0]).toMatchObject({ step: 1, lr: 1e-7 });
  });

  it.each([
    [['--from', '1', '--to', '0.1'], 2, '--from 1 is not below --to 0.1'],
    [['--from', 'x'], 2, "--from takes a number above 0, not 'x'"],
    [['--out', 'rates.png'], 2, "--out takes a .svg or .html file, not 'rates.png'"],
    [['--steps', '6'], 1, '6 steps are too few to suggest a rate'],
  ] as const)('says what is wrong with %j', async (args, code, message) => {
    const outcome = await run(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(message);
  });

  it('needs a train section', async () => {
    folder.write('bare.yaml', TINY.split('train:\n  batch_size')[0]!);
    const { code, stderr } = await folder.dlc(['lr-find', 'bare.yaml']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('train')]);
  });
});
