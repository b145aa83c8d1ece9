/**
 * The list of ops in TypeScript and the list of kernels in the runtime are written by hand on both sides; this holds
 * them together. What differs is printed by name.
 */
import { openRuntime } from '../../compiler/native/runtime';
import type { OpDef } from '../../compiler/ops/define';
import { OPS } from '../../compiler/ops/index';

/** Element-wise ops reach the runtime wrapped into this one. */
const GROUP = 'fused_elementwise';

const kernels = new Set(openRuntime({ threads: 1 }).describe().kernels);
const ops = Object.entries<OpDef>(OPS);
const expected = new Set([GROUP, ...ops.filter(([, def]) => def.native === 'kernel').map(([name]) => name)]);

test('every op that runs as a kernel of its own has one, and every kernel is an op', () => {
  expect({
    'ops without a kernel': [...expected].filter((name) => !kernels.has(name)),
    'kernels without an op': [...kernels].filter((name) => !expected.has(name)),
  }).toEqual({ 'ops without a kernel': [], 'kernels without an op': [] });
});

test('an op that needs scratch memory runs as a kernel: nothing else is given any', () => {
  const stray = ops.filter(([, def]) => def.workspace && def.native !== 'kernel').map(([name]) => name);
  expect(stray).toEqual([]);
});

test('an op runs element by element exactly if it may join a group', () => {
  const stray = ops.filter(([, def]) => (def.native === 'elementwise') !== (def.traits.elementwise === true));
  expect(stray.map(([name]) => name)).toEqual([]);
});
