/** The fields of a layer in the few words that fit into a box. */
import type { Fields, Json, LayerSpec } from '../frontend/spec';
import type { LayerDef } from '../layers/define';
import { LAYERS } from '../layers/index';

const LAYERS_BY_TYPE: Readonly<Record<string, LayerDef>> = LAYERS;

/** A line of a box. */
export const LINE = 44;
/** Said elsewhere, or of the training alone. */
const LEFT_OUT = /^(activation|parameters|names|init|.*_init|.*_regularizer|frozen|lr|decay)$/;
/** Fields of which the number alone tells what it is. */
const LENGTHS = new Set(['kernel', 'stride', 'dilation', 'padding', 'size', 'scale']);

/** `conv2d + relu`. */
export function typeLine({ type, fields }: LayerSpec): string {
  const { activation } = fields;
  if (activation === undefined || activation === null) return type;
  return `${type} + ${typeof activation === 'string' ? activation : wordOf(activation)}`;
}

/** `filters 64, kernel 3×3, stride 2`, cut to the length of a line. */
export function fieldsLine({ type, fields }: LayerSpec): string {
  const words = Object.entries(fields).flatMap(([name, value]) => {
    if (LEFT_OUT.test(name) || isDefault(type, name, value)) return [];
    if (value === false || value === true) return [value ? name : `no ${name}`];
    const text = valueText(name, value);
    return text === undefined ? [] : [`${name} ${text}`];
  });
  return cut(words.join(', '), LINE);
}

function isDefault(type: string, name: string, value: Json): boolean {
  const fallback = LAYERS_BY_TYPE[type]?.fields[name]?.default;
  return fallback !== undefined && JSON.stringify(value) === JSON.stringify(fallback);
}

function valueText(name: string, value: Json): string | undefined {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'number' || typeof item === 'string'))
    return LENGTHS.has(name) ? value.join('×') : `[${value.join(', ')}]`;
  return undefined;
}

function wordOf(value: Json): string {
  const type = (value as Fields)['type'];
  return typeof type === 'string' ? type : 'activation';
}

export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  // Half of a pair of surrogates is no letter.
  return `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
