/**
 * Makes a block of a repeated structure: numbers that differ from place to place become parameters (one for numbers that
 * are always equal, a product for those that are always a multiple), layers get the part of their names that the place
 * does not say already.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Fields, Json } from '../../../frontend/spec';
import type { DraftLayer } from '../../draft';
import { cleanName } from '../../draft';
import type { Repeated } from './find';
import {
  fieldsOf,
  inputsOf,
  leavesOf,
  outputOf,
  splitReference,
  typeOf,
  type FoundBlock,
  type SequenceNode,
  type UseNode,
} from './sequence';

/** More parameters than this explain nothing any more. */
const MOST_PARAMS = 6;
/** Fields of every use of a block: no parameter may be called so. */
const COMMON = new Set(['name', 'type', 'inputs', 'when', 'else', 'repeat', 'share', 'frozen']);

interface Param {
  readonly name: string;
  readonly values: readonly number[];
}

/** The sequence with every place of the structure replaced by a use of one block; undefined where it needs too much. */
export function replaceByBlock(
  nodes: readonly SequenceNode[],
  { starts, length }: Repeated,
  taken: (name: string) => boolean,
): SequenceNode[] | undefined {
  const places = starts.map((start) => nodes.slice(start, start + length));
  const names = innerNames(places[0]!);
  const params: Param[] = [];
  const written = places[0]!.map((node, at) => openFields(node, at, places, names[at]!, params));
  if (params.length > MOST_PARAMS) return undefined;
  const inputs = places.map(outsideInputs);
  const inside = new Map(places[0]!.map((node, at) => [outputOf(node), names[at]!]));
  const blockInputs = inputs[0]!.length === 1 ? ['x'] : inputs[0]!.map((_, i) => free(`x${i + 1}`, names));
  const rename = (input: string): string => {
    const { layer, output } = splitReference(input);
    const name = inside.get(layer);
    return name === undefined ? blockInputs[inputs[0]!.indexOf(input)]! : `${name}${output}`;
  };
  const block: FoundBlock = {
    name: blockName(places[0]!, taken),
    inputs: blockInputs,
    params: params.map(({ name, values }) => ({
      name,
      type: values.every((value) => Number.isInteger(value)) ? 'integer' : 'number',
    })),
    layers: places[0]!.map((node, at): DraftLayer => {
      const comment = commonComment(places, at);
      return {
        name: names[at]!,
        type: typeOf(node),
        inputs: inputsOf(node).map(rename),
        fields: written[at]!,
        ...(comment === undefined ? {} : { comment }),
      };
    }),
  };
  const result: SequenceNode[] = [];
  let from = 0;
  starts.forEach((start, place) => {
    const args = Object.fromEntries(params.map(({ name, values }) => [name, values[place]!]));
    const use: UseNode = { kind: 'use', block, args, places: [places[place]!], inputs: inputs[place]! };
    const before = start === from ? result[result.length - 1] : undefined;
    const goesOn = before !== undefined && continues(before, use, nodes, start);
    result.push(...nodes.slice(from, start));
    if (goesOn) result.splice(-1, 1, { ...before, places: [...before.places, ...use.places] });
    else result.push(use);
    from = start + length;
  });
  return [...result, ...nodes.slice(from)];
}

/** Whether a use can be one more repetition of the one before: fed by it alone, and the only one that it feeds. */
function continues(before: SequenceNode, use: UseNode, nodes: readonly SequenceNode[], end: number): before is UseNode {
  if (before.kind === 'layer' || before.block !== use.block || use.inputs.length !== 1) return false;
  const fed = outputOf(before);
  if (use.inputs[0] !== fed || !isDeepStrictEqual(before.args, use.args)) return false;
  const readers = nodes.slice(end + use.places[0]!.length).flatMap(inputsOf);
  return !readers.some((input) => splitReference(input).layer === fed);
}

/** The fields of a node as they stand in the block; numbers that differ become parameters. */
function openFields(
  node: SequenceNode,
  at: number,
  places: readonly (readonly SequenceNode[])[],
  name: string,
  params: Param[],
): Fields {
  const open = (field: string, value: Json): Json => {
    if (typeof value !== 'number') return value;
    const values = places.map((place) => fieldsOf(place[at]!)[field] as number);
    if (values.every((other) => other === value)) return value;
    return parameterFor(field, values, name, params);
  };
  const fields = Object.entries(fieldsOf(node)).map(([field, value]) => [field, open(field, value)] as const);
  return Object.fromEntries(fields.filter(([field, value]) => field !== 'repeat' || value !== 1));
}

function parameterFor(field: string, values: readonly number[], layer: string, params: Param[]): string {
  for (const param of params) {
    const factor = values[0]! / param.values[0]!;
    if (!Number.isInteger(factor) || factor < 1) continue;
    if (values.every((value, i) => value === factor * param.values[i]!))
      return factor === 1 ? `$${param.name}` : `\${${param.name} * ${factor}}`;
  }
  const used = (name: string): boolean => COMMON.has(name) || params.some((param) => param.name === name);
  const long = `${layer.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_')}_${field}`;
  const wish = field === 'repeat' ? 'units' : field;
  const name = used(wish) ? long : wish;
  params.push({ name, values });
  return `$${name}`;
}

/** What the stretch takes from outside, each once, in the order in which it is first read. */
function outsideInputs(place: readonly SequenceNode[]): string[] {
  const own = new Set(place.map(outputOf));
  return [...new Set(place.flatMap(inputsOf).filter((input) => !own.has(splitReference(input).layer)))];
}

function innerNames(place: readonly SequenceNode[]): string[] {
  const prefix = commonPrefix(place.flatMap(leavesOf));
  const names: string[] = [];
  for (const node of place) {
    const own = node.kind === 'layer' ? node.layer.name : commonPrefix(leavesOf(node));
    const rest = own
      .slice(prefix.length)
      .replaceAll('/', '_')
      .replace(/^[\d_]+_/, '');
    const wish = /[A-Za-z]/.test(rest) ? cleanName(rest) : typeOf(node);
    names.push(free(wish, names));
  }
  return names;
}

function free(wish: string, names: readonly string[]): string {
  let name = wish;
  for (let n = 2; names.includes(name); n++) name = `${wish}${n}`;
  return name;
}

/** What all names begin with, up to a place where a word ends. */
export function commonPrefix(names: readonly string[]): string {
  let length = names[0]!.length;
  for (const name of names) {
    let same = 0;
    while (same < length && name[same] === names[0]![same]) same++;
    length = same;
  }
  const ends = (name: string): boolean =>
    length === name.length || /[_/-]/.test(name[length]!) || /[A-Za-z]\d/.test(name.slice(length - 1, length + 1));
  while (length > 0 && !names.every(ends)) length--;
  return names[0]!.slice(0, length);
}

function commonComment(places: readonly (readonly SequenceNode[])[], at: number): string | undefined {
  const of = (node: SequenceNode): string | undefined => (node.kind === 'layer' ? node.layer.comment : undefined);
  const first = of(places[0]![at]!);
  return places.every((place) => of(place[at]!) === first) ? first : undefined;
}

/** By what the field calls such a structure. */
function blockName(place: readonly SequenceNode[], taken: (name: string) => boolean): string {
  const types = place.map(typeOf);
  const wish = types.includes('add') ? 'residual' : types.includes('concat') ? 'branches' : 'unit';
  let name = wish;
  for (let n = 2; taken(name); n++) name = `${wish}${n}`;
  return name;
}
