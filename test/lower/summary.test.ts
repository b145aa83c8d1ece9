/** What `dlc inspect` and the budgets know of a model. */
import { loadSpecText } from '../../compiler/frontend/load';
import { checkBudgets } from '../../compiler/lower/budgets';
import { summarize } from '../../compiler/lower/summary';

const MODEL = `name: tiny
inputs: {image: {shape: [N, 2, 6, 6]}}
layers:
  - {name: conv, type: conv2d, filters: 3, kernel: 3, bias: false}
  - {name: norm, type: batch_norm}
  - {name: again, type: conv2d, filters: 3, kernel: 3, bias: false, inputs: image, share: conv}
  - {name: sum, type: add, inputs: [norm, again]}
  - {name: out, type: dense, units: 5}
`;

test('the summary counts each parameter once, without running statistics', () => {
  const { name, params, layers } = summarize(loadSpecText(MODEL, 'm.yaml'), 4);
  expect(name).toBe('tiny');
  expect(layers.map((layer) => [layer.name, layer.type, layer.outputs, layer.params])).toEqual([
    ['conv', 'conv2d', [[4, 3, 4, 4]], 54],
    ['norm', 'batch_norm', [[4, 3, 4, 4]], 6],
    ['again', 'conv2d', [[4, 3, 4, 4]], 0],
    ['sum', 'add', [[4, 3, 4, 4]], 0],
    ['out', 'dense', [[4, 5]], 245],
  ]);
  expect(params).toBe(54 + 6 + 245);
});

test('operations are those of one sample, whatever the batch', () => {
  const one = summarize(loadSpecText(MODEL, 'm.yaml'), 1);
  const many = summarize(loadSpecText(MODEL, 'm.yaml'), 64);
  expect(many.flops).toBe(one.flops);
  const conv = one.layers.find(({ name }) => name === 'conv')!;
  expect(conv.flops).toBe(2 * 3 * 4 * 4 * 2 * 3 * 3);
});

test('each budget that is exceeded is reported at its own line', () => {
  const spec = loadSpecText(`${MODEL}budgets: {params: 300, flops: 1k, peak_memory: 1MiB}\n`, 'm.yaml');
  const found = checkBudgets(spec, summarize(spec, 1), () => 3 * 2 ** 20);
  expect(found.map(({ code }) => code)).toEqual(['budget-exceeded', 'budget-exceeded', 'budget-exceeded']);
  expect(found[0]!.message).toContain('305 params; its budget is 300');
  expect(found[0]!.hint).toContain('`out`');
  expect(found[2]!.message).toContain('3.0 MiB');
});

test('a budget that holds is silent, and memory is planned only for a budget of memory', () => {
  const spec = loadSpecText(`${MODEL}budgets: {params: 305, flops: 1M}\n`, 'm.yaml');
  const plan = (): number => {
    throw new Error('nobody asked');
  };
  expect(checkBudgets(spec, summarize(spec, 1), plan)).toEqual([]);
});

test('a model that computes across the batch is summed up at its own', () => {
  const text =
    'inputs: {x: {shape: [N, 4]}}\nlayers: [{name: pairs, type: reshape, shape: [-1, 8], num_axes: 2}, {name: y, type: dense, units: 3}]\n';
  const { layers, flops } = summarize(loadSpecText(text, 'm.yaml'), 6);
  expect(layers.map(({ outputs }) => outputs)).toEqual([[[3, 8]], [[3, 3]]]);
  expect(flops).toBe((2 * 3 * 8 * 3 + 9) / 6);
});
