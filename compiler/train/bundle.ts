/**
 * A model as one file that predicts without its source: the compiled plan, its weights as they lie in memory, and what
 * prediction has to know of the model. Nothing is compiled when it is opened. What it says is compared with the plan, which
 * the runtime checks: a file may be anybody's.
 */
import type { Device } from '../device';
import { open, writeFile } from 'node:fs/promises';
import { BundleError, decodeBundle, encodeBundle, type Sections } from '../bundle/format';
import { isFields, isNumber, isTexts, type Learned } from '../data/learned';
import { reasonOf } from '../data/paths';
import { weightsCorrupt, weightsMissing } from '../diagnostics/catalogue';
import { InternalError, SpecError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import { loadSpecText } from '../frontend/load';
import type { Fields, InputSpec, Json, SectionSpec, Spec } from '../frontend/spec';
import { bytesOf, DTYPES, formatType, sameType, type DType, type Precision, type TensorType } from '../ir/types';
import type { NativeRuntime, NativeSession, PortType } from '../native/runtime';
import { viewTensor } from '../native/tensors';
import { align } from '../plan/liveness';
import type { Plan } from '../plan/plan';
import { VERSION } from '../version';
import { writeAtomically } from '../weights/atomic';
import type { Tensors } from '../weights/files';
import type { WeightsFrom } from '../weights/source';
import { interfaceOf, type ModelInterface } from './interface';
import { hasBatchAxis, programSizes } from './predict';
import { compileModel, programName } from './programs';
import { trainedLearned, trainedTensors } from './trained';

export interface Opened {
  readonly model: ModelInterface;
  readonly learned: Learned;
  readonly session: NativeSession;
}

export const isBundle = (file: string): boolean => /\.dlcb$/i.test(file);

/** The bundle of a model with the weights of a file, for each of the batch sizes. */
export async function makeBundle(
  spec: Spec,
  weights: WeightsFrom | undefined,
  batches: readonly number[],
  precision?: Precision,
  device?: Device,
): Promise<Uint8Array> {
  const sizes = spec.inputs.some(hasBatchAxis) ? [...new Set(batches)] : [1];
  const { plan, blob } = compileModel(spec, { predict: sizes, precision, device });
  const tensors = await trainedTensors(spec, weights);
  const model = interfaceOf(spec);
  const typeOf = ({ name, dtype, shape }: PortType | InputSpec): Fields => ({ name, dtype, shape });
  const outputs = plan.programs
    .filter(({ name }) => sizes.some((size) => name === programName('predict', size)))
    .map((program): [string, Json] => {
      const ports = program.outputs.map(({ name, tensor }) => typeOf({ ...program.tensors[tensor]!, name }));
      return [program.name, ports];
    });
  const description: Fields = {
    dlc_version: VERSION,
    name: model.name,
    inputs: model.inputs.map(typeOf),
    needed: model.needed,
    outputs: Object.fromEntries(outputs),
    normalize: model.section ? normalizationOf(model.section.fields) : {},
    seed: model.seed,
    learned: await trainedLearned(weights),
  };
  const json = (value: Json): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return encodeBundle({
    interface: json(description),
    plan: blob,
    states: statesOf(plan, tensors),
    model: json(spec.resolved),
  });
}

/** The fields of a data section that prediction reads, where it has them. */
function normalizationOf({ scale, mean, std }: Fields): Fields {
  return Object.fromEntries(Object.entries({ scale, mean, std }).filter(([, value]) => value !== undefined)) as Fields;
}

function statesOf(plan: Plan, tensors: Tensors): Uint8Array {
  const bytes = new Uint8Array(
    plan.states.reduce((end, state) => Math.max(end, state.offset + align(bytesOf(state))), 0),
  );
  for (const { name, offset } of plan.states) {
    const tensor = tensors.get(name);
    if (!tensor) throw new InternalError(`no weights for @${name} of the plan`);
    const { buffer, byteOffset, byteLength } = tensor.data;
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
  }
  return bytes;
}

export async function saveBundle(file: string, bytes: Uint8Array): Promise<void> {
  await writeAtomically(file, (temporary) => writeFile(temporary, bytes));
}

export async function openBundle(file: string, runtime: NativeRuntime): Promise<Opened> {
  const at: Location = { file, line: 1, column: 1, length: 1 };
  const bytes = await readWhole(file, at);
  const refuse = (problem: string): never => {
    throw new SpecError([weightsCorrupt(at, file, problem)]);
  };
  try {
    const sections = decodeBundle(bytes);
    const opened = readInterface(sections, file, at);
    const session = runtime.createSession(sections.plan);
    fillStates(session, sections.states);
    comparePorts(session, opened.model);
    return { ...opened, session };
  } catch (error) {
    // What the runtime does not take would be a mistake of the compiler in a plan of our own.
    if (error instanceof BundleError || error instanceof InternalError) return refuse(error.message);
    throw error;
  }
}

async function readWhole(file: string, at: Location): Promise<Uint8Array> {
  try {
    const handle = await open(file);
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new SpecError([weightsCorrupt(at, file, 'not a regular file')]);
      const bytes = Buffer.allocUnsafeSlow(info.size);
      // One read takes less than 2 GiB.
      for (let position = 0; position < bytes.length;) {
        const length = Math.min(bytes.length - position, 2 ** 30);
        const { bytesRead } = await handle.read(bytes, position, length, position);
        if (bytesRead === 0) throw new SpecError([weightsCorrupt(at, file, 'the file ends early')]);
        position += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof SpecError) throw error;
    const reason = reasonOf(error);
    const missing = reason === 'there is no such file';
    throw new SpecError([missing ? weightsMissing(at, file) : weightsCorrupt(at, file, reason)]);
  }
}

function readInterface(sections: Sections, file: string, at: Location): Pick<Opened, 'model' | 'learned'> {
  const wrong = (what: string): never => {
    throw new BundleError(`the interface has no ${what}`);
  };
  const found = parse(new TextDecoder().decode(sections.interface));
  if (!isFields(found)) return wrong('fields');
  const { name, seed, needed, normalize, learned } = found;
  if (typeof name !== 'string') return wrong('name');
  if (!Number.isSafeInteger(seed)) return wrong('seed');
  if (!isTexts(needed)) return wrong('needed inputs');
  if (!isFields(normalize) || !Object.values(normalize).every(isNumbers)) return wrong('normalization');
  if (!isFields(learned)) return wrong('learned encodings');
  const origin = { layer: '', at, via: [] };
  const inputs = (Array.isArray(found['inputs']) ? (found['inputs'] as readonly Json[]) : wrong('inputs')).map(
    (entry): InputSpec => {
      if (!isFields(entry) || typeof entry['name'] !== 'string') return wrong('inputs');
      const { name: input, dtype, shape } = entry;
      if (!DTYPES.includes(dtype as DType) || !isShape(shape)) return wrong(`type of '${input}'`);
      return { name: input, dtype: dtype as DType, shape, origin };
    },
  );
  for (const one of needed) if (!inputs.some((input) => input.name === one)) wrong(`input '${one}'`);
  const section: SectionSpec = { type: 'bundle', fields: normalize, origin, at: () => at };
  const text = new TextDecoder().decode(sections.model);
  let spec: Spec | undefined;
  const model = {
    ...{ name, inputs, needed, section, seed: seed as number, at },
    get spec() {
      return (spec ??= loadSpecText(text, file));
    },
  };
  return { model, learned: learned as Learned };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new BundleError('the interface is not JSON');
  }
}

const isNumbers = (value: Json): boolean => isNumber(value) || (Array.isArray(value) && value.every(isNumber));

const isShape = (value: Json | undefined): value is InputSpec['shape'] =>
  Array.isArray(value) &&
  value.every((extent) => typeof extent === 'string' || (Number.isSafeInteger(extent) && (extent as number) >= 0));

/** The section is the plan's states, one behind the other. */
function fillStates(session: NativeSession, bytes: Uint8Array): void {
  let offset = 0;
  for (const state of session.states) {
    const size = bytesOf(state);
    if (size > bytes.length - offset) throw new BundleError('the weights are not those of the plan');
    session.writeState(state.name, viewTensor(state, bytes.subarray(offset)));
    offset += align(size);
  }
  if (offset !== bytes.length) throw new BundleError('the weights are not those of the plan');
}

/** Every input of the programs is one that prediction fills in. */
function comparePorts(session: NativeSession, model: ModelInterface): void {
  const sizes = programSizes(session);
  if (sizes.length === 0) throw new BundleError('the plan has no program for prediction');
  for (const batch of sizes) {
    for (const port of session.program(programName('predict', batch)).inputs) {
      const input = model.inputs.find(({ name }) => name === port.name && model.needed.includes(name));
      const type = port.name === 'rng' ? RNG : input && typeAt(input, batch);
      if (type && sameType(type, port)) continue;
      throw new BundleError(`the plan takes '${port.name}', ${formatType(port)}; the interface says otherwise`);
    }
  }
}

const RNG: TensorType = { dtype: 'i64', shape: [2] };

function typeAt(input: InputSpec, batch: number): TensorType | undefined {
  const shape = hasBatchAxis(input) ? [batch, ...input.shape.slice(1)] : input.shape;
  return shape.every((extent): extent is number => typeof extent === 'number')
    ? { dtype: input.dtype, shape }
    : undefined;
}
