/**
 * Draws one digit: a skeleton with trembling control points, turned, slanted, stretched and bent like handwriting,
 * stroked with a pen of changing width and scanned with some noise. Pure: the same (stream, index) gives the same
 * pixels on every machine.
 */
import { Dice, turn } from './random';
import { SKELETONS } from './skeletons';

export const SIDE = 28;

/** Pen paths as flat lists x0 y0 x1 y1 ... in the unit square. */
type Path = number[];

/** How much everything varies. Chosen so that a linear model stays under 93 % and LeNet passes 98 %. */
const VARIETY = {
  tremble: 0.028,
  angle: 0.13,
  slant: 0.17,
  stretch: 0.14,
  shift: 0.9,
  bend: 0.045,
  thin: 0.8,
  thick: 1.75,
  speckle: 9,
} as const;

const CURVE_STEPS = 10;

export interface Digit {
  readonly label: number;
  readonly pixels: Uint8Array;
}

export function drawDigit(stream: number, index: number): Digit {
  const dice = new Dice(stream, index);
  const label = dice.below(10);
  const ways = SKELETONS[label]!;
  const strokes = ways[dice.below(ways.length)]!.map((stroke) => flatten(stroke, dice));
  place(strokes, dice);
  return { label, pixels: scan(ink(strokes, dice), dice) };
}

/** Follows a stroke, its control points moved a little each. */
function flatten(stroke: string, dice: Dice): Path {
  const words = stroke.match(/[MLQC]|-?[\d.]+/g)!;
  const path: Path = [];
  let at = 0;
  const point = (): [number, number] => [
    Number(words[at++]) + dice.normal(VARIETY.tremble),
    Number(words[at++]) + dice.normal(VARIETY.tremble),
  ];
  while (at < words.length) {
    const command = words[at++];
    const [x0, y0] = [path[path.length - 2] ?? 0, path[path.length - 1] ?? 0];
    if (command === 'M') path.push(...point());
    else if (command === 'L') {
      const [x, y] = point();
      // Lines bend later, so they need points on the way.
      for (let i = 1; i <= 6; i++) path.push(x0 + ((x - x0) * i) / 6, y0 + ((y - y0) * i) / 6);
    } else {
      const [ax, ay] = point();
      const [bx, by] = command === 'C' ? point() : [ax, ay];
      const [x, y] = point();
      for (let i = 1; i <= CURVE_STEPS; i++) {
        const t = i / CURVE_STEPS;
        const u = 1 - t;
        const [w0, w1, w2, w3] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
        path.push(w0 * x0 + w1 * ax + w2 * bx + w3 * x, w0 * y0 + w1 * ay + w2 * by + w3 * y);
      }
    }
  }
  return path;
}

/** Bends, slants, turns and stretches the strokes, and moves them to pixels. */
function place(strokes: readonly Path[], dice: Dice): void {
  const [sin, cos] = turn(dice.normal(VARIETY.angle));
  const slant = dice.normal(VARIETY.slant);
  const width = 15 * (1 + dice.normal(VARIETY.stretch)) * dice.between(0.75, 1.1);
  const height = 19 * (1 + dice.normal(VARIETY.stretch * 0.6));
  const [right, down] = [dice.normal(VARIETY.shift), dice.normal(VARIETY.shift)];
  const bendX = new Bend(dice);
  const bendY = new Bend(dice);
  for (const path of strokes) {
    for (let i = 0; i < path.length; i += 2) {
      const x = (path[i]! + bendX.at(path[i]!, path[i + 1]!) - 0.5) * width;
      const y = (path[i + 1]! + bendY.at(path[i]!, path[i + 1]!) - 0.5) * height;
      const slanted = x - slant * y;
      path[i] = SIDE / 2 + cos * slanted - sin * y + right;
      path[i + 1] = SIDE / 2 + sin * slanted + cos * y + down;
    }
  }
}

/** A smooth random displacement: a coarse grid of random values with soft steps in between. */
class Bend {
  static readonly #cells = 3;
  readonly #grid: readonly number[];

  constructor(dice: Dice) {
    this.#grid = Array.from({ length: (Bend.#cells + 1) ** 2 }, () => dice.normal(VARIETY.bend));
  }

  at(x: number, y: number): number {
    const cells = Bend.#cells;
    const [gx, gy] = [inside(x * cells, 0, cells - 1e-9), inside(y * cells, 0, cells - 1e-9)];
    const [column, row] = [Math.floor(gx), Math.floor(gy)];
    const [u, v] = [soft(gx - column), soft(gy - row)];
    const corner = row * (cells + 1) + column;
    const [a, b] = [this.#grid[corner]!, this.#grid[corner + 1]!];
    const [c, d] = [this.#grid[corner + cells + 1]!, this.#grid[corner + cells + 2]!];
    return (a + (b - a) * u) * (1 - v) + (c + (d - c) * u) * v;
  }
}

/** How much of each pixel the pen covers, 0 to 1. */
function ink(strokes: readonly Path[], dice: Dice): Float64Array {
  const cover = new Float64Array(SIDE * SIDE);
  const pen = dice.between(VARIETY.thin, VARIETY.thick);
  for (const path of strokes) {
    let [radius, goal] = [pen, pen];
    for (let i = 0; i + 3 < path.length; i += 2) {
      if (i % 8 === 0) goal = pen * dice.between(0.8, 1.2);
      radius += (goal - radius) * 0.35;
      segment(cover, path[i]!, path[i + 1]!, path[i + 2]!, path[i + 3]!, radius);
    }
  }
  return cover;
}

/** Covers a line with round ends, anti-aliased by the distance to its middle. */
function segment(cover: Float64Array, x0: number, y0: number, x1: number, y1: number, radius: number): void {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length2 = dx * dx + dy * dy;
  const reach = radius + 1;
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
  const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(y0, y1) + reach));
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
  const right = Math.min(SIDE - 1, Math.ceil(Math.max(x0, x1) + reach));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const t = length2 === 0 ? 0 : inside((px * dx + py * dy) / length2, 0, 1);
      const [ex, ey] = [px - t * dx, py - t * dy];
      const amount = inside(radius + 0.5 - Math.sqrt(ex * ex + ey * ey), 0, 1);
      const pixel = y * SIDE + x;
      if (amount > cover[pixel]!) cover[pixel] = amount;
    }
  }
}

/** Turns ink into bytes: a pen of some darkness, a scanner with some noise. */
function scan(cover: Float64Array, dice: Dice): Uint8Array {
  const dark = dice.between(190, 255);
  const speckle = VARIETY.speckle * dice.between(0.3, 1.5);
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < pixels.length; i++) {
    const clean = cover[i]! * dark;
    pixels[i] = Math.floor(inside(clean + dice.normal(speckle), 0, 255));
  }
  return pixels;
}

function soft(t: number): number {
  return t * t * (3 - 2 * t);
}

function inside(x: number, low: number, high: number): number {
  return x < low ? low : x > high ? high : x;
}
