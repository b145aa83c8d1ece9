/** Finds the image files of a folder or a tar file, and sorts them into classes by the folder they lie in. */
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { listed, suggest } from '../diagnostics/make';
import { IMAGE_FILE } from './image';
import { DataFileError } from './idx_file';
import { reasonOf } from './paths';

export interface ImageFile {
  /** The path inside of the folder or archive, with `/`. */
  readonly name: string;
  /** Where the bytes are: a path, or the bytes themselves. */
  readonly source: string | Uint8Array;
}

export interface ClassifiedFiles {
  readonly classes: readonly string[];
  readonly files: readonly (ImageFile & { readonly label: number })[];
}

const MAX_FILES = 5_000_000;
/** Bytes of image files that are held unpacked from an archive. */
const MAX_UNPACKED = 2 ** 31;

/** What a cached result depends on: sizes and times of every file of a folder, of the archive as a whole otherwise. */
export async function fingerprint(root: string, wanted = IMAGE_FILE): Promise<unknown> {
  const info = await stat(root);
  if (!info.isDirectory()) return [root, info.size, info.mtimeMs];
  const names = await walk(root, wanted);
  const entries = [];
  for (const name of names) {
    const file = await stat(path.join(root, name));
    entries.push([name, file.size, file.mtimeMs]);
  }
  return [root, entries];
}

/** The files of a folder or an archive whose names fit, sorted. */
export async function imageFiles(root: string, wanted = IMAGE_FILE): Promise<ImageFile[]> {
  const info = await stat(root);
  if (info.isDirectory()) {
    const names = await walk(root, wanted);
    return names.map((name) => ({ name, source: path.join(root, name) }));
  }
  return await unpack(root, wanted);
}

/** Image files below the folder, sorted. Symbolic links are not followed: they may lead anywhere, and in circles. */
async function walk(root: string, wanted: RegExp): Promise<string[]> {
  const found: string[] = [];
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
      throw new DataFileError(reasonOf(error));
    });
    for (const entry of entries) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) pending.push(name);
      else if (entry.isFile() && wanted.test(entry.name)) found.push(name);
    }
    if (found.length > MAX_FILES) throw new DataFileError(`holds more than ${MAX_FILES.toLocaleString('en-US')} files`);
  }
  return found.sort();
}

async function unpack(archive: string, kind: RegExp): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  let bytes = 0;
  let problem: DataFileError | undefined;
  // Loaded where it is needed: most commands open no archive.
  const { list } = await import('tar');
  try {
    await list({
      file: archive,
      strict: true,
      onReadEntry(entry) {
        const name = path.posix.normalize(entry.path).replace(/^(\.?\/)+/, '');
        const wanted = entry.type === 'File' && kind.test(name) && !/(^|\/)\./.test(name);
        bytes += wanted ? entry.size : 0;
        if (!wanted || bytes > MAX_UNPACKED || files.length >= MAX_FILES) {
          if (wanted) problem ??= new DataFileError('holds too much to read from an archive; unpack it into a folder');
          entry.resume();
          return;
        }
        const parts: Uint8Array[] = [];
        entry.on('data', (part: Uint8Array) => parts.push(part));
        entry.on('end', () => files.push({ name, source: Buffer.concat(parts) }));
      },
    });
  } catch (error) {
    throw new DataFileError(explainTar(error));
  }
  if (problem) throw problem;
  if (!(await endsAsTar(archive))) throw new DataFileError('the archive ends early');
  return files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** A tar file ends in blocks of zeros. One cut between two entries is otherwise a good one with fewer images. */
async function endsAsTar(archive: string): Promise<boolean> {
  const handle = await open(archive, 'r');
  try {
    const head = Buffer.alloc(2);
    await handle.read(head, 0, 2, 0);
    // A gzip stream tells by itself.
    if (head[0] === 0x1f && head[1] === 0x8b) return true;
    const { size } = await handle.stat();
    const tail = Buffer.alloc(512, 1);
    await handle.read(tail, 0, 512, Math.max(0, size - 512));
    return tail.every((byte) => byte === 0);
  } finally {
    await handle.close();
  }
}

function explainTar(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'the gzip stream ends early';
  if (code?.startsWith('Z_')) return `the gzip stream is damaged (${message})`;
  if (code?.startsWith('TAR_')) {
    return /truncated/i.test(message) ? 'the archive ends early' : `neither a folder nor a tar file (${message})`;
  }
  return reasonOf(error);
}

/**
 * Takes `<class>/<file>` below the folder asked for, or below the folders that all files share. A file that lies
 * deeper or higher is a mistake in the layout, not a class.
 */
export function classify(
  files: readonly ImageFile[],
  folder: string | undefined,
  wanted: readonly string[] | undefined,
): ClassifiedFiles {
  const prefix = folder === undefined ? undefined : path.posix.normalize(folder).replace(/^(\.?\/)+|\/+$/g, '');
  const inside = prefix === undefined ? files : files.filter(({ name }) => name.startsWith(`${prefix}/`));
  if (inside.length === 0) {
    const folders = [...new Set(files.map(({ name }) => name.split('/')[0]!))];
    throw new DataFileError(
      folder === undefined
        ? 'holds no JPEG, PNG or WebP files'
        : `holds no image files in \`${folder}\`; ${suggest(folder, folders, 'there are') ?? 'there are none at all'}`,
    );
  }
  const skip = prefix === undefined ? sharedDepth(inside) : prefix.split('/').length;
  const split = inside.map((file) => ({ file, parts: file.name.split('/').slice(skip) }));
  const misplaced = split.filter(({ parts }) => parts.length !== 2);
  if (misplaced.length > 0) {
    throw new DataFileError(
      `\`${misplaced[0]!.file.name}\` does not lie as <class>/<file>` +
        (misplaced.length > 1 ? ` (nor do ${misplaced.length - 1} more)` : '') +
        (folder === undefined ? '; choose a folder with `folder:`' : ''),
    );
  }
  const found = [...new Set(split.map(({ parts }) => parts[0]!))].sort();
  const unlisted = wanted ? found.filter((name) => !wanted.includes(name)) : [];
  if (unlisted.length > 0) {
    throw new DataFileError(
      `${unlisted.length === 1 ? 'a folder is' : `${unlisted.length} folders are`} not among \`classes:\`: ${listed(unlisted, 6)}`,
    );
  }
  const classes = wanted ?? found;
  const labels = new Map(classes.map((name, label) => [name, label]));
  return { classes, files: split.map(({ file, parts }) => ({ ...file, label: labels.get(parts[0]!)! })) };
}

/** How many leading folders all files share, leaving one for the class. */
function sharedDepth(files: readonly ImageFile[]): number {
  const [first, ...rest] = files.map(({ name }) => name.split('/').slice(0, -1));
  let depth = 0;
  while (depth < first!.length - 1 && rest.every((parts) => parts[depth] === first![depth])) depth++;
  return depth;
}
