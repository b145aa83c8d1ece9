/** `dlc test`: tests that are written in model files, those that pass and those that do not, and how they are reported. */
import { checkSpecText } from '../../compiler/frontend/load';
import { ModelFolder, TINY } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

const DOUBLE = `dlc: 1
inputs:
  x: {shape: [N, 3]}
layers:
  - {name: y, type: dense, units: 1, parameters: {weight: {init: ones}, bias: {init: {type: constant, value: 0.5}}}}
outputs: [y]
`;

const run = (...args: readonly string[]) => folder.dlc(['test', ...args, '--threads', '1']);

describe('outputs', () => {
  it('are computed and compared', async () => {
    folder.write(
      'good.yaml',
      `${DOUBLE}tests:\n  - {name: sums, inputs: {x: [[1, 2, 3], [4, 5, 6]]}, outputs: {y: [[6.5], [15.5]]}}\n`,
    );
    expect(await run('good.yaml')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'passed  good.yaml  sums\n1 passed, 0 failed\n',
    });
  });

  it.each([
    ['outputs: {y: [[6.5], [15.6]]}', 'test `1`: `y[1, 0]` is 15.5, expected 15.6 ± 0.000156'],
    ['outputs: {y: [[6.5]]}', '`y` is [2, 1], expected [1, 1]'],
    ['outputs: {y: [[6.5], [1, 2]]}', '`y` is not a regular nesting of lists of numbers'],
  ])('that differ are said at their place: %s', async (outputs, message) => {
    folder.write('bad.yaml', `${DOUBLE}tests:\n  - {inputs: {x: [[1, 2, 3], [4, 5, 6]]}, ${outputs}}\n`);
    const { code, stdout, stderr } = await run('bad.yaml');
    expect(code).toBe(1);
    expect(stdout).toContain('bad.yaml:8:');
    expect(stdout).toContain(message);
    expect(stderr).toContain('0 passed, 1 failed');
  });

  it('may be near enough', async () => {
    const test = '{inputs: {x: [[1, 2, 3]]}, outputs: {y: [[6.6]]}, tolerance: 0.02}';
    folder.write('near.yaml', `${DOUBLE}tests: [${test}]\n`);
    expect(await run('near.yaml')).toMatchObject({ code: 0 });
  });

  it('are those of a weight file where one is named', async () => {
    await folder.train('run', 'train.epochs=40');
    const pixels = (row: number): string =>
      JSON.stringify([
        Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, () => (i >> 1 === row ? 0.7 : 0.1))),
      ]);
    const test = `{inputs: {image: [${pixels(1)}]}, outputs: {probs: [[0, 1, 0]]}, tolerance: 0.2, weights: run/weights.h5}`;
    folder.write('trained.yaml', `${TINY}tests: [${test}]\n`);
    expect(await run('trained.yaml')).toMatchObject({ code: 0 });
    folder.write('untrained.yaml', `${TINY}tests: [${test.replace(', weights: run/weights.h5', '')}]\n`);
    expect(await run('untrained.yaml')).toMatchObject({ code: 1 });
  });
});

describe('the loss after some steps', () => {
  it('is that of the training', async () => {
    await folder.train('steps', '--seed', '3');
    const line = folder.lines('steps', 'metrics.jsonl').find(({ step, split }) => step === 7 && split === 'train')!;
    const loss = Number(line['loss']);
    const test = (value: number): string =>
      `${TINY}tests:\n  - {name: learns, loss_after: {steps: 7, seed: 3, value: ${value}, tolerance: 1.0e-6}}\n`;
    folder.write('learns.yaml', test(loss));
    folder.write('fails.yaml', test(loss + 0.01));
    expect(await run('learns.yaml')).toMatchObject({ code: 0 });
    const failed = await run('fails.yaml', 'learns.yaml', '--format', 'junit');
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/<failure type="test-failed" message="fails.yaml:23:\d+: test `learns`: the loss of/);
    expect(failed.stderr).toContain('1 passed, 1 failed');
    const { diagnostics } = JSON.parse((await run('fails.yaml', '--json')).stdout) as { diagnostics: object[] };
    expect(diagnostics).toMatchObject([{ code: 'test-failed', severity: 'error' }]);
    const { stdout } = await run('fails.yaml', '--format', 'junit');
    expect(stdout).toContain('<testsuite name="dlc test" tests="1" failures="1"');
    expect(stdout).toContain('classname="dlc.test"');
  });

  it('needs that many steps', async () => {
    folder.write('long.yaml', `${TINY}tests: [{loss_after: {steps: 13, value: 1}}]\n`);
    expect((await run('long.yaml')).stdout).toContain('the training has 12 steps, not 13');
  });
});

it.each([
  ['{inputs: {x: [[1, 2, 3]]}}', 'a test has `outputs` or `loss_after`, and not both'],
  ['{outputs: {y: [[1]]}, loss_after: {steps: 1, value: 1}}', 'a test has `outputs` or `loss_after`, and not both'],
  ['{inputs: {z: [[1]]}, outputs: {y: [[1]]}}', '`z` is not an input of the model'],
  ['{inputs: {x: [[1]]}, outputs: {x: [[1]]}}', '`x` is not an output of the model'],
  ['{inputs: {x: [[1]]}, loss_after: {steps: 1, value: 1}}', 'takes its samples from `data.train`'],
  ['{loss_after: {steps: 1, value: 1}}', '`dlc test` needs `train`'],
  ['{loss_after: {steps: 0, value: 1}}', 'steps` must be an integer of at least 1'],
  ['{output: {y: [[1]]}}', 'output'],
])('%s is refused by validation', (test, message) => {
  const { diagnostics, spec } = checkSpecText(`${DOUBLE}tests: [${test}]\n`, 'm.yaml');
  expect(spec).toBeUndefined();
  expect(diagnostics.map((one) => one.message).join('\n')).toContain(message);
});
