/** The penalty on a gradient: against one worked out by hand, with parameters that learn from it, and its messages. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { SpecError } from '../../compiler/diagnostics/errors';
import { loadSpecText } from '../../compiler/frontend/load';
import { lowerTerms } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { interpret } from '../../compiler/reference/interpret';

/** score = a · tanh(w · x) with two inputs and one hidden unit. */
const CRITIC = `
  - {name: hidden, type: dense, units: 1, bias: false, inputs: x, activation: tanh}
  - {name: score, type: dense, units: 1, bias: false}`;
const X = [0.5, -1, 0.25, 2];
const [W, A] = [[0.8, -0.4], 1.5] as const;

function lowered(layers: string, fields = '', inputs = '[score, x]'): ModelLowering {
  const text = `inputs: {x: {shape: [N, 2]}, other: {shape: [N, 2]}}\nlayers: ${layers}\nlosses: [{name: l, type: gradient_penalty, inputs: ${inputs}${fields}}]\n`;
  const model = new ModelLowering(loadSpecText(text, 'm.yaml'), { batch: 2, mode: 'eval' });
  lowerTerms(model);
  model.problems.throwIfErrors();
  return model;
}

function problemOf(...given: Parameters<typeof lowered>): string | undefined {
  try {
    lowered(...given);
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
  return undefined;
}

/** The penalty and its gradient with respect to the weight of the score. */
function run(fields = ''): { readonly loss: number; readonly slope: number } {
  const model = lowered(CRITIC, fields);
  const { b } = model;
  const weight = model.parameters.infos.get('score.weight')!.value;
  const loss = b.results.find(({ name }) => name === 'loss')!.value;
  b.result('slope', differentiate(b, loss, [weight])[0]!);
  const states = { 'hidden.weight': Float64Array.from(W), 'score.weight': Float64Array.of(A) };
  const { results } = interpret(b.build(), { x: Float64Array.from(X) }, states);
  return { loss: results['loss']!.data[0]!, slope: results['slope']!.data[0]! };
}

/** |∇| = |a| · (1 − tanh²(w·x)) · |w| of each sample. */
const LENGTHS = [0, 1].map((i) => {
  const t = Math.tanh(W[0] * X[2 * i]! + W[1] * X[2 * i + 1]!);
  return A * (1 - t * t) * Math.hypot(...W);
});
const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

test.each<[string, (length: number) => number, (length: number) => number]>([
  ['', (l) => (l - 1) ** 2, (l) => 2 * (l - 1)],
  [', target: 0.3', (l) => (l - 0.3) ** 2, (l) => 2 * (l - 0.3)],
  [', kind: one_sided', (l) => Math.max(0, l - 1) ** 2, (l) => 2 * Math.max(0, l - 1)],
  [', kind: one_sided, target: 0', (l) => l ** 2, (l) => 2 * l],
  [', kind: squared', (l) => l ** 2, (l) => 2 * l],
])('the penalty and what the weights learn from it: {%s}', (fields, penalty, slope) => {
  const found = run(fields);
  expect(found.loss).toBeCloseTo(mean(LENGTHS.map(penalty)), 10);
  // Lengths grow in proportion to the weight of the score.
  expect(found.slope).toBeCloseTo(mean(LENGTHS.map((l) => (slope(l) * l) / A)), 10);
});

test('a score that does not come from the tensor is refused', () => {
  expect(problemOf(CRITIC, '', '[score, other]')).toMatch(/does not depend on the second/);
});

test('a layer without a second gradient is refused by name', () => {
  const layers = `
  - {name: wide, type: reshape, shape: [N, 1, 1, 2], inputs: x}
  - {name: score, type: max_pool2d, kernel: [1, 2]}`;
  expect(problemOf(layers)).toMatch(/a gradient of `max_pool_grad` is not known/);
});

test('a target of nothing is refused', () => {
  expect(problemOf(CRITIC, ', kind: squared, target: 1')).toMatch(/the target is 0/);
});
