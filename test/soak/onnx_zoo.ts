/** Every model of the zoo at its full size as an ONNX file: ONNX Runtime predicts with it what `dlc predict` does. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { InternalError } from '../../compiler/diagnostics/errors';
import { compareOnnx, exportOnnx, hasOnnxRuntime } from '../support/onnx';
import type { CampaignDef } from './campaign';

const CLOSE = 1e-5;
const BATCH = 2;

export const onnx_zoo: CampaignDef = {
  limit: 600,
  open: (scratch) => {
    if (!hasOnnxRuntime) throw new InternalError('ONNX Runtime is not here');
    const files = readdirSync('models')
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => path.resolve('models', name));
    return Promise.resolve({ inputs: files.length, run: (number) => outcomeOf(files[number]!, scratch) });
  },
};

async function outcomeOf(source: string, scratch: string): Promise<string> {
  const exported = await exportOnnx(source, scratch);
  const { file, weights, model, spec } = exported;
  try {
    const fixed = typeof model.graph!.outputs[0]!.type.shape![0] === 'number';
    const apart = await compareOnnx(exported, fixed ? 1 : BATCH);
    if (!(apart < CLOSE)) throw new InternalError(`${spec.name}: the outputs are ${apart} apart`);
    const megabytes = (statSync(file).size / 2 ** 20).toFixed(1);
    const nodes = model.graph!.nodes.length;
    return `${spec.name}: opset ${model.opsets.get('')}, ${nodes} nodes, ${megabytes} MiB, ${apart.toExponential(1)} apart`;
  } finally {
    rmSync(file);
    if (weights !== undefined) rmSync(weights);
  }
}
