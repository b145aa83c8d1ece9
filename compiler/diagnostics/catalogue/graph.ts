/** Messages of the lowering: shapes, element types, sizes and budgets. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { listed, make } from '../make';

/** One party of a mismatch and where its shape or dtype comes from. */
export interface Side {
  /** A layer, an input or a parameter. */
  readonly name: string;
  /** `[64,10]`, or `int32`. */
  readonly type: string;
  readonly at?: Location | undefined;
}

/** `problem` reads like "`add` needs inputs of one shape". */
export function shapeMismatch(at: Location, problem: string, sides: readonly Side[], hint?: string): Diagnostic {
  return mismatch('shape-mismatch', 'shape', at, problem, sides, hint);
}

/** `problem` reads like "labels must be int32 or int64". */
export function dtypeMismatch(at: Location, problem: string, sides: readonly Side[], hint?: string): Diagnostic {
  return mismatch('dtype-mismatch', 'element type', at, problem, sides, hint);
}

function mismatch(
  code: 'shape-mismatch' | 'dtype-mismatch',
  what: string,
  at: Location,
  problem: string,
  sides: readonly Side[],
  hint: string | undefined,
): Diagnostic {
  const found = sides.map((side) => `\`${side.name}\` is ${side.type}`).join(', ');
  const notes = sides.flatMap((side) =>
    side.at === undefined ? [] : [{ message: `\`${side.name}\` gets its ${what}, ${side.type}, here`, at: side.at }],
  );
  return make(code, at, found === '' ? problem : `${problem}: ${found}`, { hint, notes });
}

/** A field that is well formed and makes no sense here; `problem` is the whole sentence. */
export function invalidField(at: Location, problem: string, hint?: string): Diagnostic {
  return make('invalid-field', at, problem, { hint });
}

/** `layer` is where the way from the parameters to the loss ends. */
export function noGradient(at: Location, layer: string, op: string): Diagnostic {
  const problem = `\`${layer}\` has no gradient (\`${op}\`), and the loss depends on parameters through it`;
  const hint = op === 'while' ? '`scan`, a loop of a fixed number of steps, has one' : undefined;
  return make('no-gradient', at, problem, { hint });
}

/** `what` reads like "the output of layer `fc1`". */
export function tooLarge(at: Location, what: string, shape: string, elements: number, limit: number): Diagnostic {
  const n = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  return make('too-large', at, `${what}, ${shape}, has ${n(elements)} elements; the limit is ${n(limit)}`);
}

/** `what` is `params`, `flops` or `peak_memory`; the figures are already formatted with their units. */
export function budgetExceeded(at: Location, what: string, found: string, budget: string, hint?: string): Diagnostic {
  return make('budget-exceeded', at, `the model needs ${found} ${what.replace('_', ' ')}; its budget is ${budget}`, {
    hint,
  });
}

export function memoryExceeded(at: Location, least: string, budget: string): Diagnostic {
  const found = `a training step needs ${least} even with all computed again that helps; \`memory\` is ${budget}`;
  return make('budget-exceeded', at, found, {
    hint: 'a smaller `train.batch_size`, or more parts by `train.accumulate`, need less',
  });
}

export function shareMismatch(at: Location, layer: string, target: string, problem: string): Diagnostic {
  return make('share-mismatch', at, `layer \`${layer}\` cannot share the parameters of \`${target}\`: ${problem}`);
}

export function softmaxBeforeLoss(
  at: Location,
  loss: string,
  applied: 'softmax' | 'sigmoid',
  layer: string,
  /** What it was made of; undefined where it is the activation of the layer itself. */
  before: string | undefined,
  softmaxAt: Location,
  what: 'loss' | 'metric' = 'loss',
): Diagnostic {
  return make(
    'softmax-before-loss',
    at,
    `${what} ${listed([loss])} applies ${applied} itself, and \`${layer}\` ends in one already`,
    {
      hint:
        before === undefined
          ? `take \`activation: ${applied}\` off \`${layer}\`; where probabilities are wanted, make them in a layer of their own`
          : `give it \`${before}\`, the input of the ${applied}`,
      notes: [{ message: `\`${layer}\` ends in a ${applied}`, at: softmaxAt }],
    },
  );
}

/** `problem` reads like "`logits.shape == [N, 10]` does not hold". */
export function assertionFailed(at: Location, problem: string, sides: readonly string[]): Diagnostic {
  return make('assertion-failed', at, sides.length === 0 ? problem : `${problem}: ${sides.join(', ')}`);
}

/** `problem` reads like "`y[0, 1]` is 0.3, expected 0.5 ± 0.1". */
export function testFailed(at: Location, test: string, problem: string): Diagnostic {
  return make('test-failed', at, `test \`${test}\`: ${problem}`);
}
