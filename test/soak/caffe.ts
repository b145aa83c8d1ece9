/** Damaged nets and weights of Caffe through the reader: those of the corpus, where it is there, and a small net. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { importDamaged, NET } from '../interop/caffe/damage';
import { generator } from '../support/samples';
import type { CampaignDef } from './campaign';

const CORPUS = path.resolve('../shared/data/interop-caffe');

function netsIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const file = path.join(folder, name);
    if (statSync(file).isDirectory()) return netsIn(file);
    return file.endsWith('.prototxt') ? [file] : [];
  });
}

export const caffe: CampaignDef = {
  limit: 60,
  open: (scratch) => {
    const small = path.join(scratch, 'small.prototxt');
    writeFileSync(small, NET);
    const nets = existsSync(CORPUS) ? netsIn(CORPUS) : [small];
    return Promise.resolve({ run: (seed) => importDamaged(path.join(scratch, 'damaged'), generator(seed), nets) });
  },
};
