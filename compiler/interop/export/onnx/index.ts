/**
 * `--format onnx`: the prediction of a model as an ONNX graph. It is made of the graph that `dlc predict` runs, after
 * the passes that serve any machine: constants folded, batch normalizations in the weights of convolutions. Made twice,
 * for two batch sizes, it tells what follows the batch, which is a symbol in the file.
 */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../../diagnostics/errors';
import type { Learned } from '../../../data/learned';
import type { Graph } from '../../../ir/graph';
import { FIRST_DRAW } from '../../../train/draws';
import { interfaceOf } from '../../../train/interface';
import { neededWeights } from '../../../train/trained';
import { VERSION } from '../../../version';
import type { WeightsFrom } from '../../../weights/source';
import { writeAtomically } from '../../../weights/atomic';
import { encodeModel, type OnnxModel, type OnnxTensor } from '../../formats/onnx/encode';
import type { Exported, Exporter, ExportRequest } from '../exporter';
import { isBatched, predictionOf } from '../prediction';
import { BATCHES, BatchError } from './extents';
import { onnxGraph, type GraphOptions, type MadeModel } from './graph';
import { metadataOf } from './metadata';

/** The version of the file format itself. */
const IR_VERSION = 10;
const LEAST_OPSET = 18;
/** The newest whose operators are known here. */
const NEWEST_OPSET = 23;

/** No protobuf message may be longer; weights of more go into a file of their own. */
const MOST_INSIDE = 2 ** 31 - 2 ** 24;
/** Where tensors begin in that file. */
const ALIGNMENT = 64;

export const onnx: Exporter = {
  format: 'onnx',
  summary: 'an ONNX model with the weights, for other runtimes',
  options: {
    opset: `version of the operators, ${LEAST_OPSET} to ${NEWEST_OPSET} (the lowest that the model needs)`,
    weights: 'inside (of the file) or external (FILE.data beside it)',
  },
  run,
};

async function run(request: ExportRequest): Promise<Exported> {
  const { spec, options, out } = request;
  const weights = neededWeights(spec, request.weights, 'an ONNX model');
  const versions = versionsOf(options['opset']);
  const place = options['weights'] ?? 'inside';
  if (place !== 'inside' && place !== 'external') {
    throw new UsageError(`--option weights takes inside or external, not '${place}'`);
  }
  const remarks: string[] = [];
  const { made, learned } = await modelOf(request, weights, versions, remarks);
  const bytes = made.graph.initializers.reduce((sum, { data }) => sum + data.length, 0);
  const external = place === 'external' || bytes > MOST_INSIDE;
  if (external && place !== 'external') remarks.push('the weights are too large for the file: they are beside it');
  const model: OnnxModel = {
    irVersion: IR_VERSION,
    producer: 'dlc',
    producerVersion: VERSION,
    ...made,
    metadata: metadataOf(spec, learned),
  };
  if (!external) {
    await write(out, encodeModel(model));
    return { files: [out], remarks };
  }
  const beside = `${out}.data`;
  const { tensors, pieces } = apart(model.graph.initializers, path.basename(beside));
  await write(beside, pieces);
  await write(out, encodeModel({ ...model, graph: { ...model.graph, initializers: tensors } }));
  return { files: [out, beside], remarks };
}

function versionsOf(text: string | undefined): GraphOptions['versions'] {
  if (text === undefined) return { least: LEAST_OPSET, most: LEAST_OPSET };
  const opset = Number(text);
  if (!/^\d+$/.test(text) || opset < LEAST_OPSET || opset > NEWEST_OPSET) {
    throw new UsageError(`--option opset takes ${LEAST_OPSET} to ${NEWEST_OPSET}, not '${text}'`);
  }
  return { least: opset, most: opset };
}

/** With the batch as a symbol, unless it is given or is no mere count of samples. */
async function modelOf(
  { spec, batch }: ExportRequest,
  weights: WeightsFrom | undefined,
  versions: GraphOptions['versions'],
  remarks: string[],
) {
  const batched = isBatched(spec, batch);
  const seed = BigInt(interfaceOf(spec).seed);
  const make = async (batches: readonly number[]): Promise<{ made: MadeModel; learned: Learned }> => {
    const { graphs, tensors, learned } = await predictionOf(spec, {
      weights,
      batches,
      disable: ['fuse_attention', 'fuse_elementwise'],
    });
    const made = onnxGraph(graphs as readonly [Graph, ...Graph[]], {
      name: spec.name,
      ...(spec.description !== undefined && { doc: spec.description }),
      tensors,
      versions,
      rng: [seed, FIRST_DRAW],
    });
    return { made, learned };
  };
  if (batch !== undefined || !batched) return make([batch ?? 1]);
  try {
    return await make(BATCHES);
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    const where = error.node ? `layer ${error.node.origin.layer} ` : 'it ';
    remarks.push(`the batch is fixed at 1, --batch says another: ${where}${error.message}`);
    return make([1]);
  }
}

function apart(initializers: readonly OnnxTensor[], file: string) {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  const tensors = initializers.map((tensor): OnnxTensor => {
    // Shapes and the like are read while a model is loaded: they stay in it.
    if (tensor.data.length < ALIGNMENT) return tensor;
    const at = offset;
    const filled = Math.ceil(tensor.data.length / ALIGNMENT) * ALIGNMENT;
    pieces.push(tensor.data, new Uint8Array(filled - tensor.data.length));
    offset += filled;
    return { ...tensor, external: { file, offset: at } };
  });
  return { tensors, pieces };
}

async function write(file: string, pieces: readonly Uint8Array[]): Promise<void> {
  await writeAtomically(file, (temporary) => pipeline(Readable.from(pieces), createWriteStream(temporary)));
}
