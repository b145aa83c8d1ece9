/** The text of a graph reads back as the same graph, for any graph. */
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InternalError } from '../../compiler/diagnostics/errors';
import type { Location, Origin } from '../../compiler/diagnostics/location';
import type { AttrValue, Graph } from '../../compiler/ir/graph';
import { parseGraph } from '../../compiler/ir/parse';
import { printAttr, printGraph } from '../../compiler/ir/print';
import { runPipeline } from '../../compiler/pipeline';
import { randomGraph } from '../plan/random-graph';

const GOLDEN = join(__dirname, '..', 'golden', 'ir');

const name = fc.oneof(fc.stringMatching(/^[A-Za-z_][\w./-]{0,8}$/), fc.string({ maxLength: 8 }));
const place: fc.Arbitrary<Location> = fc.record(
  { file: name, line: fc.nat(), column: fc.nat(), length: fc.nat(90), endLine: fc.nat(), endColumn: fc.nat() },
  { requiredKeys: ['file', 'line', 'column', 'length'], noNullPrototype: true },
);
const origin: fc.Arbitrary<Origin> = fc.record(
  {
    layer: name,
    at: place,
    via: fc.array(fc.record({ block: name, at: place }, { noNullPrototype: true }), { maxLength: 2 }),
  },
  { noNullPrototype: true },
);
const attr: fc.Arbitrary<AttrValue> = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.string(),
  fc.array(fc.double()),
  fc.array(fc.boolean()),
  fc.array(fc.string()),
);

describe('the text of the IR', () => {
  it('reads back as the same graph, whatever the graph', () => {
    fc.assert(
      fc.property(randomGraph, (graph) => {
        expect(parseGraph(printGraph(graph))).toEqual(graph);
        const optimized = runPipeline(graph).graph;
        expect(parseGraph(printGraph(optimized))).toEqual(optimized);
      }),
      { numRuns: 150, seed: 30 },
    );
  });

  it('keeps every origin, attribute and odd name', () => {
    fc.assert(
      fc.property(
        origin,
        attr,
        name,
        name,
        fc.constantFrom('parameter', 'buffer', 'slot'),
        (at, value, key, odd, role) => {
          const x = { name: odd, type: { dtype: 'f32', shape: [2, 3] } } as const;
          const w = { name: odd, type: { dtype: 'i64', shape: [] } } as const;
          const y = { name: `${odd}'`, type: { dtype: 'bool', shape: [0] } } as const;
          const graph: Graph = {
            name: odd,
            inputs: [x],
            states: [{ value: w, role, origin: at }],
            nodes: [{ op: 'some_op', inputs: [x, w], attrs: { [`k${key}`]: value }, outputs: [y], origin: at }],
            results: [
              { name: odd, value: y },
              { name: `${odd}!`, value: w },
            ],
            updates: [{ state: w, value: y }],
          };
          expect(parseGraph(printGraph(graph))).toEqual(graph);
        },
      ),
      { numRuns: 300, seed: 31 },
    );
  });

  it('tells numbers apart that JSON cannot', () => {
    expect([-0, 0, NaN, Infinity, -Infinity, 1e21, 5e-324].map(printAttr)).toEqual([
      '-0',
      '0',
      'nan',
      'inf',
      '-inf',
      '1e+21',
      '5e-324',
    ]);
  });

  it.each(readdirSync(GOLDEN))('of the golden %s is what its graph prints', (file) => {
    const text = readFileSync(join(GOLDEN, file), 'utf8');
    expect(printGraph(parseGraph(text))).toBe(text);
  });

  it.each([
    [
      'graph g() {\n  %y = neg(%x) : f32[]   // l f:1:1\n  return\n}',
      'line 2, column 14: expected a defined value instead of %x',
    ],
    ['graph g(%x: f33[]) {\n  return\n}', 'expected one of f32, f64'],
    ['graph g(%x: f32[], %x: f32[]) {\n  return\n}', 'expected a name other than %x, which is taken'],
    ['graph g() {\n  return\n} more', 'expected the end of the text'],
    ['graph g(%x: f32[]) {\n  %y = neg(%x) : f32[]\n  return\n}', "expected '//'"],
    [
      'graph g(%x: f32[]) {\n  state @w: f32[] weight // l f:1:1\n  return\n}',
      'expected one of parameter, buffer, slot',
    ],
  ])('is refused with its place: %j', (text, message) => {
    expect(() => parseGraph(text)).toThrow(InternalError);
    expect(() => parseGraph(text)).toThrow(message);
  });
});
