/**
 * A draft as a model file that a person would have written: one layer a line, inputs only where they are not the layer
 * before, remarks as comments. What is written is loaded again by the frontend before it reaches the disk, so that an
 * import never yields a file that `dlc validate` refuses.
 */
import { Document, isMap, isSeq, visit } from 'yaml';
import { LANGUAGE_VERSION } from '../../frontend/language';
import type { Fields, Json } from '../../frontend/spec';
import { LAYERS } from '../../layers';
import type { LayerDef } from '../../layers/define';
import type { Draft, DraftLayer } from '../draft';
import { DTYPE_WORD } from '../words';

/** A block of the model file: what `import/blocks.ts` finds repeated. */
export interface DraftBlock {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: string }[];
  readonly inputs: readonly string[];
  readonly layers: readonly DraftLayer[];
  /** Only where it is not the last layer alone. */
  readonly outputs?: readonly string[];
}

export interface Written {
  readonly draft: Draft;
  readonly layers: readonly DraftLayer[];
  readonly blocks: readonly DraftBlock[];
}

/** The text of the model file. */
export function modelText({ draft, layers, blocks }: Written): string {
  const lines = [
    ...draft.remarks.map((remark) => `# ${remark.replaceAll('\n', '\n# ')}`),
    `dlc: ${LANGUAGE_VERSION}`,
    `name: ${flow(draft.name)}`,
    ...(draft.description === undefined ? [] : [`description: ${flow(draft.description)}`]),
    '',
    'inputs:',
    ...draft.inputs.map((input) => `  ${key(input.name)}: ${flow(inputFields(draft, input.name))}`),
  ];
  if (blocks.length > 0) lines.push('', 'blocks:');
  for (const block of blocks) lines.push(...blockLines(block));
  lines.push('', 'layers:', ...layerLines(layers, draft.inputs[0]?.name, '  '));
  lines.push('', `outputs: ${flow(draft.outputs)}`);
  const { losses, metrics, data, train } = draft.sections;
  if (losses !== undefined && losses.length > 0) lines.push('losses:', ...items(losses));
  if (metrics !== undefined && metrics.length > 0) lines.push('metrics:', ...items(metrics));
  if (data !== undefined) lines.push('', 'data:', ...entries(data));
  if (train !== undefined) lines.push('', 'train:', ...entries(train));
  return `${lines.join('\n')}\n`;
}

function inputFields(draft: Draft, name: string): Fields {
  const { shape, dtype, description } = draft.inputs.find((input) => input.name === name)!;
  return {
    shape: [...shape],
    ...(dtype === 'f32' ? {} : { dtype: DTYPE_WORD[dtype] }),
    ...(description === undefined ? {} : { description }),
  };
}

function blockLines(block: DraftBlock): string[] {
  const lines = [`  ${key(block.name)}:`];
  if (block.params.length > 0) {
    const params = Object.fromEntries(block.params.map(({ name, type }) => [name, { type }]));
    lines.push(`    params: ${flow(params)}`);
  }
  const usual = block.inputs.length === 1 && block.inputs[0] === 'x';
  if (!usual) lines.push(`    inputs: ${flow(block.inputs)}`);
  lines.push('    layers:', ...layerLines(block.layers, block.inputs[0], '      '));
  if (block.outputs !== undefined) lines.push(`    outputs: ${flow(block.outputs)}`);
  return lines;
}

/** `first` is what a layer without `inputs` takes where none stands before it. */
function layerLines(layers: readonly DraftLayer[], first: string | undefined, indent: string): string[] {
  let before = first;
  return layers.map((layer) => {
    const usual = layer.inputs.length === 1 && layer.inputs[0] === before && takesOne(layer);
    const fields: Record<string, Json> = { name: layer.name, type: layer.type };
    if (!usual) {
      if (layer.inputs.length === 1) fields.inputs = layer.inputs[0]!;
      else if (layer.inputs.length > 1) fields.inputs = [...layer.inputs];
    }
    before = layer.name;
    const comment = layer.comment === undefined ? '' : ` # ${layer.comment.replaceAll('\n', ' ')}`;
    return `${indent}- ${flow({ ...fields, ...layer.fields })}${comment}`;
  });
}

/** Layers that may do without an input take none unless it is written. */
function takesOne({ type }: DraftLayer): boolean {
  return (LAYERS as Readonly<Record<string, LayerDef>>)[type]?.arity[0] !== 0;
}

function items(list: readonly Fields[]): string[] {
  return list.map((item) => `  - ${flow(item)}`);
}

function entries(section: Fields): string[] {
  return Object.entries(section).map(([name, value]) => `  ${key(name)}: ${flow(value)}`);
}

function key(name: string): string {
  return flow(name);
}

/** A value on one line. */
export function flow(value: Json | readonly Json[]): string {
  const document = new Document(value);
  visit(document, {
    Collection(_, node) {
      if (isMap(node) || isSeq(node)) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}
