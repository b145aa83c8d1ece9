/** What `dlc inspect` shows of a model: layers, output shapes, parameters, floating-point operations. */
import { SpecError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import type { Node } from '../ir/graph';
import type { Shape } from '../ir/types';
import { elementCount } from '../ir/types';
import { costOf } from '../ops/cost';
import type { Lowered } from './lower';
import { lowerModel } from './lower';

export interface LayerSummary {
  readonly name: string;
  readonly type: string;
  /** Shapes at the batch asked for. */
  readonly outputs: readonly Shape[];
  /** Elements of the parameters the layer owns; running statistics and shared parameters are not counted. */
  readonly params: number;
  /** Of one sample forward, a multiplication and an addition counted as two. */
  readonly flops: number;
}

export interface ModelSummary {
  readonly name: string;
  readonly params: number;
  readonly flops: number;
  readonly layers: readonly LayerSummary[];
}

export function summarize(spec: Spec, batch: number): ModelSummary {
  const shown = lowerModel(spec, { batch, mode: 'predict', everyLayer: true });
  const alone = batch === 1 ? shown : single(spec);
  // A model of a fixed batch is lowered with it.
  const first = spec.inputs.map(({ shape }) => shape[0]).find((extent) => extent !== undefined);
  const samples = typeof first === 'number' ? first : alone ? 1 : batch;
  const flops = flopsByLayer((alone ?? shown).graph.nodes, samples);
  const params = paramsByLayer(shown.states);
  const layers = shown.layers.map(({ layer: { name, type }, outputs }) => ({
    name,
    type,
    outputs: outputs.map((output) => output.type.shape),
    params: params.get(name) ?? 0,
    flops: flops.get(name) ?? 0,
  }));
  const sum = (figure: 'params' | 'flops'): number => layers.reduce((total, layer) => total + layer[figure], 0);
  return { name: spec.name, params: sum('params'), flops: sum('flops'), layers };
}

/** The model for one sample; none where it computes across the batch and one is too few for it. */
function single(spec: Spec): Lowered | undefined {
  try {
    return lowerModel(spec, { batch: 1, mode: 'predict', everyLayer: true });
  } catch (error) {
    if (error instanceof SpecError) return undefined;
    throw error;
  }
}

function flopsByLayer(nodes: readonly Node[], samples: number): ReadonlyMap<string, number> {
  const flops = new Map<string, number>();
  for (const node of nodes) {
    const { layer } = node.origin;
    flops.set(layer, (flops.get(layer) ?? 0) + costOf(node).flops / samples);
  }
  return flops;
}

/** Elements of the parameters that each layer owns. */
export function paramsByLayer(states: Lowered['states']): ReadonlyMap<string, number> {
  const params = new Map<string, number>();
  for (const { role, layer, value } of states) {
    if (role === 'parameter') params.set(layer, (params.get(layer) ?? 0) + elementCount(value.type.shape));
  }
  return params;
}
