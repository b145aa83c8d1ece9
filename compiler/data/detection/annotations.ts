/**
 * Reads which things are where in which picture: XML files as PASCAL VOC has them, the JSON of COCO, or a table of
 * commas. All of them become the same list, with sides in pixels of the picture.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { listed } from '../../diagnostics/make';
import { DataFileError } from '../idx_file';
import { reasonOf } from '../paths';

export interface Thing {
  readonly name: string;
  /** Sides in pixels: left, top, right, bottom. */
  readonly sides: readonly [number, number, number, number];
  readonly difficult: boolean;
}

export interface Picture {
  /** The image file, in the folder of images. */
  readonly file: string;
  readonly things: readonly Thing[];
}

export interface Annotations {
  readonly pictures: readonly Picture[];
  /** Names of the classes in their usual order. */
  readonly classes: readonly string[];
}

/** Annotation files are read whole. */
const MOST_BYTES = 2 ** 29;

async function textOf(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new DataFileError(`${path.basename(file)}: ${reasonOf(error)}`);
  });
  if (bytes.length > MOST_BYTES) throw new DataFileError(`${path.basename(file)} is too large`);
  return bytes.toString('utf8');
}

/** Widths and heights that are not positive are mistakes of the annotation: such things are left out. */
const hasArea = ({ sides: [left, top, right, bottom] }: Thing): boolean => right > left && bottom > top;

function namesOf(pictures: readonly Picture[]): readonly string[] {
  return [...new Set(pictures.flatMap(({ things }) => things.map(({ name }) => name)))].sort();
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The content of the first element of a name; these files nest nothing in itself. */
function element(xml: string, tag: string): string | undefined {
  const content = new RegExp(`<${tag}(?:\\s[^>]*)?>([^]*?)</${tag}\\s*>`).exec(xml)?.[1];
  return content?.trim().replace(/&(amp|lt|gt|quot|apos);/g, (_whole, name: string) => ENTITIES[name] ?? '');
}

function vocThing(xml: string, file: string): Thing {
  const whole = xml.replaceAll(/<part(?:\s[^>]*)?>[^]*?<\/part\s*>/g, '');
  const name = element(whole, 'name');
  const box = element(whole, 'bndbox') ?? '';
  const sides = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) => Number(element(box, side) ?? NaN));
  const [left = NaN, top = NaN, right = NaN, bottom = NaN] = sides;
  if (name === undefined || name === '' || sides.some((side) => !Number.isFinite(side))) {
    throw new DataFileError(`${file}: an object without a name or without numbers in its bndbox`);
  }
  return { name, sides: [left, top, right, bottom], difficult: element(whole, 'difficult') === '1' };
}

/** `Annotations/<name>.xml` for the pictures `JPEGImages/<name>.jpg`; a subset is a list of names in `ImageSets/Main`. */
export async function readVoc(root: string, subset: string | undefined): Promise<Annotations> {
  const folder = path.join(root, 'Annotations');
  const found = await readdir(folder).catch((error: unknown) => {
    throw new DataFileError(`Annotations: ${reasonOf(error)}`);
  });
  const files = found.filter((name) => name.endsWith('.xml')).sort();
  const wanted = subset === undefined ? files : await namesOfSubset(root, subset, files);
  const pictures: Picture[] = [];
  for (const file of wanted) {
    const xml = (await textOf(path.join(folder, file))).replaceAll(/<!--[^]*?-->/g, '');
    if (!/<annotation[\s>]/.test(xml)) throw new DataFileError(`Annotations/${file}: no annotation of PASCAL VOC`);
    const objects = xml.match(/<object(?:\s[^>]*)?>[^]*?<\/object\s*>/g) ?? [];
    const things = objects.map((object) => vocThing(object, `Annotations/${file}`)).filter(hasArea);
    const own = path.basename(element(xml, 'filename') ?? '');
    const extension = path.extname(own) === '' ? '.jpg' : path.extname(own);
    pictures.push({ file: `JPEGImages/${path.parse(file).name}${extension}`, things });
  }
  return { pictures, classes: namesOf(pictures) };
}

async function namesOfSubset(root: string, subset: string, files: readonly string[]): Promise<string[]> {
  const lists = path.join(root, 'ImageSets', 'Main');
  const file = path.join(lists, `${subset}.txt`);
  if (path.dirname(file) !== lists) throw new DataFileError(`\`${subset}\` is no name of a subset`);
  const text = await readFile(file, 'utf8').catch(async (error: unknown) => {
    const there = (await readdir(lists).catch(() => [])).map((name) => path.parse(name).name);
    throw new DataFileError(`no subset \`${subset}\` (${reasonOf(error)}); there are ${listed(there, 6)}`);
  });
  const names = text.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] ?? []);
  const known = new Set(files);
  const wanted = names.filter((name) => name !== '').map((name) => `${name}.xml`);
  const missing = wanted.filter((name) => !known.has(name));
  if (missing.length > 0)
    throw new DataFileError(`subset \`${subset}\` names ${listed(missing, 3)}, which is not there`);
  return wanted;
}

interface CocoFile {
  readonly images?: readonly { readonly id?: unknown; readonly file_name?: unknown }[];
  readonly categories?: readonly { readonly id?: unknown; readonly name?: unknown }[];
  readonly annotations?: readonly {
    readonly image_id?: unknown;
    readonly category_id?: unknown;
    readonly bbox?: unknown;
    readonly iscrowd?: unknown;
  }[];
}

/** `instances_*.json`: boxes are left, top, width, height; classes in the order of their numbers, without gaps. */
export async function readCoco(file: string): Promise<Annotations> {
  let parsed: CocoFile;
  try {
    parsed = JSON.parse(await textOf(file)) as CocoFile;
  } catch (error) {
    if (error instanceof DataFileError) throw error;
    throw new DataFileError(`no JSON (${(error as Error).message})`);
  }
  const { images, categories, annotations } = parsed;
  if (!Array.isArray(images) || !Array.isArray(categories) || !Array.isArray(annotations)) {
    throw new DataFileError('no annotations of COCO: it needs lists of images, categories and annotations');
  }
  const names = new Map(
    (categories as NonNullable<CocoFile['categories']>)
      .map(({ id, name }) => [Number(id), String(name)] as const)
      .sort(([a], [b]) => a - b),
  );
  const things = new Map<unknown, Thing[]>();
  for (const [i, { image_id, category_id, bbox, iscrowd }] of (
    annotations as NonNullable<CocoFile['annotations']>
  ).entries()) {
    const name = names.get(Number(category_id));
    const numbers = Array.isArray(bbox) ? bbox.map(Number) : [];
    const [left = NaN, top = NaN, width = NaN, height = NaN] = numbers;
    if (name === undefined || numbers.length !== 4 || numbers.some((side) => !Number.isFinite(side))) {
      throw new DataFileError(`annotation ${i} has no known category or no bbox of four numbers`);
    }
    const thing: Thing = { name, sides: [left, top, left + width, top + height], difficult: iscrowd === 1 };
    things.set(image_id, [...(things.get(image_id) ?? []), ...(hasArea(thing) ? [thing] : [])]);
  }
  const pictures = (images as NonNullable<CocoFile['images']>).map(({ id, file_name }, i) => {
    if (typeof file_name !== 'string') throw new DataFileError(`image ${i} has no file_name`);
    return { file: file_name, things: things.get(id) ?? [] };
  });
  return { pictures, classes: [...names.values()] };
}

/** What columns of a table are called, the first that is there. */
const COLUMNS = {
  file: ['file', 'filename', 'image', 'path'],
  class: ['class', 'label', 'name', 'category', 'cell_type'],
  xmin: ['xmin', 'x1', 'left'],
  ymin: ['ymin', 'y1', 'top'],
  xmax: ['xmax', 'x2', 'right'],
  ymax: ['ymax', 'y2', 'bottom'],
} as const;
export type Column = keyof typeof COLUMNS;
export const COLUMN_NAMES = Object.keys(COLUMNS) as readonly Column[];

/** A table with a row for each thing, and its columns named in the first line. */
export async function readTable(file: string, chosen: Readonly<Partial<Record<Column, string>>>): Promise<Annotations> {
  const { parse } = await import('csv-parse/sync');
  let lines: string[][];
  try {
    lines = parse(await textOf(file), { bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw error instanceof DataFileError ? error : new DataFileError(`no table (${(error as Error).message})`);
  }
  const [head = [], ...body] = lines;
  const place = Object.fromEntries(
    COLUMN_NAMES.map((column) => {
      const wanted = chosen[column] === undefined ? COLUMNS[column] : [chosen[column]];
      const at = wanted.map((name) => head.indexOf(name)).find((found) => found >= 0);
      if (at === undefined) throw new DataFileError(`no column ${listed(wanted, 6)}; there are ${listed(head, 10)}`);
      return [column, at];
    }),
  ) as Readonly<Record<Column, number>>;
  const things = new Map<string, Thing[]>();
  body.forEach((cells, i) => {
    const cell = (column: Column): string => cells[place[column]] ?? '';
    const sides = (['xmin', 'ymin', 'xmax', 'ymax'] as const).map((side) =>
      cell(side) === '' ? NaN : Number(cell(side)),
    );
    const [left = NaN, top = NaN, right = NaN, bottom = NaN] = sides;
    if (cell('file') === '' || cell('class') === '' || sides.some((side) => !Number.isFinite(side))) {
      throw new DataFileError(`row ${i + 2} has no file, no class or a side that is no number`);
    }
    const thing: Thing = { name: cell('class'), sides: [left, top, right, bottom], difficult: false };
    things.set(cell('file'), [...(things.get(cell('file')) ?? []), ...(hasArea(thing) ? [thing] : [])]);
  });
  const pictures = [...things].map(([name, own]) => ({ file: name, things: own }));
  return { pictures, classes: namesOf(pictures) };
}
