/**
 * Random graphs of the ops that are registered, each made as one of its samples says: an op that is listed is in them.
 * Whatever is continuous reads what other ops made, brought into its range; comparisons, sorting and indices read
 * inputs of their own, where float32 and float64 agree about every decision.
 */
import fc from 'fast-check';
import { differentiate } from '../../compiler/autodiff/differentiate';
import { withoutGradient } from '../../compiler/autodiff/pullback';
import { Builder } from '../../compiler/ir/builder';
import type { Graph, Value } from '../../compiler/ir/graph';
import { printGraph } from '../../compiler/ir/print';
import { elementCount, sameType, type Shape } from '../../compiler/ir/types';
import type { OpDef, OpSample, RefTensor } from '../../compiler/ops/define';
import { allOps, generator, sampleInputs } from '../support/samples';

/** Only fusion makes it, from programs that it knows to be well-formed. */
const MADE_BY_PASSES: ReadonlySet<string> = new Set(['fused_elementwise']);

/** Ops whose gradient is not their derivative on purpose. */
const NOT_DERIVATIVES: ReadonlySet<string> = new Set(['stop_gradient', 'scale_gradient', 'clip_gradient']);

/** What the reference takes long for has tests of its own. */
const MAX_ELEMENTS = 400;

interface Choice {
  readonly def: OpDef;
  readonly sample: OpSample;
}

const isSmall = ({ inputs }: OpSample): boolean =>
  inputs.reduce((sum, { shape }) => sum + elementCount(shape), 0) <= MAX_ELEMENTS;

/** By op, so that every op is as likely as another, however many samples it has. */
export const CHOICES: readonly (readonly Choice[])[] = allOps()
  .filter(([name]) => !MADE_BY_PASSES.has(name))
  .map(([, def]) => def.samples.filter(isSmall).map((sample) => ({ def, sample })))
  .filter((choices) => choices.length > 0);

export interface Case {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, RefTensor>>;
  readonly states: Readonly<Record<string, RefTensor>>;
  /** Inputs and states whose gradient `d_<name>` of the result `objective` is among the results. */
  readonly wrt: readonly string[];
  /** False where some op's gradient is none. */
  readonly differentiable: boolean;
}

interface Plan {
  readonly ops: readonly (readonly [op: number, sample: number, seed: number])[];
  readonly results: readonly number[];
  readonly gradient: boolean;
}

export const registryGraph: fc.Arbitrary<Case> = fc
  .record({
    ops: fc.array(fc.tuple(fc.nat(CHOICES.length - 1), fc.nat(99), fc.nat(9999)), { minLength: 1, maxLength: 7 }),
    results: fc.array(fc.nat(99), { minLength: 1, maxLength: 3 }),
    gradient: fc.boolean(),
  })
  .map((plan) => new Growing(plan).finish());

class Growing {
  readonly #b = new Builder('random');
  readonly #values: Value[] = [];
  readonly #feeds: Record<string, RefTensor> = {};
  readonly #states: Record<string, RefTensor> = {};
  readonly #ops: string[] = [];
  /** Inputs and states that what is made of them has a slope in. */
  readonly #leaves: Value[] = [];

  constructor(readonly plan: Plan) {
    this.#b.origin = { layer: 'layer', at: { file: 'model.yaml', line: 1, column: 1, length: 1 }, via: [] };
    for (const [op, which, seed] of plan.ops) {
      const choices = CHOICES[op]!;
      this.#grow(choices[which % choices.length]!, seed);
    }
  }

  #grow({ def, sample }: Choice, seed: number): void {
    const random = generator(seed + 1);
    random();
    const drawn = sampleInputs(sample, seed + 1);
    const inputs = drawn.map(
      (tensor, k) => this.#existing(sample, def, k, random) ?? this.#fresh(tensor, sloped(sample, k), random),
    );
    const outputs = sample.build?.(this.#b, inputs) ?? this.#b.ops(def.name, inputs, sample.attrs ?? {});
    this.#ops.push(def.name);
    this.#values.push(...outputs);
  }

  /** What other ops made, as the sample wants it. */
  #existing(sample: OpSample, def: OpDef, k: number, random: () => number): Value | undefined {
    const type = sample.inputs[k]!;
    const count = elementCount(type.shape);
    const decides = sample.separated === true || def.grad === undefined || !sloped(sample, k);
    if (type.dtype !== 'f32' || decides || sample.values?.[k] || count === 0 || random() < 0.25) return undefined;
    const fitting = this.#values.filter(({ type: t }) => t.dtype === 'f32' && elementCount(t.shape) >= count);
    const value = fitting[Math.floor(random() * fitting.length)];
    if (!value) return undefined;
    // Used as it stands where nothing stands against it, which is where buffers are shared and groups grow.
    if (sameType(value.type, type) && !sample.range && random() < 0.5) return this.#bounded(value);
    const b = this.#b;
    const flat = b.op('reshape', [value], { shape: [elementCount(value.type.shape)] });
    const cut = b.op('slice', [flat], { starts: [0], limits: [count], strides: [1] });
    return this.#within(b.op('reshape', [cut], { shape: type.shape }), rangeOf(sample, k));
  }

  /** Some ops answer with large numbers; sines of those would be noise. */
  #bounded(value: Value): Value {
    return this.#b.op('tanh', [value]);
  }

  #within(value: Value, [low, high]: readonly [number, number]): Value {
    const b = this.#b;
    const scaled = b.op('mul', [this.#bounded(value), b.full(Math.fround((high - low) / 2))]);
    return b.op('add', [scaled, b.full(Math.fround((high + low) / 2))]);
  }

  #fresh(tensor: RefTensor, smooth: boolean, random: () => number): Value {
    const state = random() < 0.25;
    const all = state ? this.#states : this.#feeds;
    const name = `${state ? 's' : 'in'}${Object.keys(all).length}`;
    all[name] = tensor;
    const value = state ? this.#b.state(name, tensor.type, 'parameter') : this.#b.input(name, tensor.type);
    if (smooth) {
      this.#values.push(value);
      this.#leaves.push(value);
    }
    return value;
  }

  finish(): Case {
    const { results, gradient } = this.plan;
    const b = this.#b;
    const exact = this.#values.filter((value) => value.type.dtype !== 'bf16');
    // Rounded results have no slopes: they are looked at only where there are no others.
    const made = exact.length > 0 ? exact : this.#values.map((value) => b.op('cast', [value], { dtype: 'f32' }));
    results.forEach((pick, i) => b.result(`r${i}`, made[(made.length - 1 + pick) % made.length]!));
    const wrt = gradient && exact.length > 0 ? this.#differentiated() : [];
    b.states.forEach(({ value }, i) => {
      const fitting = this.#values.filter((other) => other !== value && sameType(other.type, value.type));
      const pick = fitting[(results[0]! + i) % Math.max(1, fitting.length)];
      if (pick) b.update(value, pick);
    });
    const differentiable = !this.#ops.some((name) => NOT_DERIVATIVES.has(name));
    const graph = b.build();
    const shown = { [fc.toStringMethod]: () => printGraph(graph) };
    return { ...shown, graph, feeds: this.#feeds, states: this.#states, wrt, differentiable };
  }

  /** Gradients of one number made of all the results, where every op between has one. */
  #differentiated(): string[] {
    const b = this.#b;
    const leaves = this.#leaves;
    const parts = b.results.flatMap(({ value }, i) => (value.type.dtype === 'f32' ? [weighted(b, value, i)] : []));
    const objective = parts.reduce((sum, part) => b.op('add', [sum, part]), b.full(0));
    if (parts.length === 0 || withoutGradient(b.nodes, objective, leaves).length > 0) return [];
    b.result('objective', objective);
    return differentiate(b, objective, leaves).map((d, i) => {
      const name = leaves[i]!.name;
      if (d) b.result(`d_${name}`, d);
      return name;
    });
  }
}

function sloped({ inputs, wrt }: OpSample, k: number): boolean {
  return inputs[k]?.dtype === 'f32' && (wrt?.includes(k) ?? true);
}

function rangeOf({ range }: OpSample, k: number): readonly [number, number] {
  const own = range && typeof range[0] !== 'number' ? (range as readonly (readonly [number, number])[])[k] : range;
  return (own as readonly [number, number] | undefined) ?? [-1, 1];
}

function weighted(b: Builder, value: Value, seed: number): Value {
  const shape: Shape = value.type.shape;
  const random = generator(77 + seed);
  const weights = Array.from({ length: elementCount(shape) }, () => Math.fround(2 * random() - 1));
  const terms = b.op('mul', [b.op('tanh', [value]), b.constant(weights, shape)]);
  return shape.length === 0 ? terms : b.op('reduce_sum', [terms], { axes: shape.map((_, i) => i), keepdims: false });
}

/** Every f32 leaf moved by `h` along one direction of its own. */
export function moved(tensors: Case['feeds'], wrt: readonly string[], h: number): Record<string, RefTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      if (!wrt.includes(name)) return [name, tensor];
      const direction = directionOf(name, tensor.data.length);
      return [name, { ...tensor, data: tensor.data.map((x, i) => x + h * direction[i]!) }];
    }),
  );
}

export function directionOf(name: string, length: number): Float64Array {
  const random = generator(name.length * 31 + name.charCodeAt(name.length - 1));
  random();
  return Float64Array.from({ length }, () => 2 * random() - 1);
}
