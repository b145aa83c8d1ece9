/** What the pixels of a mask mean: classes by number, by colour, or two of them. */
import { DataFileError } from '../idx_file';
import { isTexts } from '../learned';
import type { Fields, Json } from '../../frontend/spec';

/** The class of a pixel by its bytes; throws a DataFileError for what is none. */
export type PixelReader = (bytes: Uint8Array, at: number, channels: number) => number;

export const MEANINGS = ['index', 'binary', 'voc'] as const;

/** The colours of PASCAL VOC: the bits of a class's number, spread over red, green and blue from the highest down. */
export function vocColours(): number[] {
  return Array.from({ length: 256 }, (_, index) => {
    let colour = 0;
    for (let bit = 0; bit < 8; bit++) {
      const three = index >> (3 * bit);
      for (const [channel, shift] of [16, 8, 0].entries()) colour |= ((three >> channel) & 1) << (shift + 7 - bit);
    }
    return colour;
  });
}

export function pixelReader(fields: Fields): PixelReader {
  const { meaning = 'index', colours, merge } = fields;
  const change = new Map(
    Object.entries((merge ?? {}) as Record<string, number>).map(([from, to]) => [Number(from), to]),
  );
  const merged = (value: number): number => change.get(value) ?? value;
  if (meaning === 'binary') return (bytes, at, channels) => merged(isSet(bytes, at, channels) ? 1 : 0);
  if (colours === undefined && meaning === 'index') {
    return (bytes, at, channels) => {
      if (channels >= 3 && (bytes[at] !== bytes[at + 1] || bytes[at] !== bytes[at + 2]))
        throw new DataFileError('is a mask of colours; say with `colours` (or `meaning: voc`) what they mean');
      return merged(bytes[at]!);
    };
  }
  const list = meaning === 'voc' ? vocColours() : coloursOf(colours);
  const classes = new Map(list.map((colour, index) => [colour, index] as const).reverse());
  return (bytes, at, channels) => {
    const [r, g, b] =
      channels >= 3 ? [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!] : [bytes[at]!, bytes[at]!, bytes[at]!];
    const colour = (r << 16) | (g << 8) | b;
    const found = classes.get(colour);
    if (found === undefined)
      throw new DataFileError(`has the colour #${colour.toString(16).padStart(6, '0')}, which is none of the classes`);
    return merged(found);
  };
}

const isSet = (bytes: Uint8Array, at: number, channels: number): boolean => {
  // Transparency is no colour.
  for (let c = 0; c < (channels === 2 || channels === 4 ? channels - 1 : channels); c++)
    if (bytes[at + c] !== 0) return true;
  return false;
};

function coloursOf(colours: Json | undefined): number[] {
  return isTexts(colours) ? colours.map((colour) => parseInt(colour.slice(1), 16)) : [];
}
