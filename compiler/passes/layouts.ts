/**
 * Chooses the memory order of images. Whatever is connected through ops that can work in either order is one region; it
 * gets the order in which its kernels and the transposes at its borders cost less together (plan/costs.ts), and is
 * rewritten in one move (layout_rewrite.ts). Lowering and differentiation know channels first alone. Bodies of loops
 * stay so: a transpose at their border would run in every step.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { definitionsOf } from '../ir/rewrite';
import { bytesOf, type Shape } from '../ir/types';
import { integersAttr } from '../ops/attributes';
import { channelsLast } from '../ops/families/layout';
import { opNamed } from '../ops/registry';
import { convolutionCosts, moveCost, normCosts, type OrderCosts } from '../plan/costs';
import { definePass } from './define';
import { isImage, isReshape, rolesOf, turnedPerm, turnsFreely, type Roles } from './layout_rules';
import { withChannelsLast } from './layout_rewrite';
import { joinShuffles } from './layout_shuffles';

export const layouts = definePass({
  name: 'layouts',
  doc: 'Puts the channels of images last in regions where kernels are faster so, with transposes at their borders.',
  whole: true,
  run(given, facts) {
    // Without a kernel that has an order there is nothing to choose; where one has its own already, or weights packed
    // for the order it has, it is chosen.
    const kernels = given.nodes.filter(({ op }) => opNamed(op).images);
    const isChosen = ({ op, attrs }: Node): boolean =>
      attrs['layout'] !== undefined || (op === 'conv' && attrs['weight_shape'] !== undefined);
    if (kernels.length === 0 || kernels.some(isChosen)) return given;
    const { graph, shuffles } = joinShuffles(given);
    const roles = new Map<Node, Roles>();
    for (const node of graph.nodes) {
      const found = rolesOf(node);
      if (found) roles.set(node, found);
    }
    const regions = regionsOf(graph, roles);
    const costs = costsOf(graph, roles, regions, facts.precision === 'bfloat16');
    const chosen = new Set([...costs].flatMap(([region, { first, last }]) => (last < first ? [region] : [])));
    if (chosen.size === 0) return given;
    const isLast = (member: Node | Value): boolean => {
      const region = regions(member);
      return region !== undefined && chosen.has(region);
    };
    return withChannelsLast(graph, roles, shuffles, isLast);
  },
});

type Member = Node | Value;

/** The region of a node or value, by one of its members; undefined for who has no part in any. */
type Regions = (member: Member) => Member | undefined;

function regionsOf(graph: Graph, roles: ReadonlyMap<Node, Roles>): Regions {
  const parents = new Map<Member, Member>();
  const find = (member: Member): Member => {
    let root = member;
    for (let next = parents.get(root); next !== undefined && next !== root; next = parents.get(root)) root = next;
    // Short ways, so that a chain of thousands is walked once.
    for (let at = member; at !== root;) {
      const next = parents.get(at) as Member;
      parents.set(at, root);
      at = next;
    }
    return root;
  };
  for (const node of graph.nodes) {
    const own = roles.get(node);
    if (!own) continue;
    parents.set(node, node);
    for (const value of imagesOf(node, own)) {
      if (!parents.has(value)) parents.set(value, value);
      parents.set(find(value), find(node));
    }
  }
  return (member) => (parents.has(member) ? find(member) : undefined);
}

function imagesOf(node: Node, { inputs, outputs }: Roles): readonly Value[] {
  return [
    ...node.inputs.filter((_, i) => inputs[i] === 'image'),
    ...node.outputs.filter((_, i) => outputs[i] === 'image'),
  ];
}

/** What each region costs either way, if all around it has channels first. */
function costsOf(
  graph: Graph,
  roles: ReadonlyMap<Node, Roles>,
  regions: Regions,
  rounded: boolean,
): ReadonlyMap<Member, OrderCosts> {
  const costs = new Map<Member, OrderCosts>();
  const add = (member: Member, first: number, last: number): void => {
    const region = regions(member);
    if (region === undefined) return;
    const sum = costs.get(region) ?? { first: 0, last: 0 };
    costs.set(region, { first: sum.first + first, last: sum.last + last });
  };
  const definitions = definitionsOf(graph);
  const turnedIn = new Set<Value>();
  const turnedOut = new Set<Value>();
  const turn = (value: Value, counted: Set<Value>): void => {
    if (counted.has(value) || regions(value) === undefined || turnsFreely(value.type.shape)) return;
    counted.add(value);
    add(value, 0, moveCost(value.type));
  };
  /** A region reads the value; does one of its nodes give it so? */
  const comesFromOutside = (value: Value): boolean => {
    const maker = definitions.get(value);
    if (maker?.op === 'constant' || maker?.op === 'transpose') return false;
    return !maker || roles.get(maker)?.outputs[maker.outputs.indexOf(value)] !== 'image';
  };

  for (const node of graph.nodes) {
    const own = roles.get(node);
    if (own) {
      const kernel = kernelCosts(node, rounded);
      if (kernel) add(node, kernel.first, kernel.last);
    }
    if (node.op === 'transpose') {
      addTransposed(node, add);
      continue;
    }
    node.inputs.forEach((value, i) => {
      if (own?.inputs[i] !== 'image') turn(value, turnedOut);
      else if (comesFromOutside(value)) turn(value, turnedIn);
    });
  }
  for (const { value } of [...graph.results, ...graph.updates]) turn(value, turnedOut);
  return costs;
}

/** A transpose at a border may be what the region needs anyway. */
function addTransposed(
  { inputs: [x], outputs: [y], attrs }: Node,
  add: (m: Member, f: number, l: number) => void,
): void {
  if (!x || !y) return;
  const perm = integersAttr(attrs, 'perm');
  const cost = (shape: Shape, order: readonly number[]): number => (isReshape(shape, order) ? 0 : moveCost(x.type));
  const plain = cost(x.type.shape, perm);
  if (isImage(x)) add(x, plain, cost(channelsLast(x.type.shape), turnedPerm(perm, 'last', 'first')));
  if (isImage(y)) add(y, plain, cost(x.type.shape, turnedPerm(perm, 'first', 'last')));
}

/** `rounded`: images with their channels last will be stored as bfloat16. */
function kernelCosts(node: Node, rounded: boolean): OrderCosts | undefined {
  const [x, second] = node.inputs;
  const [y] = node.outputs;
  if (!x || !second || !y) return undefined;
  switch (node.op) {
    case 'conv':
      return convolutionCosts(node.op, y.type.shape, second.type.shape, node.attrs, rounded);
    case 'conv_grad_input':
      return convolutionCosts(node.op, x.type.shape, second.type.shape, node.attrs, rounded);
    case 'conv_grad_weight':
      return convolutionCosts(node.op, second.type.shape, y.type.shape, node.attrs, rounded);
    case 'batch_norm_train':
      return normCosts(bytesOf(x.type) + bytesOf(y.type));
    case 'batch_norm_grad':
      return normCosts(bytesOf(x.type) + bytesOf(second.type) + bytesOf(y.type));
    default:
      return undefined;
  }
}
