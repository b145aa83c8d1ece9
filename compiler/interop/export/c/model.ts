/**
 * A model made ready for C: its prediction graph after the passes that help any machine, and every number that does not
 * depend on the inputs, computed by the native runtime once, here, as `dlc predict` would.
 */
import { optimizeGraphs } from '../../../compile';
import { exportUnsupported } from '../../../diagnostics/catalogue';
import type { Diagnostic } from '../../../diagnostics/diagnostic';
import { InternalError, SpecError } from '../../../diagnostics/errors';
import type { Spec } from '../../../frontend/spec';
import type { Graph, Node, Value } from '../../../ir/graph';
import { formatType } from '../../../ir/types';
import { openRuntime } from '../../../native/runtime';
import { opNamed } from '../../../ops/registry';
import { planPrograms } from '../../../plan/build';
import { encodePlan } from '../../../plan/encode';
import { legalize } from '../../../plan/legalize';
import { isDerived, PREPARE, splitPrepared } from '../../../plan/prepare';
import { factsOf, lowerPrograms, programName } from '../../../train/programs';
import { writeStates } from '../../../train/states';
import { trainedTensors } from '../../../train/trained';
import type { WeightsFrom } from '../../../weights/source';
import type { Tensors } from '../../../weights/files';
import { isTooLarge } from './memory';
import { EMITTERS } from './ops';
import type { KnownTensor } from './weights';

/** What these do is for the native kernels: their orders of images and weights, their fusions, their memory. */
export const NATIVE_PASSES = [
  'layouts',
  'precision',
  'pack_weights',
  'fuse_losses',
  'fuse_norms',
  'recompute_cheap',
  'recompute',
] as const;

export interface Ready {
  readonly graph: Graph;
  readonly tensors: ReadonlyMap<string, KnownTensor>;
}

export async function readyForC(spec: Spec, weights: WeightsFrom | undefined, batch: number): Promise<Ready> {
  const name = programName('predict', batch);
  const { optimized } = optimizeGraphs(lowerPrograms(spec, { predict: [batch] }), {
    facts: factsOf(spec),
    disable: NATIVE_PASSES,
  });
  const source = optimized[name];
  if (!source) throw new InternalError('a model has no prediction');
  const split = splitPrepared({ [name]: source });
  const graph = split[name] ?? source;
  const problems = problemsOf(graph);
  if (problems.length > 0) throw new SpecError(problems);
  const tensors = await trainedTensors(spec, weights);
  const derived = split[PREPARE] ? await derive(split[PREPARE], tensors) : [];
  const stored = [...tensors].map(([state, tensor]): KnownTensor => ({ name: state, ...tensor }));
  return { graph, tensors: new Map([...stored, ...derived].map((tensor) => [tensor.name, tensor])) };
}

/** One for each layer that cannot be said in C. */
export function problemsOf(graph: Graph): Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  const report = ({ origin }: Node, problem: string, hint?: string): void => {
    const key = `${origin.layer} ${problem}`;
    if (!found.has(key)) found.set(key, exportUnsupported(origin.at, `layer \`${origin.layer}\` ${problem}`, hint));
  };
  const look = (block: Graph): void => {
    for (const node of legalize(block).nodes) {
      const { native, traits } = opNamed(node.op);
      const values: readonly Value[] = [...node.inputs, ...node.outputs];
      const odd = values.find(({ type }) => type.dtype === 'bf16');
      const large = values.find(isTooLarge);
      if (traits.random === true || node.op === 'fold_rng') {
        report(node, 'draws random numbers, which a C file does not', 'export a model whose outputs need none');
      } else if (odd) {
        report(node, `holds ${formatType(odd.type)}: a C file has no bfloat16`);
      } else if (large) {
        report(node, `holds ${formatType(large.type)}, more elements than an int of C counts`);
      } else if (native !== 'none' && !node.regions) {
        const emitter = EMITTERS[node.op];
        const problem = emitter ? emitter.problem?.(node) : `needs the op ${node.op}, which has no C`;
        if (problem !== undefined) report(node, emitter ? `has no C for its ${node.op}: ${problem}` : problem);
      }
      node.regions?.forEach(look);
    }
  };
  look(graph);
  return [...found.values()];
}

/** What the program that prepares for prediction makes of the weights, by the names of the derived states. */
async function derive(prepare: Graph, tensors: Tensors): Promise<KnownTensor[]> {
  const results = prepare.updates.map(({ state, value }) => ({ name: state.name, value }));
  const graph = { ...prepare, states: prepare.states.filter((state) => !isDerived(state)), updates: [], results };
  const plan = planPrograms(prepare.name, { [PREPARE]: graph }, { prepare: false });
  const session = openRuntime().createSession(encodePlan(plan), plan);
  try {
    writeStates(session, plan, tensors);
    const run = await session.run(PREPARE, 1, {});
    if (!run.ok) throw new InternalError(`the weights could not be prepared: ${run.message}`);
    return prepare.updates.map(({ state }) => ({ name: state.name, ...state.type, data: run.outputs[state.name]! }));
  } finally {
    session.close();
  }
}
