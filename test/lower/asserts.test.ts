/** Assertions of a model: what they can say, for which batch they hold, and that they survive expansion. */
import { checkLoaded } from '../../compiler/check';
import { evaluate } from '../../compiler/expression/evaluate';
import { checkSpecText, loadSpecText } from '../../compiler/frontend/load';
import { expandToYaml } from '../../compiler/frontend/resolved';

const MODEL = `dlc: 1
inputs:
  x: {shape: [N, 3]}
layers:
  - {name: stage/1-a, type: dense, units: 4}
  - {name: y, type: dense, units: 2}
`;

function problems(...assertions: readonly string[]): string[] {
  const text = `${MODEL}assert: ${JSON.stringify(assertions)}\n`;
  return checkLoaded(checkSpecText(text, 'm.yaml')).map(({ code, message }) => `${code}: ${message}`);
}

it.each([
  'y.shape == [N, 2]',
  'x.shape == [N, 3] and x.shape[1] == 3',
  "'stage/1-a'.shape[-1] == 4",
  '"stage/1-a".params == 3 * 4 + 4',
  'params == 16 + 10 and params < 0.1k and layers == 2',
  'y.flops <= flops and flops < 1M',
  'y.shapes == [[N, 2]]',
  'peak_memory < 1MiB',
  'not y.shape == [N, 3]',
])('%s holds', (text) => expect(problems(text)).toEqual([]));

it.each([
  // True of a single sample alone: the model has no batch size of its own.
  [
    'y.shape == [1, 2]',
    'assertion-failed: `y.shape == [1, 2]` does not hold at batch 2: `y.shape` is [2, 2], the right is [1, 2]',
  ],
  ['params < 20', 'assertion-failed: `params < 20` does not hold at batch 1: `params` is 26'],
  ['peak_memory < 1', 'assertion-failed: `peak_memory < 1` does not hold at batch 1: `peak_memory` is'],
  ['y.width == 2', 'expression: `y.width` is nothing of this model'],
  ['stage.shape == [N, 4]', 'expression: `stage.shape` is nothing of this model'],
])('%s does not', (text, message) => expect(problems('layers == 2', text)).toEqual([expect.stringContaining(message)]));

it('may be one, and survives expansion', () => {
  const text = `${MODEL}assert: params < 5M\n`;
  expect(checkLoaded(checkSpecText(text, 'm.yaml'))).toEqual([]);
  expect(expandToYaml(loadSpecText(text, 'm.yaml'))).toContain('assert: params < 5M');
});

it('takes texts alone', () => {
  const { diagnostics } = checkSpecText(`${MODEL}assert: [1]\n`, 'm.yaml');
  expect(diagnostics.map(({ code }) => code)).toEqual(['wrong-type']);
});

it.each([
  ['5M', 5e6],
  ['1.5k + 1', 1501],
  ['2KiB', 2048],
  ['1e3M', 1e9],
  ['2GiB / 1GiB', 2],
] as const)('%s is a number', (text, value) => expect(evaluate(text, new Map())).toBe(value));

it.each(['5Mx', '5X', '5 M'])('%s is none', (text) => expect(() => evaluate(text, new Map())).toThrow());
