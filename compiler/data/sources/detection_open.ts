/** Opens `type: detection`: reads annotations, decodes every picture once to the input's shape, and keeps the bytes. */
import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { conflictingFields, dataCorrupt, dataMismatch, invalidValue, missingField } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import { listed } from '../../diagnostics/make';
import type { Fields, InputSpec, SectionSpec } from '../../frontend/spec';
import { elementCount } from '../../ir/types';
import { bindParts, describeInput, isIntegerInput, isPixelInput, type Binding } from '../bind';
import { classesEntry, knownClasses } from '../classes';
import type { Dataset, DatasetField, OpenContext, TypedArray } from '../define';
import { readCoco, readTable, readVoc, type Annotations, type Column } from '../detection/annotations';
import { drawView, Draws, look, seen, viewOptions, type Sides } from '../detection/view';
import { DataFileError } from '../idx_file';
import { imageDecoder, isImageShape } from '../image';
import { readImageCache, writeImageCache } from '../image_cache';
import { reasonOf, resolveDataPath } from '../paths';
import { pixelFormat, PixelTransform, shuffles, writeLabel } from '../pixels';

const BACKGROUND = 'background';
/** Images that are decoded at a time. */
const IN_FLIGHT = 32;
/** Decoded bytes that are held in memory at most. */
const MAX_BYTES = 2 ** 32;
const MAX_REPORTED = 10;

/** A thing in parts of the image as the model sees it. */
interface Boxed {
  readonly sides: Sides;
  readonly label: number;
  readonly difficult: boolean;
}

interface Pictures {
  readonly pixels: Uint8Array;
  readonly things: readonly (readonly Boxed[])[];
  readonly classes: readonly string[];
}

export async function openDetection(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const ofThings = (input: InputSpec): boolean => input.shape.length === 2;
  const bound = bindParts(
    section,
    context,
    [
      { name: 'images', present: true, accepts: [(input) => isPixelInput(input) && input.shape.length === 4] },
      {
        name: 'boxes',
        present: true,
        accepts: [(input) => input.dtype === 'f32' && input.shape.length === 3 && input.shape[2] === 4],
      },
      { name: 'classes', present: true, accepts: [(input) => isIntegerInput(input) && ofThings(input)] },
      { name: 'difficult', present: true, accepts: [(input) => input.dtype === 'bool' && ofThings(input)] },
    ],
    problems,
  );
  checkInputs(section, bound, problems);
  checkFields(section, problems);
  if (problems.length > 0) throw new SpecError(problems);
  const pictures = await picturesOf(section, context, bound);
  const dataset = datasetOf(section, context, bound, pictures, problems);
  if (problems.length > 0) throw new SpecError(problems);
  return dataset;
}

/** How many things of a picture each input has room for. */
const roomOf = (binding: Binding | undefined): number | undefined => binding?.shape[0];

function checkInputs(section: SectionSpec, bound: ReadonlyMap<string, Binding>, problems: Diagnostic[]): void {
  const side = ({ input }: Binding) => ({ name: input.name, type: describeInput(input), at: input.origin.at });
  const refuse = (binding: Binding, problem: string): void => {
    problems.push(dataMismatch(section.at([]), problem, [side(binding)]));
  };
  const [images, boxes, classes, difficult] = ['images', 'boxes', 'classes', 'difficult'].map((part) =>
    bound.get(part),
  );
  if (images && !isImageShape(images.shape)) refuse(images, 'an image input is [N, C, H, W] with 1, 3 or 4 channels');
  if (boxes && (boxes.shape.length !== 2 || boxes.shape[1] !== 4)) refuse(boxes, 'boxes go to an input [N, G, 4]');
  for (const binding of [classes, difficult]) {
    if (!binding) continue;
    if (binding.shape.length !== 1) refuse(binding, 'what is known of each box goes to an input [N, G]');
    const other = boxes ?? classes;
    if (other && roomOf(binding) !== roomOf(other)) {
      problems.push(
        dataMismatch(section.at([]), 'the inputs of boxes have room for different numbers', [
          side(other),
          side(binding),
        ]),
      );
    }
  }
}

/** Fields that only one format has a use for. */
function checkFields(section: SectionSpec, problems: Diagnostic[]): void {
  const format = (section.fields['format'] ?? 'voc') as string;
  const uses: Readonly<Record<string, readonly string[]>> = {
    annotations: ['coco', 'csv'],
    subset: ['voc'],
    columns: ['csv'],
  };
  for (const [field, formats] of Object.entries(uses)) {
    if (section.fields[field] !== undefined && !formats.includes(format)) {
      problems.push(
        conflictingFields(section.at([field]), ['format', field], `do not go together: \`${format}\` has none`),
      );
    }
  }
  if (format !== 'voc' && section.fields['annotations'] === undefined) {
    problems.push(missingField(section.at([]), 'annotations', `data of format \`${format}\``));
  }
}

async function annotationsOf(section: SectionSpec, context: OpenContext, root: string): Promise<Annotations> {
  const {
    format = 'voc',
    subset,
    annotations,
    columns,
  } = section.fields as {
    format?: string;
    subset?: string;
    annotations?: string;
    columns?: Readonly<Partial<Record<Column, string>>>;
  };
  if (format === 'voc' || annotations === undefined) return await readVoc(root, subset);
  const file = resolveDataPath(section, ['annotations'], annotations, context);
  try {
    return format === 'coco' ? await readCoco(file) : await readTable(file, columns ?? {});
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new SpecError([dataCorrupt(section.at(['annotations']), annotations, error.message)]);
  }
}

async function picturesOf(
  section: SectionSpec,
  context: OpenContext,
  bound: ReadonlyMap<string, Binding>,
): Promise<Pictures> {
  const name = section.fields['path'] as string;
  const at = section.at(['path']);
  const root = resolveDataPath(section, ['path'], name, context);
  try {
    const found = await annotationsOf(section, context, root);
    const { limit, difficult = 'keep' } = section.fields as { limit?: number; difficult?: string };
    const classes = classesOf(section, context, bound, found);
    const chosen = found.pictures.slice(0, limit);
    if (chosen.length === 0) throw new DataFileError('names no pictures');
    const labels = new Map(classes.map((word, label) => [word, label]));
    const kept = chosen.map(({ things }) => things.filter((thing) => difficult === 'keep' || !thing.difficult));
    const unlisted = [...new Set(kept.flat().map((thing) => thing.name))].filter((word) => !labels.has(word));
    if (unlisted.length > 0) throw new DataFileError(`things that are not among \`classes:\`: ${listed(unlisted, 6)}`);
    const room = roomOf(bound.get('boxes') ?? bound.get('classes') ?? bound.get('difficult'));
    const most = kept.reduce((best, things, i) => (things.length > kept[best]!.length ? i : best), 0);
    if (room !== undefined && kept[most]!.length > room) {
      throw new DataFileError(
        `\`${chosen[most]!.file}\` has ${kept[most]!.length} things, but there is room for ${room}: make the inputs of boxes and classes larger`,
      );
    }
    const { pixels, extents } = await decoded(
      section,
      context,
      root,
      bound.get('images'),
      chosen.map(({ file }) => file),
    );
    const format = bound.get('images') && pixelFormat(bound.get('images')!.shape);
    const isPadded = section.fields['fit'] === 'pad';
    const things = kept.map((own, i) =>
      own.map((thing): Boxed => {
        const [width = 1, height = 1] = [extents[2 * i], extents[2 * i + 1]];
        const parts = thing.sides.map((side, k) => Math.min(1, Math.max(0, side / (k % 2 === 0 ? width : height))));
        const shown = format && isPadded ? padded(parts, width, height, format) : parts;
        return { sides: shown as unknown as Sides, label: labels.get(thing.name) ?? 0, difficult: thing.difficult };
      }),
    );
    return { pixels, things, classes };
  } catch (error) {
    throw error instanceof DataFileError ? new SpecError([dataCorrupt(at, name, error.message)]) : error;
  }
}

/**
 * Names of all class numbers, the background's too. The training data settles them: a part of the data may lack a class,
 * and must not number the others in another way.
 */
function classesOf(
  section: SectionSpec,
  context: OpenContext,
  bound: ReadonlyMap<string, Binding>,
  found: Annotations,
): readonly string[] {
  const { classes, background } = section.fields as { classes?: readonly string[]; background?: boolean };
  const input = bound.get('classes')?.input.name;
  const known = input === undefined ? undefined : knownClasses(context.learned, input);
  if (!known) return [...((background ?? true) ? [BACKGROUND] : []), ...(classes ?? found.classes)];
  const things = known[0] === BACKGROUND ? known.slice(1) : known;
  const differs: Readonly<Record<string, boolean>> = {
    classes: classes !== undefined && JSON.stringify(classes) !== JSON.stringify(things),
    background: background !== undefined && background !== (known[0] === BACKGROUND),
  };
  const problems = Object.keys(differs).filter((field) => differs[field]);
  if (problems.length === 0) return known;
  throw new SpecError(
    problems.map((field) =>
      invalidValue(
        section.at([field]),
        field,
        'the training data numbers its classes in another way',
        'leave it out: what the training section says holds everywhere',
      ),
    ),
  );
}

/** Sides of a picture that lies in the middle of a larger one. */
function padded(
  parts: readonly number[],
  width: number,
  height: number,
  into: { readonly width: number; readonly height: number },
): number[] {
  const scale = Math.min(into.width / width, into.height / height);
  const share = [(width * scale) / into.width, (height * scale) / into.height] as const;
  return parts.map((part, k) =>
    k % 2 === 0 ? (1 - share[0]) / 2 + part * share[0] : (1 - share[1]) / 2 + part * share[1],
  );
}

/** The bytes of all pictures and how large each was: width and height after each other. */
async function decoded(
  section: SectionSpec,
  context: OpenContext,
  root: string,
  images: Binding | undefined,
  files: readonly string[],
): Promise<{ readonly pixels: Uint8Array; readonly extents: Int32Array }> {
  const fit = section.fields['fit'] === 'pad' ? 'pad' : 'stretch';
  const shape = images?.shape ?? [];
  const size = images ? elementCount(shape) : 0;
  const real = realpathSync(root);
  const paths = files.map((file) => {
    const full = path.resolve(root, file);
    try {
      const inside = realpathSync(full);
      if (!inside.startsWith(`${real}${path.sep}`)) throw new DataFileError(`\`${file}\` lies outside of the folder`);
      return { full: inside, info: statSync(inside) };
    } catch (error) {
      throw error instanceof DataFileError ? error : new DataFileError(`\`${file}\`: ${reasonOf(error)}`);
    }
  });
  if (size * files.length > MAX_BYTES) {
    throw new DataFileError(
      `its ${files.length.toLocaleString('en-US')} images make more than ${MAX_BYTES / 2 ** 30} GiB at this size`,
    );
  }
  const decoder = await imageDecoder();
  const stamps = paths.map(({ full, info }) => [full, info.size, info.mtimeMs]);
  const key = JSON.stringify(['detection', 1, stamps, fit, shape, decoder.versions]);
  const file = path.join(context.cacheDir, 'images', `${createHash('sha256').update(key).digest('hex')}.bin`);
  const cached = await readImageCache(file);
  if (cached) return { pixels: cached.pixels, extents: cached.labels };
  const pixels = new Uint8Array(size * files.length);
  const extents = new Int32Array(2 * files.length);
  const bad: Diagnostic[] = [];
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < paths.length && bad.length < MAX_REPORTED) {
      const index = next++;
      const { full } = paths[index]!;
      try {
        extents.set(await decoder.extents(full), 2 * index);
        if (images) pixels.set(await decoder.decode(full, pixelFormat(shape), fit), index * size);
      } catch (error) {
        if (!(error instanceof DataFileError)) throw error;
        bad.push(dataCorrupt(section.at(['path']), files[index]!, error.message));
      }
      context.onProgress?.({ what: 'decoding images', done: ++done, total: files.length });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  if (bad.length > 0) throw new SpecError(bad);
  writeImageCache(file, { classes: [], labels: extents, pixels });
  return { pixels, extents };
}

function datasetOf(
  section: SectionSpec,
  context: OpenContext,
  bound: ReadonlyMap<string, Binding>,
  { pixels, things, classes }: Pictures,
  problems: Diagnostic[],
): Dataset {
  const images = bound.get('images');
  const size = images ? elementCount(images.shape) : 0;
  const format = pixelFormat(images?.shape ?? []);
  const { augment, ...rest } = section.fields as Fields & { augment?: Fields };
  const plain = { ...section, fields: rest };
  const transform = images && new PixelTransform(plain, images.shape, images.input.dtype, context.mode, problems);
  const views = context.mode === 'train' ? viewOptions(augment) : undefined;
  const labelled = bound.get('classes');
  const scratch = new Uint8Array(views ? size : 0);
  const parts = ['images', 'boxes', 'classes', 'difficult'].flatMap((part) => bound.get(part) ?? []);
  const rowsOf = (part: string, into: Readonly<Record<string, TypedArray>>): TypedArray | undefined => {
    const binding = bound.get(part);
    return binding && into[binding.input.name];
  };
  return {
    size: things.length,
    fields: parts.map(({ input, shape }): DatasetField => ({ input: input.name, dtype: input.dtype, shape })),
    classes,
    ...(labelled ? { learned: { [labelled.input.name]: classesEntry(classes) } } : {}),
    shuffle: shuffles(section.fields, context.mode),
    read(indices, how, into) {
      const [imageRows, boxRows, classRows, marks] = ['images', 'boxes', 'classes', 'difficult'].map((part) =>
        rowsOf(part, into),
      );
      for (let row = 0; row < indices.length; row++) {
        const index = indices[row]!;
        const own = things[index]!;
        const view =
          views &&
          drawView(
            views,
            own.map(({ sides }) => sides),
            new Draws(index, how),
          );
        if (transform && imageRows) {
          if (view) look(pixels, index * size, format, view, views.fill, scratch);
          const [source, from] = view ? [scratch, 0] : [pixels, index * size];
          transform.apply(source, from, index, how, imageRows, row * size);
        }
        const shown = view ? own.flatMap((thing) => visible(thing, seen(thing.sides, view))) : own;
        const room = roomOf(bound.get('boxes') ?? bound.get('classes') ?? bound.get('difficult')) ?? 0;
        for (let k = 0; k < room; k++) {
          const thing = shown[k];
          for (let side = 0; boxRows && side < 4; side++) {
            boxRows[(row * room + k) * 4 + side] = thing?.sides[side as 0 | 1 | 2 | 3] ?? 0;
          }
          if (classRows) writeLabel(classRows, row * room + k, thing?.label ?? -1);
          if (marks) writeLabel(marks, row * room + k, thing?.difficult ? 1 : 0);
        }
      }
    },
    close() {
      // Memory only: nothing to give back.
    },
  };
}

function visible(thing: Boxed, sides: Sides | undefined): readonly Boxed[] {
  return sides ? [{ ...thing, sides }] : [];
}
