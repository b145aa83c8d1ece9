/**
 * Images held as bytes, sample after sample in planes (C, H, W), and how a sample becomes numbers of a batch:
 * cut out, mirrored, scaled and normalized. Augmentation draws from Philox by (seed, epoch, sample), so it does not
 * depend on the order or the number of readers.
 */
import { conflictingFields, wrongLength } from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Fields, Mode, SectionSpec } from '../frontend/spec';
import type { DType, Shape } from '../ir/types';
import { elementCount } from '../ir/types';
import { keyOf, philox4x32 } from '../random/philox';
import type { ReadContext, TypedArray } from './define';
import { pixelFields } from './fields';

/** The Philox stream of augmentation: "augm". */
const STREAM = 0x6175676d;

export interface PixelFormat {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

interface Crop {
  readonly padding: number;
  readonly fill: number;
}

/** Channels, height and width of a sample; fewer axes are a single plane, a flat sample a single row. */
export function pixelFormat(shape: Shape): PixelFormat {
  const [width = 1, height = 1, ...channels] = [...shape].reverse();
  return { channels: elementCount(channels), height, width };
}

const NORMALIZING = ['scale', 'mean', 'std'] as const;

/** Whether a data section says how bytes become numbers. */
export function normalizes({ fields }: SectionSpec): boolean {
  return NORMALIZING.some((field) => fields[field] !== undefined);
}

export class PixelTransform {
  /** For each channel, the number of each byte. */
  readonly #tables: readonly Float32Array[];
  readonly #flip: boolean;
  readonly #crop: Crop | undefined;
  readonly #format: PixelFormat;
  readonly #plain: boolean;

  constructor(section: SectionSpec, shape: Shape, dtype: DType, mode: Mode, problems: Diagnostic[]) {
    this.#format = pixelFormat(shape);
    const { channels } = this.#format;
    const perChannel = (field: string): number[] => {
      const value = (section.fields[field] ?? pixelFields[field]!.default) as number | readonly number[];
      const list = typeof value === 'number' ? [value] : value;
      if (list.length !== 1 && list.length !== channels) {
        problems.push(
          wrongLength(
            section.at([field]),
            field,
            `one number, or ${channels} for the channels of the input`,
            list.length,
          ),
        );
      }
      return Array.from({ length: channels }, (_, c) => list[list.length === 1 ? 0 : c] ?? 0);
    };
    const scale = (section.fields.scale ?? pixelFields.scale!.default) as number;
    const mean = perChannel('mean');
    const std = perChannel('std');
    this.#tables = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, byte) => (byte * scale - m) / std[c]!));
    this.#plain = dtype === 'u8';
    const numeric = NORMALIZING.filter((field) => section.fields[field] !== undefined);
    if (this.#plain && numeric.length > 0) {
      problems.push(
        conflictingFields(section.at([numeric[0]!]), numeric, 'make no sense for an input of unsigned bytes'),
      );
    }
    const augment = (mode === 'train' ? (section.fields.augment ?? {}) : {}) as Fields;
    const crop = augment.crop as Fields | undefined;
    this.#flip = augment.flip === 'horizontal';
    this.#crop = crop && { padding: crop.padding as number, fill: (crop.fill as number | undefined) ?? 0 };
  }

  /** Writes sample `index`, whose bytes begin at `from`, as elements `to` and following of `into`. */
  apply(bytes: Uint8Array, from: number, index: number, context: ReadContext, into: TypedArray, to: number): void {
    const { channels, height, width } = this.#format;
    const plane = height * width;
    if (!this.#flip && !this.#crop) {
      for (let c = 0; c < channels; c++) this.#copy(bytes, from + c * plane, plane, c, into, to + c * plane);
      return;
    }
    const lanes = philox4x32([index >>> 0, 0, STREAM, context.epoch >>> 0], keyOf(context.seed));
    const mirrored = this.#flip && lanes[0] >= 2 ** 31;
    const shift = (lane: number): number =>
      this.#crop ? Math.floor((lane / 2 ** 32) * (2 * this.#crop.padding + 1)) - this.#crop.padding : 0;
    const down = shift(lanes[1]);
    const right = shift(lanes[2]);
    const fill = this.#crop?.fill ?? 0;
    for (let c = 0; c < channels; c++) {
      const table = this.#tables[c]!;
      const empty = this.#plain ? fill : table[fill]!;
      for (let y = 0; y < height; y++) {
        const fromY = y + down;
        const inside = fromY >= 0 && fromY < height;
        const row = from + c * plane + fromY * width;
        const target = to + c * plane + y * width;
        for (let x = 0; x < width; x++) {
          const fromX = (mirrored ? width - 1 - x : x) + right;
          const byte = inside && fromX >= 0 && fromX < width ? bytes[row + fromX]! : -1;
          into[target + x] = byte < 0 ? empty : this.#plain ? byte : table[byte]!;
        }
      }
    }
  }

  #copy(bytes: Uint8Array, from: number, count: number, channel: number, into: TypedArray, to: number): void {
    if (this.#plain) {
      (into as Uint8Array).set(bytes.subarray(from, from + count), to);
      return;
    }
    const table = this.#tables[channel]!;
    for (let i = 0; i < count; i++) into[to + i] = table[bytes[from + i]!]!;
  }
}

/** One label as an element of any integer or float dtype. */
export function writeLabel(into: TypedArray, at: number, label: number): void {
  if (into instanceof BigInt64Array) into[at] = BigInt(label);
  else into[at] = label;
}

/** Whether the samples are shuffled: as the user says, else in training only. */
export function shuffles(fields: Fields, mode: Mode): boolean {
  return (fields.shuffle as boolean | undefined) ?? mode === 'train';
}
