/** A JSON Schema fragment in words, for messages and for the language reference: "an integer of at least 1". */
import { listed } from '../diagnostics/make';
import { textOf } from './node';
import type { Json } from './spec';

export type SchemaNode = { readonly [keyword: string]: Json | undefined };

export function isSchema(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function inWords(schema: SchemaNode): string {
  const options = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(options)) return choice(options.filter(isSchema));
  if (Array.isArray(schema['enum'])) return listed((schema['enum'] as readonly Json[]).map(String), 16, 'or');
  if (schema['const'] !== undefined) return `\`${textOf(schema['const'])}\``;
  switch (typeof schema['type'] === 'string' ? schema['type'] : '') {
    case 'integer':
      return `an integer${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return text(schema);
    case 'array':
      return list(schema);
    case 'object':
      return mapping(schema);
    case 'null':
      return 'nothing';
    default:
      return isSchema(schema['not']) ? `anything but ${inWords(schema['not'])}` : 'a value';
  }
}

function choice(options: readonly SchemaNode[]): string {
  const mappings = options.filter((option) => option['type'] === 'object');
  const rest = options.filter((option) => option['type'] !== 'object');
  const parts = [...new Set(rest.map(inWords))];
  if (mappings.length === 1) parts.push(mapping(mappings[0]!));
  if (mappings.length > 1) parts.push('a mapping `{type: …}`');
  if (parts.length < 3) return parts.join(' or ');
  return `${parts.slice(0, -1).join(', ')} or ${parts[parts.length - 1]!}`;
}

function range(schema: SchemaNode): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (typeof minimum === 'number' && typeof maximum === 'number') return ` from ${minimum} to ${maximum}`;
  const parts = [
    ...(typeof minimum === 'number' ? [`of at least ${minimum}`] : []),
    ...(typeof exclusiveMinimum === 'number' ? [`above ${exclusiveMinimum}`] : []),
    ...(typeof maximum === 'number' ? [`of at most ${maximum}`] : []),
    ...(typeof exclusiveMaximum === 'number' ? [`below ${exclusiveMaximum}`] : []),
    ...(isSchema(schema['not']) ? [`other than ${inWords(schema['not']).replaceAll('`', '')}`] : []),
  ];
  return parts.length === 0 ? '' : ` ${parts.join(' and ')}`;
}

function text(schema: SchemaNode): string {
  const examples = schema['examples'];
  if (Array.isArray(examples)) return `text like ${listed(examples.map(String), 8, 'or')}`;
  if (typeof schema['pattern'] === 'string') return `text that matches \`${schema['pattern']}\``;
  return 'text';
}

function list(schema: SchemaNode): string {
  const { minItems, maxItems, items } = schema;
  const few = typeof minItems === 'number' && minItems > 1 ? `at least ${minItems} ` : '';
  const many = typeof maxItems === 'number' ? `at most ${maxItems} ` : '';
  const length = minItems !== undefined && minItems === maxItems ? `${textOf(minItems)} ` : few || many;
  return isSchema(items)
    ? `a list of ${length}${plural(items)}`
    : `a list${length === '' ? '' : ` of ${length}entries`}`;
}

function plural(items: SchemaNode): string {
  if (items['type'] === 'integer' || items['type'] === 'number') return `${items['type']}s${range(items)}`;
  if (items['type'] === 'string') return 'texts';
  if (items['type'] === 'boolean') return 'true or false';
  if (items['type'] === 'array') return `lists (each ${inWords(items)})`;
  return `entries (each ${inWords(items)})`;
}

function mapping(schema: SchemaNode): string {
  const properties = isSchema(schema['properties']) ? Object.keys(schema['properties']) : [];
  return properties.length === 0
    ? 'a mapping'
    : `a mapping \`{${properties.slice(0, 6).join(', ')}${properties.length > 6 ? ', …' : ''}}\``;
}
