/**
 * dlc's side of the benchmark: prepares one program of a model, then measures whenever it is told to, a line of JSON for
 * each command. Started by run.mjs with the case as its argument; peers/*.py speak the same way.
 *
 *   {"measure": seconds} → {"times": [milliseconds a step, …]}      {"end": true} → {"peak": bytes, "planned": bytes}
 *
 * With `count` it only says how much arithmetic the case has: a process of its own does, whose memory is not measured.
 */
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { optimizeGraphs } from '../compiler/compile';
import { checkSpec } from '../compiler/frontend/load';
import { SpecError } from '../compiler/diagnostics/errors';
import { openRuntime } from '../compiler/native/runtime';
import { openBench } from '../compiler/train/bench';
import { lowerPrograms } from '../compiler/train/programs';
import { OPS } from '../compiler/ops/index';
import type { Graph } from '../compiler/ir/graph';
import type { Precision } from '../compiler/ir/types';

interface Case {
  readonly file: string;
  readonly overrides: readonly string[];
  readonly mode: 'train' | 'predict';
  readonly batch: number;
  readonly threads: number;
  readonly precision: Precision;
  readonly count?: true;
}

/** Multiplications and additions of the products and convolutions that are left when the compiler is done. */
function arithmetic(graph: Graph, times = 1): number {
  let flops = 0;
  for (const node of graph.nodes) {
    const length = node.op === 'scan' ? Number(node.attrs['length']) : 1;
    for (const region of node.regions ?? []) flops += arithmetic(region, times * length);
    if (!/^(matmul|conv|fused_matmul|attention)/.test(node.op)) continue;
    const types = [node.inputs, node.outputs].map((values) => values.map(({ type }) => type)) as [[], []];
    flops += times * OPS[node.op as keyof typeof OPS].cost(...types, node.attrs).flops;
  }
  return flops;
}

const answer = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const arithmeticApart = (each: Case): number => {
  const argument = JSON.stringify({ ...each, count: true } satisfies Case);
  const line = execFileSync(process.execPath, [process.argv[1]!, argument], { encoding: 'utf8' });
  return (JSON.parse(line) as { readonly flops: number }).flops;
};

async function main(): Promise<void> {
  const each = JSON.parse(process.argv[2]!) as Case;
  const { file, overrides, mode, batch, threads, precision, count } = each;
  const { spec, diagnostics } = checkSpec(file, { overrides });
  if (!spec) throw new SpecError(diagnostics);
  if (count) {
    const [graph] = Object.values(optimizeGraphs(lowerPrograms(spec, { [mode]: [batch] })).optimized) as [Graph];
    answer({ flops: arithmetic(graph) });
    return;
  }
  const flops = arithmeticApart(each);
  const bench = await openBench(spec, openRuntime({ threads }), { mode, batch, precision });
  answer({ ready: true, flops });
  for await (const line of createInterface({ input: process.stdin })) {
    const { measure } = JSON.parse(line) as { measure?: number };
    if (measure === undefined) break;
    answer({ times: await bench.measure(measure) });
  }
  answer({ peak: process.resourceUsage().maxRSS * 1024, planned: bench.plannedBytes });
  bench.close();
}

void main();
