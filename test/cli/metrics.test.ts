/** Metrics in whole runs: the same figures natively whatever the batch, tables for people and machines, what is watched. */
import { ModelFolder, TINY } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

const MODEL = TINY.replace(
  /metrics: .*\n/,
  `metrics:
  - {type: accuracy, inputs: [logits, label]}
  - {type: precision, inputs: [logits, label], per_class: true}
  - {type: confusion_matrix, name: confusion, inputs: [logits, label]}
  - {type: auc, inputs: [logits, label], average: weighted}
  - {type: expected_calibration_error, name: ece, inputs: [logits, label]}
`,
).replace('train:\n  batch_size: 8', 'train:\n  checkpoint: {best: auc}\n  batch_size: 8');

type Figures = Readonly<Record<string, number>> & { readonly tables: Readonly<Record<string, Record<string, object>>> };

describe('a model with metrics of every kind', () => {
  let end: Readonly<Record<string, unknown>>;
  const evaluate = async (...args: string[]): Promise<Figures> => {
    const { code, stdout } = await folder.dlc(['eval', 'model.yaml', '--weights', 'run/weights.h5', '--json', ...args]);
    expect(code).toBe(0);
    return JSON.parse(stdout) as Figures;
  };

  beforeAll(async () => {
    folder.write('model.yaml', MODEL);
    await folder.train('run', '--threads', '1');
    end = folder.lines('run', 'metrics.jsonl').at(-1)!;
  });

  it('logs sums at every step, and what is collected at evaluations alone', () => {
    const lines = folder.lines('run', 'metrics.jsonl');
    const steps = lines.filter(({ split }) => split === 'train');
    expect(Object.keys(steps[0]!).sort()).toEqual(
      ['accuracy', 'ece', 'epoch', 'loss', 'lr', 'precision', 'split', 'step'].sort(),
    );
    expect(Object.keys(end).sort()).toEqual(
      [
        ...['accuracy', 'auc', 'confusion', 'ece', 'epoch', 'loss', 'precision', 'split', 'step'],
        ...['precision/0', 'precision/1', 'precision/2'],
      ].sort(),
    );
  });

  it('has figures that do not depend on the batch size', async () => {
    const whole = await evaluate('--batch', '43');
    for (const batch of ['1', '7']) {
      const other = await evaluate('--batch', batch);
      for (const name of ['accuracy', 'auc', 'confusion', 'precision', 'precision/1'])
        expect(other[name]).toBe(whole[name]);
      expect(other['ece']).toBeCloseTo(whole['ece']!, 6);
      expect(other.tables).toEqual(whole.tables);
    }
    expect(whole['auc']).toBe(end['auc']);
    expect(whole['confusion']).toBe(whole['accuracy']);
  });

  it('shows classes in tables: on the terminal, in JSON, in run.json and in the report', async () => {
    const { tables } = await evaluate();
    const cells = Object.values(tables['confusion']!).flatMap((row) => Object.values(row) as number[]);
    expect(cells.reduce((sum, cell) => sum + cell, 0)).toBe(43);
    expect(JSON.parse(folder.text('run', 'run.json'))).toMatchObject({ tables });
    const { stdout } = await folder.dlc(['eval', 'model.yaml', '--weights', 'run/weights.h5']);
    expect(stdout).toMatch(
      /^loss \S+ {2}accuracy \S+ {2}precision \S+ {2}confusion \S+ {2}auc \S+ {2}ece \S+ {2}\(43 samples\)\n/,
    );
    expect(stdout).toContain('\nprecision\nclass  precision  labels\n');
    expect(stdout).toMatch(/\nconfusion\ntrue \\ decided +0 +1 +2\n/);
    const report = folder.text('run', 'report.html');
    expect(report).toContain('<h3>confusion</h3>');
    expect(report).not.toContain('precision/0');
  });

  it('keeps the best evaluation by a figure that is collected', () => {
    const evals = folder.lines('run', 'metrics.jsonl').filter(({ split }) => split === 'eval');
    const best = Math.max(...evals.map(({ auc }) => Number(auc)));
    expect(folder.list('run')).toContain('best.h5');
    expect(best).toBeGreaterThan(0.5);
  });
});
