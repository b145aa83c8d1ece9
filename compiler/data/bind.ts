/** Decides which model input each part of the data goes to, and whether its shape and dtype fit there. */
import { dataMismatch, unknownReference } from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Fields, InputSpec, SectionSpec } from '../frontend/spec';
import type { Shape } from '../ir/types';
import { elementCount } from '../ir/types';
import type { OpenContext } from './define';

/** One part of a data source: `images`, `labels`. */
export interface Part {
  readonly name: string;
  /** Whether the section provides it at all. */
  readonly present: boolean;
  /** In order of preference: the first input that no other part has and that one of these accepts. */
  readonly accepts: readonly ((input: InputSpec) => boolean)[];
}

export interface Binding {
  readonly input: InputSpec;
  /** The input's shape without its batch axis. */
  readonly shape: Shape;
}

export const isIntegerInput = (input: InputSpec): boolean => input.dtype === 'i32' || input.dtype === 'i64';
export const isLabelInput = (input: InputSpec): boolean => isIntegerInput(input) && input.shape.length === 1;
export const isPixelInput = (input: InputSpec): boolean => input.dtype === 'f32' || input.dtype === 'u8';

/** The inputs of the parts, by part name; parts that no wanted input takes are left out. */
export function bindParts(
  section: SectionSpec,
  context: Pick<OpenContext, 'inputs' | 'unread' | 'mode'>,
  parts: readonly Part[],
  problems: Diagnostic[],
): Map<string, Binding> {
  const chosen = (section.fields.bind ?? {}) as Fields;
  const bound = new Map<string, Binding>();
  const taken = new Set<string>();
  const take = (part: string, input: InputSpec): void => {
    taken.add(input.name);
    const shape = sampleShape(section, input, problems);
    if (shape) bound.set(part, { input, shape });
  };
  for (const part of parts) {
    const wish = chosen[part.name];
    if (typeof wish !== 'string' || !part.present) continue;
    const input = context.inputs.find(({ name }) => name === wish);
    if (input) take(part.name, input);
    // Not every computation wants all of the model's inputs.
    else if (context.mode !== 'predict' && !context.unread?.includes(wish))
      problems.push(
        unknownReference(
          section.at(['bind', part.name]),
          wish,
          'model input',
          context.inputs.map(({ name }) => name),
        ),
      );
  }
  for (const part of parts) {
    if (!part.present || chosen[part.name] !== undefined) continue;
    for (const accepts of part.accepts) {
      const input = context.inputs.find((candidate) => !taken.has(candidate.name) && accepts(candidate));
      if (!input) continue;
      take(part.name, input);
      break;
    }
  }
  for (const input of context.inputs) {
    if (taken.has(input.name)) continue;
    const missing = parts.find((part) => !part.present && part.accepts.some((accepts) => accepts(input)));
    problems.push(
      dataMismatch(
        section.at([]),
        `nothing in the data goes to the input \`${input.name}\``,
        [{ name: input.name, type: describeInput(input), at: input.origin.at }],
        missing ? `add \`${missing.name}:\`` : 'say which part does with `bind:`',
      ),
    );
  }
  return bound;
}

/** The shape of one sample, or undefined (and a problem) where an axis beside the first has no number. */
export function sampleShape(section: SectionSpec, input: InputSpec, problems: Diagnostic[]): Shape | undefined {
  const rest = input.shape.slice(1);
  if (rest.every((extent): extent is number => typeof extent === 'number')) return rest;
  problems.push(
    dataMismatch(section.at([]), `the input \`${input.name}\` needs numbers on every axis but the first`, [
      { name: input.name, type: describeInput(input), at: input.origin.at },
    ]),
  );
  return undefined;
}

export function describeInput(input: InputSpec): string {
  return `${input.dtype}[${input.shape.join(',')}]`;
}

/** Equal up to axes of 1, or one of them flat: [28,28] fits [1,28,28] and [784]. */
export function fitsSample(data: Shape, wanted: Shape): boolean {
  if (elementCount(data) !== elementCount(wanted)) return false;
  const plain = (shape: Shape): string => shape.filter((extent) => extent !== 1).join();
  return plain(data) === plain(wanted) || data.length <= 1 || wanted.length <= 1;
}
