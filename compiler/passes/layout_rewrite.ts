/**
 * Rewrites the chosen regions for channels last, in one sweep. A value is there in the order in which its node gives it;
 * who wants the other one gets it by a transpose, made where it is first wanted and shared from there on: none where
 * extents of 1 make it a reshape, and none of a constant.
 */
import type { Builder } from '../ir/builder';
import type { Attrs, Graph, Node, Value } from '../ir/graph';
import { builderFor, removeDeadNodes } from '../ir/rewrite';
import { elementCount, sameShape, tensorType, type Shape } from '../ir/types';
import { integersAttr } from '../ops/attributes';
import { channelsFirst, channelsLast } from '../ops/families/layout';
import { opNamed } from '../ops/registry';
import { constantTensor } from './fold';
import { isReshape, orderTo, turnedPerm, type Roles } from './layout_rules';
import type { Shuffle } from './layout_shuffles';

type Order = 'first' | 'last';

/** Constants of more elements are turned by the runtime. */
const MOST_TURNED = 4096;

export function withChannelsLast(
  graph: Graph,
  roles: ReadonlyMap<Node, Roles>,
  shuffles: ReadonlyMap<Node, Shuffle>,
  isLast: (member: Node | Value) => boolean,
): Graph {
  const sweep = new Sweep(graph);
  for (const node of graph.nodes) {
    const own = roles.get(node);
    const shuffle = shuffles.get(node);
    if (shuffle && isLast(node)) sweep.shuffle(shuffle);
    else if (shuffle) shuffle.nodes.forEach((each) => sweep.keep(each));
    else if (own && isLast(node)) sweep.turn(node, own);
    else if (node.op === 'transpose') sweep.transpose(node, isLast);
    else sweep.keep(node);
  }
  return sweep.graph();
}

class Sweep {
  readonly #graph: Graph;
  readonly #b: Builder;
  readonly #made = new Map<Value, Node>();
  /** Each value of the graph before, in the orders in which it is there by now. */
  readonly #held: Readonly<Record<Order, Map<Value, Value>>> = { first: new Map(), last: new Map() };

  /** What is broadcast against images, by their rank. */
  readonly #spreads = new Map<Value, Map<number, Value>>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#b = builderFor(graph);
    this.#b.nodes.length = 0;
    for (const value of [...graph.inputs, ...graph.states.map((state) => state.value)]) {
      this.#held.first.set(value, value);
    }
  }

  graph(): Graph {
    const results = this.#graph.results.map((result) => ({ ...result, value: this.#get(result.value, 'first') }));
    const updates = this.#graph.updates.map((update) => ({ ...update, value: this.#get(update.value, 'first') }));
    return removeDeadNodes({ ...this.#graph, nodes: [...this.#b.nodes], results, updates });
  }

  /** A node of no region, or of one that stays as it is. */
  keep(node: Node): void {
    this.#b.origin = node.origin;
    const inputs = node.inputs.map((input) => this.#get(input, 'first'));
    const [y] = node.outputs;
    if (node.op === 'reshape' && y && inputs[0] !== node.inputs[0]) {
      this.#b.release(y.name);
      this.#held.first.set(y, this.#reshaped(inputs[0] as Value, y.type.shape, y.name));
      return;
    }
    this.#push(inputs.every((input, i) => input === node.inputs[i]) ? node : { ...node, inputs });
    for (const output of node.outputs) this.#held.first.set(output, output);
  }

  /** A node whose images lie with channels last from here on. */
  turn(node: Node, { inputs: roles, outputs, attrs }: Roles): void {
    this.#b.origin = node.origin;
    const rank = node.outputs[0]?.type.shape.length ?? 0;
    const inputs = node.inputs.map((input, i) => {
      if (roles[i] === 'image') return this.#get(input, 'last');
      return roles[i] === 'spread' ? this.#spread(input, rank) : this.#get(input, 'first');
    });
    const given = node.outputs.map((output, i) => {
      if (outputs[i] === 'same') return output;
      this.#b.release(output.name);
      return this.#b.fresh(output.name, tensorType(output.type.dtype, channelsLast(output.type.shape)));
    });
    this.#push({ ...node, inputs, attrs, outputs: given });
    node.outputs.forEach((output, i) => {
      this.#held[outputs[i] === 'same' ? 'first' : 'last'].set(output, given[i] as Value);
    });
  }

  /** The factors of the channels stand behind the plane and are shuffled there. */
  shuffle({ nodes, factors, order }: Shuffle): void {
    const [first] = nodes;
    const [x, y] = [first.inputs[0] as Value, nodes[2].outputs[0] as Value];
    const names = nodes.map(({ outputs: [output] }) => (output as Value).name);
    names.forEach((name) => this.#b.release(name));
    this.#b.origin = first.origin;
    const image = this.#get(x, 'last');
    const planes = image.type.shape.slice(0, -1);
    const perm = [...planes.keys(), ...order.map((axis) => planes.length + axis)];
    const cut = this.#reshaped(image, [...planes, ...factors], names[0] as string);
    const turned = this.#transposed(cut, perm, names[1] as string);
    this.#held.last.set(y, this.#reshaped(turned, image.type.shape, names[2] as string));
  }

  /** From the order in which its input is there to the one in which its output is wanted: possibly nothing to do. */
  transpose(node: Node, isLast: (value: Value) => boolean): void {
    const [x] = node.inputs;
    const [y] = node.outputs;
    if (!x || !y) return;
    const to = isLast(y) ? 'last' : 'first';
    const from = this.#held.last.has(x) && (isLast(x) || !this.#held.first.has(x)) ? 'last' : 'first';
    if (to === 'first' && from === 'first') {
      this.keep(node);
      return;
    }
    this.#b.origin = node.origin;
    const source = this.#get(x, from);
    const perm = turnedPerm(integersAttr(node.attrs, 'perm'), from, to);
    this.#b.release(y.name);
    this.#held[to].set(y, this.#transposed(source, perm, y.name));
  }

  #push(node: Node): void {
    this.#b.nodes.push(node);
    for (const output of node.outputs) this.#made.set(output, node);
  }

  /** The value in that order, turned if it is not there yet. */
  #get(value: Value, order: Order): Value {
    const known = this.#held[order].get(value);
    if (known) return known;
    const other = this.#held[order === 'last' ? 'first' : 'last'].get(value) as Value;
    const turned = this.#turned(other, order, `${value.name}.channels_${order}`);
    this.#held[order].set(value, turned);
    return turned;
  }

  #turned(value: Value, order: Order, name: string): Value {
    const constant = this.#made.get(value);
    const { dtype, shape } = value.type;
    if (constant?.op === 'constant') {
      const turned = order === 'last' ? channelsLast(shape) : channelsFirst(shape);
      const { values } = constant.attrs;
      if (Array.isArray(values) && values.length === 1)
        return this.#op('constant', [], { ...constant.attrs, shape: turned }, name);
      if (elementCount(shape) <= MOST_TURNED) {
        const perm = orderTo(order, shape.length);
        const type = tensorType(dtype, turned);
        const [data] = opNamed('transpose').evaluate([constantTensor(constant)], { perm }, [type]);
        return this.#op('constant', [], { dtype, shape: turned, values: Array.from(data as Float64Array) }, name);
      }
    }
    return this.#transposed(value, orderTo(order, shape.length), name);
  }

  /** What broadcasts against an image of `rank` axes, so that it does with channels last. */
  #spread(value: Value, rank: number): Value {
    const last = value.type.shape.length === rank ? this.#held.last.get(value) : undefined;
    if (last) return last;
    const source = this.#get(value, 'first');
    const { shape } = source.type;
    if (elementCount(shape) === 1) return source;
    const known = this.#spreads.get(value)?.get(rank);
    if (known) return known;
    const aligned = [...new Array<number>(rank - shape.length).fill(1), ...shape];
    const perm = orderTo('last', rank);
    const name = `${value.name}.channels_last`;
    const turned = isReshape(aligned, perm)
      ? this.#reshaped(source, withoutLeadingOnes(channelsLast(aligned)), name)
      : this.#transposed(this.#reshaped(source, aligned, `${value.name}.reshape`), perm, name);
    this.#spreads.set(value, (this.#spreads.get(value) ?? new Map<number, Value>()).set(rank, turned));
    return turned;
  }

  #transposed(value: Value, perm: readonly number[], name: string): Value {
    const { shape } = value.type;
    const turned = perm.map((axis) => shape[axis] as number);
    return isReshape(shape, perm)
      ? this.#reshaped(value, turned, name)
      : this.#op('transpose', [value], { perm }, name);
  }

  /** Through other reshapes, to what they are views of. */
  #reshaped(value: Value, shape: Shape, name: string): Value {
    const view = this.#made.get(value);
    const source = view?.op === 'reshape' ? (view.inputs[0] as Value) : value;
    return sameShape(source.type.shape, shape) ? source : this.#op('reshape', [source], { shape }, name);
  }

  #op(op: string, inputs: readonly Value[], attrs: Attrs, name: string): Value {
    const value = this.#b.op(op, inputs, attrs, name);
    this.#made.set(value, this.#b.nodes.at(-1) as Node);
    return value;
  }
}

function withoutLeadingOnes(shape: Shape): Shape {
  const first = shape.findIndex((extent) => extent !== 1);
  return shape.slice(first);
}
