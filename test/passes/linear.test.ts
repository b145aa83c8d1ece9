/**
 * Compile time is in proportion to the model: passes and planning read nodes as often in a graph four times as large,
 * node for node. Reads are counted, not time, so the machine has no say in it.
 */
import { checkSpecText } from '../../compiler/frontend/load';
import type { Graph, Node } from '../../compiler/ir/graph';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { PIPELINE } from '../../compiler/pipeline';
import { needsOf } from '../../compiler/plan/memory';
import { lowerPrograms } from '../../compiler/train/programs';

const MODELS: Readonly<Record<string, (count: number) => readonly string[]>> = {
  'a chain': (count) =>
    Array.from({ length: count }, (_, i) => `{name: l${i}, type: dense, units: 4, activation: relu}`),
  'residual blocks': (count) =>
    Array.from({ length: count / 4 }, (_, i) => [
      `{name: a${i}, type: conv2d, filters: 4, kernel: 3, padding: same}`,
      `{name: b${i}, type: batch_norm, activation: relu}`,
      `{name: c${i}, type: conv2d, filters: 4, kernel: 1, bias: false}`,
      `{name: d${i}, type: add, inputs: [c${i}, a${i}]}`,
    ]).flat(),
  'readers of one tensor': (count) => [
    '{name: h, type: dense, units: 4}',
    ...Array.from({ length: count }, (_, i) => `{name: d${i}, type: dense, units: 4, inputs: h, activation: tanh}`),
    `{name: s, type: add, inputs: [${Array.from({ length: count }, (_, i) => `d${i}`).join(', ')}]}`,
  ],
  'parts of one tensor': (count) => [
    `{name: h, type: dense, units: ${2 * count}}`,
    // In no order in which their gradients could be joined.
    ...Array.from(
      { length: count },
      (_, i) => `{name: d${i}, type: slice, inputs: h, axis: 1, start: ${2 * i}, stop: ${2 * i + 1}}`,
    ),
    `{name: s, type: add, inputs: [${Array.from({ length: count }, (_, i) => `d${i}`).join(', ')}]}`,
  ],
};

function trainingOf(layers: readonly string[]): Graph {
  const { spec } = checkSpecText(
    `dlc: 1
inputs: {image: {shape: [N, 4, 4, 4]}, label: {shape: [N], dtype: int32}}
layers:
${layers.map((layer) => `  - ${layer}`).join('\n')}
  - {name: logits, type: dense, units: 3}
outputs: [logits]
losses: [{type: cross_entropy, inputs: [logits, label]}]
train: {batch_size: 2, epochs: 1, optimizer: {type: sgd, lr: 0.1, momentum: 0.9}}
`,
    'model.yaml',
  );
  return Object.values(lowerPrograms(spec!, { train: [2] }))[0]!;
}

/** How often each pass reads a node of the graph it is given, and planning after them. */
function readsOf(graph: Graph): ReadonlyMap<string, number> {
  let reads = 0;
  const counted = (one: Graph): Graph => {
    const get = (node: Node, key: string, self: unknown): unknown => {
      reads++;
      return Reflect.get(node, key, self);
    };
    const watched = one.nodes.map((node) => new Proxy(node, { get: get as NonNullable<ProxyHandler<Node>['get']> }));
    return { ...one, nodes: watched };
  };
  const found = new Map<string, number>();
  PIPELINE.forEach((pass, i) => {
    reads = 0;
    graph = pass.run(counted(graph), DEFAULT_FACTS);
    found.set(`${i} ${pass.name}`, reads);
  });
  reads = 0;
  needsOf(counted(graph));
  return found.set('planning', reads);
}

it.each(Object.keys(MODELS))('reads as much of each node, however many there are: %s', (name) => {
  const [small, large] = [40, 160].map((count) => readsOf(trainingOf(MODELS[name]!(count))));
  const superlinear = [...large!].filter(([pass, reads]) => reads > 4.4 * small!.get(pass)! + 1000);
  expect(superlinear.map(([pass, reads]) => [pass, small!.get(pass), reads])).toEqual([]);
});
