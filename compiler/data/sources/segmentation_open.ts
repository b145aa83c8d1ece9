/** Opens `type: segmentation`: pairs images and masks, decodes both once, and keeps them as bytes in memory and cache. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { conflictingFields, dataCorrupt, dataMismatch, dataMissing } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, InputSpec, SectionSpec } from '../../frontend/spec';
import { elementCount } from '../../ir/types';
import { bindParts, describeInput, isIntegerInput, isPixelInput, type Binding } from '../bind';
import { classesEntry } from '../classes';
import type { Dataset, OpenContext } from '../define';
import { DataFileError } from '../idx_file';
import { imageDecoder, isImageShape, type Fit } from '../image';
import { readImageCache, writeImageCache } from '../image_cache';
import { fingerprint, imageFiles } from '../image_files';
import { pixelReader } from '../masks/colours';
import { decodeMask } from '../masks/decode';
import { reasonOf, resolveDataPath } from '../paths';
import { pixelFormat, PixelTransform, shuffles, writeLabel } from '../pixels';

const MAX_BYTES = 2 ** 32;
const IN_FLIGHT = 16;

interface Pair {
  readonly name: string;
  readonly image: string;
  readonly mask: string;
}

export async function openSegmentation(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const bound = bindPair(section, context, problems);
  const { meaning, colours, ignore = 255 } = section.fields as { meaning?: string; colours?: unknown; ignore?: number };
  if (meaning !== undefined && colours !== undefined)
    problems.push(conflictingFields(section.at(['colours']), ['meaning', 'colours'], 'say the same'));
  if (problems.length > 0) throw new SpecError(problems);
  const images = bound.get('images');
  const masks = bound.get('masks');
  const both = (images ?? masks)!;
  const format = pixelFormat(both.shape);
  const plane = format.height * format.width;
  const [imageBytes, maskBytes] = [images ? elementCount(images.shape) : 0, masks ? plane : 0];
  const read = await decoded(section, context, bound, { imageBytes, maskBytes });
  const moved: SectionSpec = { ...section, fields: { ...maskAugment(section.fields, ignore) } };
  const transform = images && new PixelTransform(section, images.shape, images.input.dtype, context.mode, problems);
  const together = new PixelTransform(moved, [format.height, format.width], 'u8', context.mode, problems);
  if (problems.length > 0) throw new SpecError(problems);
  const classes = section.fields.classes as readonly string[] | undefined;
  const row = new Uint8Array(plane);
  return {
    size: read.count,
    fields: [...bound.values()].map(({ input, shape }) => ({ input: input.name, dtype: input.dtype, shape })),
    shuffle: shuffles(section.fields, context.mode),
    classes,
    learned: classes && masks ? { [masks.input.name]: classesEntry(classes) } : undefined,
    read(indices, how, into) {
      const [pixels, labels] = [images, masks].map((part) => part && into[part.input.name]);
      for (let i = 0; i < indices.length; i++) {
        const sample = indices[i]!;
        if (transform && pixels) transform.apply(read.pixels, sample * imageBytes, sample, how, pixels, i * imageBytes);
        if (!labels) continue;
        together.apply(read.pixels, read.count * imageBytes + sample * plane, sample, how, row, 0);
        for (let k = 0; k < plane; k++) writeLabel(labels, i * plane + k, row[k]!);
      }
    },
    close: () => undefined,
  };
}

/** Masks move as images do, and what comes in from outside has no class. */
function maskAugment({ augment }: Fields, ignore: number): Fields {
  const { crop, ...rest } = (augment ?? {}) as Fields;
  return { augment: { ...rest, ...(crop === undefined ? {} : { crop: { ...(crop as Fields), fill: ignore } }) } };
}

function bindPair(section: SectionSpec, context: OpenContext, problems: Diagnostic[]): Map<string, Binding> {
  const isMask = ({ shape }: InputSpec): boolean => shape.length === 3 || (shape.length === 4 && shape[1] === 1);
  const bound = bindParts(
    section,
    context,
    [
      { name: 'images', present: true, accepts: [(input) => isPixelInput(input) && input.shape.length === 4] },
      { name: 'masks', present: true, accepts: [(input) => isIntegerInput(input) && isMask(input), isMask] },
    ],
    problems,
  );
  const [images, masks] = [bound.get('images'), bound.get('masks')];
  const refuse = ({ input }: Binding, problem: string): void => {
    const sides = [{ name: input.name, type: describeInput(input), at: input.origin.at }];
    problems.push(dataMismatch(section.at([]), problem, sides));
  };
  if (images && !(isImageShape(images.shape) && isPixelInput(images.input)))
    refuse(images, 'images do not fit the input');
  if (masks && (!isMask(masks.input) || masks.input.dtype === 'bf16')) refuse(masks, 'masks do not fit the input');
  if (images && masks && images.shape.slice(-2).join() !== masks.shape.slice(-2).join())
    refuse(masks, `masks have the size of the images, ${images.shape.slice(-2).join(' x ')}`);
  return bound;
}

interface Bytes {
  readonly imageBytes: number;
  readonly maskBytes: number;
}

/** Images of all samples, then masks of all samples. */
async function decoded(
  section: SectionSpec,
  context: OpenContext,
  bound: ReadonlyMap<string, Binding>,
  bytes: Bytes,
): Promise<{ readonly count: number; readonly pixels: Uint8Array }> {
  const { fields } = section;
  const { fit = 'stretch', ignore = 255 } = fields as { readonly fit?: Fit; readonly ignore?: number };
  const roots = ['images', 'masks'].map((field) => resolveDataPath(section, [field], fields[field] as string, context));
  const pairs = await pairsOf(section, context, roots[0]!, roots[1]!, bound);
  const { imageBytes, maskBytes } = bytes;
  if (pairs.length * (imageBytes + maskBytes) > MAX_BYTES)
    throw new SpecError([
      dataCorrupt(section.at(['images']), fields.images as string, 'makes more than 4 GiB at this size'),
    ]);
  const decoder = await imageDecoder();
  const asked = ['classes', 'meaning', 'colours', 'merge', 'ignore', 'fit'].map((field) => fields[field] ?? null);
  const shapes = [...bound].map(([part, { shape }]) => [part, shape]);
  const marks = await Promise.all(roots.map((root) => fingerprint(root)));
  const names = pairs.map(({ name }) => name);
  const key = createHash('sha256').update(JSON.stringify(['masks', marks, names, asked, shapes, decoder.versions]));
  const file = path.join(context.cacheDir, 'images', `${key.digest('hex')}.bin`);
  const cached = await readImageCache(file);
  if (cached) return { count: cached.labels.length, pixels: cached.pixels };
  const pixels = new Uint8Array(pairs.length * (imageBytes + maskBytes));
  const size = pixelFormat([...bound.values()][0]!.shape);
  const read = pixelReader(fields);
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < pairs.length) {
      const index = next++;
      const { image, mask } = pairs[index]!;
      const at = (field: 'images' | 'masks', name: string) => (error: unknown) => {
        if (!(error instanceof DataFileError)) throw error;
        throw new SpecError([
          dataCorrupt(section.at([field]), `${fields[field] as string}/${path.basename(name)}`, error.message),
        ]);
      };
      if (imageBytes > 0)
        pixels.set(await decoder.decode(image, size, fit).catch(at('images', image)), index * imageBytes);
      if (maskBytes > 0) {
        const classes = await decodeMask(mask, size, fit, read, ignore)
          .then((found) => checked(found, fields))
          .catch(at('masks', mask));
        pixels.set(classes, pairs.length * imageBytes + index * maskBytes);
      }
      context.onProgress?.({ what: 'decoding images', done: ++done, total: pairs.length });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  writeImageCache(file, { classes: [], labels: new Int32Array(pairs.length), pixels });
  return { count: pairs.length, pixels };
}

function checked(mask: Uint8Array, fields: Fields): Uint8Array {
  const { classes, ignore = 255 } = fields as { readonly classes?: readonly string[]; readonly ignore?: number };
  if (!classes) return mask;
  const bad = mask.find((value) => value >= classes.length && value !== ignore);
  if (bad === undefined) return mask;
  throw new DataFileError(
    `has the number ${bad}; there are ${classes.length} classes, and ${ignore} for pixels without one`,
  );
}

const stem = (name: string): string => name.slice(0, name.length - path.posix.extname(name).length);

async function pairsOf(
  section: SectionSpec,
  context: OpenContext,
  imageRoot: string,
  maskRoot: string,
  bound: ReadonlyMap<string, Binding>,
): Promise<Pair[]> {
  const { fields } = section;
  const filesIn = async (field: 'images' | 'masks', root: string): Promise<Map<string, string>> => {
    if (!statSync(root).isDirectory())
      throw new SpecError([dataCorrupt(section.at([field]), fields[field] as string, 'it is not a folder')]);
    const files = await imageFiles(root);
    return new Map(files.map(({ name, source }) => [stem(name), source as string]));
  };
  const images = await filesIn('images', imageRoot);
  const masks = bound.has('masks') ? await filesIn('masks', maskRoot) : undefined;
  const names = fields.list === undefined ? [...images.keys()] : namesIn(section, context);
  if (names.length === 0)
    throw new SpecError([
      dataCorrupt(section.at(['images']), fields.images as string, 'holds no JPEG, PNG or WebP files'),
    ]);
  return names.map((name) => {
    const image = images.get(name);
    const mask = masks ? masks.get(name) : '';
    const field = image === undefined ? 'images' : 'masks';
    if (image !== undefined && mask !== undefined) return { name, image, mask };
    throw new SpecError([
      dataMissing(section.at([field]), `${fields[field] as string}/${name}`, 'there is no such image'),
    ]);
  });
}

function namesIn(section: SectionSpec, context: OpenContext): string[] {
  const name = section.fields.list as string;
  const file = resolveDataPath(section, ['list'], name, context);
  try {
    const lines = readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .map((line) => line.trim());
    return lines.filter((line) => line !== '').map((line) => (/\.(jpe?g|png|webp)$/i.test(line) ? stem(line) : line));
  } catch (error) {
    throw new SpecError([dataCorrupt(section.at(['list']), name, reasonOf(error))]);
  }
}
