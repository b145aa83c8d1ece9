/**
 * The layers of a net become layers of a draft, one by one in the order of the file. What is refused is reported and
 * its outputs are lost; layers behind it are looked at no further than their types.
 */
import type { Fields as SpecFields, Json } from '../../../frontend/spec';
import type { WeightTensor } from '../../../weights/content';
import { Draft, type Fate } from '../../draft';
import type { Fields } from '../../formats/caffe/fields';
import type { CaffeBlob } from '../../formats/caffe/wire';
import { mergeActivations, withoutUnread } from '../tidy';
import { composeSettings, type BiasRates } from './settings';
import { CONVERTERS, isData, isLoss, isMetric, isSink } from './layers';
import { Use } from './use';
import type { Blob, Extent, Extents, Made, Node, Source, Value } from './value';
import type { CaffeNet } from './net';
import { isSource, Lost, Refusal, sampleSize, shapeText } from './value';

export interface Weights {
  /** Blobs by the name of their layer. */
  readonly blobs: ReadonlyMap<string, readonly CaffeBlob[]>;
}

export interface ConversionOptions {
  readonly weights: Weights | undefined;
  /** Whether settings of the training mean anything. */
  readonly training: boolean;
  /** Samples in a batch of the source. */
  readonly batch: number;
  /** Shapes that the user gave, by the names of inputs. */
  readonly shapes: ReadonlyMap<string, Extents>;
  /** Shapes of inputs of the net for prediction, by `layer bottom`. */
  readonly deployed: ReadonlyMap<string, Extents>;
  /** Whether a net for prediction says what the outputs are. */
  readonly hasDeploy: boolean;
  /** Whether the batch is open: `N`, and not a number. */
  readonly symbolic: boolean;
  /** Blobs that are files of their own (matrices, means), by the names of the files. */
  readonly blobFiles: ReadonlyMap<string, CaffeBlob>;
  readonly hasSolver: boolean;
  /** Inputs that have time in front in the source. */
  readonly timeFirst: ReadonlySet<Blob>;
  /** By which rules detections are measured. */
  readonly averagePrecision?: 'voc' | 'voc07';
}

interface NewLayer {
  readonly wish: string;
  readonly type: string;
  readonly inputs: string[];
  readonly fields: Record<string, Json>;
  readonly node: Node;
}

/** A loss or a metric. */
export interface Objective {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  readonly fields: SpecFields;
}

/** Room for true boxes, which the source makes as it reads them. */
const MOST_BOXES = 64;

/** Settings of a layer that say how it is run, not what it computes. */
const IDLE = ['name', 'type', 'bottom', 'top', 'include', 'exclude', 'phase', 'propagate_down', 'blobs', 'loss_weight'];

/** Messages of one type may stand in layers of another, where Caffe passes over them. */
const MESSAGES = (
  'transform loss accuracy argmax batch_norm bias clip concat contrastive_loss convolution crop data dropout dummy_data ' +
  'eltwise elu embed exp flatten hdf5_data hdf5_output hinge_loss image_data infogain_loss inner_product input log lrn ' +
  'memory_data mvn parameter pooling power prelu python recurrent reduction relu reshape scale sigmoid slice softmax ' +
  'spp swish tanh threshold tile window_data'
)
  .split(' ')
  .map((word) => `${word}_param`);

export class Conversion {
  readonly batch: number;
  readonly training: boolean;
  readonly deployed: ReadonlyMap<string, Extents>;
  readonly shapes: ReadonlyMap<string, Extents>;
  private made: Made[] = [];
  private readonly uses: Use[] = [];
  private readonly losses: Objective[] = [];
  private readonly metrics: Objective[] = [];
  private readonly owners = new Map<string, string>();
  private readonly usedWeights = new Set<string>();
  private readonly shapesLeft: Set<string>;
  private readonly shared = new Map<string, string>();
  private truth: { readonly boxes: Value; readonly classes: Value } | undefined;
  /** What all biases have, for the training section. */
  biases: BiasRates | undefined;
  readonly hasSolver: boolean;
  readonly timeFirst: ReadonlySet<Blob>;
  readonly averagePrecision: 'voc' | 'voc07';

  constructor(
    readonly draft: Draft,
    private readonly options: ConversionOptions,
  ) {
    this.batch = options.batch;
    this.training = options.training;
    this.deployed = options.deployed;
    this.shapes = options.shapes;
    this.shapesLeft = new Set(options.shapes.keys());
    this.timeFirst = options.timeFirst;
    this.hasSolver = options.hasSolver;
    this.averagePrecision = options.averagePrecision ?? 'voc';
  }

  /** What axis 0 of an input is. */
  get firstExtent(): Extent {
    return this.options.symbolic ? 'N' : this.batch;
  }

  /** A declared shape with the batch open. */
  opened(dims: readonly number[]): Extents {
    return this.options.symbolic && dims.length > 0 ? ['N', ...dims.slice(1)] : dims;
  }

  usedShape(name: string): void {
    this.shapesLeft.delete(name);
  }

  /** A blob that was given as a file of its own, by the path that the net has for it. */
  file(source: string): CaffeBlob | undefined {
    return this.options.blobFiles.get(source.replace(/^.*[/\\]/, ''));
  }

  /**
   * Whether losses and metrics can be written: where the batch is not open, they need a training section with its size.
   */
  get takesObjectives(): boolean {
    return this.options.symbolic || this.hasSolver;
  }

  /** What was made once under this key. */
  once(key: string, make: () => string): string {
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.shared.set(key, made);
    return made;
  }

  /** True boxes, which are one top in the source and two inputs here: as many a picture as `MOST_BOXES`. */
  boxesOf(blob: Blob): { readonly boxes: Value; readonly classes: Value } | undefined {
    if (blob.producer.layer.type !== 'AnnotatedData') return undefined;
    if (this.truth === undefined) {
      const shape: Extents = [this.firstExtent, MOST_BOXES];
      const boxes = this.draft.input('boxes', [...shape, 4], 'f32', `at most ${MOST_BOXES} a picture`);
      const classes = this.draft.input('classes', shape, 'i32', '-1 where there is no box');
      this.truth = {
        boxes: { ref: boxes, shape: [...shape, 4], dtype: 'f32' },
        classes: { ref: classes, shape, dtype: 'i32' },
      };
    }
    return this.truth;
  }

  /** What is left to be said when everything else is. */
  close(net: CaffeNet): void {
    for (const name of this.shapesLeft) {
      const at = { file: net.file, line: 1, column: 1, length: 1 };
      this.draft.refuse(at, `--shape ${name}: the net has no input or data of this name`);
    }
  }

  run(nodes: readonly Node[]): void {
    for (const node of nodes) this.convert(node);
    if (this.draft.problems.hasErrors) return;
    this.finish(nodes);
  }

  private convert(node: Node): void {
    const use = new Use(this, node);
    const { layer } = node;
    this.uses.push(use);
    const lose = (): void => {
      for (const blob of node.outputs) blob.state ??= 'lost';
    };
    try {
      const converter = CONVERTERS.get(layer.type);
      if (converter === undefined) {
        throw new Refusal(layer.at, `${use.called} has no counterpart`);
      }
      converter(use);
      layer.fields.ignore(...IDLE, ...MESSAGES);
      const unknown = layer.fields.unasked();
      for (const field of unknown.slice(0, 3)) {
        this.draft.refuse(
          layer.fields.place(field),
          `${use.called} has the field \`${field.name}\`, which has no counterpart`,
        );
      }
      lose();
    } catch (error) {
      lose();
      if (error instanceof Refusal) this.draft.refuse(error.at, error.problem, error.hint);
      else if (!(error instanceof Lost)) throw error;
    }
  }

  add({ wish, type, inputs, fields, node }: NewLayer): Made {
    const name = this.draft.unique(wish);
    const made: Made = { name, type, inputs, fields, node, settings: new Map() };
    if (node.when === 'train') made.when = 'train';
    if (node.when === 'eval') made.when = 'eval|predict';
    this.made.push(made);
    return made;
  }

  /** The layer that makes a value, where it is one that was made here. */
  maker(value: Value): Made | undefined {
    return this.made.find(({ name }) => name === value.ref);
  }

  /** A top that nobody has read yet becomes an input of the model. */
  open(source: Source, dtype: 'f32' | 'i32', wanted?: Extents): Value {
    if (source.value !== undefined) return source.value;
    const shape = source.shape ?? wanted;
    if (shape === undefined) {
      const example = '--shape ' + source.name + '=N,3,224,224';
      throw new Refusal(
        source.at,
        `nothing says the shape of \`${source.name}\``,
        `give it (${example}), or the net for prediction as a further file`,
      );
    }
    const fits = wanted !== undefined && sampleSize(shape) === sampleSize(wanted) && shape[0] === wanted[0];
    const extents = fits ? wanted : shape;
    const description = extents[1] === 3 && extents.length === 4 ? source.description : undefined;
    const name = this.draft.input(source.name, extents, dtype, description);
    source.value = { ref: name, shape: extents, dtype, ...(source.timeFirst ? { timeFirst: true } : {}) };
    return source.value;
  }

  blobs(layer: string): readonly CaffeBlob[] | undefined {
    this.usedWeights.add(layer);
    return this.options.weights?.blobs.get(layer);
  }

  /** For parameters with names: whose values each one has, where an earlier layer has given it its name. */
  ownerOf(params: readonly Fields[], count: number, made: Made): (string | undefined)[] {
    return Array.from({ length: count }, (_, i) => {
      const name = params[i]?.text('name') ?? '';
      if (name === '') return undefined;
      const owner = this.owners.get(name);
      if (owner === undefined) this.owners.set(name, `${made.name}#${i}`);
      return owner;
    });
  }

  tensor(name: string, layer: string, tensor: WeightTensor, rearranged: boolean): void {
    this.draft.tensor(name, tensor);
    this.draft.account({
      kind: 'tensor',
      source: `${layer} [${tensor.shape.join(', ')}]`,
      fate: rearranged ? 'converted' : 'mapped',
      to: name,
      ...(rearranged ? { reason: 'its values stand in another order here' } : {}),
    });
  }

  loss(objective: Objective): void {
    this.losses.push(objective);
  }

  metric(objective: Objective): void {
    this.metrics.push(objective);
  }

  /** An extent as the source has it. */
  number(extent: Extent): number {
    return extent === 'N' ? this.batch : extent;
  }

  /** Says in the account what became of a setting. */
  setting(source: string, fate: Fate, reason?: string, to?: string): void {
    this.draft.account({
      kind: 'setting',
      source,
      fate,
      ...(to === undefined ? {} : { to }),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  private finish(nodes: readonly Node[]): void {
    const outputs = this.outputsOf(nodes);
    const objectives = (): string[] => [...this.losses, ...this.metrics].flatMap(inputsOf);
    const alive = withoutUnread(this.made, [...outputs, ...objectives()]);
    const { layers, renamed } = mergeActivations(alive, [...outputs, ...objectives()]);
    const now = (ref: string): string => renamed.get(ref) ?? ref;
    this.made = layers;
    this.biases = composeSettings(this.made, this);
    for (const { name, type, inputs, fields, comment, when, node } of this.made) {
      this.draft.layers.push({
        name,
        type,
        inputs,
        at: node.layer.at,
        fields: { ...fields, ...(when === undefined ? {} : { when }) },
        ...(comment === undefined ? {} : { comment }),
      });
    }
    this.draft.outputs.push(...new Set(outputs.map(now)));
    if (this.made.length === 0 || this.draft.outputs.length === 0) {
      const [first] = nodes;
      if (first === undefined) return;
      this.draft.refuse(first.layer.at, 'the net has no layer that computes something');
      return;
    }
    if (!this.takesObjectives) this.dropUnreadInputs();
    this.draft.sections = {
      ...this.draft.sections,
      ...(this.losses.length > 0 ? { losses: named(this.losses, now) } : {}),
      ...(this.metrics.length > 0 ? { metrics: named(this.metrics, now) } : {}),
    };
    this.accountLayers(new Set(alive.map(({ name }) => name)), renamed);
    this.accountUnused();
  }

  /**
   * What no further layer reads: of the net for prediction where there is one. Losses and metrics don't count as
   * readers, because what they read is what the net predicts.
   */
  private outputsOf(nodes: readonly Node[]): string[] {
    const isEnd = ({ layer }: Node): boolean => isLoss(layer.type) || isMetric(layer.type) || isSink(layer.type);
    const leads = leadsTo(nodes, (node) => !isEnd(node) && (node.deployed || !this.options.hasDeploy));
    const silenced = (blob: Blob): boolean => blob.readers.some(({ layer }) => isSink(layer.type));
    const candidates = nodes.filter(
      (node) => !isEnd(node) && !isData(node.layer) && (node.deployed || !this.options.hasDeploy),
    );
    const refs = candidates.flatMap((node) =>
      node.outputs.flatMap((blob) => {
        const { state } = blob;
        if (state === undefined || state === 'lost' || isSource(state) || silenced(blob)) return [];
        const ordinary = blob.readers.filter((reader) => leads.has(reader));
        return ordinary.length > 0 ? [] : [state.ref, ...(state.variances === undefined ? [] : [state.variances])];
      }),
    );
    return refs.filter((ref) => !this.draft.inputs.some(({ name }) => name === ref));
  }

  /** Labels that nothing compares with. */
  private dropUnreadInputs(): void {
    const read = new Set([...this.draft.layers.flatMap(({ inputs }) => inputs), ...this.draft.outputs]);
    const kept = this.draft.inputs.filter(({ name }) => read.has(name));
    this.draft.inputs.splice(0, this.draft.inputs.length, ...kept);
  }

  private accountLayers(alive: ReadonlySet<string>, renamed: ReadonlyMap<string, string>): void {
    for (const use of this.uses) {
      const { to } = use;
      const merged = to === undefined ? undefined : renamed.get(to);
      const name = to?.split('.')[0];
      const isMade = name !== undefined && this.draft.layers.some((layer) => layer.name === name);
      const source = `${use.name} (${use.type})`;
      if (merged !== undefined) {
        const reason = `the activation of ${merged}`;
        this.draft.account({ kind: 'layer', source, fate: 'converted', to: merged, reason });
      } else if (to !== undefined && !isMade && name !== undefined && !alive.has(name) && use.fate === 'mapped') {
        const known = /^(?:inputs|losses|metrics)/.test(to) || this.isInput(name);
        this.draft.account(
          known
            ? { kind: 'layer', source, fate: 'mapped', to }
            : { kind: 'layer', source, fate: 'dropped', reason: 'nothing reads it here' },
        );
      } else {
        const reason = use.reason === undefined ? {} : { reason: use.reason };
        this.draft.account({ kind: 'layer', source, fate: use.fate, ...(to === undefined ? {} : { to }), ...reason });
      }
    }
  }

  private isInput(name: string): boolean {
    return this.draft.inputs.some((input) => input.name === name);
  }

  private accountUnused(): void {
    for (const [layer, blobs] of this.options.weights?.blobs ?? []) {
      if (this.usedWeights.has(layer) || blobs.length === 0) continue;
      const shapes = blobs.map(({ shape }) => shapeText(shape)).join(' ');
      this.draft.account({
        kind: 'tensor',
        source: `${layer} ${shapes.slice(0, 200)}`,
        fate: 'dropped',
        reason: 'the net has no layer of this name that takes weights',
      });
    }
  }
}

/** The nodes that are wanted, and those on the way to them. */
function leadsTo(nodes: readonly Node[], wanted: (node: Node) => boolean): ReadonlySet<Node> {
  const leads = new Set<Node>();
  for (const node of [...nodes].reverse()) {
    if (wanted(node) || node.outputs.some((blob) => blob.readers.some((reader) => leads.has(reader)))) leads.add(node);
  }
  return leads;
}

/** Names that losses and metrics read. */
function inputsOf({ inputs }: Objective): string[] {
  return [...inputs];
}

/** Objectives with the names that layers have now, and names of their own where a type stands twice. */
function named(objectives: readonly Objective[], now: (ref: string) => string): SpecFields[] {
  const seen = new Set<string>();
  const written = objectives.flatMap(({ name, type, inputs, fields }) => {
    const made: SpecFields = { type, inputs: inputs.map(now), ...fields };
    const key = JSON.stringify(made);
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ name, type, made }];
  });
  const taken = new Set<string>();
  return written.map(({ name, type, made }) => {
    if (written.filter((other) => other.type === type).length === 1) return made;
    const word = name.replace(/[^A-Za-z0-9_-]+/g, '_').replace(/^[-_]+/, '');
    const clean = word === '' || word === 'loss' ? type : word;
    let unique = clean;
    for (let n = 2; taken.has(unique); n++) unique = `${clean}_${n}`;
    taken.add(unique);
    return { name: unique, ...made };
  });
}
