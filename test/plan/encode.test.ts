/** The bytes of a plan are those that the architecture page writes down. */
import { InternalError } from '../../compiler/diagnostics/errors';
import { Builder } from '../../compiler/ir/builder';
import { planPrograms } from '../../compiler/plan/build';
import { bytesOfTensor } from '../../compiler/plan/constants';
import { encodePlan } from '../../compiler/plan/encode';
import { fnv1a64, formatHash } from '../../compiler/plan/fnv1a';
import type { Plan, PlanStep } from '../../compiler/plan/plan';
import { printPlan } from '../../compiler/plan/print';
import { graphOf } from '../passes/text';

const STEP = `graph train(%x: f32[2], %lr: f32[]) {
  state @w: f32[2] parameter
  %c = constant() {dtype: "f32", shape: [2], values: [1,2]} : f32[2]
  %p = concat(%x, %c) {axis: 0} : f32[4]
  %sum = reduce_sum(%p) {axes: [0], keepdims: false} : f32[]
  %loss = check_finite(%sum) {what: "the loss"} : f32[]
  %step = mul(%x, %lr) : f32[2]
  %new = sub(@w, %step) : f32[2]
  update @w = %new
  return %loss
}`;

const plan = planPrograms('test', { train: graphOf(STEP) });

/** Reads the layout of docs/architecture.md, independently of the writer. */
class Reader {
  at = 0;
  readonly view: DataView;
  strings: string[] = [];
  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u8 = (): number => this.view.getUint8((this.at += 1) - 1);
  u16 = (): number => this.view.getUint16((this.at += 2) - 2, true);
  u32 = (): number => this.view.getUint32((this.at += 4) - 4, true);
  u64 = (): number => Number(this.view.getBigUint64((this.at += 8) - 8, true));
  f64 = (): number => this.view.getFloat64((this.at += 8) - 8, true);
  string = (): string => this.strings[this.u32()] as string;
  list = <T>(count: number, item: () => T): T[] => Array.from({ length: count }, item);
  shape = (): number[] => this.list(this.u16(), this.u64);
  attr = (): unknown => {
    const kind = this.u8();
    if (kind === 0) return this.f64();
    if (kind === 1) return this.list(this.u32(), this.f64);
    if (kind === 2) return this.string();
    if (kind === 3) return this.list(this.u32(), this.string);
    return kind === 4 ? this.u8() === 1 : this.list(this.u32(), () => this.u8() === 1);
  };
  index = (): number => {
    const index = this.u32();
    return index === 0xffffffff ? -1 : index;
  };
  tensors = (): unknown =>
    this.list(this.u32(), () => ({
      name: this.string(),
      dtype: ['f32', 'f64', 'bf16', 'u8', 'i32', 'i64', 'bool'][this.u8()],
      space: ['arena', 'state', 'const', 'operand', 'result'][this.u8()],
      shape: this.shape(),
      offset: this.u64(),
    }));
  steps = (): unknown =>
    this.list(this.u32(), () => ({
      op: this.string(),
      inputs: this.list(this.u16(), this.u32),
      outputs: this.list(this.u16(), this.index),
      workspace: { offset: this.u64(), bytes: this.u64() },
      regions: this.list(this.u16(), this.u32),
      attrs: Object.fromEntries(this.list(this.u16(), () => [this.string(), this.attr()] as const)),
      origin: [this.string(), this.string(), this.u32(), this.u32()],
    }));
  region = (): unknown => ({
    name: this.string(),
    arenaBytes: this.u64(),
    tensors: this.tensors(),
    inputs: this.list(this.u32(), this.index),
    outputs: this.list(this.u32(), () => ({ tensor: this.u32(), early: this.u8() === 1 })),
    steps: this.steps(),
  });
  program = (): unknown => ({
    name: this.string(),
    prepare: this.index(),
    arenaBytes: this.u64(),
    tensors: this.tensors(),
    inputs: this.list(this.u32(), () => ({ name: this.string(), tensor: this.u32() })),
    outputs: this.list(this.u32(), () => ({ name: this.string(), tensor: this.u32() })),
    regions: this.list(this.u32(), this.region),
    steps: this.steps(),
  });
}

function decode(blob: Uint8Array): unknown {
  const r = new Reader(blob);
  const magic = String.fromCharCode(...r.list(4, r.u8));
  const [version, size] = [r.u32(), r.u64()];
  r.u64();
  r.strings = r.list(r.u32(), () => {
    const length = r.u32();
    return new TextDecoder().decode(blob.subarray(r.at, (r.at += length)));
  });
  const name = r.string();
  const constBytes = r.u64();
  r.at = Math.ceil(r.at / 64) * 64;
  const constants = blob.slice(r.at, (r.at += constBytes));
  const states = r.list(r.u32(), () => ({
    name: r.string(),
    role: ['parameter', 'buffer', 'slot'][r.u8()],
    dtype: ['f32', 'f64', 'bf16', 'u8', 'i32', 'i64', 'bool'][r.u8()],
    shape: r.shape(),
    offset: r.u64(),
  }));
  const decoded = { name, states, stateBytes: r.u64(), constants, programs: r.list(r.u32(), r.program) };
  return { magic, version, size, read: r.at, decoded };
}

/** As far as the blob holds it: no derived states, origins shortened to layer, file, line, column. */
function shortened({ name, states, stateBytes, constants, ...whole }: Plan): unknown {
  return {
    name,
    states,
    stateBytes,
    constants,
    programs: whole.programs.map((program) => ({
      prepare: -1,
      ...program,
      regions: program.regions.map((region) => ({ ...region, steps: region.steps.map(shortenedStep) })),
      steps: program.steps.map(shortenedStep),
    })),
  };
}

function shortenedStep({ origin, ...step }: PlanStep): unknown {
  const { layer, at } = origin;
  return { regions: [], ...step, origin: [layer, at.file, at.line, at.column] };
}

/** Loops in loops, in reverse, with what is taken before a step and what nobody reads. */
function looping(): Plan {
  const b = new Builder('train');
  const x = b.input('x', { dtype: 'f32', shape: [3, 5] });
  const { carries } = b.scan({
    init: [b.full(0, [5])],
    sequences: [x],
    reverse: true,
    body: (sub, [h], [row]) => {
      const inner = sub.scan({
        length: 4,
        init: [row!],
        body: (deep, [y]) => ({ carries: [deep.op('sin', [y!])], outputs: [y!] }),
      });
      const sum = sub.op('reduce_sum', inner.outputs, { axes: [0], keepdims: false });
      return { carries: [sub.op('add', [h!, sum])] };
    },
  });
  b.result('y', carries[0]!);
  return planPrograms('loops', { train: b.build() });
}

describe('encodePlan', () => {
  it('writes the documented layout', () => {
    const blob = encodePlan(plan);
    expect(decode(blob)).toEqual({
      magic: 'DLCP',
      version: 3,
      size: blob.length,
      read: blob.length,
      decoded: shortened(plan),
    });
  });

  it('writes the same bytes as ever', () => {
    const blob = encodePlan(plan);
    expect([blob.length, formatHash(fnv1a64(blob))]).toMatchInlineSnapshot(`
     [
       1011,
       "c4549fd72b4cc503",
     ]
    `);
    expect(encodePlan(planPrograms('test', { train: graphOf(STEP) }))).toEqual(blob);
  });

  it('carries every kind of attribute', () => {
    const [program] = plan.programs;
    const attrs = { a: -0.5, b: [1, 2], c: 'ä', d: ['x', 'y'], e: true, f: [true, false], g: [] };
    const steps = program?.steps.map((step) => ({ ...step, attrs })) ?? [];
    const changed = { ...plan, programs: [{ ...program, steps }] } as Plan;
    expect(decode(encodePlan(changed))).toMatchObject({ decoded: shortened(changed) });
  });

  it('grows beyond its first buffer', () => {
    const inputs = Array.from({ length: 500 }, (_, i) => `%x${i}: f32[3]`).join(', ');
    const names = Array.from({ length: 500 }, (_, i) => `%x${i}`).join(', ');
    const wide = planPrograms('wide', {
      g: graphOf(`graph g(${inputs}) {\n %y = concat(${names}) {axis: 0} : f32[1500]\n return %y\n}`),
    });
    expect(decode(encodePlan(wide))).toMatchObject({ decoded: shortened(wide) });
  });

  it('writes regions before the steps that run them', () => {
    const loops = looping();
    expect(loops.programs[0]?.regions.map(({ inputs, outputs }) => [inputs.length, outputs])).toEqual([
      [1, [{ tensor: expect.any(Number) as unknown, early: true }]],
      [2, []],
    ]);
    expect(decode(encodePlan(loops))).toMatchObject({ decoded: shortened(loops) });
  });

  it('refuses what the format cannot hold', () => {
    expect(() => encodePlan({ ...plan, stateBytes: -1 })).toThrow(InternalError);
    expect(() => encodePlan({ ...plan, stateBytes: 2 ** 53 })).toThrow(InternalError);
  });
});

describe('fnv1a64', () => {
  it.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ])('gives the published hash of %j', (text, hash) => {
    expect(formatHash(fnv1a64(new TextEncoder().encode(text)))).toBe(hash);
  });
});

describe('bytesOfTensor', () => {
  it.each([
    ['f32', [1, -0.1], '0000803fcdccccbd'],
    ['f64', [1], '000000000000f03f'],
    ['bf16', [1, 1.00390625, 1.01171875, NaN], '803f803f823fc07f'],
    ['i32', [-2], 'feffffff'],
    ['i64', [-2, 2 ** 40], 'feffffffffffffff0000000000010000'],
    ['u8', [7, 255], '07ff'],
    ['bool', [0, 1, 5], '000101'],
  ] as const)('writes %s little-endian', (dtype, values, hex) => {
    const bytes = bytesOfTensor({ dtype, shape: [values.length] }, Float64Array.from(values));
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
  });
});

describe('printPlan', () => {
  it('shows where everything lies and what runs in which order', () => {
    expect(printPlan(plan)).toMatchInlineSnapshot(`
     "plan test

     states 64 bytes
       @w: f32[2] parameter   at 0

     constants 64 bytes

     program train 256 bytes of arena, 384 in all
       input x -> %x: f32[2] at arena 0..8
       input lr -> %lr: f32[] at arena 64..68
       %p: f32[4] at arena 128..144 = concat(%x, #c) {axis: 0}   // layer model.yaml:1
       %sum: f32[] at arena 192..196 = reduce_sum(%p) {axes: [0], keepdims: false}   // layer model.yaml:1
       %loss: f32[] at arena 192..196 = check_finite(%sum) {what: "the loss"}   // layer model.yaml:1
       %step: f32[2] at arena 0..8 = fused_elementwise(%x, %lr) {program: "t0 = mul(%0, %1); yield t0"}   // layer model.yaml:1
       @new: f32[2] at state 0..8 = fused_elementwise(@w, %step) {program: "t0 = sub(%0, %1); yield t0"}   // layer model.yaml:1
       output loss <- %loss
     "
    `);
  });

  it('shows regions after the steps of their program', () => {
    const text = printPlan(looping());
    expect(text).toMatch(/ = scan\(.*\) \{.*\} workspace \d+\.\.\d+ regions 1 {3}\/\/ /);
    expect(text).toMatch(/^ {2}region 0 body \d+ bytes of arena$/m);
    expect(text).toMatch(/^ {4}filled %x\.t: f32\[5\] at arena \d+\.\.\d+$/m);
    expect(text).toMatch(/^ {4}>\S+: f32\[5\] at result 0 = fused_elementwise\(>/m);
    expect(text).toMatch(/^ {4}taken before >/m);
  });
});
