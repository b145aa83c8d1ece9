/**
 * Random views of a picture with things in it: a part of it, or more than it, perhaps mirrored. Things move with the
 * picture; one whose centre is no longer in sight is gone. Drawn from Philox by (seed, epoch, sample).
 */
import type { Fields } from '../../frontend/spec';
import { keyOf, philox4x32 } from '../../random/philox';
import type { ReadContext } from '../define';
import type { PixelFormat } from '../pixels';

/** The Philox stream of views: "view". */
const STREAM = 0x76696577;
/** How often a part of the picture is looked for that shows enough of a thing. */
const TRIALS = 50;

/** A thing in parts of the picture: left, top, right, bottom. */
export type Sides = readonly [number, number, number, number];

/** Which part of the picture is seen, in parts of it; beyond 0…1 there is nothing. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly mirrored: boolean;
}

const WHOLE: View = { left: 0, top: 0, width: 1, height: 1, mirrored: false };

export interface ViewOptions {
  readonly flip: boolean;
  /** How much larger than the picture a view may be. */
  readonly expand: number;
  /** Parts of the picture that overlap with some thing by at least one of these; 0 is any. */
  readonly crop: readonly number[];
  readonly least: number;
  readonly fill: number;
}

/** What `augment` says; undefined where it changes nothing. */
export function viewOptions(augment: Fields | undefined): ViewOptions | undefined {
  if (!augment || Object.keys(augment).length === 0) return undefined;
  const crop = augment['crop'] as { overlaps?: readonly number[]; min_scale?: number } | undefined;
  const expand = augment['expand'] as { ratio?: number; fill?: number } | undefined;
  return {
    flip: augment['flip'] === 'horizontal',
    expand: expand ? (expand.ratio ?? 4) : 1,
    crop: crop ? (crop.overlaps ?? [0.1, 0.3, 0.5, 0.7, 0.9, 0]) : [],
    least: crop?.min_scale ?? 0.3,
    fill: expand?.fill ?? 0,
  };
}

/** Uniform numbers of one sample in one epoch, one after the other. */
export class Draws {
  #lanes: readonly number[] = [];
  #block = 0;

  constructor(
    private readonly sample: number,
    private readonly context: ReadContext,
  ) {}

  next(): number {
    if (this.#lanes.length === 0) {
      const { sample, context } = this;
      this.#lanes = philox4x32([sample >>> 0, this.#block++, STREAM, context.epoch >>> 0], keyOf(context.seed));
    }
    const [lane = 0, ...rest] = this.#lanes;
    this.#lanes = rest;
    return lane / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }
}

/** Half of the pictures are made smaller, then a part is cut out, then half are mirrored: the order of SSD. */
export function drawView(options: ViewOptions, things: readonly Sides[], draws: Draws): View {
  let view = WHOLE;
  if (options.expand > 1 && draws.next() < 0.5) {
    const size = draws.between(1, options.expand);
    view = { ...WHOLE, width: size, height: size, left: -draws.between(0, size - 1), top: -draws.between(0, size - 1) };
  }
  if (options.crop.length > 0 && things.length > 0) view = cropped(options, things, view, draws);
  return options.flip ? { ...view, mirrored: draws.next() < 0.5 } : view;
}

/** The whole of it, or a part that shows enough of some thing; where none is found, the whole. */
function cropped({ crop, least }: ViewOptions, things: readonly Sides[], view: View, draws: Draws): View {
  const choice = Math.floor(draws.next() * (crop.length + 1));
  const wanted = crop[choice];
  if (wanted === undefined) return view;
  for (let trial = 0; trial < TRIALS; trial++) {
    const scale = draws.between(least, 1);
    const ratio = draws.between(Math.max(0.5, scale ** 2), Math.min(2, 1 / scale ** 2));
    const [width, height] = [view.width * scale * Math.sqrt(ratio), (view.height * scale) / Math.sqrt(ratio)];
    const part: View = {
      mirrored: false,
      width,
      height,
      left: view.left + draws.between(0, view.width - width),
      top: view.top + draws.between(0, view.height - height),
    };
    const window: Sides = [part.left, part.top, part.left + width, part.top + height];
    if (things.some((thing) => isCentred(thing, window) && overlap(thing, window) >= wanted)) return part;
  }
  return view;
}

function isCentred([left, top, right, bottom]: Sides, window: Sides): boolean {
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return x >= window[0] && x < window[2] && y >= window[1] && y < window[3];
}

function overlap(a: Sides, b: Sides): number {
  const area = (s: Sides): number => Math.max(0, s[2] - s[0]) * Math.max(0, s[3] - s[1]);
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const all = area(a) + area(b) - both;
  return all > 0 ? both / all : 0;
}

/** Where a thing is in the view, as far as it is in sight; undefined where its centre is not. */
export function seen(thing: Sides, view: View): Sides | undefined {
  if (!isCentred(thing, [view.left, view.top, view.left + view.width, view.top + view.height])) return undefined;
  const hold = (part: number): number => Math.min(1, Math.max(0, part));
  const across = (x: number): number => hold((x - view.left) / view.width);
  const down = (y: number): number => hold((y - view.top) / view.height);
  const [left, right] = view.mirrored
    ? [1 - across(thing[2]), 1 - across(thing[0])]
    : [across(thing[0]), across(thing[2])];
  return [left, down(thing[1]), right, down(thing[3])];
}

/** The planes of a view, as large as those of the picture, read between its pixels. */
export function look(
  pixels: Uint8Array,
  from: number,
  { channels, height, width }: PixelFormat,
  view: View,
  fill: number,
  into: Uint8Array,
): void {
  const places = (extent: number, start: number, size: number, mirrored: boolean): Float64Array =>
    Float64Array.from({ length: extent }, (_, i) => {
      const part = (mirrored ? extent - 1 - i + 0.5 : i + 0.5) / extent;
      return (start + part * size) * extent - 0.5;
    });
  const rows = places(height, view.top, view.height, false);
  const columns = places(width, view.left, view.width, view.mirrored);
  const hold = (at: number, extent: number): number => Math.min(extent - 1, Math.max(0, at));
  for (let y = 0; y < height; y++) {
    const row = rows[y]!;
    const inside = row > -0.5 - 1e-9 && row < height - 0.5 + 1e-9;
    const [above, down] = [Math.floor(row), row - Math.floor(row)];
    const [low, high] = [hold(above, height) * width, hold(above + 1, height) * width];
    for (let x = 0; x < width; x++) {
      const column = columns[x]!;
      const isSeen = inside && column > -0.5 - 1e-9 && column < width - 0.5 + 1e-9;
      const [before, right] = [Math.floor(column), column - Math.floor(column)];
      const [left, next] = [hold(before, width), hold(before + 1, width)];
      for (let c = 0; c < channels; c++) {
        const plane = from + c * height * width;
        const upper = pixels[plane + low + left]! * (1 - right) + pixels[plane + low + next]! * right;
        const lower = pixels[plane + high + left]! * (1 - right) + pixels[plane + high + next]! * right;
        const value = isSeen ? Math.round(upper * (1 - down) + lower * down) : fill;
        into[(c * height + y) * width + x] = value;
      }
    }
  }
}
