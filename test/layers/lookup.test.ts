/** Layers that look up, write, count and order: values against PyTorch's (torch 2.13) or by hand, and their messages. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { SpecError } from '../../compiler/diagnostics/errors';
import { loadSpecText } from '../../compiler/frontend/load';
import { ModelLowering } from '../../compiler/lower/model';
import { OpDataError } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';

interface Given {
  readonly shape: readonly number[];
  readonly dtype?: string;
  readonly values: readonly number[];
}

interface Found {
  readonly shapes: (readonly number[])[];
  readonly outputs: number[][];
  /** Of the sum of the first output with respect to each state. */
  readonly gradients: Readonly<Record<string, number[]>>;
}

const ints = (values: readonly number[], shape: readonly number[] = [values.length]): Given => ({
  shape,
  dtype: 'int32',
  values,
});
const floats = (values: readonly number[], shape: readonly number[] = [values.length]): Given => ({ shape, values });

/** Runs one layer, called y, on inputs a, b, …; the first extent of the first input is the batch. */
function run(layer: string, given: readonly Given[], states: Readonly<Record<string, readonly number[]>> = {}): Found {
  const names = given.map((_, i) => 'ab'[i] ?? 'x');
  const inputs = given.map(({ shape, dtype = 'float32' }, i) => {
    return `${names[i]}: {shape: [N${shape
      .slice(1)
      .map((extent) => `, ${extent}`)
      .join('')}], dtype: ${dtype}}`;
  });
  const text = `inputs: {${inputs.join(', ')}}\nlayers: [{name: y, inputs: [${names.join(', ')}], ${layer}}]\noutputs: [y]\n`;
  const spec = loadSpecText(text, 'layer.yaml');
  const model = new ModelLowering(spec, {
    batch: given[0]?.shape[0] ?? 1,
    mode: 'predict',
    everyLayer: true,
    ownInputs: {},
  });
  model.lowerLayers(['y']);
  model.parameters.finish();
  model.problems.throwIfErrors();
  const outputs = model.outputs.get(spec.layers.at(-1)!) ?? [];
  const { b } = model;
  outputs.forEach((value, i) => b.result(`y${i}`, value));
  const parameters = b.states.map(({ value }) => value);
  const [first] = outputs;
  if (parameters.length > 0 && first) {
    const axes = first.type.shape.map((_, axis) => axis);
    const sum = b.op('reduce_sum', [first], { axes, keepdims: false });
    differentiate(b, sum, parameters).forEach((d, i) => d && b.result(`d_${parameters[i]?.name}`, d));
  }
  const feeds = Object.fromEntries(given.map(({ values }, i) => [names[i] ?? '', Float64Array.from(values)]));
  const held = Object.fromEntries(Object.entries(states).map(([name, values]) => [name, Float64Array.from(values)]));
  const { results } = interpret(b.build(), feeds, held);
  const gradients = Object.entries(results).filter(([name]) => name.startsWith('d_'));
  return {
    shapes: outputs.map(({ type }) => type.shape),
    outputs: outputs.map((_, i) => [...(results[`y${i}`]?.data ?? [])]),
    gradients: Object.fromEntries(gradients.map(([name, { data }]) => [name.slice(2), [...data]])),
  };
}

function refusal(layer: string, given: readonly Given[]): string {
  try {
    run(layer, given);
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('embedding', () => {
  const table = { 'y.weight': [1, 2, 10, 20, 100, 200] };
  const words = ints([2, 0, 2, 1], [2, 2]);

  test('looks up rows, and trains those it looked up', () => {
    const found = run('type: embedding, vocabulary: 3, units: 2', [words], table);
    expect(found.shapes).toEqual([[2, 2, 2]]);
    expect(found.outputs).toEqual([[100, 200, 1, 2, 100, 200, 10, 20]]);
    expect(found.gradients['y.weight']).toEqual([1, 1, 1, 1, 2, 2]);
  });

  test('the padding index is zeros, and its row is not trained', () => {
    const found = run('type: embedding, vocabulary: 3, units: 2, padding_index: 2', [words], table);
    expect(found.outputs).toEqual([[0, 0, 1, 2, 0, 0, 10, 20]]);
    expect(found.gradients['y.weight']).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test('scales the vectors, before the bias', () => {
    const fields = 'type: embedding, vocabulary: 3, units: 2, bias: true, scale';
    const states = { ...table, 'y.bias': [0.5, -0.5] };
    expect(run(`${fields}: 3`, [ints([1])], states).outputs).toEqual([[30.5, 59.5]]);
    const root = run(`${fields}: sqrt_units`, [ints([1])], states).outputs[0];
    expect(root?.[0]).toBeCloseTo(10 * Math.SQRT2 + 0.5, 12);
  });

  test('an index that is not there stops the run', () => {
    expect(() => run('type: embedding, vocabulary: 3, units: 2', [ints([0, 3])], table)).toThrow(
      new OpDataError('index 3 at position 1 is outside 0..2'),
    );
  });

  test('what cannot be looked up is refused', () => {
    const fields = 'type: embedding, vocabulary: 3, units: 2';
    expect(refusal(fields, [floats([1])])).toMatch(/indices have to be int32 or int64.*dtype-mismatch/s);
    expect(refusal(`${fields}, padding_index: 3`, [ints([1])])).toMatch(/3 is not among the 3 indices/);
  });
});

describe('gather and scatter', () => {
  const x = floats([1, 2, 3, 4, 5, 6], [2, 3]);

  test('each sample is indexed by its own', () => {
    const found = run('type: gather', [x, ints([2, 0, 1, 1], [2, 2])]);
    expect([found.shapes, found.outputs]).toEqual([[[2, 2]], [[3, 1, 5, 5]]]);
  });

  test('a list of indices serves all samples', () => {
    expect(run('type: gather, indices: [2, 2, 0]', [x]).outputs).toEqual([[3, 3, 1, 6, 6, 4]]);
  });

  test('single elements', () => {
    expect(run('type: gather_elements', [x, ints([2, 0], [2, 1])]).outputs).toEqual([[3, 4]]);
    expect(run('type: scatter_elements, size: 4', [x, ints([3, 0, 3, 1, 1, 1], [2, 3])]).outputs).toEqual([
      [2, 0, 0, 4, 0, 15, 0, 0],
    ]);
  });

  test('what meets is added up', () => {
    const rows = floats([1, 2, 10, 20, 100, 200], [1, 3, 2]);
    const found = run('type: scatter, size: 4', [rows, ints([3, 1, 3], [1, 3])]);
    expect([found.shapes, found.outputs]).toEqual([[[1, 4, 2]], [[0, 0, 10, 20, 0, 0, 101, 202]]]);
    expect(() => run('type: scatter, size: 3', [rows, ints([0, 1, 3], [1, 3])])).toThrow('index 3 at position 2');
    expect(() => run('type: scatter_elements, size: 3', [x, ints([0, 0, 0, 0, -1, 0], [2, 3])])).toThrow('index -1');
  });

  test('all samples can share one grid', () => {
    const found = run('type: scatter, size: 2, axis: 0, batch_dims: 0', [floats([1, 2, 4]), ints([1, 0, 1])]);
    expect(found.outputs).toEqual([[2, 5]]);
  });

  test('what does not fit together is refused', () => {
    expect(refusal('type: gather', [x])).toMatch(/needs indices/);
    expect(refusal('type: gather, indices: [3]', [x])).toMatch(/axis 1 has 3 elements, and no index 3/);
    expect(refusal('type: gather, indices: [0]', [x, ints([0, 0])])).toMatch(/given twice/);
    expect(refusal('type: gather, indices: [0], batch_dims: 1', [x])).toMatch(/the same for every sample/);
    expect(refusal('type: gather, batch_dims: 2', [x, ints([0, 0])])).toMatch(/reach beyond axis 1/);
    expect(refusal('type: gather_elements', [x, ints([0, 0])])).toMatch(/agree outside of axis 1/);
    expect(refusal('type: scatter, size: 2', [x, ints([0, 0, 0, 0], [2, 2])])).toMatch(/axes \[2\] of the indices/);
    expect(refusal('type: scatter, size: 2', [x, ints([0, 0])])).toMatch(/no axis beside those of the batch/);
    expect(refusal('type: scatter_elements, size: 2', [x, ints([0, 0])])).toMatch(/one shape/);
  });
});

describe('one_hot', () => {
  test('a one at the class, on a new axis', () => {
    expect(run('type: one_hot, classes: 3', [ints([2, 0])]).outputs).toEqual([[0, 0, 1, 1, 0, 0]]);
    const found = run('type: one_hot, classes: 2, axis: 1', [ints([0, 1, 1], [1, 3])]);
    expect([found.shapes, found.outputs]).toEqual([[[1, 2, 3]], [[1, 0, 0, 0, 1, 1]]]);
  });

  test('what is no class stops the run, or gives zeros', () => {
    expect(() => run('type: one_hot, classes: 3', [ints([0, 3])])).toThrow('index 3 at position 1 is outside 0..2');
    expect(run('type: one_hot, classes: 3, outside: zeros', [ints([-1, 3])]).outputs).toEqual([[0, 0, 0, 0, 0, 0]]);
    expect(refusal('type: one_hot, classes: 3, axis: 2', [ints([0])])).toMatch(/axes 0 to 1 of the output of rank 2/);
    expect(refusal('type: one_hot, classes: 3', [floats([0])])).toMatch(/class numbers have to be int32 or int64/);
  });
});

describe('order', () => {
  const x = floats([3, 1, 2, 3, 9, -9, 9, 0], [2, 4]);

  test('sort gives values and indices, argsort the indices alone', () => {
    const indices = [1, 2, 0, 3, 1, 3, 0, 2];
    expect(run('type: sort', [x]).outputs).toEqual([[1, 2, 3, 3, -9, 0, 9, 9], indices]);
    expect(run('type: argsort', [x]).outputs).toEqual([indices]);
    expect(run('type: argsort, descending: true', [x]).outputs).toEqual([[0, 3, 2, 1, 0, 2, 3, 1]]);
  });

  test('top_k takes the best, the first of equals first', () => {
    expect(run('type: top_k, k: 2', [x]).outputs).toEqual([
      [3, 3, 9, 9],
      [0, 3, 0, 2],
    ]);
    expect(run('type: top_k, k: 1, largest: false', [x]).outputs).toEqual([
      [1, -9],
      [1, 1],
    ]);
    expect(refusal('type: top_k, k: 5', [x])).toMatch(/axis 1 has 4 elements, which is fewer than 5/);
  });

  test('cumsum and cumprod run along their axis', () => {
    expect(run('type: cumsum', [x]).outputs).toEqual([[3, 4, 6, 9, 9, 0, 9, 9]]);
    expect(run('type: cumprod, exclusive: true, reverse: true', [x]).outputs).toEqual([[6, 6, 3, 1, -0, 0, 0, 1]]);
    expect(refusal('type: cumsum', [{ shape: [1, 2], dtype: 'bool', values: [0, 1] }])).toMatch(/`cast` them first/);
  });
});
