/**
 * A net file of any generation as a list of layers of the newest one, with their rules of phase, stage and level; and
 * the layers that exist in a given state.
 */
import { importUnsupported } from '../../../diagnostics/catalogue';
import type { Collector } from '../../../diagnostics/collector';
import type { Location } from '../../../diagnostics/location';
import { Fields } from '../../formats/caffe/fields';
import { isMessage, TextMessage, type TextField } from '../../formats/caffe/text';
import { upgradeLayer, upgradeTransform } from './legacy';

export type Phase = 'TRAIN' | 'TEST';

export interface NetState {
  readonly phase: Phase;
  readonly level: number;
  readonly stages: readonly string[];
}

interface Rule {
  readonly phase?: Phase;
  readonly minLevel?: number;
  readonly maxLevel?: number;
  readonly stages: readonly string[];
  readonly notStages: readonly string[];
}

export interface NetLayer {
  readonly name: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly fields: Fields;
  readonly at: Location;
  readonly include: readonly Rule[];
  readonly exclude: readonly Rule[];
}

export interface CaffeNet {
  readonly file: string;
  readonly name: string;
  readonly layers: readonly NetLayer[];
}

const PHASES: readonly Phase[] = ['TRAIN', 'TEST'];
const NET_FIELDS = new Set(['layer', 'layers', 'input', 'input_dim', 'input_shape', 'name', 'state']);
/** Settings of a net that change no numbers. */
const IDLE = new Set([
  'force_backward',
  'debug_info',
  'disabled_update',
  'profile_info',
  'profile_iter',
  'optimize_mem',
]);

export function isNet(message: TextMessage): boolean {
  return message.fields.some(({ name }) => ['layer', 'layers', 'input', 'input_dim', 'input_shape'].includes(name));
}

export function readNetFile(message: TextMessage, file: string, problems: Collector): CaffeNet {
  const fields = new Fields(message, problems);
  fields.ignore(...NET_FIELDS, ...IDLE);
  const layers: NetLayer[] = inputLayer(message, problems);
  for (const field of message.fields) {
    if ((field.name !== 'layer' && field.name !== 'layers') || !isMessage(field.value)) continue;
    layers.push(
      readLayer(upgradeTransform(field.name === 'layers' ? upgradeLayer(field.value) : field.value), problems),
    );
  }
  for (const field of fields.unasked()) {
    problems.report(importUnsupported(fields.place(field), `\`${field.name}\` is no field of a net that is known`));
  }
  return { file, name: fields.text('name', ''), layers: joinPadding(layers, problems) };
}

/** `input` with `input_dim` or `input_shape` beside the layers, as an Input layer. */
function inputLayer(message: TextMessage, problems: Collector): NetLayer[] {
  const inputs = message.fields.filter((field) => field.name === 'input');
  if (inputs.length === 0) return [];
  const fields = new Fields(message, problems);
  const shapes = message.fields.filter((field) => field.name === 'input_shape');
  const dims = message.fields.filter((field) => field.name === 'input_dim');
  const made = new TextMessage(message.source, inputs[0]!.offset);
  const shapeFields: TextField[] = inputs.flatMap((_, i) => {
    if (shapes[i] !== undefined) return [{ ...shapes[i], name: 'shape' }];
    const own = dims.slice(i * 4, i * 4 + 4);
    if (own.length === 0) return [];
    const shape = new TextMessage(message.source, own[0]!.offset);
    shape.fields.push(...own.map((dim) => ({ ...dim, name: 'dim' })));
    return [{ name: 'shape', offset: shape.offset, value: shape }];
  });
  const param = new TextMessage(message.source, made.offset);
  param.fields.push(...shapeFields);
  made.fields.push({ name: 'input_param', offset: made.offset, value: param });
  const at = fields.place(inputs[0]!);
  return [
    {
      name: 'input',
      type: 'Input',
      bottoms: [],
      tops: fields.texts('input'),
      fields: new Fields(made, problems),
      at,
      include: [],
      exclude: [],
    },
  ];
}

function readLayer(message: TextMessage, problems: Collector): NetLayer {
  const fields = new Fields(message, problems);
  const phase = fields.has('phase') ? [{ phase: fields.word('phase', PHASES), stages: [], notStages: [] }] : [];
  return {
    name: fields.text('name', ''),
    type: fields.text('type', ''),
    bottoms: fields.texts('bottom'),
    tops: fields.texts('top'),
    fields,
    at: fields.has('name') ? fields.placeOf('name') : fields.at,
    include: [...fields.parts('include').map(readRule), ...phase],
    exclude: fields.parts('exclude').map(readRule),
  };
}

function readRule(fields: Fields): Rule {
  const minLevel = fields.number('min_level');
  const maxLevel = fields.number('max_level');
  return {
    ...(fields.has('phase') ? { phase: fields.word('phase', PHASES) } : {}),
    ...(minLevel === undefined ? {} : { minLevel }),
    ...(maxLevel === undefined ? {} : { maxLevel }),
    stages: fields.texts('stage'),
    notStages: fields.texts('not_stage'),
  };
}

/** The layers that a net has in a state. */
export function layersIn(net: CaffeNet, state: NetState): readonly NetLayer[] {
  return net.layers.filter(({ include, exclude }) =>
    include.length > 0 ? include.some((rule) => meets(rule, state)) : !exclude.some((rule) => meets(rule, state)),
  );
}

function meets(rule: Rule, { phase, level, stages }: NetState): boolean {
  return (
    (rule.phase === undefined || rule.phase === phase) &&
    (rule.minLevel === undefined || level >= rule.minLevel) &&
    (rule.maxLevel === undefined || level <= rule.maxLevel) &&
    rule.stages.every((stage) => stages.includes(stage)) &&
    !rule.notStages.some((stage) => stages.includes(stage))
  );
}

/** Stages that rules for a phase ask for, in the order of the file. */
export function stagesOf(net: CaffeNet, phase: Phase): readonly string[] {
  const rules = net.layers.flatMap((layer) => layer.include);
  const asked = rules.filter((rule) => rule.phase === undefined || rule.phase === phase);
  return [...new Set(asked.flatMap((rule) => rule.stages))];
}

/** The oldest nets had a layer for padding before a convolution: it becomes the convolution's `pad`. */
function joinPadding(layers: readonly NetLayer[], problems: Collector): readonly NetLayer[] {
  const padding = new Map<string, NetLayer>();
  return layers.flatMap((layer) => {
    if (layer.type === 'padding' && layer.tops.length === 1) {
      padding.set(layer.tops[0]!, layer);
      return [];
    }
    const before = layer.bottoms[0] === undefined ? undefined : padding.get(layer.bottoms[0]);
    if (before === undefined || layer.type !== 'Convolution') return [layer];
    const message = new TextMessage(layer.fields.message.source, layer.fields.message.offset);
    const pad = before.fields.message.fields.filter((field) => field.name === 'pad');
    const value = new TextMessage(message.source, message.offset);
    value.fields.push(...pad);
    message.fields.push(...layer.fields.message.fields, { name: 'convolution_param', offset: message.offset, value });
    const made = readLayer(message, problems);
    return [{ ...made, bottoms: [before.bottoms[0] ?? '', ...layer.bottoms.slice(1)] }];
  });
}
