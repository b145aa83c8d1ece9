/**
 * Damaged Keras files through the reader: configurations, whole models, archives and weights apart, those of the corpus
 * where it is there. Besides crashes, a file is a mistake that takes longer than two seconds or much more memory than it
 * has bytes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { SpecError } from '../../compiler/diagnostics/errors';
import { importModel } from '../../compiler/interop/import/import';
import { generator } from '../support/samples';
import type { CampaignDef } from './campaign';
import { below, mutateBytes, mutateDocument, pick, type Random } from './mutate';

const CORPUS = path.resolve('../shared/data/interop-keras');
/** Reading more takes long enough by itself. */
const MAX_BYTES = 2 ** 20;
const SOON_MS = 2000;
/** Beside what so many times the file takes: libhdf5, its buffers and the collector's leisure. */
const SLACK = 384 * 2 ** 20;
const FACTOR = 64;

const SMALL = JSON.stringify({
  class_name: 'Model',
  config: {
    name: 'small',
    layers: [
      {
        class_name: 'InputLayer',
        name: 'x',
        config: { name: 'x', batch_input_shape: [null, 8, 8, 3] },
        inbound_nodes: [],
      },
      {
        class_name: 'Sequential',
        name: 'body',
        config: {
          name: 'body',
          layers: [
            {
              class_name: 'Conv2D',
              config: { name: 'c', filters: 4, kernel_size: [3, 3], batch_input_shape: [null, 8, 8, 3] },
            },
            { class_name: 'GlobalMaxPooling2D', config: { name: 'p' } },
          ],
        },
        inbound_nodes: [[['x', 0, 0, {}]], [['x', 0, 0, {}]]],
      },
      {
        class_name: 'Add',
        name: 'sum',
        config: { name: 'sum' },
        inbound_nodes: [
          [
            ['body', 0, 0, {}],
            ['body', 1, 0, {}],
          ],
        ],
      },
      { class_name: 'Dense', name: 'd', config: { name: 'd', units: 2 }, inbound_nodes: [[['sum', 0, 0, {}]]] },
    ],
    input_layers: [['x', 0, 0]],
    output_layers: [['d', 0, 0]],
  },
});

/** What is imported together; one of the files is damaged. */
type Unit = readonly string[];

const isModel = (name: string): boolean =>
  /\.(h5|hdf5|keras|json)$/.test(name) && !/inputs_and_outputs|golden/.test(name);

function unitsIn(folder: string): Unit[] {
  const names = readdirSync(folder);
  const files = names.map((name) => path.join(folder, name));
  const folders = files.filter((file) => statSync(file).isDirectory() && !file.endsWith('kerasjs-vectors'));
  const models = files.filter((file) => isModel(path.basename(file)) && statSync(file).size <= MAX_BYTES);
  const apart = models.some((file) => file.endsWith('.json')) ? models : models.slice(0, 1);
  return [...(apart.length > 0 ? [apart] : []), ...folders.flatMap(unitsIn)];
}

function damaged(file: string, random: Random): Uint8Array {
  const good = readFileSync(file);
  if (random() < 0.3) return mutateBytes(good, random);
  if (file.endsWith('.json')) return Buffer.from(JSON.stringify(mutateDocument(JSON.parse(good.toString()), random)));
  if (file.endsWith('.keras')) {
    const members = unzipSync(good);
    const name = pick(random, Object.keys(members));
    const held = Buffer.from(members[name]!);
    members[name] = name.endsWith('.json')
      ? Buffer.from(JSON.stringify(mutateDocument(JSON.parse(held.toString()), random)))
      : new Uint8Array(mutateBytes(held, random));
    return zipSync(members);
  }
  return inConfig(good, random) ?? mutateBytes(good, random);
}

/** The configuration inside of an HDF5 file, changed in place: as long as it was, or its numbers alone. */
function inConfig(good: Buffer, random: Random): Buffer | undefined {
  const from = good.indexOf('{"class_name"');
  const to = from < 0 ? -1 : good.indexOf(0, from);
  if (to < 0 || random() < 0.3) return undefined;
  const text = good.toString('latin1', from, to);
  const numbers = [...text.matchAll(/\d+/g)];
  if (numbers.length === 0) return undefined;
  const copy = Buffer.from(good);
  for (let changes = 1 + below(random, 3); changes > 0; changes--) {
    const { index, 0: digits } = pick(random, numbers);
    const other = pick(random, ['0', '9', '1', '-', ' ']).repeat(digits.length);
    copy.write(other, from + index, 'latin1');
  }
  return copy;
}

async function outcomeOf(files: Unit, blocks: boolean): Promise<string> {
  try {
    await importModel(files, { blocks, from: 'keras' });
    return 'read';
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.diagnostics[0]!.code;
  }
}

export const keras: CampaignDef = {
  limit: 60,
  open: async (scratch) => {
    const small = path.join(scratch, 'small.json');
    writeFileSync(small, SMALL);
    const units: readonly Unit[] = [[small], ...(existsSync(CORPUS) ? unitsIn(CORPUS) : [])];
    const folder = path.join(scratch, 'damaged');
    mkdirSync(folder, { recursive: true });
    // What the first import loads is no file's fault.
    await outcomeOf([small], true);
    const run = async (seed: number): Promise<string> => {
      const random = generator(seed);
      const unit = random() < 0.2 ? units[0]! : pick(random, units);
      const victim = below(random, unit.length);
      const files = unit.map((file, i) => {
        const copy = path.join(folder, path.basename(file));
        writeFileSync(copy, i === victim ? damaged(file, random) : readFileSync(file));
        return copy;
      });
      const blocks = random() < 0.5;
      const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
      const before = process.memoryUsage().rss;
      const began = Date.now();
      const outcome = await outcomeOf(files, blocks);
      // Once more, where something else may have kept the machine busy.
      if (Date.now() - began > SOON_MS) {
        const again = Date.now();
        await outcomeOf(files, blocks);
        if (Date.now() - again > SOON_MS) throw new Error(`${unit[victim]!}: takes ${Date.now() - again} ms`);
      }
      const grown = process.memoryUsage().rss - before;
      if (grown > SLACK + FACTOR * bytes) throw new Error(`${unit[victim]!}: takes ${grown} bytes for ${bytes}`);
      return `${path.extname(unit[victim]!)} ${outcome}`;
    };
    return { run };
  },
};
