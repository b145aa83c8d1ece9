/** Damaged ONNX models through the importer: test vectors of every operator, and whole models. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { InternalError } from '../../compiler/diagnostics/errors';
import { CORPUS } from '../interop/onnx/corpus';
import { importDamaged } from '../interop/onnx/damage';
import { allVectors, unpack } from '../interop/onnx/vectors';
import { generator } from '../support/samples';
import type { CampaignDef } from './campaign';

/** Larger ones are mostly weights. */
const LARGEST = 2 ** 21;

export const onnx_files: CampaignDef = {
  limit: 60,
  open: (scratch) => {
    if (!existsSync(CORPUS)) throw new InternalError('../shared/data/interop-onnx is not there');
    const vectors = allVectors();
    unpack(vectors, scratch);
    const small = vectors.map(({ suite, test }) => path.join(scratch, suite, test, 'model.onnx'));
    const whole = readdirSync(path.join(CORPUS, 'models'), { recursive: true, encoding: 'utf8' })
      .map((file) => path.join(CORPUS, 'models', file))
      .filter((file) => file.endsWith('.onnx') && statSync(file).size < LARGEST);
    // As much damage to the few whole models as a fifth of all.
    const models = [...small, ...Array.from({ length: small.length / 4 }, (_, i) => whole[i % whole.length]!)];
    return Promise.resolve({ run: (seed) => importDamaged(path.join(scratch, 'damaged'), generator(seed), models) });
  },
};
