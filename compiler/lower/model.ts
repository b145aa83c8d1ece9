/**
 * Lowers a model's layers, losses and metrics into one builder, in one mode. A layer that fails is reported and its
 * dependents are left out silently, so that one mistake makes one diagnostic and all mistakes come together.
 */
import { Collector } from '../diagnostics/collector';
import { InternalError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import * as say from '../diagnostics/catalogue';
import { parseExpression } from '../expression/parse';
import { givenCount } from '../frontend/shapes';
import type { Fields, InputSpec, LayerSpec, Mode, Spec, TermSpec } from '../frontend/spec';
import { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { sameType, type TensorType } from '../ir/types';
import { ACTIVATIONS } from '../layers/activations/index';
import { outputNames, type LayerDef, type LowerContext } from '../layers/define';
import { LAYERS } from '../layers/index';
import type { LossDef } from '../losses/define';
import { LOSSES } from '../losses/index';
import type { MetricDef } from '../metrics/define';
import { METRICS } from '../metrics/index';
import { RNG } from '../ops/families/drawing';
import { typedItem, withDefaults } from './defaults';
import { withGiven } from './given';
import { Parameters } from './parameters';
import type { Item } from './problems';
import { diagnosticOf, GivenUp, invalidField, LARGEST_SINGLE, mismatch, requireAddressable } from './problems';
import type { References } from './references';
import { inputsIn, referencesOf } from './references';
import { streamOf } from './stream';
import { bindSymbols, resolveShape } from './symbols';

export interface ModelOptions {
  readonly batch: number;
  readonly mode: Mode;
  /** Lowers layers too that nothing asked for: to check and to describe a model. */
  readonly everyLayer?: boolean;
  /** Graph inputs beside the model's, by name; they are declared before any layer can take the name. */
  readonly ownInputs?: Readonly<Record<string, TensorType>>;
  /** Names of parameters that stand for their averages. */
  readonly averaged?: ReadonlySet<string>;
  /** A graph that has been begun: this lowers the model into it once more, in another state or on a part of the batch. */
  readonly within?: Within;
}

/** What passes over one model in one graph have in common. */
export interface Within {
  readonly b: Builder;
  readonly parameters: Parameters;
  /** Values of the model's inputs; one that is not there yet is declared and added. */
  readonly inputs: Map<string, Value>;
  /** Graph inputs beside the model's, likewise. */
  readonly own: Map<string, Value>;
  /** Tells the draws of this pass from those of the others; without it they are the same. */
  readonly salt?: string;
}

type LayerRecord = Readonly<Record<string, LayerDef>>;
type Slots = Pick<LowerContext, 'parameter' | 'buffer' | 'updateBuffer' | 'penalty' | 'body' | 'lowerBody'>;

interface Site {
  readonly b: Builder;
  /** In a region, where nothing outlives a step. */
  readonly loop: boolean;
  readonly body: boolean;
  readonly rng: () => Value;
}

/** A layer inside of a body failed. */
class BodyFailed extends Error {}

/** What a layer adds to the loss: sum / count. */
export interface Penalty {
  readonly name: string;
  readonly sum: Value;
  readonly count: Value;
}

export class ModelLowering {
  readonly b: Builder;
  readonly problems = new Collector();
  readonly references: References;
  readonly parameters: Parameters;
  /** By reference: a name of an input or a layer, or `layer.output`. */
  readonly values = new Map<string, Value>();
  readonly outputs = new Map<LayerSpec, readonly Value[]>();
  readonly symbols: Readonly<Record<string, number>>;
  /** In the order of the layers; none in prediction. */
  readonly penalties: Penalty[] = [];
  readonly #own: Map<string, Value>;
  readonly #given: Map<string, Value>;
  /** Where nodes are made now: in the graph, or in a region of it while a body is lowered. */
  #site: Site;

  constructor(
    readonly spec: Spec,
    readonly options: ModelOptions,
  ) {
    const { within } = options;
    this.b = within?.b ?? new Builder(options.mode);
    this.references = referencesOf(spec);
    this.parameters = within?.parameters ?? new Parameters(spec, this.b, options.averaged);
    this.#own = within?.own ?? new Map<string, Value>();
    this.#given = within?.inputs ?? new Map<string, Value>();
    this.symbols = bindSymbols(spec, options.batch);
    this.#site = { b: this.b, loop: false, body: false, rng: () => this.#rng() };
  }

  /** Inputs and layers that `roots` need, or everything with `everyLayer`. */
  lowerLayers(roots: readonly string[]): void {
    const { mode, everyLayer = false, ownInputs = {} } = this.options;
    const needed = this.references.neededFor(roots, mode);
    for (const input of this.spec.inputs) {
      if (Object.hasOwn(ownInputs, input.name)) {
        this.problems.report(say.reservedName(input.origin.at, 'input', input.name, 'an input of the training step'));
        continue;
      }
      if (everyLayer || needed.has(input.name)) this.#declareInput(input);
    }
    for (const [name, type] of Object.entries(ownInputs)) {
      if (!this.#own.has(name)) this.#own.set(name, this.b.input(name, type));
    }
    // A layer may yet ask for it, and then nothing else may be called so.
    if (!this.#inputNamed('rng')) this.b.reserve('rng');
    for (const layer of this.spec.layers) {
      if (everyLayer || needed.has(layer.name)) this.#lowerLayer(layer);
    }
    for (const layer of this.spec.layers) this.#feedBack(layer);
  }

  /** A buffer takes on the value of its `next`. */
  #feedBack(layer: LayerSpec): void {
    const buffer = this.outputs.get(layer)?.[0];
    const next = layer.next === undefined ? undefined : this.values.get(layer.next);
    if (this.options.mode !== 'train' || !buffer || !next) return;
    if (sameType(buffer.type, next.type)) {
      this.parameters.replace(buffer, next);
      return;
    }
    const message = `it would take on \`${layer.next}\`, which has another shape`;
    const item = { ...layer, inputs: [layer.next!] };
    this.problems.report(
      mismatch('shape', item, [next], this.placeOf, `it holds [${buffer.type.shape.join(', ')}]: ${message}`),
    );
  }

  #declareInput(input: InputSpec): void {
    const given = this.#given.get(input.name);
    if (given) {
      this.values.set(input.name, given);
      return;
    }
    const shape = resolveShape(input, this.symbols, this.problems);
    if (!shape) return;
    const item = { at: () => input.origin.at, origin: input.origin };
    const { mode, batch } = this.options;
    if (mode !== 'predict' && typeof input.shape[0] === 'number' && input.shape[0] !== batch) {
      const problem = `the first dimension of \`${input.name}\` is ${input.shape[0]}, but a batch holds ${batch} samples`;
      this.problems.report(say.invalidField(input.origin.at, problem, 'write a symbol there: `[N, …]`'));
      return;
    }
    try {
      const single = typeof input.shape[0] === 'string' ? shape.slice(1) : shape;
      requireAddressable(item, `one sample of the input \`${input.name}\``, single, LARGEST_SINGLE);
      requireAddressable(item, `the input \`${input.name}\``, shape);
      const value = this.b.input(input.name, { dtype: input.dtype, shape });
      this.values.set(input.name, value);
      this.#given.set(input.name, value);
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error;
      this.problems.report(error.diagnostic);
    }
  }

  #inputNamed(name: string): InputSpec | undefined {
    return this.spec.inputs.find((input) => input.name === name);
  }

  /** What random ops draw from: training always has it, evaluation and prediction where a layer asks. */
  #rng(): Value {
    const there = this.#own.get('rng');
    if (there) return there;
    const taken = this.#inputNamed('rng');
    if (taken) {
      const by = 'what the random layers draw from';
      throw new GivenUp(say.reservedName(taken.origin.at, 'input', 'rng', by));
    }
    this.b.release('rng');
    const rng = this.b.input('rng', RNG);
    this.#own.set('rng', rng);
    return rng;
  }

  /** One of the inputs beside the model's. */
  own(name: string): Value {
    const value = this.#own.get(name);
    if (!value) throw new InternalError(`the graph '${this.options.mode}' has no input '${name}'`);
    return value;
  }

  lowerLoss(term: TermSpec): ReturnType<LossDef['lower']> | undefined {
    return this.#lowerTerm(LOSSES, term, (def, context, inputs) => def.lower(context, inputs));
  }

  lowerMetric(term: TermSpec): ReturnType<MetricDef['lower']> | undefined {
    return this.#lowerTerm(METRICS, term, (def, context, inputs) => def.lower(context, inputs));
  }

  /** Where a reference is made, for notes. */
  placeOf = (reference: string): Location | undefined => {
    const input = this.spec.inputs.find(({ name }) => name === reference);
    return input?.origin.at ?? this.references.layerOf(reference)?.at([]);
  };

  #lowerLayer(layer: LayerSpec): void {
    const inputs = this.#inputsOf(inputsIn(layer, this.options.mode));
    if (!inputs) {
      this.#checkSyntax(layer);
      return;
    }
    const { b } = this.#site;
    this.b.origin = layer.origin;
    b.origin = layer.origin;
    b.prefix = layer.name;
    if (!layer.modes.includes(this.options.mode)) {
      const passed = inputs[0];
      if (passed) this.#define(layer, [passed], []);
      return;
    }
    const def = definitionOf(LAYERS as LayerRecord, layer.type, 'layer');
    const made = b.nodes.length;
    try {
      const taken = inputs.length - givenCount(layer.fields);
      const slots = withGiven(layer, this.#slotsOf(layer), inputs.slice(taken));
      const context = this.#contextOf(layer, withDefaults(def, layer.fields), inputs, slots);
      if (layer.next !== undefined && this.#site.body)
        context.fail(['next'], 'inside of a body nothing is kept from step to step');
      const lowered = def.lower(context, inputs.slice(0, taken));
      const [first, ...rest] = Array.isArray(lowered) ? (lowered as readonly Value[]) : [lowered as Value];
      if (!first) throw new InternalError(`layer type '${layer.type}' made no output`);
      const output = this.#activate(context, layer, def, first);
      for (const node of b.nodes.slice(made)) {
        for (const { type } of node.outputs)
          requireAddressable(layer, `a tensor of layer \`${layer.name}\``, type.shape);
      }
      const bodies = Object.keys(layer.bodies ?? {}).map((field) => [field, context.body(field)!] as const);
      this.#define(layer, [output, ...rest], outputNames(def, layer.fields, Object.fromEntries(bodies)));
    } catch (error) {
      // What is wrong inside of a body has been reported there.
      if (!(error instanceof BodyFailed)) this.problems.report(diagnosticOf(error, layer, inputs, this.placeOf));
    }
  }

  #lowerBody(layer: LayerSpec, field: string, site: Site, inputs: readonly Value[]): readonly Value[] {
    const body = layer.bodies?.[field];
    if (!body) throw new InternalError(`layer '${layer.name}' has no '${field}'`);
    body.inputs.forEach((name, i) => this.values.set(name, inputs[i]!));
    const around = this.#site;
    const { origin, prefix } = site.b;
    this.#site = site;
    for (const inner of body.layers) this.#lowerLayer(inner);
    this.#site = around;
    this.b.origin = layer.origin;
    site.b.origin = origin;
    site.b.prefix = prefix;
    const outputs = body.outputs.map(({ from }) => this.values.get(from));
    if (outputs.includes(undefined)) throw new BodyFailed(`in the body of ${layer.name}`);
    return outputs as readonly Value[];
  }

  #define(layer: LayerSpec, outputs: readonly Value[], names: readonly string[]): void {
    this.outputs.set(layer, outputs);
    outputs.forEach((value, i) => this.values.set(i === 0 ? layer.name : `${layer.name}.${names[i - 1] ?? i}`, value));
  }

  #activate(context: LowerContext, layer: LayerSpec, def: LayerDef, value: Value): Value {
    const wanted = layer.fields['activation'];
    if (wanted === undefined || wanted === null || def.activates !== true) return value;
    const { type, fields } = typedItem(wanted);
    const activation = definitionOf(ACTIVATIONS as LayerRecord, type, 'activation');
    this.b.prefix = `${layer.name}.${type}`;
    const at: LowerContext['at'] = (path) => layer.at(['activation', ...path]);
    const fail: LowerContext['fail'] = (path, message, hint) => context.fail(['activation', ...path], message, hint);
    const parameter: LowerContext['parameter'] = (param) =>
      fail(
        [],
        `\`${type}\` would own the parameter \`${param}\` here`,
        `put a layer of type \`${type}\` after this one`,
      );
    const own = { ...context, fields: withDefaults(activation, fields), at, fail, parameter };
    return activation.lower(own, [value]) as Value;
  }

  #lowerTerm<Def extends LossDef | MetricDef, Made>(
    defs: Readonly<Record<string, Def>>,
    term: TermSpec,
    lower: (def: Def, context: LowerContext, inputs: readonly Value[]) => Made,
  ): Made | undefined {
    const inputs = this.#inputsOf(term.inputs);
    if (!inputs) {
      this.#checkSyntax(term);
      return undefined;
    }
    this.b.origin = term.origin;
    this.b.prefix = term.name;
    const def = definitionOf(defs, term.type, 'loss or metric');
    try {
      return lower(def, this.#contextOf(term, withDefaults(def, term.fields), inputs, NO_SLOTS), inputs);
    } catch (error) {
      this.problems.report(diagnosticOf(error, term, inputs, this.placeOf));
      return undefined;
    }
  }

  /** What can be said of an expression whose inputs failed: whether it is one. */
  #checkSyntax(item: LayerSpec | TermSpec): void {
    const { expr } = item.fields;
    if (typeof expr !== 'string') return;
    try {
      parseExpression(expr);
    } catch (error) {
      this.problems.report(diagnosticOf(error, item, [], this.placeOf));
    }
  }

  /** Undefined where one of them failed before. */
  #inputsOf(references: readonly string[]): readonly Value[] | undefined {
    const values = references.map((reference) => this.values.get(reference));
    if (!values.includes(undefined)) return values as readonly Value[];
    if (this.problems.hasErrors) return undefined;
    const { mode } = this.options;
    const absent = references
      .filter((reference) => !this.values.has(reference))
      .map((reference) => this.references.layerOf(reference))
      .find((layer) => layer && !layer.modes.includes(mode));
    if (absent) {
      // Only the first output has a stand-in, and that only where there is an input.
      const problem = `it does not exist in ${mode}, where what it makes is used and nothing stands in for it`;
      this.problems.report(invalidField(absent, ['when'], problem, 'let it exist in every mode that uses it'));
      return undefined;
    }
    const missing = references.filter((reference) => !this.values.has(reference)).join(', ');
    throw new InternalError(`${missing} is used before it is lowered: the layers are not in order`);
  }

  #slotsOf(layer: LayerSpec): Slots {
    return {
      ...this.#bodySlots(layer),
      parameter: (param, shape, options) => this.parameters.parameter(layer, param, shape, options),
      buffer: (name, shape, init) => this.parameters.buffer(layer, name, shape, init),
      updateBuffer: (buffer, value) => {
        if (this.options.mode !== 'train') return;
        this.#refuseInLoop(layer, 'it keeps running statistics', '`frozen: true` leaves them as they are');
        this.parameters.replace(buffer, value);
      },
      penalty: (sum, count) => {
        if (this.options.mode === 'predict') return;
        this.#refuseInLoop(layer, 'it adds to the loss');
        const again = this.penalties.filter(
          ({ name }) => name === layer.name || name.startsWith(`${layer.name}.`),
        ).length;
        this.penalties.push({ name: again === 0 ? layer.name : `${layer.name}.${again}`, sum, count });
      },
    };
  }

  #refuseInLoop(layer: LayerSpec, what: string, hint?: string): void {
    if (this.#site.loop)
      throw new GivenUp(invalidField(layer, [], `${what}, which cannot be done inside of a loop`, hint));
  }

  #bodySlots(layer: LayerSpec): Pick<LowerContext, 'body' | 'lowerBody'> {
    return {
      body: (field) => {
        const body = layer.bodies?.[field];
        if (!body) return undefined;
        const inputs = body.inputs.map((name) => name.slice(body.prefix.length));
        return { inputs, outputs: body.outputs.map(({ name }) => name) };
      },
      lowerBody: (field, b, inputs, index) => {
        const { rng, loop } = this.#site;
        let folded: Value | undefined;
        const draw = (): Value => (folded ??= index ? b.op('fold_rng', [rng(), index]) : rng());
        return this.#lowerBody(layer, field, { b, loop: loop || b !== this.#site.b, body: true, rng: draw }, inputs);
      },
    };
  }

  #contextOf(item: Item, fields: Fields, inputs: readonly Value[], slots: Slots): LowerContext {
    return {
      b: this.#site.b,
      name: item.name,
      mode: this.options.mode,
      fields,
      symbols: this.symbols,
      at: item.at,
      ...slots,
      rng: () => this.#site.rng(),
      stream: (purpose) => streamOf(item.name, purpose + (this.options.within?.salt ?? '')),
      fail: (path, message, hint) => {
        throw new GivenUp(invalidField(item, path, message, hint));
      },
      mismatch: (what, message, hint) => {
        throw new GivenUp(mismatch(what, item, inputs, this.placeOf, message, hint));
      },
    };
  }
}

function none(): never {
  throw new InternalError('losses and metrics have no parameters');
}

const NO_SLOTS: Slots = {
  parameter: none,
  buffer: none,
  updateBuffer: none,
  penalty: none,
  body: none,
  lowerBody: none,
};

/** The frontend lets unknown types through to no one. */
function definitionOf<Def>(defs: Readonly<Record<string, Def>>, type: string, what: string): Def {
  const def = Object.hasOwn(defs, type) ? defs[type] : undefined;
  if (!def) throw new InternalError(`no ${what} type is called '${type}'`);
  return def;
}
