/**
 * A model in the making, as a reader of another format builds it: inputs, layers in our vocabulary, tensors in our
 * logical layout, and the account of where each thing of the source went. A draft knows nothing of YAML or of files;
 * `import/write.ts` turns it into a model file and a weight file.
 */
import { Collector } from '../diagnostics/collector';
import { importApproximate, importUnsupported } from '../diagnostics/catalogue';
import { InternalError } from '../diagnostics/errors';
import type { Learned } from '../data/learned';
import type { Location } from '../diagnostics/location';
import type { Fields } from '../frontend/spec';
import type { DType } from '../ir/types';
import type { WeightTensor } from '../weights/content';

export interface DraftInput {
  readonly name: string;
  /** The batch is the symbol `N` in front; other symbols as in model files. */
  readonly shape: readonly (number | string)[];
  readonly dtype: DType;
  readonly description?: string;
}

export interface DraftLayer {
  readonly name: string;
  readonly type: string;
  /** Names of layers (`layer.output` for a further output) or inputs of the draft, always written out. */
  readonly inputs: readonly string[];
  /** The layer's own fields, and `when`, `share`, `frozen`, `parameters` where they are needed; defaults left out. */
  readonly fields: Fields;
  /** Written behind the layer in the model file: what was changed and why, in a few words. */
  readonly comment?: string;
  /** Where it stands in the source, for formats with lines. */
  readonly at?: Location;
}

/**
 * What became of a layer, tensor or setting of the source. `mapped`: the same thing under our name; `converted`:
 * the same values written differently (transposed, merged into another layer, a default made explicit); `dropped`:
 * without effect here, with the reason; `initial`: of the model's own tensors, one that the source gives no values for.
 */
export type Fate = 'mapped' | 'converted' | 'dropped' | 'initial';

export interface Entry {
  readonly kind: 'layer' | 'tensor' | 'setting' | 'input';
  /** Its name in the source, with its type where it has one: `conv1 (Convolution)`. */
  readonly source: string;
  readonly fate: Fate;
  /** Our name for it, where it has one. */
  readonly to?: string;
  /** Needed for `converted` and `dropped`: a sentence without a full stop. */
  readonly reason?: string;
}

/** A model inside of the model: the layer of type `model` that stands for it, and what goes into its own file. */
export interface DraftModel {
  readonly layer: string;
  readonly draft: Draft;
  /** The layer uses the weights of another one: the draft's tensors are not for it. */
  readonly shared: boolean;
}

/** Everything that a model file can say, beside what draws it. */
export interface DraftSections {
  readonly losses?: readonly Fields[];
  readonly metrics?: readonly Fields[];
  readonly data?: Fields;
  readonly train?: Fields;
}

export class Draft {
  readonly inputs: DraftInput[] = [];
  readonly layers: DraftLayer[] = [];
  /** Names of layers or of their further outputs, in order. */
  readonly outputs: string[] = [];
  /** `<layer>.<param>`, logical layout: conv [filters, in/groups, …kernel], dense [units, features]. */
  readonly tensors = new Map<string, WeightTensor>();
  /** In the order of their layers; the file of each is named when they are written. */
  readonly models: DraftModel[] = [];
  readonly entries: Entry[] = [];
  /** Remarks on the whole model, written at the top of the file. */
  readonly remarks: string[] = [];
  sections: DraftSections = {};
  description?: string;
  /** What the source knows of the data that it was trained on: goes with the weights. */
  learned?: Learned;
  readonly problems = new Collector();
  private readonly taken = new Set<string>();
  private readonly numbers = new Map<string, number>();

  constructor(
    /** Name of the model. */
    readonly name: string,
    /** The format's name in messages: `ONNX`, `Caffe`. */
    readonly format: string,
  ) {}

  /** Declares an input; returns the name it got. */
  input(source: string, shape: readonly (number | string)[], dtype: DType, description?: string): string {
    const name = this.unique(source);
    this.inputs.push({ name, shape, dtype, ...(description === undefined ? {} : { description }) });
    this.account({ kind: 'input', source, fate: 'mapped', to: name });
    return name;
  }

  /** Adds a layer and returns the name it got; `name` is a wish, made unique and spelled as names are here. */
  layer(layer: DraftLayer): string {
    const name = this.unique(layer.name);
    this.layers.push({ ...layer, name });
    return name;
  }

  tensor(name: string, tensor: WeightTensor): void {
    if (this.tensors.has(name)) throw new InternalError(`the tensor '${name}' is given twice`);
    this.tensors.set(name, tensor);
  }

  /** The layer that a name leads to in the end, through models inside of the model. */
  resolved(name: string): string {
    const found = this.models.find(({ layer }) => layer === name || name.startsWith(`${layer}/`));
    if (found === undefined) return name;
    const { layer, draft } = found;
    return `${layer}/${draft.resolved(layer === name ? draft.outputs[0]! : name.slice(layer.length + 1))}`;
  }

  account(entry: Entry): void {
    if ((entry.fate === 'converted' || entry.fate === 'dropped') && entry.reason === undefined)
      throw new InternalError(`no reason is given for '${entry.source}'`);
    this.entries.push(entry);
  }

  /** Something that we have no words for: the import ends with an error, after everything else was looked at. */
  refuse(at: Location, problem: string, hint?: string): void {
    this.problems.report(importUnsupported(at, problem, hint));
  }

  /** Something that is carried over nearly: said at the end of the import and at the top of the model file. */
  warn(at: Location, problem: string, hint?: string): void {
    this.problems.report(importApproximate(at, problem, hint));
    this.remarks.push(`${problem.charAt(0).toUpperCase()}${problem.slice(1)}`);
  }

  /** A name that is free: letters, digits, `_` and `-` between slashes, a number behind it where it is taken. */
  unique(wish: string): string {
    const clean = cleanName(wish);
    let name = clean;
    // From where the search for this name ended the last time: it may come again thousands of times.
    let n = this.numbers.get(clean) ?? 2;
    for (; this.taken.has(name); n++) name = `${clean}_${n}`;
    this.numbers.set(clean, n);
    this.taken.add(name);
    return name;
  }
}

/** `Conv_0:0` → `Conv_0_0`, `/model/block.1/conv` → `model/block_1/conv`. */
export function cleanName(wish: string): string {
  const parts = wish
    .split('/')
    .map((part) => part.replace(/[^A-Za-z0-9_-]+/g, '_').replace(/^-+/, ''))
    .map((part) => (/[A-Za-z0-9]/.test(part) ? part.replace(/^_+|_+$/g, '') : part.replaceAll('-', '_')))
    .filter((part) => part !== '');
  return parts.length === 0 ? 'layer' : parts.join('/');
}
