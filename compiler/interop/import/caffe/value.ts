/**
 * The values of a net while it is converted: what each blob of the source is here, tops of data layers and inputs that
 * become inputs of the model when it is known what they are read as, and the layers that were made.
 */
import type { Location } from '../../../diagnostics/location';
import type { Json } from '../../../frontend/spec';
import type { NetLayer } from './net';

/** `N` is the batch, whatever its size in the source. */
export type Extent = number | 'N';
export type Extents = readonly Extent[];

export interface Value {
  /** A layer, `layer.output` or an input of the draft. */
  readonly ref: string;
  readonly shape: Extents;
  readonly dtype: 'f32' | 'i32';
  /** Prior boxes are two tensors here and one in the source: where their variances are. */
  readonly variances?: string;
  /** And what they are, where all are alike. */
  readonly variance?: readonly number[];
  /** The source has time in front and the batch behind it; here it is the other way round. */
  readonly timeFirst?: boolean;
  /** What was flattened to get this. */
  readonly unflat?: Value;
}

/** A top of a data layer, or an input, that nobody has read yet. */
export interface Source {
  readonly name: string;
  readonly at: Location;
  /** Where it is known; the batch is written `N`. */
  readonly shape?: Extents;
  readonly timeFirst?: boolean;
  readonly description?: string;
  value?: Value;
}

/** A blob between the layer that writes it and the next one that writes the same name. */
export interface Blob {
  readonly name: string;
  readonly readers: Node[];
  readonly producer: Node;
  /** `lost`: what makes it was refused. */
  state: Value | Source | 'lost' | undefined;
}

/** A layer of the source with the blobs that it reads and writes. */
export interface Node {
  readonly layer: NetLayer;
  readonly inputs: readonly Blob[];
  outputs: readonly Blob[];
  /** Phases it is in, where not all. */
  readonly when?: 'train' | 'eval';
  /** The net for prediction alone has it. */
  readonly deployed: boolean;
}

/** What the source says of one learned tensor. */
export interface Setting {
  readonly lr: number;
  readonly decay: number;
  readonly init?: Json;
  /** `layer.param` whose values it has. */
  readonly share?: string;
}

/** A layer of the draft in the making. */
export interface Made {
  readonly name: string;
  type: string;
  inputs: string[];
  fields: Record<string, Json>;
  comment?: string;
  readonly node: Node;
  readonly settings: Map<string, Setting>;
  when?: string;
}

export const isSource = (state: Blob['state']): state is Source => typeof state === 'object' && !('ref' in state);

/** The product of the extents without the batch. */
export function sampleSize(shape: Extents): number {
  return shape.reduce<number>((product, extent) => (extent === 'N' ? product : product * extent), 1);
}

export const sameShape = (a: Extents, b: Extents): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);

export const shapeText = (shape: Extents): string => `[${shape.join(', ')}]`;

/** What a converter throws where it cannot go on. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    readonly at: Location,
    readonly problem: string,
    readonly hint?: string,
  ) {
    super(problem);
  }
}

/** An input of a layer is lost: nothing more is said about the layer. */
export class Lost extends Error {
  override readonly name = 'Lost';
}

/** The net rearranges samples, so that the batch cannot be open. */
export class BatchBound extends Error {
  override readonly name = 'BatchBound';
}
