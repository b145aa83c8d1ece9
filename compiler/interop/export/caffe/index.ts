/** `--format caffe`: the prediction of a feed-forward model as a net (.prototxt) and its weights (.caffemodel). */
import { writeFile } from 'node:fs/promises';
import { Collector } from '../../../diagnostics/collector';
import { exportUnsupported } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import type { Fields, Json, LayerSpec, Spec } from '../../../frontend/spec';
import { lowerModel } from '../../../lower/lower';
import { modelStates } from '../../../train/programs';
import { trainedTensors } from '../../../train/trained';
import { writeAtomically } from '../../../weights/atomic';
import type { Tensors } from '../../../weights/content';
import { printText, type Proto } from '../../formats/caffe/print';
import { writeNet } from '../../formats/caffe/wire';
import type { Exported, Exporter, ExportRequest } from '../exporter';
import { elementwise } from './layers/elementwise';
import { norms } from './layers/norm';
import { shapes } from './layers/shape';
import { vision } from './layers/vision';
import { Use, type Converter, type Net } from './use';

const CONVERTERS: ReadonlyMap<string, Converter> = new Map(
  [vision, norms, elementwise, shapes].flatMap((family) => Object.entries(family)),
);

export const caffe: Exporter = {
  format: 'caffe',
  summary: 'a net of Caffe and its weights: NAME.prototxt and NAME.caffemodel',
  run,
};

async function run({ spec, weights, out, batch = 1 }: ExportRequest): Promise<Exported> {
  const tensors = weights === undefined ? undefined : await trainedTensors(spec, weights);
  const net = netOf(spec, tensors, batch);
  const base = out.replace(/\.(prototxt|caffemodel)$/i, '');
  const files = [`${base}.prototxt`];
  await writeAtomically(files[0]!, (temporary) => writeFile(temporary, textOf(spec, net)));
  const remarks = [...net.remarks];
  const layers = net.layers.filter(({ blobs }) => blobs.length > 0);
  if (layers.length > 0) {
    files.push(`${base}.caffemodel`);
    await writeAtomically(files[1]!, (temporary) => writeFile(temporary, writeNet({ name: spec.name, layers })));
  } else if (modelStates(spec).length > 0)
    remarks.push('the net alone is written; weights are given with --weights FILE');
  return { files, remarks };
}

/** Every layer that prediction needs; what cannot be said is reported together. */
export function netOf(spec: Spec, tensors: Tensors | undefined, batch: number): Net {
  const { layers, values } = lowerModel(spec, { batch, mode: 'predict' });
  const needed = layers.map(({ layer }) => layer);
  const net: Net = {
    layers: [],
    blobs: new Map(),
    shapes: new Map([...values].map(([name, value]) => [name, value.type.shape])),
    tensors,
    remarks: new Set(),
    owners: readTwice(spec.layers),
  };
  for (const { name } of spec.inputs) {
    const shape = net.shapes.get(name);
    if (shape === undefined) continue;
    net.blobs.set(name, { name, shape });
    net.layers.push({
      name,
      type: 'Input',
      bottoms: [],
      tops: [name],
      fields: { input_param: { shape: { dim: [...shape] } } },
      blobs: [],
    });
  }
  const problems = new Collector();
  for (const layer of spec.layers) {
    const passes = !layer.modes.includes('predict');
    if (!passes && !needed.includes(layer)) continue;
    try {
      if (passes) passOn(net, layer);
      else convert(net, layer);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      for (const diagnostic of error.diagnostics) problems.report(diagnostic);
      // So that layers behind it are not reported for it.
      net.blobs.set(layer.name, { name: layer.name, shape: net.shapes.get(layer.name) ?? [] });
    }
  }
  problems.throwIfErrors();
  copyInnerOutputs(spec, net);
  return net;
}

function passOn(net: Net, layer: LayerSpec): void {
  const blob = net.blobs.get(layer.otherwise ?? layer.inputs[0] ?? '');
  if (blob !== undefined) net.blobs.set(layer.name, blob);
}

function convert(net: Net, layer: LayerSpec): void {
  const use = new Use(net, layer);
  const converter = CONVERTERS.get(layer.type);
  if (converter === undefined) use.refuse('has no counterpart in Caffe');
  else converter(use);
  const { activation } = layer.fields;
  if (activation !== undefined && activation !== null) activate(net, layer, activation);
}

/** An activation that belongs to a layer works in place behind it. */
function activate(net: Net, layer: LayerSpec, activation: Json): void {
  const written: Fields = typeof activation === 'string' ? { type: activation } : (activation as Fields);
  const { type: word, ...fields } = written;
  const type = typeof word === 'string' ? word : '';
  if (type === 'linear') return;
  const converter = CONVERTERS.get(type);
  const before = net.blobs.get(layer.name)!;
  if (converter === undefined) {
    const problem = `layer \`${layer.name}\` has the activation ${type}, which Caffe does not have`;
    throw new SpecError([exportUnsupported(layer.at(['activation']), problem)]);
  }
  const named: LayerSpec = { ...layer, name: `${layer.name}_${type}`, inputs: [layer.name] };
  const first = net.layers.length;
  const shapes = new Map([...net.shapes, [named.name, before.shape]]);
  converter(new Use({ ...net, shapes }, named, fields, type));
  const made = net.layers.slice(first);
  if (made.length === 1) net.layers[first] = { ...made[0]!, tops: [before.name] };
  net.blobs.set(layer.name, made.length === 1 ? before : net.blobs.get(named.name)!);
}

/** Layers that others share, those that share, and further outputs that somebody reads. */
function readTwice(layers: readonly LayerSpec[]): ReadonlySet<string> {
  const shared = layers.flatMap(({ fields }) => (typeof fields['share'] === 'string' ? [fields['share']] : []));
  const read = layers.flatMap(({ inputs }) => inputs.filter((ref) => ref.includes('.')));
  return new Set([...shared, ...read]);
}

/** In Caffe the outputs of a net are the blobs that no layer reads: one that is read goes on as a copy. */
function copyInnerOutputs(spec: Spec, net: Net): void {
  const read = new Set(net.layers.flatMap(({ bottoms, tops }) => bottoms.filter((bottom) => !tops.includes(bottom))));
  for (const { name } of spec.outputs.flatMap((ref) => net.blobs.get(ref) ?? [])) {
    if (!read.has(name)) continue;
    const copy = `${name}_output`;
    net.layers.push({ name: copy, type: 'Split', bottoms: [name], tops: [copy], fields: {}, blobs: [] });
    read.delete(name);
  }
}

function textOf(spec: Spec, net: Net): string {
  const layer = net.layers.map(({ name, type, bottoms, tops, fields }): Proto => ({
    name,
    type,
    bottom: bottoms,
    top: tops,
    ...fields,
  }));
  return printText({ name: spec.name, layer });
}
