/**
 * A layer of the source at the moment when it is converted: its inputs as values of the draft, its fields, and the ways
 * to add layers, learned tensors, losses and outputs. The converters in `layers/` are functions of one.
 */
import type { Location } from '../../../diagnostics/location';
import type { Fields as SpecFields, Json } from '../../../frontend/spec';
import type { Fate } from '../../draft';
import type { Fields } from '../../formats/caffe/fields';
import type { CaffeBlob } from '../../formats/caffe/wire';
import type { Conversion } from './conversion';
import { initializerOf } from './fillers';
import { TIME_SAFE } from './time';
import type { Blob, Extents, Made, Node, Setting, Source, Value } from './value';
import { isSource, Lost, Refusal, sameShape, sampleSize, shapeText } from './value';

export type Converter = (use: Use) => void;

/** A learned tensor of a layer: our name, its shape, and the message of the source that says how it starts. */
export interface Learned {
  readonly param: string;
  readonly shape: readonly number[];
  readonly filler?: readonly [Fields, string];
  /** How it starts in the source where no filler says so. */
  readonly start?: Json;
  /** Rearranges the values of the source. */
  readonly arrange?: (data: Float32Array) => Float32Array;
}

const NO_BATCH = 'the net rearranges the samples of a batch: a solver has to come with it';

export class Use {
  /** What becomes of the layer in the account. */
  fate: Fate = 'mapped';
  reason?: string;
  to?: string;

  constructor(
    readonly conversion: Conversion,
    readonly node: Node,
  ) {}

  get name(): string {
    return this.node.layer.name;
  }

  get type(): string {
    return this.node.layer.type;
  }

  get at(): Location {
    return this.node.layer.at;
  }

  get fields(): Fields {
    return this.node.layer.fields;
  }

  /** How messages call the layer. */
  get called(): string {
    return `the layer \`${this.name}\` of type ${this.type}`;
  }

  part(name: string): Fields {
    return this.fields.part(name);
  }

  refuse(problem: string, hint?: string, at = this.at): never {
    throw new Refusal(at, `${this.called} ${problem}`, hint);
  }

  converted(reason: string): void {
    this.fate = 'converted';
    this.reason = this.reason === undefined ? reason : `${this.reason}; ${reason}`;
  }

  dropped(reason: string): void {
    this.fate = 'dropped';
    this.reason = reason;
  }

  blob(index: number): Blob {
    return this.node.inputs[index] ?? this.refuse(`has ${this.node.inputs.length} bottoms; it needs more`);
  }

  /** An input as numbers. */
  input(index = 0): Value {
    const { state } = this.blob(index);
    if (state === undefined || state === 'lost') throw new Lost();
    const value = isSource(state) ? this.conversion.open(state, 'f32') : state;
    if (value.timeFirst && !TIME_SAFE.has(this.type)) this.refuse('reads a sequence with time in front');
    return value;
  }

  inputs(): Value[] {
    return this.node.inputs.map((_, index) => this.input(index));
  }

  /** An input as class numbers or other integers, of the given shape or of its own. */
  integers(index: number, shape?: Extents): Value {
    return this.compared(index, 'i32', shape);
  }

  /** An input that is compared with a prediction of this shape. */
  target(index: number, shape: Extents): Value {
    return this.compared(index, 'f32', shape);
  }

  private compared(index: number, dtype: 'f32' | 'i32', shape?: Extents): Value {
    const { state } = this.blob(index);
    if (state === undefined || state === 'lost') throw new Lost();
    const value = isSource(state) ? this.conversion.open(state, dtype, shape) : state;
    return this.shaped(this.typed(value, dtype), shape);
  }

  private typed(value: Value, dtype: 'f32' | 'i32'): Value {
    if (value.dtype === dtype) return value;
    const word = dtype === 'f32' ? 'float32' : 'int32';
    const made = this.emit('cast', [value], { dtype: word }, `${value.ref}_as_${word}`);
    return { ...value, ref: made.name, dtype };
  }

  private shaped(value: Value, shape: Extents | undefined): Value {
    if (shape === undefined || sameShape(value.shape, shape)) return value;
    if (sampleSize(value.shape) !== sampleSize(shape)) {
      this.refuse(`compares ${shapeText(shape)} with \`${value.ref}\`, which is ${shapeText(value.shape)}`);
    }
    const made = this.emit('reshape', [value], { shape: shape.map(String).map(numeric) }, `${value.ref}_shaped`);
    return { ...value, ref: made.name, shape };
  }

  /** Adds a layer; its name is that of the source's layer unless it is another one. */
  emit(type: string, inputs: readonly (Value | string)[], fields: SpecFields = {}, name = this.name): Made {
    return this.conversion.add({
      wish: name === '' ? this.type.toLowerCase() : name,
      type,
      inputs: inputs.map((input) => (typeof input === 'string' ? input : input.ref)),
      fields: { ...fields },
      node: this.node,
    });
  }

  /** Adds a layer that makes one output of the source's layer. */
  give(type: string, inputs: readonly (Value | string)[], fields: SpecFields, shape: Extents, from?: Value): Made {
    const made = this.emit(type, inputs, fields);
    this.output(0, { ref: made.name, shape, dtype: 'f32', ...(from?.timeFirst ? { timeFirst: true } : {}) });
    return made;
  }

  output(index: number, value: Value): void {
    const blob = this.node.outputs[index];
    if (blob !== undefined) blob.state = value;
    this.to ??= value.ref;
  }

  /** Passes an input on as it is. */
  pass(reason: string): void {
    const value = this.input(0);
    this.node.outputs.forEach((_, index) => this.output(index, value));
    this.dropped(reason);
  }

  /** Whether an output has to be there. */
  isRead(index: number): boolean {
    const blob = this.node.outputs[index];
    return blob !== undefined && blob.readers.length > 0;
  }

  /** An axis as the source counts it, negative ones from the end. */
  axis(value: Value, axis: number): number {
    const found = axis < 0 ? axis + value.shape.length : axis;
    if (!Number.isInteger(found) || found < 0 || found >= value.shape.length) {
      this.refuse(`has the axis ${axis}; its input is ${shapeText(value.shape)}`);
    }
    if (value.timeFirst && found < 2) return 1 - found;
    return found;
  }

  extent(value: Value, axis: number): number {
    const extent = value.shape[axis];
    if (extent === undefined) this.refuse(`needs an axis ${axis}; its input is ${shapeText(value.shape)}`);
    return extent === 'N' ? this.conversion.batch : extent;
  }

  /** The input's spatial axes, one to three of them. */
  spatial(value: Value): number[] {
    if (value.shape.length < 3 || value.shape.length > 5) this.refuse(`is used on ${shapeText(value.shape)}`);
    return value.shape.slice(2).map((_, i) => this.extent(value, i + 2));
  }

  /** Learned tensors in the order of the source's blobs: their values, settings and starts. */
  learn(made: Made, learned: readonly Learned[], firstBlob = 0): void {
    const params = this.fields.parts('param');
    const blobs = this.conversion.blobs(this.name);
    const owner = this.conversion.ownerOf(params, learned.length, made);
    learned.forEach(({ param, shape, filler, start, arrange }, i) => {
      const spec = params[i + firstBlob];
      const init = filler === undefined ? undefined : initializerOf(...filler);
      const share = owner?.[i];
      const setting: Setting = {
        lr: spec?.number('lr_mult', 1) ?? 1,
        decay: spec?.number('decay_mult', 1) ?? 1,
        ...(init === undefined ? (start === undefined ? {} : { init: start }) : { init }),
        ...(share === undefined ? {} : { share }),
      };
      spec?.ignore('name', 'share_mode');
      made.settings.set(param, setting);
      const blob = blobs?.[i + firstBlob];
      if (blob === undefined || share !== undefined) return;
      this.tensor(made, param, shape, blob, arrange);
    });
    for (const param of params) param.ignore('lr_mult', 'decay_mult', 'name', 'share_mode');
  }

  tensor(
    made: Made,
    param: string,
    shape: readonly number[],
    blob: CaffeBlob,
    arrange?: (data: Float32Array) => Float32Array,
  ): void {
    const count = shape.reduce((product, extent) => product * extent, 1);
    // Weights that were stripped leave blobs without values.
    if (blob.data.length === 0) return;
    if (blob.data.length !== count) {
      this.refuse(
        `has weights of the shape [${blob.shape.join(', ')}] in the weight file; the net needs ${shapeText(shape)}`,
      );
    }
    const data = arrange === undefined ? blob.data : arrange(blob.data);
    this.conversion.tensor(`${made.name}.${param}`, this.name, { dtype: 'f32', shape, data }, arrange !== undefined);
  }

  loss(type: string, inputs: readonly Value[], fields: SpecFields = {}): void {
    const weight = this.fields.numbers('loss_weight')[0] ?? 1;
    if (!this.conversion.takesObjectives) {
      this.dropped(NO_BATCH);
      return;
    }
    this.conversion.loss({
      name: this.node.outputs[0]?.name ?? this.name,
      type,
      inputs: inputs.map(({ ref }) => ref),
      fields: { ...fields, ...(weight === 1 ? {} : { weight }) },
    });
    this.to = `losses: ${type}`;
  }

  metric(type: string, inputs: readonly Value[], fields: SpecFields = {}): void {
    const name = this.node.outputs[0]?.name ?? this.name;
    if (!this.conversion.takesObjectives) {
      this.dropped(NO_BATCH);
      return;
    }
    this.conversion.metric({ name, type, inputs: inputs.map(({ ref }) => ref), fields });
    this.to = `metrics: ${type}`;
  }
}

/** Extents written as numbers where they are numbers. */
function numeric(extent: string): Json {
  return /^\d+$/.test(extent) ? Number(extent) : extent;
}

export type { Blob, Made, Source, Value };
