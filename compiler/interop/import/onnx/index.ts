/** ONNX models: one file, and tensors in files beside it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { importUnreadable } from '../../../diagnostics/catalogue';
import { SpecError, UsageError } from '../../../diagnostics/errors';
import { Draft } from '../../draft';
import { isWireModel } from '../../formats/onnx/recognize';
import { dtypeOf } from '../../formats/onnx/types';
import { readModel, WireError, type GraphProto, type ModelProto, type ValueInfo } from '../../formats/onnx/wire';
import type { Importer, ImportSettings, SourceFile } from '../importer';
import { startOf } from '../importer';
import { emitLayers } from './emit';
import { reachable } from './merge';
import { commonPrefix } from './names';
import { Emitter, Refused } from './emitter';
import { externalOf } from './external';
import { foreignReason, inputValue, type BatchMode } from './inputs';
import { HANDLERS } from './ops';
import { BATCH, SYMBOL, type Value } from './value';
import { readInitializers, Scope, walk, type Problem, type Reading } from './walk';

export const ONNX: Importer = {
  format: 'onnx',
  summary: 'ONNX models (.onnx, opset 7 to 26), with their external data',
  recognizes: ({ path: file, head }) => /\.onnx$/i.test(file) || isWireModel(head),
  async read(files, options = {}) {
    if (files.length > 1) {
      const message = `an ONNX model is one file; \`${files[1]!.path}\` is another`;
      throw new SpecError([importUnreadable(startOf(files[1]!.path), message)]);
    }
    return readOnnx(files[0]!, options);
  },
};

async function readOnnx({ path: file }: SourceFile, options: ImportSettings): Promise<Draft> {
  const unreadable = (reason: string): SpecError =>
    new SpecError([importUnreadable(startOf(file), `\`${file}\`: ${reason}`)]);
  let model: ModelProto;
  try {
    model = readModel(await readFile(file));
  } catch (error) {
    if (error instanceof WireError) throw unreadable(error.message);
    throw error;
  }
  if (model.graph === undefined) throw unreadable('it holds no graph');
  const isSilent = model.opsets.size === 0;
  if (isSilent) model.opsets.set('', newestOpset(model.irVersion));
  // One sample is the batch of one that any number could take the place of; where a graph cannot, it stays one.
  let first: Attempt | undefined;
  for (const mode of modesOf(model.graph, options)) {
    const attempt = tryToRead(model, file, options, mode);
    if (attempt.problems.length === 0 && attempt.isBatchWhole) {
      const [lost] = mode === 'one' ? (first?.problems ?? []) : [];
      if (lost !== undefined)
        attempt.reading.warnings.add(`the batch is fixed at 1: ${lost.node} ${lost.message}`.replace(/ +/g, ' '));
      return finish(model, file, attempt, mode, isSilent);
    }
    if (first === undefined || mode === 'as written') first = attempt;
  }
  const best = first!;
  const draft = new Draft(nameOf(file), 'ONNX');
  for (const { node, message, hint } of best.problems) draft.refuse(startOf(file), `${node} ${message}`, hint);
  draft.problems.throwIfErrors();
  return draft;
}

/** The ways to take the batch that differ for this graph. */
function modesOf({ inputs }: GraphProto, options: ImportSettings): BatchMode[] {
  const shapes = inputs.map(({ name, type }) => options.inputs?.get(name) ?? type.shape ?? []);
  const isSingle = inputs.some(({ name, type }) => type.shape?.[0] === 1 && options.inputs?.has(name) !== true);
  const isNamed = shapes.some(([extent]) => !(typeof extent === 'number' && extent >= 0));
  return [...(isSingle ? ['open' as const] : []), 'as written', ...(isNamed ? ['one' as const] : [])];
}

/** The newest operator sets of the versions of the format; before the third a file named none. */
const NEWEST: readonly number[] = [1, 1, 1, 8, 9, 10, 11, 14, 18, 20, 22, 23, 24, 26];

function newestOpset(irVersion: number): number {
  return NEWEST[irVersion] ?? NEWEST.at(-1)!;
}

interface Attempt {
  readonly emitter: Emitter;
  readonly inputs: readonly { readonly name: string; readonly value: Value }[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
  /** Inputs without elements. */
  readonly empty: readonly string[];
  readonly problems: readonly Problem[];
  readonly reading: Reading;
  /** The batch is in front of everything, or there is none. */
  readonly isBatchWhole: boolean;
}

/** Elements that folding may make in all: the weights of the largest classifiers. */
const BUDGET = 2 ** 28;

function tryToRead(model: ModelProto, file: string, options: ImportSettings, mode: BatchMode): Attempt {
  const graph = model.graph!;
  const reading: Reading = {
    handlers: HANDLERS,
    opsets: model.opsets,
    functions: model.functions,
    external: externalOf(file),
    at: startOf(file),
    problems: [],
    traces: [],
    warnings: new Set(),
    shapes: new Map(
      [...graph.infos, ...graph.outputs].flatMap(({ name, type }) => (type.shape ? [[name, type.shape]] : [])),
    ),
    used: new Set(),
    budget: BUDGET,
    depth: 0,
  };
  const emitter = new Emitter();
  emitter.isOpened = mode === 'open' && graph.inputs.some(({ type }) => type.shape?.[0] === 1);
  const scope = new Scope(emitter);
  readInitializers(reading, graph, scope);
  for (const info of [...graph.inputs, ...graph.infos]) {
    const initial = scope.values.get(info.name);
    if (initial === undefined || !contradicts(info, initial)) continue;
    const message = `is [${initial.shape.join(', ')}], and declared as [${info.type.shape!.join(', ')}]`;
    reading.problems.push({ node: `the tensor \`${info.name}\``, message, needs: [] });
  }
  const takes = graph.inputs.map(({ name }) => name);
  const stranger = [...(options.bind?.keys() ?? [])].find((name) => !takes.includes(name));
  if (stranger !== undefined)
    throw new UsageError(`--bind: the model has no input '${stranger}'`, `its inputs: ${takes.join(', ')}`);
  const inputs: { name: string; value: Value }[] = [];
  const empty: string[] = [];
  for (const info of graph.inputs) {
    if (scope.values.has(info.name)) continue;
    const bound = options.bind?.get(info.name);
    if (bound !== undefined) {
      scope.values.set(info.name, {
        ...bound,
        dtype: dtypeOf(bound.elem) ?? 'f32',
        known: bound.data,
        tensor: info.name,
      });
      continue;
    }
    const value = inputValue(info, { shapes: options.inputs ?? new Map(), mode });
    if ('problem' in value) {
      const { problem, hint } = value;
      reading.problems.push({ node: '', message: problem, needs: [], ...(hint === undefined ? {} : { hint }) });
      continue;
    }
    if (value.known !== undefined) {
      scope.values.set(info.name, value);
      empty.push(info.name);
      continue;
    }
    inputs.push({ name: info.name, value });
    // Numbers by themselves are lists of one here.
    emitter.node = -1;
    emitter.wish = info.name;
    const single = value.shape.length === 0;
    scope.values.set(info.name, single ? emitter.reshape({ ...value, shape: [1] }, []) : value);
  }
  let outputs: readonly Value[] = [];
  if (reading.problems.length === 0) {
    try {
      const made = walk(reading, graph, scope);
      emitter.node = -1;
      outputs = made.map((value, i) => {
        emitter.wish = graph.outputs[i]!.name;
        return emitter.ref(value);
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (reading.problems.length === 0)
        reading.problems.push({ node: 'the graph', message: error.message, needs: [] });
    }
  }
  const named = graph.outputs.map(({ name }, i) => ({ name, value: outputs[i]! }));
  return {
    emitter,
    inputs,
    outputs: named,
    empty,
    problems: reading.problems,
    reading,
    isBatchWhole: mode !== 'open' || isBatchWhole(emitter, outputs),
  };
}

/** Whether a tensor has another shape than it is declared to have. */
function contradicts({ type }: ValueInfo, { shape }: Value): boolean {
  if (type.shape === undefined) return false;
  return (
    type.shape.length !== shape.length ||
    type.shape.some((extent, i) => typeof extent === 'number' && extent !== shape[i])
  );
}

/** Whether an open batch stands in front of every tensor and nowhere else. */
function isBatchWhole(emitter: Emitter, outputs: readonly Value[]): boolean {
  const fine = (value: Value): boolean => {
    const layer = value.from && 'layer' in value.from ? value.from.layer : undefined;
    const free = layer !== undefined && FREE.has(layer.type);
    return free || (value.shape[0] === BATCH && !value.shape.slice(1).some((extent) => extent >= BATCH));
  };
  return outputs.every(fine) && reachable(emitter.layers, outputs).every((layer) => layer.inputs.every(fine));
}

/** Layers that no input reaches. */
const FREE = new Set(['constant', 'parameter', 'arange']);

function nameOf(file: string): string {
  return path.basename(file).replace(/\.[^.]*$/, '') || 'model';
}

function finish(model: ModelProto, file: string, attempt: Attempt, mode: BatchMode, isSilent: boolean): Draft {
  const graph = model.graph!;
  const draft = new Draft(nameOf(file), 'ONNX');
  if (model.producer !== '') draft.remarks.push(`From ${path.basename(file)}, an ONNX model by ${model.producer}`);
  if (isSilent) {
    const message = `the file names no operator set; its operators are read as those of opset ${model.opsets.get('')!}`;
    draft.warn(startOf(file), `${message}, the newest of IR version ${model.irVersion}`);
  }
  for (const warning of attempt.reading.warnings) draft.warn(startOf(file), warning);
  const names = new Map<string, string>();
  const prefix = commonPrefix(attempt.reading.traces.map(({ source }) => source));
  for (const { name, value } of attempt.inputs) {
    const shape = value.shape.length === 0 ? [1] : value.shape.map((extent) => (extent === BATCH ? SYMBOL : extent));
    const own = draft.unique(name.startsWith(prefix) ? name.slice(prefix.length) : name);
    names.set(name, own);
    draft.inputs.push({ name: own, shape, dtype: value.dtype });
    const info = graph.inputs.find((input) => input.name === name)!;
    const opened = mode === 'open' && value.shape[0] === BATCH && info.type.shape?.[0] === 1;
    const reasons = [
      ...(opened ? ['its batch of 1 is `N` here, any number'] : []),
      ...(value.shape.length === 0 ? ['one number is a list of one here'] : []),
      ...(foreignReason(value.elem) === undefined ? [] : [`${foreignReason(value.elem)!}, ${value.dtype} here`]),
    ];
    if (reasons.length === 0) draft.account({ kind: 'input', source: name, fate: 'mapped', to: own });
    else draft.account({ kind: 'input', source: name, fate: 'converted', to: own, reason: reasons.join('; ') });
  }
  for (const source of attempt.empty)
    draft.account({ kind: 'input', source, fate: 'dropped', reason: 'it has no elements' });
  if (draft.inputs.length === 0)
    draft.inputs.push({
      name: draft.unique('unused'),
      shape: [1],
      dtype: 'f32',
      description: 'The source has no inputs.',
    });
  const outputs = attempt.outputs.map(({ name, value }) => ({ name, value: renamedInput(value, names) }));
  for (const layer of attempt.emitter.layers) layer.inputs = layer.inputs.map((value) => renamedInput(value, names));
  const tensors = emitLayers(draft, attempt.emitter.layers, outputs, attempt.reading.traces);
  for (const { name } of graph.initializers) {
    if (tensors.has(name)) continue;
    const used = attempt.reading.used.has(name);
    draft.account(
      used
        ? { kind: 'tensor', source: name, fate: 'converted', reason: 'its numbers are in the model file' }
        : { kind: 'tensor', source: name, fate: 'dropped', reason: 'nothing reads it' },
    );
  }
  return draft;
}

function renamedInput(value: Value, names: ReadonlyMap<string, string>): Value {
  if (value.from === undefined || !('input' in value.from)) return value;
  const name = names.get(value.from.input);
  return name === undefined ? value : { ...value, from: { input: name } };
}
