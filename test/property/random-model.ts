/**
 * Random models: small graphs of layers, each with the fields of one of its samples, on what the layers before made of
 * the inputs, and a loss at the end. Whether a layer accepts a value is asked of the frontend and of lowering: one that
 * is refused is tried once more behind a dense layer that makes the shape of its sample, and then on an input of its
 * own. Layers that decide (sorting, indices, comparisons) always have inputs of their own, on which float32 and float64
 * agree about every decision.
 */
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Described, Sample, SampleInput } from '../../compiler/frontend/describe';
import { checkSpecText } from '../../compiler/frontend/load';
import type { Mode, Spec } from '../../compiler/frontend/spec';
import { elementCount, isFloat, type Shape } from '../../compiler/ir/types';
import { LAYERS } from '../../compiler/layers/index';
import { LOSSES } from '../../compiler/losses/index';
import { RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { below, pick, type Random } from '../soak/mutate';
import { generator } from '../support/samples';

/** What is larger takes the reference long. */
const MAX_ELEMENTS = 1500;
const MAX_SAMPLE = 500;

/** Layers whose gradient is not their derivative on purpose: they are in models, whose slope is then not compared. */
const NOT_DERIVATIVES: ReadonlySet<string> = new Set([
  'stop_gradient',
  'gradient_scale',
  'gradient_reverse',
  'gradient_clip',
]);

type Item = Readonly<Record<string, unknown>>;

interface Choice {
  readonly def: Described;
  readonly sample: Sample;
}

/** What layers can read: at a batch of 3. */
interface Wire {
  readonly name: string;
  readonly shape: Shape;
}

export interface RandomModel {
  readonly text: string;
  readonly spec: Spec;
  /** By name, with the values that the samples say. */
  readonly inputs: ReadonlyMap<string, SampleInput>;
  /** Inputs in which the loss has a slope. */
  readonly sloped: readonly string[];
  /** False where some layer's gradient is not its derivative. */
  readonly differentiable: boolean;
  readonly types: readonly string[];
}

function choicesOf(defs: Readonly<Record<string, Described>>): readonly (readonly Choice[])[] {
  return Object.values(defs)
    .map((def) => (def.samples ?? []).filter(isUsable).map((sample) => ({ def, sample })))
    .filter((choices) => choices.length > 0);
}

function isUsable({ inputs, through, modes }: Sample): boolean {
  const elements = inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const begins = inputs.every(({ shape }) => shape[0] === 'N');
  return !through && (modes?.includes('train') ?? true) && inputs.length > 0 && begins && elements <= MAX_SAMPLE;
}

const sizeOf = (shape: SampleInput['shape']): number => elementCount(shape.map((n) => (n === 'N' ? 3 : n)));

/** By type, so that every layer is as likely as another, however many samples it has. */
export const LAYER_CHOICES = choicesOf(LAYERS);
export const LOSS_CHOICES = choicesOf(LOSSES);

/** The model of a seed. */
export function randomModel(seed: number): RandomModel {
  const random = generator(seed);
  // The first draws of neighbouring seeds are alike.
  random();
  for (;;) {
    const model = new Growing(random).finish();
    if (model) return model;
  }
}

class Growing {
  readonly #inputs = new Map<string, SampleInput>();
  readonly #sloped: string[] = [];
  #layers: readonly Item[] = [];
  #wires: readonly Wire[] = [];
  readonly #types: string[] = [];
  #differentiable = true;

  constructor(private readonly random: Random) {
    for (let left = 2 + below(random, 5); left > 0; left--) this.#grow(pick(random, pick(random, LAYER_CHOICES)));
  }

  #grow({ def, sample }: Choice): void {
    const mayRead = sample.inputs.map((input, k) => isContinuous(def, sample, k) && this.#wires.length > 0 && input);
    for (const how of ['direct', 'shaped', 'fresh'] as const) {
      const before = new Map(this.#inputs);
      const added: Item[] = [];
      const inputs = sample.inputs.map((input, k) => {
        const reads = how !== 'fresh' && mayRead[k] && (k === 0 || this.random() < 0.7);
        return reads ? this.#read(input, how, added) : this.#declare(input, isContinuous(def, sample, k));
      });
      const reading = inputs.some((name) => !this.#inputs.has(name));
      const name = `layer${this.#types.length}`;
      if (how === 'fresh' || reading) {
        const item = { ...renamed(sample.fields ?? {}, inputs), type: def.type, name, inputs };
        const wires = this.#accepted([...this.#layers, ...added, item], reading);
        if (wires) {
          this.#layers = [...this.#layers, ...added, item];
          this.#wires = wires;
          this.#types.push(def.type);
          if (NOT_DERIVATIVES.has(def.type) || sample.parameters === false) this.#differentiable = false;
          return;
        }
      }
      for (const made of [...this.#inputs.keys()]) {
        if (before.has(made)) continue;
        this.#inputs.delete(made);
        if (this.#sloped.includes(made)) this.#sloped.splice(this.#sloped.indexOf(made), 1);
      }
    }
  }

  #declare(input: SampleInput, sloped: boolean): string {
    const name = `in${this.#inputs.size}`;
    this.#inputs.set(name, input);
    if (sloped) this.#sloped.push(name);
    return name;
  }

  /** What some layer made, or an input that has a slope, in the range that the sample wants. */
  #read(input: SampleInput, how: 'direct' | 'shaped', added: Item[]): string {
    const { random } = this;
    const rank = input.shape.length;
    const fitting = how === 'direct' ? this.#wires.filter(({ shape }) => shape.length === rank) : this.#wires;
    const recent = fitting.slice(-3);
    const wire = recent.length > 0 ? pick(random, recent) : pick(random, this.#wires);
    let { name } = wire;
    const add = (item: Item): void => {
      const made = `fit${this.#layers.length + added.length}`;
      added.push({ ...item, name: made, inputs: [name] });
      name = made;
    };
    if (how === 'shaped') {
      const shape = input.shape.slice(1).map(Number);
      if (wire.shape.length === 1) add({ type: 'reshape', shape: ['N', 1] });
      else if (wire.shape.length > 2) add({ type: 'flatten' });
      add({ type: 'dense', units: elementCount(shape) });
      if (shape.length !== 1) add({ type: 'reshape', shape: ['N', ...shape] });
    }
    if (input.range) {
      const [low, high] = input.range;
      add({ type: 'expression', expr: `${low} + ${high - low} * sigmoid(x)`, names: ['x'] });
    } else if (random() < 0.4) add({ type: 'tanh' });
    return name;
  }

  /** What can be read of these layers, where the frontend and lowering take them in every mode. */
  #accepted(layers: readonly Item[], reading: boolean): readonly Wire[] | undefined {
    const spec = checkSpecText(this.#textOf(layers, [String(layers.at(-1)!['name'])]), 'model.json').spec;
    if (!spec) return undefined;
    const lowered = lower(spec, 'train', 3);
    const single = lower(spec, 'train', 1);
    if (!lowered || !single || !lower(spec, 'predict', 3)) return undefined;
    const last = lowered.outputs.get(spec.layers.at(-1)!) ?? [];
    // A decision about what was computed may be another one in float32.
    if (reading && last.some(({ type }) => !isFloat(type.dtype))) return undefined;
    const values = [...lowered.values];
    if (values.some(([, { type }]) => elementCount(type.shape) > MAX_ELEMENTS)) return undefined;
    const readable = values.filter(
      ([name, { type }]) =>
        type.dtype === 'f32' &&
        type.shape[0] === 3 &&
        single.values.get(name)?.type.shape[0] === 1 &&
        elementCount(type.shape) > 0 &&
        (!this.#inputs.has(name) || this.#sloped.includes(name)),
    );
    return readable.map(([name, { type }]) => ({ name, shape: type.shape }));
  }

  #textOf(layers: readonly Item[], outputs: readonly string[], losses: readonly Item[] = []): string {
    const used = new Set(JSON.stringify([layers, losses]).match(/\bin\d+\b/g));
    const declared = [...this.#inputs].filter(([name]) => used.has(name));
    const inputs = declared.map(([name, { shape, dtype }]) => [
      name,
      { shape, ...(dtype === undefined ? {} : { dtype }) },
    ]);
    return JSON.stringify({
      inputs: Object.fromEntries(inputs) as unknown,
      layers,
      outputs,
      ...(losses.length > 0 ? { losses } : {}),
    });
  }

  /** With a loss on what was made last; undefined where none of a few takes it. */
  finish(): RandomModel | undefined {
    const made = this.#wires.filter(({ name }) => !this.#inputs.has(name));
    if (made.length === 0) return undefined;
    for (let left = 5; left > 0; left--) {
      const { def, sample } = pick(this.random, pick(this.random, LOSS_CHOICES));
      this.#wires = made;
      const added: Item[] = [];
      const inputs = sample.inputs.map((input, k) =>
        k === 0 && isContinuous(def, sample, k)
          ? this.#read(input, 'shaped', added)
          : this.#declare(input, isContinuous(def, sample, k)),
      );
      const layers = [...this.#layers, ...added];
      const loss = { ...renamed(sample.fields ?? {}, inputs), type: def.type, name: 'loss0', inputs };
      const read = new Set(layers.flatMap((item) => item['inputs'] as readonly string[]));
      const leaves = layers.map((item) => String(item['name'])).filter((name) => !read.has(name));
      const text = this.#textOf(layers, leaves, [loss]);
      const { spec } = checkSpecText(text, 'model.json');
      if (!spec) continue;
      const differentiable = this.#differentiable && sample.wrt === undefined;
      const names = new Set(spec.inputs.map(({ name }) => name));
      return {
        text,
        spec,
        inputs: new Map([...this.#inputs].filter(([name]) => names.has(name))),
        sloped: this.#sloped.filter((name) => names.has(name)),
        differentiable,
        types: [...this.#types, def.type],
      };
    }
    return undefined;
  }
}

/** Whether an input takes whatever is computed: where its gradient is tested on numbers that are not listed. */
function isContinuous(def: Described, sample: Sample, k: number): boolean {
  const { dtype, values, separated } = sample.inputs[k]!;
  if ((dtype ?? 'float32') !== 'float32' || values || separated) return false;
  return (sample.wrt?.includes(k) ?? true) || NOT_DERIVATIVES.has(def.type);
}

/** The fields of a sample call its inputs in0, in1, …. */
function renamed(fields: Item, inputs: readonly string[]): Item {
  const text = JSON.stringify(fields).replace(/\bin(\d+)\b/g, (name, k) => inputs[Number(k)] ?? name);
  return JSON.parse(text) as Item;
}

function lower(spec: Spec, mode: Mode, batch: number): ModelLowering | undefined {
  const model = new ModelLowering(spec, { batch, mode, everyLayer: true, ownInputs: { rng: RNG } });
  try {
    model.lowerLayers([]);
    model.problems.throwIfErrors();
    return model;
  } catch (error) {
    if (error instanceof SpecError) return undefined;
    throw error;
  }
}
