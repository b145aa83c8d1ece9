/**
 * Whether the named tests would notice mistakes in gradients that are made by hand: where a gradient is stopped, scaled
 * or clipped on purpose, no difference quotient is the judge, and the gradients of loops and choices are put together
 * outside of the ops. Each such place is broken in turn, and the test that is named beside it has to fail.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { globSync } from 'tinyglobby';
import { InternalError } from '../../compiler/diagnostics/errors';
import { Builder } from '../../compiler/ir/builder';
import type { CondBranch } from '../../compiler/ir/control';
import type { Value } from '../../compiler/ir/graph';
import type { GradContext } from '../../compiler/ops/define';
import { opNamed } from '../../compiler/ops/registry';
import { fails, testsOf, type NamedTest } from './named-tests';

const ROOT = path.resolve(__dirname, '../..');
const FACTORS = [-1, 1.01] as const;

const DRAWS = 'layers/random.test.ts';

type Undo = () => void;

/** A file below test/ and part of the name of a test in it. */
type Named = readonly [file: string, test: string];

const loaded = new Map<string, Promise<readonly NamedTest[]>>();

async function namedTests([file, part]: Named): Promise<readonly NamedTest[]> {
  const tests = loaded.get(file) ?? testsOf(file);
  loaded.set(file, tests);
  const found = (await tests).filter(({ name }) => name.includes(part));
  if (found.length === 0) throw new InternalError(`no test in ${file} has '${part}' in its name`);
  return found;
}

/** Whether one of the tests fails while something is broken; they have to hold before. */
async function isNoticed(named: Named, breakIt: () => Undo): Promise<boolean> {
  const tests = await namedTests(named);
  for (const test of tests) expect([test.name, await fails(test)]).toEqual([test.name, false]);
  const undo = breakIt();
  try {
    for (const test of tests) if (await fails(test)) return true;
    return false;
  } finally {
    undo();
  }
}

function scaled(b: Builder, value: Value, factor: number): Value {
  return b.op('mul', [value, b.full(factor, [], value.type.dtype)]);
}

/** Puts another function in place of a method of every builder. */
function replaceMethod<Name extends 'op' | 'scan' | 'cond' | 'constant'>(
  name: Name,
  make: (original: Builder[Name]) => Builder[Name],
): Undo {
  const prototype = Builder.prototype as Pick<Builder, Name>;
  const original = Reflect.get(prototype, name) as Builder[Name];
  prototype[name] = make(original);
  return () => {
    prototype[name] = original;
  };
}

/** Whether a builder makes gradients: autodiff's prefixes say so. */
const isBackwards = ({ prefix }: Builder): boolean => prefix.startsWith('d_');

/** The k-th of what a loop or choice backwards gives, in each step or branch. */
function breakLoop(what: 'carries' | 'outputs', k: number, factor: number): Undo {
  return replaceMethod('scan', (original) => {
    return function (this: Builder, options) {
      if (!isBackwards(this)) return original.call(this, options);
      const body: typeof options.body = (sub, ...given) => {
        const made = options.body(sub, ...given);
        return { ...made, [what]: made[what]?.map((value, i) => (i === k ? scaled(sub, value, factor) : value)) };
      };
      return original.call(this, { ...options, body });
    };
  });
}

function breakChoice(branch: number, k: number, factor: number): Undo {
  return replaceMethod('cond', (original) => {
    return function (this: Builder, predicate, then, otherwise) {
      const broken = (make: CondBranch, at: number): CondBranch =>
        isBackwards(this) && at === branch
          ? (sub) => make(sub).map((value, i) => (i === k ? scaled(sub, value, factor) : value))
          : make;
      return original.call(this, predicate, broken(then, 0), broken(otherwise, 1));
    };
  });
}

/** Sums that are taken after the loop are products and sums of stacks. */
function breakAfterLoop(op: 'matmul' | 'reduce_sum', factor: number): Undo {
  return replaceMethod('op', (original) => {
    return function (this: Builder, name, inputs, ...rest) {
      const made = original.call(this, name, inputs, ...rest);
      const after = name === op && /after_loop\.ts/.test(new Error().stack ?? '');
      return after ? original.call(this, 'mul', [made, this.full(factor, [], made.type.dtype)]) : made;
    };
  });
}

/** The steps at which a truncated gradient goes on. */
function breakTruncation(): Undo {
  return replaceMethod('constant', (original) => {
    return function (this: Builder, values, shape, dtype, ...rest) {
      const ones = isBackwards(this) && dtype === 'bool';
      return original.call(this, ones ? Array.from(values, () => 1) : values, shape, dtype, ...rest);
    };
  });
}

describe('the gradient of a loop or a choice', () => {
  const written: Named = ['layers/recurrent.test.ts', 'values and gradients'];
  const lstm: Named = ['gradients/loops.test.ts', 'has the gradients of its steps written out'];
  const cond: Named = ['layers/control.test.ts', 'cond takes one side'];
  const rows: readonly (readonly [string, Named, (factor: number) => Undo])[] = [
    ['the first carried value', written, (factor) => breakLoop('carries', 0, factor)],
    ['the second carried value', written, (factor) => breakLoop('carries', 1, factor)],
    ['the slices of a sequence', written, (factor) => breakLoop('outputs', 0, factor)],
    ['products after the loop', written, (factor) => breakAfterLoop('matmul', factor)],
    ['sums after the loop', lstm, (factor) => breakAfterLoop('reduce_sum', factor)],
    ['the branch that is taken', cond, (factor) => breakChoice(0, 0, factor)],
    ['the other branch', cond, (factor) => breakChoice(1, 0, factor)],
  ];
  test.each(rows.flatMap(([what, named, make]) => FACTORS.map((factor) => [what, factor, named, make] as const)))(
    '%s, times %d, is noticed',
    async (_what, factor, named, make) => {
      expect(await isNoticed(named, () => make(factor))).toBe(true);
    },
  );

  test('a truncation that does not truncate is noticed', async () => {
    expect(await isNoticed(['gradients/loops.test.ts', 'has the gradients of its pieces'], breakTruncation)).toBe(true);
  });
});

describe('a gradient that is not the derivative', () => {
  test.each(['scale_gradient', 'clip_gradient'].flatMap((op) => FACTORS.map((factor) => [op, factor] as const)))(
    'of %s, times %d, is noticed',
    async (op, factor) => {
      const breakIt = (): Undo => {
        const def = opNamed(op);
        const original = { ...def };
        const grad = ({ b, ...context }: GradContext): readonly (Value | undefined)[] =>
          (original.grad?.({ b, ...context }) ?? []).map((gradient) => gradient && scaled(b, gradient, factor));
        Object.assign(def, { grad });
        return () => Object.assign(def, original);
      };
      expect(await isNoticed([DRAWS, 'gradients are stopped'], breakIt)).toBe(true);
    },
  );
});

interface Stop {
  /** Below compiler/. */
  readonly file: string;
  /** Part of the line. */
  readonly line: string;
  readonly by?: Named;
  /** Where nothing changes if the gradient gets through: why it is stopped all the same. */
  readonly needless?: string;
}

const LOSS_VALUES = 'losses/pytorch.test.ts';
const TARGETS = 'registry/targets.test.ts';
const DECISION = 'behind it are only decisions, which let nothing through';

const STOPS: readonly Stop[] = [
  { file: 'expression/draws.ts', line: 'lowering.map(', by: ['layers/expression.test.ts', 'are those of the formula'] },
  { file: 'layers/detection/boxes.ts', line: 'alpha = ', by: [LOSS_VALUES, 'box_iou ciou'] },
  { file: 'layers/detection/match_boxes.ts', line: 'return [index', by: [TARGETS, 'match_boxes'] },
  {
    file: 'layers/detection/matching.ts',
    line: '[priors, boxes]',
    by: [TARGETS, 'match_boxes'],
    needless: 'whoever reads the overlap stops it again',
  },
  { file: 'layers/detection/suppression.ts', line: '[boxes, scores]', needless: DECISION },
  {
    file: 'layers/math/reductions.ts',
    line: 'shift = ',
    by: ['layers/reductions.test.ts', 'log_sum_exp'],
    needless: 'the shift cancels out, and so does its gradient',
  },
  { file: 'layers/math/standardize.ts', line: 'seen = ', by: [TARGETS, 'standardize'] },
  {
    file: 'layers/normalization/l2_normalize.ts',
    line: 'unit = ',
    by: ['layers/normalization.test.ts', 'gives 0 and no gradient'],
    needless: 'the unit cancels out, and so does its gradient',
  },
  {
    file: 'layers/normalized_weight.ts',
    line: 'fixed = ',
    by: ['layers/normalized_weight.test.ts', 'spectral: a power'],
  },
  { file: 'layers/random/drawing.ts', line: 'fixed = ', by: [DRAWS, 'gumbel_softmax'] },
  { file: 'layers/random/drawing.ts', line: '[hard]', by: [DRAWS, 'gumbel_softmax'], needless: DECISION },
  { file: 'layers/random/gradients.ts', line: 'lower: ', by: [DRAWS, 'gradients are stopped'] },
  { file: 'losses/circle.ts', line: 'weigh = ', by: [LOSS_VALUES, 'circle'] },
  {
    file: 'losses/circle.ts',
    line: 'most = ',
    by: [LOSS_VALUES, 'circle'],
    needless: 'the shift cancels out, and so does its gradient',
  },
  { file: 'losses/detections.ts', line: 'boxes: ', by: [TARGETS, 'yolo'] },
  { file: 'losses/lovasz.ts', line: 'own = ', by: [LOSS_VALUES, 'lovasz'], needless: 'labels are whole numbers' },
  { file: 'losses/multibox.ts', line: 'hardness = ', by: [LOSS_VALUES, 'multibox'], needless: DECISION },
  { file: 'losses/multibox.ts', line: '[counted]', by: [LOSS_VALUES, 'multibox'], needless: DECISION },
  { file: 'losses/multibox.ts', line: 'wanted = ', by: [TARGETS, 'multibox'] },
  { file: 'losses/yolo.ts', line: 'isIdle = ', by: [LOSS_VALUES, 'yolo'], needless: DECISION },
  { file: 'lower/parameters.ts', line: 'stop = ', by: ['lower/train_stages.test.ts', 'take turns within a step'] },
];

/** The places in the sources that stop a gradient: files and lines, numbered from 1. */
function placesOfStops(): { readonly file: string; readonly line: number; readonly text: string }[] {
  const files = globSync('{layers,losses,metrics,expression,lower}/**/*.ts', { cwd: path.join(ROOT, 'compiler') });
  return files.sort().flatMap((file) => {
    const lines = readFileSync(path.join(ROOT, 'compiler', file), 'utf8').split('\n');
    return lines.flatMap((text, i) =>
      /(op|map)\('stop_gradient'/.test(text) ? [{ file, line: i + 1, text: text.trim() }] : [],
    );
  });
}

/** There the value itself goes on, and the gradient gets through. */
function leakAt(file: string, line: number): Undo {
  return replaceMethod('op', (original) => {
    return function (this: Builder, name, inputs, ...rest) {
      const here = name === 'stop_gradient' && (new Error().stack ?? '').includes(`compiler/${file}:${line}:`);
      return here ? inputs[0]! : original.call(this, name, inputs, ...rest);
    };
  });
}

describe('a gradient that is stopped', () => {
  const places = placesOfStops();

  test('is listed wherever that is', () => {
    const isListed = ({ file, text }: (typeof places)[number]): boolean =>
      STOPS.some((stop) => stop.file === file && text.includes(stop.line));
    expect(places.filter((place) => !isListed(place))).toEqual([]);
  });

  test.each(STOPS.map((stop) => [stop.file, stop.line, stop] as const))(
    'in %s, %s, is missed where it gets through',
    async (file, line, { by, needless }) => {
      const place = places.find((each) => each.file === file && each.text.includes(line));
      expect(place).toBeDefined();
      if (by) expect(await isNoticed(by, () => leakAt(file, place!.line))).toBe(needless === undefined);
    },
  );
});
