/** Opens `type: image_folder`: decodes every image once to bytes of the input's shape and keeps them in the cache. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { dataCorrupt, dataMismatch } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { SectionSpec } from '../../frontend/spec';
import type { Shape } from '../../ir/types';
import { elementCount } from '../../ir/types';
import { bindParts, describeInput, isLabelInput, isPixelInput } from '../bind';
import { knownClasses } from '../classes';
import type { Dataset, OpenContext } from '../define';
import { checkAsked } from '../learned';
import { imageDecoder, isImageShape, type Fit } from '../image';
import { readImageCache, writeImageCache, type DecodedImages } from '../image_cache';
import { imageDataset } from '../image_dataset';
import { classify, fingerprint, imageFiles } from '../image_files';
import { DataFileError } from '../idx_file';
import { resolveDataPath } from '../paths';
import { pixelFormat } from '../pixels';

/** Images that are decoded at a time. */
const IN_FLIGHT = 32;
/** Decoded bytes that are held in memory at most. */
const MAX_BYTES = 2 ** 32;
const MAX_REPORTED = 10;

export async function openImageFolder(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const bound = bindParts(
    section,
    context,
    [
      { name: 'images', present: true, accepts: [(input) => isPixelInput(input) && input.shape.length >= 3] },
      { name: 'labels', present: true, accepts: [isLabelInput] },
    ],
    problems,
  );
  const images = bound.get('images');
  if (images && !isImageShape(images.shape)) {
    problems.push(
      dataMismatch(
        section.at([]),
        `images do not fit the input \`${images.input.name}\``,
        [{ name: images.input.name, type: describeInput(images.input), at: images.input.origin.at }],
        'an image input is [N, C, H, W] with 1, 3 or 4 channels',
      ),
    );
  }
  const labels = bound.get('labels');
  if (labels && labels.shape.length !== 0) {
    problems.push(
      dataMismatch(section.at([]), `labels go to an input of one integer for each sample`, [
        { name: labels.input.name, type: describeInput(labels.input), at: labels.input.origin.at },
      ]),
    );
  }
  if (problems.length > 0) throw new SpecError(problems);
  // A folder to evaluate on may lack a class: its numbers are those of the training data.
  const known = labels && knownClasses(context.learned, labels.input.name);
  if (known) checkAsked(section, ['classes'], { classes: known }, problems);
  if (problems.length > 0) throw new SpecError(problems);
  const decoded = await decodedImages(section, context, images?.shape ?? [], known);
  const dataset = imageDataset(
    {
      section,
      context,
      bound,
      count: decoded.labels.length,
      pixels: decoded.pixels,
      labels: decoded.labels,
      classes: decoded.classes,
    },
    problems,
  );
  if (problems.length > 0) throw new SpecError(problems);
  return dataset;
}

async function decodedImages(
  section: SectionSpec,
  context: OpenContext,
  shape: Shape,
  known: readonly string[] | undefined,
): Promise<DecodedImages> {
  const {
    folder,
    classes = known,
    fit = 'stretch',
  } = section.fields as {
    folder?: string;
    classes?: readonly string[];
    fit?: Fit;
  };
  const name = section.fields.path as string;
  const at = section.at(['path']);
  const root = resolveDataPath(section, ['path'], name, context);
  try {
    const decoder = await imageDecoder();
    const key = JSON.stringify([1, await fingerprint(root), folder, classes, fit, shape, decoder.versions]);
    const file = path.join(context.cacheDir, 'images', `${createHash('sha256').update(key).digest('hex')}.bin`);
    const cached = await readImageCache(file);
    if (cached) return cached;
    const found = classify(await imageFiles(root), folder, classes);
    const size = elementCount(shape);
    if (size * found.files.length > MAX_BYTES) {
      throw new DataFileError(
        `its ${found.files.length.toLocaleString('en-US')} images make more than ${MAX_BYTES / 2 ** 30} GiB at this size`,
      );
    }
    const pixels = new Uint8Array(size * found.files.length);
    const bad: Diagnostic[] = [];
    let [next, done] = [0, 0];
    const work = async (): Promise<void> => {
      while (next < found.files.length && bad.length < MAX_REPORTED) {
        const index = next++;
        const image = found.files[index]!;
        try {
          pixels.set(await decoder.decode(image.source, pixelFormat(shape), fit), index * size);
        } catch (error) {
          if (!(error instanceof DataFileError)) throw error;
          bad.push(dataCorrupt(at, `${name}/${image.name}`, error.message));
        }
        context.onProgress?.({ what: 'decoding images', done: ++done, total: found.files.length });
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    if (bad.length > 0) throw new SpecError(bad);
    const decoded = { classes: found.classes, labels: Int32Array.from(found.files, ({ label }) => label), pixels };
    writeImageCache(file, decoded);
    return decoded;
  } catch (error) {
    throw error instanceof DataFileError ? new SpecError([dataCorrupt(at, name, error.message)]) : error;
  }
}
