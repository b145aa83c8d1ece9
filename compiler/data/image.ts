/**
 * Image files (JPEG, PNG, WebP) to tensors, through sharp. The decoder is loaded on first use: it is a native library
 * that most commands never need.
 */
import type SharpModule from 'sharp';
import { dataCorrupt, dataMismatch } from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { RuntimeFault, SpecError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import type { InputSpec, SectionSpec } from '../frontend/spec';
import type { DType, Shape } from '../ir/types';
import { elementCount } from '../ir/types';
import { describeInput, sampleShape } from './bind';
import type { TypedArray } from './define';
import { DataFileError } from './idx_file';
import { pixelFormat, PixelTransform, type PixelFormat } from './pixels';
import { typedArray } from './typed_array';

export type Fit = 'stretch' | 'crop' | 'pad';

const FITS = { stretch: 'fill', crop: 'cover', pad: 'contain' } as const satisfies Record<Fit, string>;

export const IMAGE_FILE = /\.(jpe?g|png|webp)$/i;

export interface Decoder {
  /** Versions of the libraries inside: a cached result is good for these alone. */
  readonly versions: string;
  /** The image as planes (C, H, W) of bytes. Throws a DataFileError. */
  decode(image: string | Uint8Array, format: PixelFormat, fit: Fit): Promise<Uint8Array>;
  /** Width and height as the image is seen, turned as it says. Throws a DataFileError. */
  extents(image: string | Uint8Array): Promise<readonly [width: number, height: number]>;
  encodePng(pixels: Uint8Array, format: PixelFormat): Promise<Uint8Array>;
}

let loaded: Promise<Decoder> | undefined;

export function imageDecoder(): Promise<Decoder> {
  loaded ??= import('sharp').then(
    (module) => decoderOf(module.default),
    (error: unknown) => {
      throw new RuntimeFault(
        'image-decoder',
        `the image decoder does not load: ${(error as Error).message.split('\n')[0]!}`,
        'run `npm install --include=optional sharp`',
      );
    },
  );
  return loaded;
}

function decoderOf(sharp: typeof SharpModule): Decoder {
  // Small images, each seen once: parallelism comes from decoding several at a time.
  sharp.cache(false);
  sharp.concurrency(1);
  return {
    versions: JSON.stringify(sharp.versions),
    async decode(image, { channels, height, width }, fit) {
      try {
        const input = sharp(image, { failOn: 'truncated' })
          .rotate()
          .resize({ width, height, fit: FITS[fit], background: { r: 0, g: 0, b: 0, alpha: channels === 4 ? 0 : 1 } });
        const coloured =
          channels === 4
            ? input.toColourspace('srgb').ensureAlpha()
            : input.flatten({ background: '#000' }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
        const { data, info } = await coloured.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
        return planes(data, info.channels, { channels, height, width });
      } catch (error) {
        throw new DataFileError(`not a readable image (${(error as Error).message.split('\n')[0]!.trim()})`);
      }
    },
    async extents(image) {
      try {
        const { width, height, orientation = 1 } = await sharp(image).metadata();
        return orientation >= 5 ? [height, width] : [width, height];
      } catch (error) {
        throw new DataFileError(`not a readable image (${(error as Error).message.split('\n')[0]!.trim()})`);
      }
    },
    async encodePng(pixels, { channels, height, width }) {
      const interleaved = new Uint8Array(pixels.length);
      const plane = height * width;
      for (let i = 0; i < plane; i++)
        for (let c = 0; c < channels; c++) interleaved[i * channels + c] = pixels[c * plane + i]!;
      return await sharp(interleaved, { raw: { width, height, channels: channels as 1 | 3 | 4 } })
        .png()
        .toBuffer();
    },
  };
}

/** Interleaved bytes to planes; a grey image decoded with more channels than asked keeps the first. */
function planes(bytes: Uint8Array, stride: number, { channels, height, width }: PixelFormat): Uint8Array {
  const plane = height * width;
  const result = new Uint8Array(channels * plane);
  for (let c = 0; c < channels; c++) {
    const source = Math.min(c, stride - 1);
    for (let i = 0; i < plane; i++) result[c * plane + i] = bytes[i * stride + source]!;
  }
  return result;
}

/** Whether images can be made into this shape: one, three or four planes. */
export function isImageShape(shape: Shape): boolean {
  return (shape.length === 2 || shape.length === 3) && [1, 3, 4].includes(pixelFormat(shape).channels);
}

/**
 * One image file as a batch of one for a model input, normalized as the given data section says (`scale`, `mean`,
 * `std`, `fit`). `at` is where the file was named.
 */
export async function readImageInput(
  file: string,
  input: InputSpec,
  section: SectionSpec | undefined,
  at: Location,
): Promise<{ readonly dtype: DType; readonly shape: Shape; readonly data: TypedArray }> {
  const here: SectionSpec = section ?? { type: 'idx', fields: {}, origin: input.origin, at: () => at };
  const problems: Diagnostic[] = [];
  const shape = sampleShape(here, input, problems) ?? [];
  if (problems.length === 0 && (!isImageShape(shape) || (input.dtype !== 'f32' && input.dtype !== 'u8'))) {
    problems.push(
      dataMismatch(at, `an image does not fit the input \`${input.name}\``, [
        { name: input.name, type: describeInput(input), at: input.origin.at },
      ]),
    );
  }
  const format = pixelFormat(shape);
  const transform = new PixelTransform(here, shape, input.dtype, 'predict', problems);
  if (problems.length > 0) throw new SpecError(problems);
  const decoder = await imageDecoder();
  const bytes = await decoder
    .decode(file, format, (here.fields.fit as Fit | undefined) ?? 'stretch')
    .catch((error: unknown) => {
      throw error instanceof DataFileError ? new SpecError([dataCorrupt(at, file, error.message)]) : error;
    });
  const data = typedArray(input.dtype, elementCount(shape));
  transform.apply(bytes, 0, 0, { seed: 0, epoch: 0 }, data, 0);
  return { dtype: input.dtype, shape: [1, ...shape], data };
}
