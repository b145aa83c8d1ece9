/** Spec → picture: a box for each input, layer and loss, in clusters by their names; shapes and parameters of the lowering. */
import path from 'node:path';
import { FAMILIES } from '../docs/families';
import { allLayers, MODES, type LayerSpec, type Spec } from '../frontend/spec';
import { referencesOf } from '../lower/references';
import { paramsByLayer } from '../lower/summary';
import { cut, fieldsLine, LINE, typeLine } from './fields';
import { count, parameters, type Arrow, type Box, type Picture } from './picture';
import { shapesOf } from './shapes';
import { treeOf, type Placed } from './tree';

const DETAIL = 600;

export function pictureOf(spec: Spec): Picture {
  const { lowered, shapeOf } = shapesOf(spec);
  const params = paramsByLayer(lowered.states);
  const references = referencesOf(spec);
  const outputs = new Set(spec.outputs.map((reference) => references.layerOf(reference)?.name ?? reference));
  const placed: Placed[] = [];
  const arrows: Arrow[] = [];

  const arrow = (reference: string, to: string, look: Pick<Arrow, 'dashed' | 'back'> = {}): void => {
    const from = references.layerOf(reference)?.name ?? reference;
    const output = from === reference ? undefined : reference.slice(from.length + 1);
    const told = output === undefined ? {} : { output };
    arrows.push({ from, to, ...told, shape: shapeOf(reference), ...look });
  };

  const layer = (item: LayerSpec): void => {
    const { name, inputs, otherwise, next, modes, origin } = item;
    const bodies = Object.values(item.bodies ?? {});
    const own = params.get(name) ?? 0;
    placed.push({
      // A layer with bodies stands among them.
      path: bodies.length > 0 ? name.split('/') : name.split('/').slice(0, -1),
      via: origin.via,
      ...(bodies.length > 0 ? { type: item.type } : {}),
      box: layerBox(item, shapeOf(name), own, outputs.has(name), modes.length < MODES.length),
    });
    for (const input of inputs) arrow(input, name);
    if (otherwise !== undefined && !inputs.includes(otherwise)) arrow(otherwise, name, { dashed: true });
    if (next !== undefined) arrow(next, name, { dashed: true, back: true });
    for (const body of bodies) {
      for (const input of body.inputs) {
        placed.push({ path: input.split('/').slice(0, -1), via: origin.via, box: inputBox(input, shapeOf(input)) });
        arrows.push({ from: name, to: input, shape: shapeOf(input), dashed: true });
      }
      body.layers.forEach(layer);
    }
  };

  for (const { name } of spec.inputs) placed.push({ path: [], via: [], box: inputBox(name, shapeOf(name)) });
  spec.layers.forEach(layer);
  for (const { name, type, weight, inputs, fields } of spec.losses) {
    const id = `loss ${name}`;
    const lines = [...(name === type ? [] : [type]), weight === 1 ? 'loss' : `loss, weight ${weight}`];
    const detail = cut(`loss ${name} ${JSON.stringify({ type, ...fields })}`, DETAIL);
    placed.push({
      path: [],
      via: [],
      box: { kind: 'box', id, label: name, lines, detail, family: 'loss', params: 0, layers: 0 },
    });
    for (const input of inputs) arrow(input, id);
  }
  const total = allLayers(spec.layers).reduce((sum, { name }) => sum + (params.get(name) ?? 0), 0);
  return { name: spec.name, params: total, parts: treeOf(placed), arrows };
}

function inputBox(name: string, shape: string): Box {
  const label = name.slice(name.lastIndexOf('/') + 1);
  const lines = shape === '' ? [] : [shape];
  return {
    kind: 'box',
    id: name,
    label,
    lines,
    detail: `input ${name} ${shape}`,
    family: 'input',
    params: 0,
    layers: 0,
  };
}

function layerBox(item: LayerSpec, shape: string, params: number, output: boolean, dashed: boolean): Box {
  const { name, type, fields, modes } = item;
  const [first, second] = [typeLine(item), fieldsLine(item)];
  const joined = second === '' ? first : `${first} · ${second}`;
  const said = joined.length <= LINE ? [joined] : [cut(first, LINE), second];
  const figures = [...(shape === '' ? [] : [shape]), ...(params > 0 ? [`${count(params)} params`] : [])].join(' · ');
  const when = dashed ? [`only in ${modes.join(' and ')}`] : [];
  const detail = [
    `${name}: ${type} ${cut(JSON.stringify(fields), DETAIL)}`,
    [shape, params > 0 ? parameters(params) : ''].filter((text) => text !== '').join(', '),
    // The file's own name: a drawing is the same wherever it is made.
    `${path.basename(item.origin.at.file)}:${item.origin.at.line}`,
  ];
  return {
    kind: 'box',
    id: name,
    label: name.slice(name.lastIndexOf('/') + 1),
    lines: [...said, ...(figures === '' ? [] : [figures]), ...when],
    detail: detail.filter((line) => line !== '').join('\n'),
    family: familyOf(type),
    ...(dashed ? { dashed } : {}),
    ...(output ? { output } : {}),
    params,
    layers: 1,
  };
}

function familyOf(type: string): string {
  return FAMILIES.find(({ layers }) => Object.hasOwn(layers, type))?.name ?? 'control';
}
