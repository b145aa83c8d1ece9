/** Caffe: nets, solvers, weights and means, any of them that belong to one model. */
import { Collector } from '../../../diagnostics/collector';
import { importUnsupported } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import { Draft } from '../../draft';
import { Fields } from '../../formats/caffe/fields';
import { isMessage, type TextMessage } from '../../formats/caffe/text';
import type { CaffeBlob } from '../../formats/caffe/wire';
import { startOf, type Importer, type ImportSettings, type SourceFile } from '../importer';
import { Conversion, type Weights } from './conversion';
import { batchSize, dataSections } from './data_section';
import { isText, readFiles, unreadable, type CaffeFiles } from './files';
import { graphOf } from './graph';
import { isData } from './layers';
import { layersIn, readNetFile, type CaffeNet, type NetState, type Phase } from './net';
import { isNameList, tellClasses } from './labels';
import { mergedLayers, rolesOf, usualState, type Nets } from './nets';
import { trainSection } from './solver';
import { timeFirstInputs } from './time';
import { BatchBound, Refusal, type Extents } from './value';

const SIGNS =
  /^\s*(?:name|input|input_dim|input_shape|layers?|net|base_lr|train_net|test_net|test_iter|item|force_backward|state)\s*[:{]/m;

export const CAFFE: Importer = {
  format: 'caffe',
  summary: 'Caffe: .prototxt (nets and solvers), .caffemodel, .caffemodel.h5, mean files',
  recognizes(file) {
    if (isText(file) && isNameList(file.path, new TextDecoder().decode(file.head))) return true;
    if (/\.(prototxt|caffemodel|caffemodel\.h5|binaryproto)(\.txt)?$|\.npy$/i.test(file.path)) return true;
    return isText(file) && /\.(pbtxt|pt|txt|cfg)$/i.test(file.path) && SIGNS.test(new TextDecoder().decode(file.head));
  },
  read: readCaffe,
};

async function readCaffe(files: readonly SourceFile[], settings: ImportSettings = {}): Promise<Draft> {
  const found = await readFiles(files);
  const problems = new Collector();
  const model = modelOf(found, files, problems);
  problems.throwIfErrors();
  // The batch is open unless the net rearranges samples.
  const open = convert(model, found, settings, true);
  return open ?? convert(model, found, settings, false)!;
}

interface Model {
  readonly nets: Nets;
  readonly solver?: Fields;
  readonly problems: Collector;
  readonly first: string;
}

function modelOf(found: CaffeFiles, files: readonly SourceFile[], problems: Collector): Model {
  const first = files[0]!.path;
  const solverFile = found.solvers[0];
  if (found.solvers.length > 1) {
    const { path } = found.solvers[1]!;
    throw new SpecError([importUnsupported(startOf(path), `\`${path}\` is a second solver`)]);
  }
  const solver = solverFile === undefined ? undefined : new Fields(solverFile.message, problems);
  const inner = (solverFile?.message.fields ?? []).flatMap((field) =>
    /^(train_|test_)?net_param$/.test(field.name) && isMessage(field.value)
      ? [{ path: solverFile!.path, message: field.value }]
      : [],
  );
  const nets = [...found.nets, ...inner].map(({ path, message }) => readNetFile(message, path, problems));
  if (nets.length === 0) {
    const named = solver === undefined ? [] : ['net', 'train_net'].flatMap((name) => solver.texts(name));
    const hint = named.length > 0 ? `give the net too: ${named[0]!}` : 'give the net (.prototxt) too';
    throw new SpecError([importUnsupported(startOf(first), `none of the files is a net`, hint)]);
  }
  const roles = {
    train: solver === undefined ? [] : [...solver.texts('train_net'), ...solver.texts('net')],
    test: solver === undefined ? [] : solver.texts('test_net'),
  };
  const { nets: chosen, rest } = rolesOf(nets, roles);
  for (const net of rest) {
    problems.report(
      importUnsupported(
        startOf(net.file),
        `\`${net.file}\` is one net too many`,
        'a model has one net for training, one for tests and one for prediction',
      ),
    );
  }
  return { nets: chosen, problems, first, ...(solver === undefined ? {} : { solver }) };
}

function stateOf(model: Model, net: CaffeNet | undefined, phase: Phase): NetState {
  const name = phase === 'TRAIN' ? 'train_state' : 'test_state';
  const [given] = model.solver?.has(name) ? model.solver.parts(name) : [];
  if (given === undefined) return usualState(net, phase);
  const stages = given.texts('stage');
  return { phase, level: given.number('level', 0), stages };
}

function convert(model: Model, found: CaffeFiles, settings: ImportSettings, symbolic: boolean): Draft | undefined {
  const { nets, solver } = model;
  const main = nets.deploy ?? nets.train!;
  const draft = new Draft(nameOf(nets, model.first), 'Caffe');
  const training = nets.train !== undefined;
  const states = {
    train: stateOf(model, nets.train, 'TRAIN'),
    test: stateOf(model, nets.test ?? nets.train ?? nets.deploy, 'TEST'),
  };
  const weights = weightsOf(found);
  const given = Array.from(settings.inputs?.values() ?? [], ([first]) => first).find(
    (first) => typeof first === 'number',
  );
  const batch = given ?? batchOf(nets, states);
  const shapes = shapesOf(settings, symbolic, batch);
  try {
    const nodes = graphOf(mergedLayers(nets, states));
    const conversion = new Conversion(draft, {
      weights,
      training,
      symbolic,
      hasSolver: solver !== undefined,
      blobFiles: new Map(found.means.map(({ path, blob }) => [path.replace(/^.*[/\\]/, ''), blob])),
      batch,
      shapes,
      deployed: deployedShapes(nets, symbolic),
      hasDeploy: training && nets.deploy !== undefined,
      timeFirst: timeFirstInputs(nodes),
      ...(solver?.text('ap_version', '') === '11point' ? { averagePrecision: 'voc07' } : {}),
    });
    conversion.run(nodes);
    if (draft.problems.hasErrors) return merged(draft, model);
    if (solver !== undefined && training) {
      const account = conversion.setting.bind(conversion);
      const tests = dataSections(conversion, nets, states, found);
      draft.sections = {
        ...draft.sections,
        train: trainSection(solver, { batch, tests, biases: conversion.biases }, account, draft.problems),
      };
    } else if (training) dataSections(conversion, nets, states, found);
    conversion.close(main);
    tellClasses(draft, found.labels, labelMapsIn(nets), weights !== undefined);
  } catch (error) {
    if (error instanceof BatchBound && symbolic) return undefined;
    if (error instanceof Refusal) draft.refuse(error.at, error.problem, error.hint);
    else throw error;
  }
  return merged(draft, model);
}

/** Problems that were found while reading are the draft's. */
function merged(draft: Draft, { problems }: Model): Draft {
  for (const diagnostic of problems.all()) draft.problems.report(diagnostic);
  return draft;
}

function nameOf({ train, deploy }: Nets, file: string): string {
  const given = deploy?.name || train?.name || '';
  const base = file.replace(/^.*[/\\]/, '').replace(/\.[a-z0-9]+$/i, '');
  const clean = Array.from(given, (char) => (char < ' ' || char === '/' || char === '\\' ? '_' : char))
    .join('')
    .trim();
  return clean === '' ? base : clean;
}

function weightsOf({ weights }: CaffeFiles): Weights | undefined {
  if (weights.length === 0) return undefined;
  const blobs = new Map<string, readonly CaffeBlob[]>();
  for (const { net } of weights)
    for (const layer of net.layers) if (layer.blobs.length > 0) blobs.set(layer.name, layer.blobs);
  if (blobs.size === 0) throw unreadable(weights[0]!.path, 'holds no weights');
  return { blobs };
}

/** The label maps that data and outputs of the nets name. */
function labelMapsIn({ train, test, deploy }: Nets): string[] {
  const found = (message: TextMessage): string[] =>
    message.fields.flatMap(({ name, value }) => {
      if (isMessage(value)) return found(value);
      return name === 'label_map_file' ? [value.text] : [];
    });
  return [train, test, deploy].flatMap((net) => (net?.layers ?? []).flatMap(({ fields }) => found(fields.message)));
}

/** Samples in a pass of the net. */
function batchOf({ train, deploy }: Nets, states: { readonly train: NetState }): number {
  const layers = train === undefined ? [] : layersIn(train, states.train).filter(isData);
  const inputs = (deploy?.layers ?? []).filter(isData);
  const sizes = [...layers, ...inputs].map(batchSize).filter((size) => size !== undefined);
  return Math.max(1, sizes[0] ?? 1);
}

/** The shapes of inputs of the net for prediction, by the layers that read them. */
function deployedShapes({ deploy }: Nets, symbolic: boolean): ReadonlyMap<string, Extents> {
  const shapes = new Map<string, Extents>();
  for (const node of deploy === undefined ? [] : graphOf(deploy.layers.map((layer) => ({ layer, deployed: true })))) {
    if (node.layer.type !== 'Input') continue;
    const dims = node.layer.fields
      .part('input_param')
      .parts('shape')
      .map((shape) => shape.counts('dim'));
    node.outputs.forEach((blob, i) => {
      const own = dims[i] ?? dims.at(-1);
      if (own === undefined || own.length === 0) return;
      const shape: Extents = symbolic ? ['N', ...own.slice(1)] : own;
      for (const reader of blob.readers) shapes.set(`${reader.layer.name} ${reader.inputs.indexOf(blob)}`, shape);
    });
  }
  return shapes;
}

/** The shapes that the user gave; a number in front is the batch, which stays open where it can. */
function shapesOf({ inputs }: ImportSettings, symbolic: boolean, batch: number): ReadonlyMap<string, Extents> {
  return new Map(
    Array.from(inputs ?? [], ([name, [first, ...rest]]) => {
      const extents = rest.map((extent) => (typeof extent === 'number' ? extent : batch));
      const front = symbolic ? 'N' : typeof first === 'number' ? first : batch;
      return [name, first === undefined ? [] : [front, ...extents]];
    }),
  );
}
