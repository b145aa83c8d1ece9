/** Grey or colour pictures in a terminal: two pixels a character, upper and lower half block. */
import chalk from 'chalk';
import type { NpyArray } from '../../compiler/data/npy';
import { elementCount } from '../../compiler/ir/types';

const RAMP = ' .:-=+*#%@';

/** Sample `index` of an image batch [n, 1 or 3, h, w] as lines of text; undefined for other shapes or large pictures. */
export function pictureLines({ data, shape }: NpyArray, index: number): string[] | undefined {
  const [, channels, height, width] = shape;
  if (shape.length !== 4 || (channels !== 1 && channels !== 3) || height! > 64 || width! > 64) return undefined;
  const size = elementCount(shape.slice(1));
  const pixels = Array.from(data.subarray(index * size, (index + 1) * size), Number);
  const low = Math.min(...pixels);
  const scale = 255 / (Math.max(...pixels) - low || 1);
  const plane = height! * width!;
  const at = (y: number, x: number): [number, number, number] => {
    const pixel = (c: number): number => Math.round((pixels[c * plane + y * width! + x]! - low) * scale);
    return channels === 1 ? [pixel(0), pixel(0), pixel(0)] : [pixel(0), pixel(1), pixel(2)];
  };
  const colored = chalk.level > 1 && !process.env['NO_COLOR'];
  const lines: string[] = [];
  for (let y = 0; y < height!; y += 2) {
    let line = '';
    for (let x = 0; x < width!; x++) {
      const top = at(y, x);
      const bottom = y + 1 < height! ? at(y + 1, x) : top;
      line += colored ? chalk.rgb(...top).bgRgb(...bottom)('▀') : plainCharacter(top, bottom);
    }
    lines.push(line);
  }
  return lines;
}

/** Without colours: the mean brightness of both pixels as a character. */
function plainCharacter(top: readonly number[], bottom: readonly number[]): string {
  const mean = [...top, ...bottom].reduce((sum, v) => sum + v, 0) / (6 * 256);
  return RAMP[Math.floor(mean * RAMP.length)]!;
}

/** Blocks of lines side by side. */
export function besides(blocks: readonly (readonly string[])[], gap: string): string[] {
  const height = Math.max(0, ...blocks.map((block) => block.length));
  return Array.from({ length: height }, (_, i) =>
    blocks
      .map((block) => block[i] ?? '')
      .join(gap)
      .trimEnd(),
  );
}
