/** Layers, losses and metrics by formula: values, the meeting of named axes, weights, and where mistakes are shown. */
import { checkSpecText } from '../../compiler/frontend/load';
import { lowerModel } from '../../compiler/lower/lower';
import { SpecError } from '../../compiler/diagnostics/errors';
import { expectClose, runLayer } from '../support/layer';
import { lossOf, metricOf } from '../support/term';

const x = [1, -2, 3, 0.5, 4, -1];
const run = (expr: string, rest = '', shape: readonly number[] = [2, 3]): ReturnType<typeof runLayer> =>
  runLayer({ x, shape, layers: `type: expression, expr: "${expr}"${rest}` });

describe('values', () => {
  test.each<[string, readonly number[]]>([
    ['2 * x + 1', [3, -3, 7, 2, 9, -1]],
    ['x ** 2', [1, 4, 9, 0.25, 16, 1]],
    ['x ** -1', x.map((v) => 1 / v)],
    ['x ** 3 / x', x.map((v) => v * v)],
    ['x // 2', [0, -1, 1, 0, 2, -1]],
    ['x % 2', [1, 0, 1, 0.5, 0, 1]],
    ['(x > 0) * x', [1, 0, 3, 0.5, 4, 0]],
    ['x if x > 0 else -x', x.map(Math.abs)],
    ['max(x, 0)', [1, 0, 3, 0.5, 4, 0]],
    ['min(max(x, -1), 1)', [1, -1, 1, 0.5, 1, -1]],
    ['clip(x, -1, 1)', [1, -1, 1, 0.5, 1, -1]],
    ['max(x, C)', [3, 4]],
    ['max(x, axis=0)', [1, 4, 3]],
    ['sum(x, C)', [2, 3.5]],
    ['mean(x)', [5.5 / 6]],
    ['x - mean(x, C)', [1 - 2 / 3, -2 - 2 / 3, 3 - 2 / 3, 0.5 - 3.5 / 3, 4 - 3.5 / 3, -1 - 3.5 / 3]],
    ['x / size(x, C)', x.map((v) => v / 3)],
    ['x[:, 0]', [1, 0.5]],
    ['x[1, ::2]', [0.5, -1]],
    ['x[..., -1] - x[:, 1:2][:, 0]', [5, -5]],
    ['float(argmax(x, C))', [2, 1]],
    ['float(argmin(x, C))', [1, 2]],
    ['float(any(x > 3, C))', [0, 1]],
    ['float(not (x > 0 and x < 2))', [0, 1, 1, 0, 1, 1]],
    ['norm(x, C)', [Math.sqrt(14), Math.sqrt(17.25)]],
    ['one_hot(argmax(x, C), 3)', [0, 0, 1, 0, 1, 0]],
    ['dot(x, x, C)', [14, 17.25]],
    ['leaky_relu(x, slope=0.5)', [1, -1, 3, 0.5, 4, -0.5]],
    ['softmax(x, N)[0]', [1 / (1 + Math.exp(-0.5)), 1 / (1 + Math.exp(6)), 1 / (1 + Math.exp(-4))]],
  ])('%s', (expr, expected) => expectClose(run(expr).values, expected, 6));

  test('gradients are those of the formula', () => {
    expectClose(
      run('x * sigmoid(x)').gradient,
      x.map((v) => {
        const s = 1 / (1 + Math.exp(-v));
        return s + v * s * (1 - s);
      }),
    );
    expectClose(run('x * stop_gradient(x)').gradient, x);
    expectClose(run('norm(x - x, C)').gradient, [0, 0, 0, 0, 0, 0]);
  });

  test('axes of one name are one axis, in whatever order they stand', () => {
    const layers = `  - {name: t, type: permute, axes: [1, 0], inputs: x}
  - {name: y, type: expression, inputs: [x, t], expr: "x + 10 * t", axes: {t: [C, N]}}`;
    const { values, shape } = runLayer({ x, shape: [2, 3], layers });
    expect(shape).toEqual([2, 3]);
    expectClose(
      values,
      x.map((v) => 11 * v),
    );
  });

  test('weights follow the axes they are named after', () => {
    const weights = ', weights: {slope: {shape: [C], init: 0.25}}, constants: {floor: -0.5}';
    const layers = `type: expression, expr: "max(x, floor) * slope"${weights}`;
    const { values } = runLayer({ x, shape: [2, 3], layers, states: { 'y.slope': [1, 10, 100] } });
    expectClose(values, [1, -5, 300, 0.5, 40, -50]);
  });

  test('a loss is the mean of the formula, a metric counts truth values as 0 and 1', () => {
    const pair = {
      x: [1, 2, 3, 5],
      shape: [2, 2],
      target: [1, 1, 1, 1],
      targetShape: [2, 2],
      dtype: 'float32',
    } as const;
    expect(lossOf(pair, 'type: expression, expr: "(y - target) ** 2"').loss).toBeCloseTo(21 / 4);
    expect(lossOf(pair, 'type: expression, expr: "sum((y - target) ** 2, C)"').loss).toBeCloseTo(21 / 2);
    expect(metricOf(pair, 'expression', ', expr: "y - target < 1.5"')).toBe(0.5);
  });
});

describe('mistakes are shown where they stand in the formula', () => {
  const mistake = (expr: string, rest = ''): { text: string; message: string } => {
    const file = `inputs: {x: {shape: [N, 3]}, z: {shape: [N, 4]}}\nlayers:\n  - {name: y, type: expression, inputs: [x, z], expr: "${expr}"${rest}}\n`;
    const { spec, diagnostics } = checkSpecText(file, 'm.yaml');
    let found = diagnostics;
    try {
      if (spec) lowerModel(spec, { batch: 2, mode: 'predict' });
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      found = error.diagnostics;
    }
    const [first] = found.filter(({ severity }) => severity === 'error');
    if (!first) return { text: '', message: '' };
    const line = file.split('\n')[first.at.line - 1] ?? '';
    return { text: line.slice(first.at.column - 1, first.at.column - 1 + first.at.length), message: first.message };
  };

  test.each<[string, string, RegExp]>([
    ['x + w', 'w', /nothing is called `w`; there are `x`, `z`/],
    ['x + sigmod(x)', 'sigmod', /there is no function `sigmod`; did you mean `sigmoid`/],
    ['x + z', '+', /axis C is 3 on one side and 4 on the other/],
    ['mean(x, H)', 'H', /there is no axis H; there are the axes N, C of \[2, 3\]/],
    ['x[:, 3]', '3', /there is no position 3 on axis 1 of 3/],
    ['x[0, 0, 0]', '[', /3 indices for 2 axes/],
    ['x and x', 'and', /needs true or false/],
    ['x + * 2', '*', /expected a value/],
    ['1 + 2', '+', /a number that depends on no input/],
    ['clip(x, 1)', 'clip', /`high` is missing/],
    ['leaky_relu(x, slop=1)', '1', /has no number called `slop`/],
    ["x + 'a'", "'a'", /a text has no place/],
    ['sum(x, C, C)', 'C', /an axis is named twice/],
  ])('%s', (expr, text, message) => {
    const found = mistake(expr);
    expect(found.message).toMatch(message);
    expect(found.text).toBe(text);
  });

  test('names, axes and weights that fit nothing are at their own fields', () => {
    expect(mistake('x', ', names: [x]').message).toMatch(/1 names for 2 inputs/);
    expect(mistake('x', ', axes: {q: [N]}').message).toMatch(/no input is called `q`/);
    expect(mistake('x', ', axes: {x: [N]}').message).toMatch(/1 names for the 2 axes of `x`/);
    expect(mistake('x * w', ', weights: {w: {shape: [H]}}').message).toMatch(/no input has an axis called H/);
    expect(mistake('x', ', parameters: {w: {lr: 2}}').message).toMatch(/no weight is called `w`/);
  });
});

test('a block hands numbers into a formula, and the expanded model computes the same', () => {
  const file = `inputs: {x: {shape: [N, 3]}}
blocks:
  gate:
    params: {beta: {type: number}}
    inputs: [u]
    layers:
      - {name: a, type: dense, inputs: u, units: 3}
      - {name: b, type: expression, inputs: [a, u], expr: "a * sigmoid(\${beta} * u)"}
layers: [{name: g, type: gate, repeat: 2, beta: 1.5}]
`;
  const first = checkSpecText(file, 'm.yaml');
  const again = checkSpecText(JSON.stringify(first.spec?.resolved), 'm.yaml');
  expect([...first.diagnostics, ...again.diagnostics]).toEqual([]);
  const graphs = [first.spec, again.spec].map((spec) => lowerModel(spec!, { batch: 2, mode: 'predict' }).graph);
  expect(graphs[1]?.nodes.map(({ op, attrs }) => [op, attrs])).toEqual(
    graphs[0]?.nodes.map(({ op, attrs }) => [op, attrs]),
  );
});
