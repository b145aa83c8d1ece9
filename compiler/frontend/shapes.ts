/** The fields of a layer, of a use of a block and of everything else with a `type:`: the common ones and its own. */
import type { LayerDef } from '../layers/define';
import type { Block } from './blocks';
import type { Definitions, Words } from './definitions';
import type { Described, FieldSchema } from './describe';
import { COMMON_LAYER, PARAMETER_FIELDS, type ObjectShape } from './language';
import type { Fields, Json } from './spec';
import { GROUP } from './train_language';

const layerShapes = new WeakMap<LayerDef, ObjectShape>();
const useShapes = new WeakMap<Block, ObjectShape>();
const itemShapes = new WeakMap<Described, ObjectShape>();

/** One shape a definition, so that its validator is compiled once. */
export function layerShape(def: LayerDef, definitions: Definitions): ObjectShape {
  return remember(layerShapes, def, () => ({
    required: [...(COMMON_LAYER.required ?? []), ...(def.required ?? [])],
    fields: { ...COMMON_LAYER.fields, ...specialFields(def, definitions), ...def.fields },
  }));
}

/** How many of a layer's last inputs stand for its parameters. */
export function givenCount(fields: Fields): number {
  const { given } = fields;
  return Array.isArray(given) ? given.length : 0;
}

/** `activation`, `parameters` and `given`, on the layers that have them. */
export function specialFields(def: LayerDef, definitions: Definitions): Record<string, FieldSchema> {
  const fields: Record<string, FieldSchema> = {};
  if (def.activates === true) {
    fields['activation'] = {
      description: 'Applied to the output: the name of an activation, or a mapping with its `type` and fields.',
      ...typed(definitions.activations),
    };
  }
  if ((def.parameters ?? []).length > 0) {
    const one = { type: 'object', additionalProperties: false, properties: parameterFields(definitions) } as const;
    fields['parameters'] = {
      description: `Settings of single parameters, by name: ${def.parameters!.map((name) => `\`${name}\``).join(', ')}.`,
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(def.parameters!.map((name) => [name, one])),
    };
    fields['given'] = {
      description:
        'Names of parameters that the layer does not own: its last inputs stand for them, in this order, so that other layers can compute them.',
      type: 'array',
      items: { enum: [...def.parameters!] },
      uniqueItems: true,
      minItems: 1,
    };
  }
  return fields;
}

function parameterFields(definitions: Definitions): Record<string, Json> {
  const init = {
    description: 'Initializer: a name, or a mapping with its `type` and fields.',
    ...typed(definitions.initializers),
  };
  return { init, ...(PARAMETER_FIELDS as Readonly<Record<string, Json>>), constraint: constraintField(definitions) };
}

function constraintField(definitions: Definitions): { readonly description: string; readonly anyOf: readonly Json[] } {
  return {
    description: 'What holds after every update: the name of a constraint, or a mapping with its `type` and fields.',
    ...typed(definitions.constraints),
  };
}

const groupShapes = new WeakMap<Definitions, ObjectShape>();

/** Of `train.groups`: what a layer's `parameters` may say of one weight, but for its initializer. */
export function groupShape(definitions: Definitions): ObjectShape {
  return remember(groupShapes, definitions, () => ({
    ...GROUP,
    fields: { ...GROUP.fields, constraint: constraintField(definitions) },
  }));
}

const typedChoices = new WeakMap<Words, { readonly anyOf: readonly Json[] }>();

/** A bare name (of those that need no fields), or a mapping `{type: name, ...fields}`. */
export function typed(words: Words): { readonly anyOf: readonly Json[] } {
  let choices = typedChoices.get(words);
  if (choices === undefined) {
    choices = makeChoices(words);
    typedChoices.set(words, choices);
  }
  return choices;
}

function makeChoices(words: Words): { readonly anyOf: readonly Json[] } {
  const defs = Object.entries(words);
  const bare = defs.filter(([, def]) => (def.required ?? []).length === 0).map(([name]) => name);
  const mappings = defs.map(([name, def]) => ({
    type: 'object',
    properties: { type: { const: name }, ...(def.fields as Readonly<Record<string, Json>>) },
    required: ['type', ...(def.required ?? [])],
    additionalProperties: false,
  }));
  return { anyOf: [{ enum: bare }, ...mappings] };
}

/** Of a use of a block: values of parameters are checked by their declared types, not here. */
export function useShape(block: Block): ObjectShape {
  return remember(useShapes, block, () => ({
    required: COMMON_LAYER.required ?? [],
    fields: {
      ...COMMON_LAYER.fields,
      ...Object.fromEntries([...block.params.keys()].map((name) => [name, { description: 'A parameter.' }])),
    },
  }));
}

/** A loss, metric, optimizer, schedule or data source, with the fields that all of its kind have. */
export function itemShape(def: Described, common: ObjectShape): ObjectShape {
  return remember(itemShapes, def, () => ({
    required: [...(common.required ?? []), ...(def.required ?? [])],
    fields: { ...common.fields, ...def.fields },
  }));
}

function remember<K extends object>(map: WeakMap<K, ObjectShape>, key: K, make: () => ObjectShape): ObjectShape {
  let shape = map.get(key);
  if (shape === undefined) {
    shape = make();
    map.set(key, shape);
  }
  return shape;
}
