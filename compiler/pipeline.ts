/**
 * The passes in order, and the one driver that runs, verifies, times and dumps them. Read this first: everything that
 * happens to a graph between autodiff and the plan is in the list below.
 */
import { UsageError } from './diagnostics/errors';
import type { Graph } from './ir/graph';
import { printGraph } from './ir/print';
import { verifyGraph, verifyInterface } from './ir/verify';
import { batch_steps } from './passes/batch_steps';
import { canonicalize } from './passes/canonicalize';
import { cse } from './passes/cse';
import { dce } from './passes/dce';
import { DEFAULT_FACTS, type Facts, type Pass } from './passes/define';
import { fold } from './passes/fold';
import { fold_norms } from './passes/fold_norms';
import { fuse_attention } from './passes/fuse_attention';
import { fuse_elementwise } from './passes/fuse_elementwise';
import { fuse_losses } from './passes/fuse_losses';
import { fuse_norms } from './passes/fuse_norms';
import { fuse_epilogues } from './passes/fuse_epilogues';
import { fuse_updates } from './passes/fuse_updates';
import { layouts } from './passes/layouts';
import { loops } from './passes/loops';
import { pack_weights } from './passes/pack_weights';
import { precision } from './passes/precision';
import { recompute } from './passes/recompute';
import { recompute_cheap } from './passes/recompute_cheap';
import { share_rows } from './passes/share_rows';
import { stabilize } from './passes/stabilize';

export const PIPELINE: readonly Pass[] = [
  // Lowering and autodiff write whatever is plainest, gradients of gradients of nothing included: drop that first.
  dce,
  // Constants go into loops and conditions, where the tables below can see them.
  loops,
  // One spelling for each thing, so that the tables below need to know one spelling only.
  canonicalize,
  // Before fold: `log(softmax(x))` is to be found while both are still nodes.
  stabilize,
  fold,
  // A replaced node that still reads a value would keep rules from taking it: of nested concatenations, say.
  dce,
  // Folding leaves neutral elements and constants that are scalars in disguise.
  canonicalize,
  // What has turned out to be the same in every iteration leaves its loop, and is shared with whoever computes it too.
  loops,
  // After autodiff has chosen what to keep, and with transposes inside of the products.
  batch_steps,
  // Of the products for all steps; what it adds up is the same for several of them, which is found next.
  share_rows,
  // Before fusion: a group hides its instructions from comparison, and shared values would be computed in each group.
  cse,
  // The sweeps above leave replaced nodes behind, and a dead reader would keep a convolution from taking its relu.
  dce,
  // Of plain products and softmaxes, before anything is fused into them or stored otherwise.
  fuse_attention,
  // Graphs have their last form but for what is fused, and no reshape stands between a convolution and its epilogue yet.
  layouts,
  // What is left for the epilogues are biases and relus; before groups, which would take the scale and the shift.
  fold_norms,
  // Before element-wise groups, which would take the bias and the relu for themselves.
  fuse_epilogues,
  // Products have their epilogues, which casts would hide; weights are packed for what a product multiplies.
  precision,
  // Convolutions have their epilogues, and whoever computes weights has been folded.
  pack_weights,
  // Before groups, one of which might compute the gradient of the loss together with what reads the loss.
  fuse_losses,
  fuse_elementwise,
  // Of whole groups; what they no longer yield, the normalizations below need not write.
  recompute_cheap,
  // Takes whole groups.
  fuse_norms,
  // Of groups too, those that are left: what updates weights stands behind no normalization.
  fuse_updates,
  // Last: its copies are of the steps that will run, and no comparison may find them equal again.
  recompute,
];

export interface Stage {
  readonly pass: string;
  readonly milliseconds: number;
  readonly changed: boolean;
  readonly nodes: number;
}

export interface PipelineOptions {
  readonly facts?: Facts;
  /** Stop when the pass of this name has run for the last time. */
  readonly after?: string;
  /** Names of passes to leave out. */
  readonly disable?: readonly string[];
  /** Called with the graph before the first pass (`input`) and after every pass that changed it. */
  readonly dump?: (graph: string, stage: number, pass: string, text: string) => void;
}

export interface PipelineResult {
  readonly graph: Graph;
  readonly stages: readonly Stage[];
}

export function runPipeline(input: Graph, options: PipelineOptions = {}): PipelineResult {
  const { facts = DEFAULT_FACTS, disable = [], dump } = options;
  [...disable, ...(options.after === undefined ? [] : [options.after])].forEach(expectPass);
  const last =
    options.after === undefined ? PIPELINE.length - 1 : PIPELINE.findLastIndex((p) => p.name === options.after);
  verifyGraph(input, `the lowering of '${input.name}'`);
  dump?.(input.name, 0, 'input', printGraph(input));
  const stages: Stage[] = [];
  let graph = input;
  PIPELINE.slice(0, last + 1).forEach((pass, i) => {
    if (disable.includes(pass.name)) return;
    const start = performance.now();
    const next = runEverywhere(pass, graph, facts);
    const milliseconds = performance.now() - start;
    const changed = next !== graph;
    if (changed) {
      const by = `pass '${pass.name}' on graph '${input.name}'`;
      verifyGraph(next, by);
      verifyInterface(graph, next, by);
      dump?.(input.name, i + 1, pass.name, printGraph(next));
    }
    graph = next;
    stages.push({ pass: pass.name, milliseconds, changed, nodes: graph.nodes.length });
  });
  return { graph, stages };
}

/** In the regions first: what a pass finds there may make the node around them simpler. */
function runEverywhere(pass: Pass, graph: Graph, facts: Facts): Graph {
  if (pass.whole === true) return pass.run(graph, facts);
  let changed = false;
  const nodes = graph.nodes.map((node) => {
    const regions = node.regions?.map((region) => runEverywhere(pass, region, facts));
    if (!regions || regions.every((region, i) => region === node.regions?.[i])) return node;
    changed = true;
    return { ...node, regions };
  });
  return pass.run(changed ? { ...graph, nodes } : graph, facts);
}

function expectPass(name: string): void {
  if (PIPELINE.some((pass) => pass.name === name)) return;
  const known = [...new Set(PIPELINE.map((pass) => pass.name))];
  throw new UsageError(`no pass is called '${name}'`, `The passes are ${known.join(', ')}.`);
}
