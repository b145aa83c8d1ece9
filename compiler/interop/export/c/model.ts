/** A model made ready for C: its prediction graph, of which every layer can be said, and what its states hold. */
import { exportUnsupported } from '../../../diagnostics/catalogue';
import type { Diagnostic } from '../../../diagnostics/diagnostic';
import { SpecError } from '../../../diagnostics/errors';
import type { Spec } from '../../../frontend/spec';
import type { Graph, Node, Value } from '../../../ir/graph';
import { formatType } from '../../../ir/types';
import { opNamed } from '../../../ops/registry';
import { legalize } from '../../../plan/legalize';
import type { WeightsFrom } from '../../../weights/source';
import { predictionOf, type KnownTensor } from '../prediction';
import { isTooLarge } from './memory';
import { EMITTERS } from './ops';

export interface Ready {
  readonly graph: Graph;
  readonly tensors: ReadonlyMap<string, KnownTensor>;
}

export async function readyForC(spec: Spec, weights: WeightsFrom | undefined, batch: number): Promise<Ready> {
  const check = ([graph]: readonly Graph[]): void => {
    const problems = graph ? problemsOf(graph) : [];
    if (problems.length > 0) throw new SpecError(problems);
  };
  const { graphs, tensors } = await predictionOf(spec, { weights, batches: [batch], check });
  return { graph: graphs[0]!, tensors };
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
