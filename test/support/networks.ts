/**
 * Small networks as whole training steps, written with the builder alone: forward, loss, gradients, optimizer. Between
 * them they hold every structure that passes and plans must keep right: shared values, residual sums, state updates,
 * several outputs of one op, broadcasts, checks, random ops.
 */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { Builder } from '../../compiler/ir/builder';
import type { Graph, Value } from '../../compiler/ir/graph';
import { elementCount, type Shape } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { Arithmetic } from '../../compiler/ops/families/arithmetic';
import { generator } from './samples';

export interface Network {
  readonly name: string;
  /** Results: `loss`, and for `gradientsOf` the gradients. */
  readonly graph: Graph;
  readonly parameters: readonly Value[];
}

type Update = (b: Builder, parameter: Value, gradient: Value) => void;
type Forward = (net: Parts) => Value;

/** What a forward pass is written with. */
class Parts {
  readonly parameters: Value[] = [];
  constructor(
    readonly b: Builder,
    readonly m: Arithmetic,
  ) {}

  parameter(name: string, shape: Shape): Value {
    const value = this.b.state(name, { dtype: 'f32', shape }, 'parameter');
    this.parameters.push(value);
    return value;
  }

  dense(x: Value, name: string, units: number): Value {
    const columns = x.type.shape[1] ?? 1;
    const product = this.b.op('matmul', [x, this.parameter(`${name}.weight`, [units, columns])], {
      transpose_a: false,
      transpose_b: true,
    });
    return this.m.add(product, this.parameter(`${name}.bias`, [units]));
  }

  conv(x: Value, name: string, filters: number, kernel: number, stride = 1, groups = 1): Value {
    const weight = this.parameter(`${name}.weight`, [filters, (x.type.shape[1] ?? 1) / groups, kernel, kernel]);
    const border = Math.floor(kernel / 2);
    const product = this.b.op('conv', [x, weight], {
      stride: [stride, stride],
      padding_low: [border, border],
      padding_high: [border, border],
      dilation: [1, 1],
      groups,
    });
    const bias = this.b.op('reshape', [this.parameter(`${name}.bias`, [filters])], { shape: [1, filters, 1, 1] });
    return this.m.add(product, bias);
  }

  batchNorm(x: Value, name: string): Value {
    const channels = x.type.shape.slice(1, 2);
    const [y, mean, variance] = this.b.ops(
      'batch_norm_train',
      [x, this.parameter(`${name}.gamma`, channels), this.parameter(`${name}.beta`, channels)],
      { epsilon: 1e-5 },
    );
    for (const [slot, value] of [
      ['mean', mean],
      ['variance', variance],
    ] as const) {
      if (!value) continue;
      const running = this.b.state(`${name}.${slot}`, { dtype: 'f32', shape: channels }, 'buffer');
      this.b.update(running, this.m.add(this.m.mul(running, 0.9), this.m.mul(value, 0.1)));
    }
    return y ?? x;
  }

  relu(x: Value): Value {
    return this.b.op('relu', [x]);
  }

  flat(x: Value): Value {
    const [rows = 1, ...rest] = x.type.shape;
    return this.b.op('reshape', [x], { shape: [rows, elementCount(rest)] });
  }

  /** The mean cross-entropy, checked. */
  loss(logits: Value, label: Value): Value {
    const attrs = { axis: 1, label_smoothing: 0 };
    const [losses, weights] = this.b.ops('softmax_cross_entropy', [logits, label], attrs);
    if (!losses || !weights) return logits;
    const all = { axes: [0], keepdims: false };
    const mean = this.m.div(this.b.op('reduce_sum', [losses], all), this.b.op('reduce_sum', [weights], all));
    return this.b.op('check_finite', [mean], { what: 'the loss' }, 'loss');
  }
}

function momentum(b: Builder, parameter: Value, gradient: Value): void {
  const m = new Arithmetic(b, 'f32');
  const velocity = b.state(`${parameter.name}.velocity`, parameter.type, 'slot');
  const next = m.add(m.mul(velocity, 0.9), m.add(gradient, m.mul(parameter, 5e-4)));
  b.update(velocity, next);
  b.update(parameter, m.sub(parameter, m.mul(next, 0.05)));
}

function adam(b: Builder, parameter: Value, gradient: Value): void {
  const m = new Arithmetic(b, 'f32');
  const first = b.state(`${parameter.name}.m`, parameter.type, 'slot');
  const second = b.state(`${parameter.name}.v`, parameter.type, 'slot');
  const nextFirst = m.add(m.mul(first, 0.9), m.mul(gradient, 0.1));
  const nextSecond = m.add(m.mul(second, 0.999), m.mul(m.square(gradient), 0.001));
  b.update(first, nextFirst);
  b.update(second, nextSecond);
  const size = m.add(b.op('sqrt', [m.div(nextSecond, 0.5)]), 1e-3);
  b.update(parameter, m.sub(parameter, m.mul(m.div(nextFirst, size), 0.01)));
}

const perceptron: Forward = (net) => {
  const x = net.b.input('x', { dtype: 'f32', shape: [6, 10] });
  const label = net.b.input('label', { dtype: 'i32', shape: [6] });
  const hidden = net.relu(net.dense(x, 'fc1', 12));
  const gelu = net.m.mul(hidden, net.m.add(net.b.op('erf', [net.m.mul(hidden, 0.7)]), 1));
  return net.loss(net.dense(gelu, 'fc2', 4), label);
};

const residual: Forward = (net) => {
  const { b, m } = net;
  const x = b.input('x', { dtype: 'f32', shape: [3, 2, 8, 8] });
  const label = b.input('label', { dtype: 'i32', shape: [3] });
  const stem = net.relu(net.batchNorm(net.conv(x, 'stem', 4, 3), 'stem_bn'));
  const inner = net.batchNorm(net.conv(net.relu(net.conv(stem, 'a', 4, 3, 1, 2)), 'b', 4, 3), 'b_bn');
  const sum = net.relu(m.add(inner, stem));
  const pool = { kernel: [2, 2], stride: [2, 2], padding_low: [0, 0], padding_high: [0, 0] };
  const [pooled = sum] = b.ops('max_pool', [sum], pool);
  const normalized = b.op('lrn', [pooled], { size: 3, alpha: 0.5, beta: 0.75, k: 1 });
  const average = b.op('avg_pool', [normalized], { ...pool, overhang: [0, 0], count_include_pad: false });
  return net.loss(net.dense(net.flat(average), 'logits', 3), label);
};

const dropped: Forward = (net) => {
  const x = net.b.input('x', { dtype: 'f32', shape: [4, 9] });
  const label = net.b.input('label', { dtype: 'i32', shape: [4] });
  const rng = net.b.input('rng', { dtype: 'i64', shape: [2] });
  const hidden = net.b.op('tanh', [net.dense(x, 'fc1', 16)]);
  const kept = net.b.op('dropout', [hidden, rng], { rate: 0.25, stream: 77 });
  const shared = net.b.op('concat', [kept, net.m.mul(hidden, 0.5)], { axis: 1 });
  return net.loss(net.dense(shared, 'fc2', 5), label);
};

function training(name: string, forward: Forward, update: Update | 'gradients'): Network {
  const b = new Builder(name);
  const net = new Parts(b, new Arithmetic(b, 'f32'));
  const loss = forward(net);
  b.result('loss', loss);
  differentiate(b, loss, net.parameters).forEach((gradient, i) => {
    const parameter = net.parameters[i];
    if (!gradient || !parameter) return;
    if (update === 'gradients') b.result(`d_${parameter.name}`, gradient);
    else update(b, parameter, gradient);
  });
  return { name, graph: b.build(), parameters: net.parameters };
}

/** Whole training steps. */
export function trainingSteps(): Network[] {
  return [
    training('perceptron', perceptron, momentum),
    training('residual', residual, momentum),
    training('dropped', dropped, adam),
  ];
}

/** The same networks with every parameter's gradient as a result `d_<parameter>`. */
export function gradientNetworks(): Network[] {
  return [
    training('perceptron', perceptron, 'gradients'),
    training('residual', residual, 'gradients'),
    training('dropped', dropped, 'gradients'),
  ];
}

export interface Point {
  readonly inputs: Record<string, RefTensor>;
  readonly states: Record<string, RefTensor>;
}

/** Inputs and states for a network: labels and seeds are small whole numbers, variances positive. */
export function pointOf(graph: Graph, seed = 5): Point {
  const random = generator(seed);
  const tensorFor = ({ name, type }: Value): [string, RefTensor] => {
    const positive = /\.(variance|gamma|v)$/.test(name);
    const draw = (): number => {
      if (type.dtype !== 'f32') return Math.floor(random() * 3);
      return Math.fround(positive ? 0.5 + random() : 1.2 * random() - 0.6);
    };
    return [name, { type, data: Float64Array.from({ length: elementCount(type.shape) }, draw) }];
  };
  return {
    inputs: Object.fromEntries(graph.inputs.map(tensorFor)),
    states: Object.fromEntries(graph.states.map(({ value }) => tensorFor(value))),
  };
}
