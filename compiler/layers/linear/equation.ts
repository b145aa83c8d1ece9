/** Equations of einsum: `ij,jk->ik`, with `...` for any number of axes, and their axes bound to the inputs' shapes. */
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { reshapeTo } from '../../ops/families/arithmetic';
import type { LowerContext } from '../define';
import type { Operand } from './contraction';

export interface Equation {
  /** For each input, and for the output, the letters of the axes; `...` stands for any number of them. */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

export const ELLIPSIS = '...';

/** Parses the field `equation`. */
export function equationOf(context: LowerContext, text: string): Equation {
  const [left = '', right, more] = text.replaceAll(/\s/g, '').split('->');
  if (more !== undefined) context.fail(['equation'], 'there is more than one `->`');
  const inputs = left.split(',').map((part) => axesIn(context, part));
  const output = right === undefined ? impliedOutput(inputs) : axesIn(context, right);
  const known = new Set(inputs.flat());
  const unknown = output.find((name) => !known.has(name));
  if (unknown !== undefined) context.fail(['equation'], `\`${unknown}\` of the output is not in an input`);
  const twice = output.find((name, i) => output.indexOf(name) < i);
  if (twice !== undefined) context.fail(['equation'], `the output names \`${twice}\` twice`);
  if (known.has(ELLIPSIS) && !output.includes(ELLIPSIS)) {
    context.fail(['equation'], 'the output has no `...`, though an input has', 'name the axes to sum over');
  }
  return { inputs, output };
}

function axesIn(context: LowerContext, part: string): readonly string[] {
  if (!/^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(part)) {
    context.fail(
      ['equation'],
      `\`${part}\` is no list of axes`,
      'axes are single letters; `...` stands for any number',
    );
  }
  return part.match(/\.\.\.|[A-Za-z]/g) ?? [];
}

/** Without `->`: what stands in one place only, in alphabetical order, after the `...`. */
function impliedOutput(inputs: readonly (readonly string[])[]): readonly string[] {
  const all = inputs.flat();
  const once = all.filter((name) => name !== ELLIPSIS && all.indexOf(name) === all.lastIndexOf(name)).sort();
  return all.includes(ELLIPSIS) ? [ELLIPSIS, ...once] : once;
}

export interface Bound {
  readonly operands: readonly Operand[];
  /** The output's axes: letters, and `...0`, `...1` counted from the last of those under the `...`. */
  readonly output: readonly string[];
  readonly extents: ReadonlyMap<string, number>;
}

/** Gives every axis of the inputs its name and checks that extents of one name agree. */
export function bind(context: LowerContext, equation: Equation, values: readonly Value[]): Bound {
  const { inputs, output } = equation;
  if (inputs.length !== values.length) {
    const problem = `the equation has ${inputs.length} inputs, the layer ${values.length}`;
    context.fail(['equation'], problem);
  }
  const named = values.map((value, i) => namesOf(context, inputs[i] ?? [], value.type.shape, i));
  const extents = new Map<string, number>();
  named.forEach((names, i) =>
    names.forEach((name, axis) => {
      const extent = values[i]?.type.shape[axis] ?? 1;
      const before = extents.get(name);
      const stretches = name.startsWith(ELLIPSIS) && (before === 1 || extent === 1);
      if (before !== undefined && before !== extent && !stretches) {
        const what = name.startsWith(ELLIPSIS) ? 'an axis under the `...`' : `\`${name}\``;
        context.mismatch('shape', `${what} is ${before} in one place and ${extent} in another`);
      }
      extents.set(name, Math.max(before ?? 1, extent));
    }),
  );
  const hidden = [...extents.keys()].filter((name) => name.startsWith(ELLIPSIS));
  const operands = values.map((value, i) => withoutStretched(context, { value, axes: named[i] ?? [] }, extents));
  const ordered = hidden.sort((a, c) => numberOf(c) - numberOf(a));
  return { operands, output: output.flatMap((name) => (name === ELLIPSIS ? ordered : [name])), extents };
}

/** The number behind the dots. */
function numberOf(name: string): number {
  return Number(name.slice(ELLIPSIS.length));
}

function namesOf(context: LowerContext, names: readonly string[], shape: Shape, input: number): readonly string[] {
  const letters = names.filter((name) => name !== ELLIPSIS).length;
  const covered = shape.length - letters;
  if (covered < 0 || (covered > 0 && !names.includes(ELLIPSIS))) {
    const described = `\`${names.join('')}\` for input ${input + 1}`;
    context.mismatch('shape', `the equation has ${described}, which has ${shape.length} axes`);
  }
  return names.flatMap((name) =>
    name === ELLIPSIS ? Array.from({ length: covered }, (_, i) => `${ELLIPSIS}${covered - 1 - i}`) : [name],
  );
}

/** An axis of extent 1 that others stretch is none. */
function withoutStretched(context: LowerContext, operand: Operand, extents: ReadonlyMap<string, number>): Operand {
  const { value, axes } = operand;
  const { shape } = value.type;
  const kept = axes.flatMap((name, i) => (shape[i] === 1 && (extents.get(name) ?? 1) > 1 ? [] : [i]));
  const left = kept.map((i) => shape[i] ?? 1);
  return { value: reshapeTo(context.b, value, left), axes: kept.map((i) => axes[i]!) };
}
