/**
 * Whether the tests of gradients would notice: in every rule of differentiation, each gradient in turn is given the wrong
 * sign, and is made one percent too large. If finite differences on the op's samples still agree, the samples are too weak.
 */
import type { GradContext, OpDef } from '../../compiler/ops/define';
import { gradientMistakes, wrtOf } from '../support/gradient';
import { allOps } from '../support/samples';

type Gradients = ReturnType<NonNullable<OpDef['grad']>>;

/** Ops whose gradient is not their derivative on purpose: what it is instead is tested where they are. */
const NOT_DERIVATIVES: ReadonlySet<string> = new Set(['stop_gradient', 'scale_gradient', 'clip_gradient']);

/** Steps: flat wherever they have a slope at all, so their rules give nothing that could be wrong. */
const FLAT: ReadonlySet<string> = new Set(['sign', 'floor', 'ceil', 'round']);

/** What the test around the op is made of has the builder's default names; only the op itself is mutated. */
const AROUND = /^t(_\d+)?$/;

const differentiable = allOps().filter(
  ([name, def]) =>
    def.grad && !NOT_DERIVATIVES.has(name) && !FLAT.has(name) && def.samples.some((sample) => wrtOf(sample).length > 0),
);

/** Every position at which the rule ever returns a gradient, seen on the samples. */
function positionsOf(def: OpDef): readonly number[] {
  const seen = new Set<number>();
  whileMutated(
    def,
    (gradients) => {
      gradients.forEach((gradient, k) => {
        if (gradient) seen.add(k);
      });
      return gradients;
    },
    () => def.samples.forEach((sample) => wrtOf(sample).length > 0 && gradientMistakes(def, sample)),
  );
  return [...seen].sort((a, b) => a - b);
}

function whileMutated(
  def: OpDef,
  mutate: (gradients: Gradients, context: GradContext) => Gradients,
  run: () => void,
): void {
  const changeable = def as { grad: (context: GradContext) => Gradients };
  const original = { ...def };
  changeable.grad = (context) => mutate(original.grad?.(context) ?? [], context);
  try {
    run();
  } finally {
    Object.assign(def, original);
  }
}

/** True if some sample shows the mutation. */
function isNoticed(def: OpDef, position: number, factor: number): boolean {
  let noticed = false;
  const built = def.samples.some((sample) => sample.build);
  const mutate = (gradients: Gradients, { b, node }: GradContext): Gradients =>
    gradients.map((gradient, k) => {
      if (k !== position || !gradient) return gradient;
      if (!built && AROUND.test(node.outputs[0]?.name ?? '')) return gradient;
      return b.op('mul', [gradient, b.full(factor, [], gradient.type.dtype)]);
    });
  whileMutated(def, mutate, () => {
    noticed = def.samples.some((sample) => wrtOf(sample).length > 0 && gradientMistakes(def, sample).wrong.length > 0);
  });
  return noticed;
}

test.each(differentiable)('a wrong sign or size in the gradient of %s is noticed', (_name, def) => {
  const positions = positionsOf(def);
  expect(positions.length).toBeGreaterThan(0);
  const missed = positions.flatMap((position) =>
    [-1, 1.01].filter((factor) => !isNoticed(def, position, factor)).map((factor) => ({ position, factor })),
  );
  expect(missed).toEqual([]);
});

test('every op with a gradient is mutated or says why not', () => {
  const all = allOps().flatMap(([name, def]) => (def.grad ? [name] : []));
  const covered = new Set([...differentiable.map(([name]) => name), ...NOT_DERIVATIVES, ...FLAT]);
  expect(all.filter((name) => !covered.has(name))).toEqual([]);
});
