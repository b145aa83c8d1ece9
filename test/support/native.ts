/** Runs graphs natively for comparison with the reference: plan, encode, load, run, back to doubles. */
import { bfloat16Bits, bfloat16Value } from '../../compiler/ir/bfloat16';
import type { Graph } from '../../compiler/ir/graph';
import { elementCount, isFloat, type DType, type TensorType } from '../../compiler/ir/types';
import { openRuntime, type NativeRuntime, type TensorData } from '../../compiler/native/runtime';
import type { RefTensor } from '../../compiler/ops/define';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { allocateTensor } from '../../compiler/native/tensors';

type Tensors = Readonly<Record<string, RefTensor>>;

const runtimes = new Map<number, NativeRuntime>();

/** One runtime for each number of threads: they own the threads. */
export function runtimeWith(threads: number): NativeRuntime {
  const runtime = runtimes.get(threads) ?? openRuntime({ threads });
  runtimes.set(threads, runtime);
  return runtime;
}

export function toNative({ type, data }: RefTensor): TensorData {
  const native = allocateTensor({ name: '', ...type });
  if (native instanceof BigInt64Array) data.forEach((x, i) => (native[i] = BigInt(x)));
  else native.set(type.dtype === 'bf16' ? data.map(bfloat16Bits) : data);
  return native;
}

export function fromNative(data: TensorData, type: TensorType): RefTensor {
  const numbers = Float64Array.from(data, Number);
  return { type, data: type.dtype === 'bf16' ? numbers.map(bfloat16Value) : numbers };
}

/** Element i of what came from the runtime, where bfloat16 crosses as its bits, or of the reference. */
function numberAt(data: TensorData, i: number): number {
  return data instanceof Uint16Array ? bfloat16Value(data[i] ?? NaN) : Number(data[i]);
}

export interface NativeRun {
  readonly results: Readonly<Record<string, TensorData>>;
  /** What each state holds afterwards. */
  readonly states: Readonly<Record<string, TensorData>>;
}

/** One step of the graph, planned as it stands. */
export async function runNatively(
  graph: Graph,
  inputs: Tensors,
  states: Tensors = {},
  threads = 1,
): Promise<NativeRun> {
  const plan = planPrograms(graph.name, { run: graph });
  const session = runtimeWith(threads).createSession(encodePlan(plan), plan);
  try {
    for (const [name, tensor] of Object.entries(states)) session.writeState(name, toNative(tensor));
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toNative(tensor)]));
    const result = await session.run('run', 1, feeds);
    expect(result).toMatchObject({ ok: true });
    const held = Object.keys(states).map((name) => [name, session.readState(name)] as const);
    return { results: result.outputs, states: Object.fromEntries(held) };
  } finally {
    session.close();
  }
}

/**
 * What is rounded to bfloat16 once, or beside a kernel that sums in another order, may fall on either side of a tie:
 * relative to the largest magnitude.
 */
const BFLOAT16_TOLERANCE = 1e-2;

/** Where and how far a native tensor is from the reference: undefined if it is as near as asked. */
export function difference(found: TensorData | undefined, expected: RefTensor, tolerance: number): string | undefined {
  const { dtype, shape } = expected.type;
  if (found?.length !== elementCount(shape)) return `has ${found?.length} elements instead of [${shape.join(',')}]`;
  const scale = expected.data.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
  const relative = dtype === 'bf16' && tolerance > 0 ? Math.max(tolerance, BFLOAT16_TOLERANCE) : tolerance;
  const allowed = isFloat(dtype) ? relative * scale : 0;
  for (let i = 0; i < found.length; i++) {
    const [value, wanted] = [numberAt(found, i), expected.data[i] ?? NaN];
    if (!near(value, wanted, allowed, dtype)) return `element ${i} is ${value} instead of ${wanted} (± ${allowed})`;
  }
  return undefined;
}

function near(value: number, wanted: number, allowed: number, dtype: DType): boolean {
  if (Number.isNaN(wanted) || !Number.isFinite(wanted)) return Object.is(value, wanted);
  return isFloat(dtype) ? Math.abs(value - wanted) <= allowed : value === wanted;
}
