/** Each invariant of a graph has a graph that breaks it, and a message that says where. */
import type { Graph, Node, Value } from '../../compiler/ir/graph';
import type { DType } from '../../compiler/ir/types';
import { INVARIANTS, verifyGraph, verifyInterface } from '../../compiler/ir/verify';
import { graphOf } from '../passes/text';

const origin = { layer: 'layer', at: { file: 'model.yaml', line: 1, column: 1, length: 1 }, via: [] };

function value(name: string, shape: readonly number[] = [4], dtype: DType = 'f32'): Value {
  return { name, type: { dtype, shape } };
}

function node(op: string, inputs: readonly Value[], outputs: readonly Value[], attrs: Node['attrs'] = {}): Node {
  return { op, inputs, outputs, attrs, origin };
}

function graph(parts: Partial<Graph>): Graph {
  return { name: 'g', inputs: [], states: [], nodes: [], results: [], updates: [], ...parts };
}

const x = value('x');
const y = value('y');
const w = value('w');
const state = { value: w, role: 'parameter', origin } as const;

/** One graph for each way to break an invariant. */
const BROKEN: readonly (readonly [keyof typeof INVARIANTS, string, Graph])[] = [
  [1, 'two values are called %x', graph({ inputs: [x], nodes: [node('neg', [x], [value('x')])] })],
  [1, 'two values are called @w', graph({ states: [state, { ...state, value: value('w') }] })],
  [
    1,
    "two results are called 'r'",
    graph({
      inputs: [x],
      results: [
        { name: 'r', value: x },
        { name: 'r', value: x },
      ],
    }),
  ],
  [2, '%y, which is not defined', graph({ nodes: [node('neg', [y], [value('z')])] })],
  [2, 'another value of the name %x', graph({ inputs: [x], nodes: [node('neg', [value('x')], [y])] })],
  [2, '%y, which is not defined', graph({ inputs: [x], results: [{ name: 'r', value: y }] })],
  [2, '%x is defined twice', graph({ inputs: [x, x] })],
  [3, "no op is called 'toString'", graph({ inputs: [x], nodes: [node('toString', [x], [y])] })],
  [3, 'neg takes (x), not 2 inputs', graph({ inputs: [x], nodes: [node('neg', [x, x], [y])] })],
  [3, 'neg has 1 outputs, not 2', graph({ inputs: [x], nodes: [node('neg', [x], [y, value('z')])] })],
  [4, 'neg gives f32[4] but %y is f32[5]', graph({ inputs: [x], nodes: [node('neg', [x], [value('y', [5])])] })],
  [5, '%x is f32[2.5]', graph({ inputs: [value('x', [2.5])] })],
  [5, '%x is f32[9007199254740991,2]', graph({ inputs: [value('x', [Number.MAX_SAFE_INTEGER, 2])] })],
  [6, '@w is not declared', graph({ inputs: [x], updates: [{ state: w, value: x }] })],
  [
    6,
    '@w is updated twice',
    graph({
      inputs: [x],
      states: [state],
      updates: [
        { state: w, value: x },
        { state: w, value: x },
      ],
    }),
  ],
  [8, "'then' has states", branching({ states: [state] })],
  [4, 'cond: the first branch takes 0 inputs, expected 1', branching({ inputs: [], ...constantResult() })],
];

function constantResult(): Partial<Graph> {
  const made = value('made');
  const attrs = { dtype: 'f32', shape: [4], values: [0] };
  return { nodes: [node('constant', [], [made], attrs)], results: [{ name: 'r', value: made }] };
}

/** A cond of f32[4] whose first branch is spoilt. */
function branching(spoilt: Partial<Graph>): Graph {
  const p = value('p', [], 'bool');
  const branch = (name: string): Graph => {
    const given = value('given');
    return { ...graph({ inputs: [given], results: [{ name: 'r', value: given }] }), name };
  };
  const regions = [{ ...branch('then'), ...spoilt }, branch('else')];
  return graph({ inputs: [p, x], nodes: [{ ...node('cond', [p, x], [y]), regions }] });
}

describe('the verifier', () => {
  it.each(BROKEN)('reports invariant %i: %s', (invariant, message, broken) => {
    const text = `pass 'test' broke invariant ${invariant} (${INVARIANTS[invariant]}): `;
    expect(() => verifyGraph(broken, "pass 'test'")).toThrow(text);
    expect(() => verifyGraph(broken, "pass 'test'")).toThrow(message);
  });

  it('reports operands that do not fit in the words of the op', () => {
    const z = value('z', [3]);
    const broken = graph({ inputs: [x, z], nodes: [node('add', [x, z], [y])] });
    expect(() => verifyGraph(broken, 'a test')).toThrow('add: the shapes [4] and [3] do not broadcast');
  });

  it('names the region', () => {
    const broken = branching({ results: [{ name: 'r', value: x }] });
    expect(() => verifyGraph(broken, 'a test')).toThrow(
      "a test: region 'then' of cond broke invariant 2 (a value is defined once, before its uses): uses %x, which is not defined",
    );
  });

  it('reports an update of another type', () => {
    const i = value('i', [4], 'i32');
    const broken = graph({ inputs: [i], states: [state], updates: [{ state: w, value: i }] });
    expect(() => verifyGraph(broken, 'a test')).toThrow('@w is f32[4] but gets i32[4]');
  });

  it('shows the ten lines around the place', () => {
    const chain = Array.from({ length: 20 }, (_, i) => value(`v${i}`, [i === 12 ? 5 : 4]));
    const nodes = chain.map((v, i) => node('neg', [i === 13 ? (chain[11] as Value) : (chain[i - 1] ?? x)], [v]));
    const lines = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17];
    let message = '';
    try {
      verifyGraph(graph({ inputs: [x], nodes }), 'a test');
    } catch (error) {
      message = String(error);
    }
    expect(
      message
        .split('\n')
        .slice(2)
        .map((line) => line.slice(0, 6).trim()),
    ).toEqual(lines.map((i) => (i === 12 ? '> %v12' : `%v${i}`)));
  });

  it('holds passes to what the caller of a graph sees', () => {
    const before = graphOf('graph g(%x: f32[4]) {\n return y: %x\n}');
    const after = graphOf('graph g(%x: f32[4]) {\n return z: %x\n}');
    expect(() => verifyInterface(before, before, 'p')).not.toThrow();
    expect(() => verifyInterface(before, after, 'p')).toThrow('p broke invariant 7');
    expect(() => verifyInterface(before, after, 'p')).toThrow('results were (y: f32[4]) and are (z: f32[4])');
  });
});
