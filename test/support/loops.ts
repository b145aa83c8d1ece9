/**
 * Graphs with loops and conditions, and the gradients of a loss through them: recurrences with shared weights, loops in
 * loops, branches in loops, random numbers in loops, kept, recomputed and truncated. Every parameter is a state.
 */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { Builder } from '../../compiler/ir/builder';
import type { ScanOptions } from '../../compiler/ir/control';
import type { Graph, Value } from '../../compiler/ir/graph';
import { tensorType, type Shape } from '../../compiler/ir/types';
import { Arithmetic } from '../../compiler/ops/families/arithmetic';

export interface LoopCase {
  readonly name: string;
  /** Results: `loss` and `d0`, `d1`, … for the parameters; no updates. */
  readonly graph: Graph;
  readonly parameters: readonly Value[];
}

/** What the bodies are written with. */
export class LoopParts {
  readonly parameters: Value[] = [];
  readonly m: Arithmetic;

  constructor(readonly b: Builder) {
    this.m = new Arithmetic(b, 'f32');
  }

  parameter(name: string, ...shape: Shape): Value {
    const value = this.b.state(name, tensorType('f32', shape), 'parameter');
    this.parameters.push(value);
    return value;
  }

  input(name: string, ...shape: Shape): Value {
    return this.b.input(name, tensorType('f32', shape));
  }

  rng(): Value {
    return this.b.input('rng', tensorType('i64', [2]));
  }
}

export function times(b: Builder, x: Value, w: Value, transposeB = false): Value {
  return b.op('matmul', [x, w], { transpose_a: false, transpose_b: transposeB });
}

/** Σ x · (i mod 3 − 0.75): every element has a gradient of its own. */
export function weighted(b: Builder, x: Value): Value {
  const count = x.type.shape.reduce((product, extent) => product * extent, 1);
  const weights = Array.from({ length: count }, (_, i) => (i % 3) - 0.75);
  const product = b.op('mul', [x, b.constant(weights, x.type.shape)]);
  return b.op('reduce_sum', [product], { axes: x.type.shape.map((_, axis) => axis), keepdims: false });
}

function part(b: Builder, x: Value, from: number, to: number): Value {
  return b.op('slice', [x], { starts: [0, from], limits: [x.type.shape[0] ?? 0, to], strides: [1, 1] });
}

/** One step of an LSTM: gates i, f, g, o of x · w + h · u + bias. */
export function lstmStep(b: Builder, x: Value, h: Value, c: Value, [w, u, bias]: readonly [Value, Value, Value]) {
  const m = new Arithmetic(b, 'f32');
  const units = h.type.shape[1] ?? 0;
  const z = m.add(m.add(times(b, x, w), times(b, h, u)), bias);
  const gate = (k: number): Value => part(b, z, k * units, (k + 1) * units);
  const sigmoid = (value: Value): Value => b.op('sigmoid', [value]);
  const next = m.add(m.mul(sigmoid(gate(1)), c), m.mul(sigmoid(gate(0)), b.op('tanh', [gate(2)])));
  return { h: m.mul(sigmoid(gate(3)), b.op('tanh', [next])), c: next };
}

type Options = Pick<ScanOptions, 'reverse' | 'checkpoint' | 'truncate'>;

export function lstm(net: LoopParts, [steps, batch, inputs, units]: readonly number[], options: Options = {}): Value {
  const { b } = net;
  const weights = [
    net.parameter('w', inputs!, 4 * units!),
    net.parameter('u', units!, 4 * units!),
    net.parameter('bias', 4 * units!),
  ] as const;
  const { carries, outputs } = b.scan({
    ...options,
    init: [net.parameter('h0', batch!, units!), net.parameter('c0', batch!, units!)],
    sequences: [net.parameter('x', steps!, batch!, inputs!)],
    body: (sub, [h, c], [x]) => {
      const next = lstmStep(sub, x!, h!, c!, weights);
      return { carries: [next.h, next.c], outputs: [next.h] };
    },
  });
  return net.m.add(weighted(b, outputs[0]!), weighted(b, carries[1]!));
}

const CASES: Readonly<Record<string, (net: LoopParts) => Value>> = {
  'an lstm': (net) => lstm(net, [5, 3, 2, 3]),
  'an lstm in reverse': (net) => lstm(net, [4, 3, 2, 3], { reverse: true }),
  'an lstm, checkpointed': (net) => lstm(net, [5, 3, 2, 3], { checkpoint: true }),
  'an lstm of one step': (net) => lstm(net, [1, 3, 2, 3]),
  'an lstm of no steps': (net) => lstm(net, [0, 3, 2, 3]),

  'one weight as left side, right side, transposed and by element': (net) => {
    const w = net.parameter('w', 3, 3);
    const { carries, outputs } = net.b.scan({
      init: [net.parameter('h0', 3, 3)],
      length: 4,
      body: (sub, [h]) => {
        const m = new Arithmetic(sub, 'f32');
        const turned = sub.op('transpose', [w], { perm: [1, 0] });
        const both = m.add(times(sub, w, h!), times(sub, h!, w, true));
        const next = sub.op('tanh', [m.add(m.add(both, times(sub, h!, turned)), m.mul(h!, w))]);
        return { carries: [next], outputs: [m.mul(next, w)] };
      },
    });
    return net.m.add(weighted(net.b, carries[0]!), weighted(net.b, outputs[0]!));
  },

  'products of flattened rows': (net) => {
    const w = net.parameter('w', 2, 5);
    const { outputs } = net.b.scan({
      sequences: [net.parameter('x', 3, 2, 3, 2)],
      body: (sub, _carries, [x]) => ({ carries: [], outputs: [sub.op('sin', [times(sub, x!, w)])] }),
    });
    return weighted(net.b, outputs[0]!);
  },

  'slices and stacks, some of which no kernel can follow': (net) => {
    const { b, m } = net;
    const w = net.parameter('w', 3, 8);
    const { outputs } = b.scan({
      init: [net.parameter('h0', 2, 3)],
      sequences: [net.parameter('x', 5, 2, 8), net.parameter('y', 5, 2, 3)],
      body: (sub, [h], [x, y]) => {
        const n = new Arithmetic(sub, 'f32');
        const sums = n.add(times(sub, h!, w), x!);
        const parts = [part(sub, sums, 0, 3), part(sub, x!, 4, 7), y!];
        const side = sub.op('concat', parts, { axis: 1 });
        const soft = sub.op('softmax', [side], { axis: 1 });
        const next = n.add(part(sub, soft, 1, 4), sub.op('reshape', [y!], { shape: [2, 3] }));
        return { carries: [next], outputs: [sums, side, soft, soft, y!, sub.op('exp', [x!]), h!, next] };
      },
    });
    return outputs.map((value) => weighted(b, value)).reduce((x, y) => m.add(m.mul(x, 0.875), y));
  },

  'carried values that change places, stand still and are never read': (net) => {
    const { b, m } = net;
    const { carries, outputs } = b.scan({
      init: [net.parameter('p', 3), net.parameter('q', 3), net.parameter('r', 3), b.full(0, [2])],
      length: 5,
      body: (sub, [p, q, r, idle]) => {
        const n = new Arithmetic(sub, 'f32');
        const next = n.mul(sub.op('sin', [n.add(p!, q!)]), r!);
        return { carries: [q!, next, r!, n.add(idle!, 1)], outputs: [p!, next, next, r!] };
      },
    });
    const sums = [...carries.slice(0, 3), ...outputs].map((value) => weighted(b, value));
    return sums.reduce((x, y) => m.add(m.mul(x, 0.875), y));
  },

  'a loop in a loop': (net) => {
    const { b } = net;
    const w = net.parameter('w', 3, 3);
    const { carries } = b.scan({
      init: [net.parameter('h0', 2, 3)],
      sequences: [net.parameter('x', 3, 4, 2, 3)],
      body: (sub, [h], [row]) => {
        const scale = sub.op('exp', [h!]);
        const inner = sub.scan({
          init: [h!],
          sequences: [row!],
          reverse: true,
          body: (deep, [y], [x], index) => {
            const m = new Arithmetic(deep, 'f32');
            const at = m.mul(deep.op('cast', [index], { dtype: 'f32' }), 0.125);
            const next = deep.op('tanh', [m.add(m.mul(times(deep, m.add(y!, x!), w), scale), at)]);
            return { carries: [next], outputs: [next] };
          },
        });
        const total = sub.op('reduce_sum', inner.outputs, { axes: [0], keepdims: false });
        return { carries: [sub.op('sin', [sub.op('add', [inner.carries[0]!, total])])] };
      },
    });
    return weighted(b, carries[0]!);
  },

  'loops in loops, checkpointed outside and inside': (net) => {
    const { b } = net;
    const w = net.parameter('w', 3, 3);
    const inner = (sub: Builder, h: Value, checkpoint: boolean): Value =>
      sub.scan({
        init: [h],
        length: 3,
        checkpoint,
        body: (deep, [y]) => ({ carries: [deep.op('tanh', [times(deep, deep.op('exp', [y!]), w)])] }),
      }).carries[0]!;
    const { carries } = b.scan({
      init: [net.parameter('h0', 2, 3)],
      length: 3,
      checkpoint: true,
      body: (sub, [h]) => ({ carries: [sub.op('sin', [inner(sub, inner(sub, h!, true), false)])] }),
    });
    return weighted(b, carries[0]!);
  },

  'a branch in a loop': (net) => {
    const { b } = net;
    const w = net.parameter('w', 3, 3);
    const v = net.parameter('v', 3);
    const { carries, outputs } = b.scan({
      init: [net.parameter('h0', 2, 3)],
      sequences: [net.parameter('x', 5, 2, 3)],
      body: (sub, [h], [x], index) => {
        const late = sub.op('greater', [index, sub.full(2, [], 'i32')]);
        const [next, extra] = sub.cond(
          late,
          (then) => [then.op('tanh', [then.op('add', [times(then, h!, w), x!])]), then.op('sin', [v])],
          (other) => [other.op('mul', [h!, other.op('mul', [x!, v])]), v],
        );
        return { carries: [next!], outputs: [extra!] };
      },
    });
    return net.m.add(weighted(b, carries[0]!), weighted(b, outputs[0]!));
  },

  'a loop in a branch': (net) => {
    const { b, m } = net;
    const w = net.parameter('w', 3, 3);
    const x = net.parameter('x', 2, 3);
    const chosen = b.cond(
      b.op('greater', [net.input('p'), b.full(-2)]),
      (then) =>
        then.scan({
          init: [x],
          length: 3,
          body: (sub, [h]) => ({ carries: [sub.op('sin', [times(sub, h!, w)])] }),
        }).carries,
      () => [x],
    );
    return m.add(weighted(b, chosen[0]!), weighted(b, x));
  },

  'random numbers in a loop': (net) => {
    const { b } = net;
    const rng = net.rng();
    const scale = net.parameter('scale', 3);
    const { outputs } = b.scan({
      init: [net.parameter('h0', 2, 3)],
      length: 4,
      body: (sub, [h], _slices, index) => {
        const m = new Arithmetic(sub, 'f32');
        const own = sub.op('fold_rng', [rng, index]);
        const noise = sub.op('random_normal', [own], { shape: [2, 3], mean: 0, std: 1, stream: 5, truncated: false });
        const next = sub.op('tanh', [m.add(h!, m.mul(noise, scale))]);
        return { carries: [sub.op('dropout', [next, own], { rate: 0.4, stream: 9 })], outputs: [next] };
      },
    });
    return weighted(b, outputs[0]!);
  },

  'an open end in a loop': (net) => {
    const { b } = net;
    const { carries } = b.scan({
      init: [net.parameter('h0', 3)],
      length: 3,
      body: (sub, [h], _slices, index) => {
        const m = new Arithmetic(sub, 'f32');
        // Halved until it is small: a number that depends on the step alone, so nothing is differentiated through it.
        const small = sub.while({
          limit: 9,
          init: [m.add(sub.op('cast', [index], { dtype: 'f32' }), 1)],
          condition: (test, [x]) => test.op('greater', [x!, test.full(0.3125)]),
          body: (deep, [x]) => [deep.op('mul', [x!, deep.full(0.5)])],
        });
        return { carries: [sub.op('sin', [m.mul(h!, m.add(small.carries[0]!, 1))])] };
      },
    });
    return weighted(b, carries[0]!);
  },

  'a loop over what another loop gave': (net) => {
    const { b } = net;
    const w = net.parameter('w', 3, 3);
    const pass = (x: Value, reverse: boolean): Value =>
      b.scan({
        init: [b.full(0, [2, 3])],
        sequences: [x],
        reverse,
        body: (sub, [h], [y]) => {
          const next = sub.op('tanh', [sub.op('add', [times(sub, h!, w), y!])]);
          return { carries: [next], outputs: [next] };
        },
      }).outputs[0]!;
    const x = net.parameter('x', 4, 2, 3);
    return weighted(b, b.op('concat', [pass(pass(x, false), true), pass(x, true)], { axis: 2 }));
  },
};

export function loopCase(name: string, build: (net: LoopParts) => Value): LoopCase {
  const b = new Builder('loop');
  b.origin = { layer: 'loop', at: { file: 'model.yaml', line: 7, column: 3, length: 4 }, via: [] };
  const net = new LoopParts(b);
  const loss = build(net);
  b.result('loss', loss);
  differentiate(b, loss, net.parameters).forEach((gradient, i) => {
    if (gradient) b.result(`d${i}`, gradient);
  });
  return { name, graph: b.build(), parameters: net.parameters };
}

export function loopCases(): LoopCase[] {
  return Object.entries(CASES).map(([name, build]) => loopCase(name, build));
}
