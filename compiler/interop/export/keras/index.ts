/** `--format keras`: a functional model of Keras 3, NAME.json, with its weights beside it, NAME.weights.h5. */
import { writeFile } from 'node:fs/promises';
import { exportUnsupported } from '../../../diagnostics/catalogue';
import { Collector } from '../../../diagnostics/collector';
import { UsageError } from '../../../diagnostics/errors';
import type { Spec } from '../../../frontend/spec';
import type { Shape } from '../../../ir/types';
import { LAYERS } from '../../../layers';
import { withDefaults } from '../../../lower/defaults';
import { lowerModel } from '../../../lower/lower';
import { hasBatchAxis } from '../../../train/predict';
import { neededWeights, trainedTensors } from '../../../train/trained';
import { writeAtomically } from '../../../weights/atomic';
import type { Tensors } from '../../../weights/content';
import { channelsFirst, identity, sameOrder } from '../../formats/keras/axes';
import { sameShape } from '../../formats/keras/tensors';
import type { Exported, Exporter, ExportRequest } from '../exporter';
import { writeKerasWeights } from './files';
import { WRITERS } from './layers';
import { withActivation } from './layers/activations';
import { Net, type KerasLayer } from './net';
import { Unsupported, Use } from './use';
import { inOrder, type Value } from './value';

export const keras: Exporter = {
  format: 'keras',
  summary: 'a functional model of Keras 3 (NAME.json) with its weights (NAME.weights.h5)',
  run,
};

async function run({ spec, weights, out }: ExportRequest): Promise<Exported> {
  neededWeights(spec, weights, 'a Keras model');
  if (!spec.inputs.some(hasBatchAxis)) throw new UsageError('the model has no batch axis, which Keras needs');
  const tensors = await trainedTensors(spec, weights);
  const { net, remarks } = toKeras(spec, tensors);
  const base = out.replace(/(?:\.weights)?\.(?:json|h5|keras)$/i, '');
  const files = [`${base}.json`, `${base}.weights.h5`];
  const paths = net.weightPaths();
  await writeAtomically(files[1]!, (temporary) => writeKerasWeights(temporary, paths));
  await writeAtomically(files[0]!, (temporary) => writeFile(temporary, `${JSON.stringify(net.toJson())}\n`));
  return {
    files,
    remarks: [...remarks, `keras.models.model_from_json(open('….json').read()), then load_weights('….weights.h5')`],
  };
}

interface Converted {
  readonly net: Net;
  readonly remarks: readonly string[];
}

/** Layers whose input is an image, with one to three spatial axes. */
const IMAGES = /^(?:(?:depthwise_|separable_)?conv|conv_transpose|max_pool|avg_pool|global_|upsample|crop)\w*[123]d$/;

export function toKeras(spec: Spec, tensors: Tensors): Converted {
  const lowered = lowerModel(spec, { batch: 1, mode: 'predict' });
  const net = new Net(spec.name.replace(/\W+/g, '_'));
  const problems = new Collector();
  const remarks: string[] = [];
  const values = new Map<string, Value>();
  const owners = new Map<string, KerasLayer>();
  const read = new Set(lowered.layers.flatMap(({ layer }) => layer.inputs));
  for (const input of spec.inputs) {
    if (!read.has(input.name) && !spec.outputs.includes(input.name)) continue;
    const shape = input.shape.map((extent) => (typeof extent === 'number' ? extent : 1));
    const image = readersOf(spec, input.name).some((type) => IMAGES.test(type)) && shape.length > 2;
    const order = image ? channelsFirst(shape.length) : identity(shape.length);
    const held = new Array<number>(shape.length).fill(1);
    order.forEach((axis, i) => (held[axis] = shape[i]!));
    const whole = input.dtype === 'i32' || input.dtype === 'i64';
    values.set(input.name, { tensor: net.input(input.name, held, whole ? 'int32' : 'float32'), order });
    if (image) remarks.push(`the input ${input.name} has its channels last`);
  }
  const specs = new Map(spec.layers.map((layer) => [layer.name, layer]));
  // A layer that is not there in prediction passes on what stands in its place.
  const resolve = (name: string): Value | undefined => {
    const layer = specs.get(name);
    if (values.has(name) || layer === undefined || layer.modes.includes('predict')) return values.get(name);
    const other = layer.otherwise ?? layer.inputs[0];
    return other === undefined ? undefined : resolve(other);
  };
  for (const { layer, outputs } of lowered.layers) {
    const write = WRITERS.get(layer.type);
    const report = (problem: string): void =>
      problems.report(exportUnsupported(layer.origin.at, `layer \`${layer.name}\` (${layer.type}) ${problem}`));
    const inputs = layer.inputs.map(resolve);
    if (write === undefined) {
      report('has no counterpart in Keras');
      continue;
    }
    // What stands behind a layer that could not be written has been told with it.
    if (!inputs.every((value) => value !== undefined)) continue;
    try {
      const def = LAYERS[layer.type as keyof typeof LAYERS];
      const shapes = outputs.map(({ type }) => type.shape);
      const use = new Use(layer, withDefaults(def, layer.fields), inputs, shapes, net, tensors, owners, (text) =>
        remarks.push(text),
      );
      const plain = write(use);
      const value = ACTIVATIONS_OF_THEIR_OWN.has(layer.type) ? plain : withActivation(use, plain);
      check(use, value, shapes[0]!);
      values.set(layer.name, value);
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      report(error.message);
    }
  }
  problems.throwIfErrors();
  for (const name of spec.outputs) {
    const value = resolve(name);
    if (value === undefined) {
      const at = spec.layers.find((layer) => layer.name === name.split('.')[0])?.origin.at ?? spec.inputs[0]!.origin.at;
      problems.report(exportUnsupported(at, `the output \`${name}\` is not a layer's first one`));
      continue;
    }
    const rank = value.order.length;
    const first = rank > 2 && sameOrder(value.order, channelsFirst(rank));
    if (first) remarks.push(`the output ${name} has its channels last`);
    net.outputs.push(first ? value.tensor : inOrder(net, name, value, identity(rank)));
  }
  problems.throwIfErrors();
  return { net, remarks: [...new Set(remarks)] };
}

/** The loops have their activations inside. */
const ACTIVATIONS_OF_THEIR_OWN = new Set(['lstm', 'gru', 'rnn']);

function readersOf(spec: Spec, name: string, depth = 0): string[] {
  const readers = spec.layers.filter(({ inputs }) => inputs.includes(name));
  // Through what leaves the axes as they are.
  const on = readers.filter(({ type }) =>
    /^(?:random_|center_crop|standardize|rescale|identity|dropout|rand_|color_|view)/.test(type),
  );
  return [
    ...readers.map(({ type }) => type),
    ...(depth > 20 ? [] : on.flatMap((layer) => readersOf(spec, layer.name, depth + 1))),
  ];
}

/** What Keras gives has to be what we give, axis by axis. */
function check(use: Use, { tensor, order }: Value, shape: Shape): void {
  const found = order.map((axis) => tensor.shape[axis]!);
  if (!sameShape(found, shape)) use.fail(`would give [${found.join(', ')}] instead of [${shape.join(', ')}]`);
}
