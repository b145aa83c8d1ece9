/**
 * A layer of ours at the moment when it becomes layers of Caffe: its fields with their defaults, its inputs as blobs, its
 * tensors, and the ways to add layers and to name what comes out. The converters in `layers/` are functions of one.
 */
import { exportUnsupported } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import type { Fields, Json, LayerSpec } from '../../../frontend/spec';
import type { LayerDef } from '../../../layers/define';
import { LAYERS } from '../../../layers';
import type { Shape } from '../../../ir/types';
import type { Tensors } from '../../../weights/content';
import type { Proto } from '../../formats/caffe/print';
import type { CaffeBlob } from '../../formats/caffe/wire';

export interface Layer {
  readonly name: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly fields: Proto;
  readonly blobs: readonly CaffeBlob[];
}

export interface Blob {
  readonly name: string;
  readonly shape: Shape;
}

/** The net in the making. */
export interface Net {
  readonly layers: Layer[];
  /** What values of ours are in the net. */
  readonly blobs: Map<string, Blob>;
  /** Shapes of values of ours, at the batch that is written. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Absent where the structure alone is written. */
  readonly tensors: Tensors | undefined;
  readonly remarks: Set<string>;
  /** Layers whose tensors others share, and those others: the names that parameters have for that. */
  readonly owners: ReadonlySet<string>;
}

export type Converter = (use: Use) => void;

export class Use {
  readonly inputs: readonly Blob[];

  constructor(
    readonly net: Net,
    readonly layer: LayerSpec,
    /** Fields of an activation, where the layer is the one that it belongs to. */
    readonly fields: Fields = layer.fields,
    readonly type = layer.type,
    inputs: readonly string[] = layer.inputs,
  ) {
    this.inputs = inputs.map((ref) => net.blobs.get(ref) ?? this.refuse(`reads \`${ref}\`, which Caffe does not have`));
  }

  get name(): string {
    return this.layer.name;
  }

  get x(): Blob {
    return this.inputs[0] ?? this.refuse('has no input');
  }

  refuse(problem: string, field?: string): never {
    const at = this.layer.at(field === undefined || this.layer.fields[field] === undefined ? [] : [field]);
    throw new SpecError([exportUnsupported(at, `layer \`${this.layer.name}\` of type ${this.type} ${problem}`)]);
  }

  remark(text: string): void {
    this.net.remarks.add(text);
  }

  /** A field, or its default. */
  field(name: string): Json | undefined {
    const def = (LAYERS as Readonly<Record<string, LayerDef>>)[this.type];
    return this.fields[name] ?? def?.fields?.[name]?.default;
  }

  number(name: string, otherwise?: number): number {
    const value = this.field(name);
    if (typeof value === 'number') return value;
    return otherwise ?? this.refuse(`has no number for \`${name}\``, name);
  }

  flag(name: string, otherwise = false): boolean {
    return (this.field(name) as boolean | undefined) ?? otherwise;
  }

  /** An axis counted from the front. */
  axis(name: string, rank = this.x.shape.length): number {
    const axis = this.number(name);
    return axis < 0 ? axis + rank : axis;
  }

  shape(output?: string): Shape {
    const ref = output === undefined ? this.name : `${this.name}.${output}`;
    return this.net.shapes.get(ref) ?? this.refuse('has no shape');
  }

  /** A tensor of the layer as a blob; undefined without weights. */
  blob(param: string, shape?: Shape): CaffeBlob | undefined {
    const owner = typeof this.fields['share'] === 'string' ? this.fields['share'] : this.name;
    const tied = (this.fields['parameters'] as Readonly<Record<string, Fields>> | undefined)?.[param]?.['share'];
    const tensor = this.net.tensors?.get(typeof tied === 'string' ? tied : `${owner}.${param}`);
    if (tensor === undefined) return undefined;
    return { shape: shape ?? tensor.shape, data: Float32Array.from(tensor.data as Float32Array) };
  }

  /** Fields of what `frozen`, `lr` and `decay` say, one message for each blob, and of shared names. */
  params(names: readonly string[]): Proto {
    const settings = this.fields['parameters'] as Readonly<Record<string, Fields>> | undefined;
    const share = this.fields['share'];
    const owner = typeof share === 'string' ? share : this.net.owners.has(this.name) ? this.name : undefined;
    const param = names.map((name): Proto => {
      const { lr, decay, frozen } = settings?.[name] ?? {};
      const rate = frozen === true || this.fields['frozen'] === true ? 0 : lr;
      return {
        name: owner === undefined ? undefined : `${owner}.${name}`,
        lr_mult: typeof rate === 'number' ? rate : undefined,
        decay_mult: typeof decay === 'number' ? decay : undefined,
      };
    });
    const said = param.some((each) => Object.values(each).some((value) => value !== undefined));
    return said ? { param } : {};
  }

  /** Adds a layer; gives the name of its blob. */
  add(
    type: string,
    bottoms: readonly string[],
    fields: Proto = {},
    more: {
      readonly suffix?: string;
      readonly blobs?: readonly (CaffeBlob | undefined)[];
      readonly tops?: readonly string[];
    } = {},
  ): string {
    const name = `${this.name}${more.suffix ?? ''}`;
    const blobs = (more.blobs ?? []).filter((blob) => blob !== undefined);
    this.net.layers.push({ name, type, bottoms, tops: more.tops ?? [name], fields, blobs });
    return name;
  }

  /** Cuts a blob of the extents `from` to those of the layer's output, from axis 2 on. */
  crop(blob: string, from: readonly number[], offset: readonly number[]): string {
    const to = this.shape().slice(2);
    const axes = to.flatMap((extent, i) => (extent === from[i] ? [] : [i]));
    return axes.reduce((current, i, n) => {
      const suffix = n === axes.length - 1 ? '' : `_axis${i + 2}`;
      const range = [offset[i]!, offset[i]! + to[i]!] as const;
      return this.section(current, { axis: i + 2, extent: from[i]!, range }, suffix);
    }, blob);
  }

  /** A part of an axis: one top of a Slice; the others are silenced. */
  section(
    blob: string,
    {
      axis,
      extent,
      range,
    }: { readonly axis: number; readonly extent: number; readonly range: readonly [number, number] },
    suffix = '',
  ): string {
    const name = `${this.name}${suffix}`;
    const [start, stop] = range;
    const points = [start, stop].filter((point) => point > 0 && point < extent);
    const rest = [...(start > 0 ? [`${name}_before`] : []), ...(stop < extent ? [`${name}_after`] : [])];
    const tops = [...(start > 0 ? [`${name}_before`] : []), name, ...(stop < extent ? [`${name}_after`] : [])];
    const param = { axis: axis === 1 ? undefined : axis, slice_point: points };
    this.add('Slice', [blob], { slice_param: param }, { suffix, tops });
    this.add('Silence', rest, {}, { suffix: `${suffix}_rest`, tops: [] });
    return name;
  }

  /** Says where the layer's output is. */
  give(blob: string, output?: string): void {
    const ref = output === undefined ? this.name : `${this.name}.${output}`;
    const shape = this.net.shapes.get(ref) ?? this.shape();
    this.net.blobs.set(ref, { name: blob, shape });
  }

  /** The usual case: one layer that makes the output. */
  become(type: string, fields: Proto = {}, blobs: readonly (CaffeBlob | undefined)[] = []): void {
    this.give(
      this.add(
        type,
        this.inputs.map(({ name }) => name),
        fields,
        { blobs },
      ),
    );
  }
}
