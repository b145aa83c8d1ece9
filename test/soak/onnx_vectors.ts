/** Every test vector of ONNX in the corpus, operator by operator: equal, or refused for the reason that is listed. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { InternalError } from '../../compiler/diagnostics/errors';
import { CORPUS } from '../interop/onnx/corpus';
import { refusalOf } from '../interop/onnx/refusals';
import { allVectors, byFamily, outcomeOf, unpack, type Vector } from '../interop/onnx/vectors';
import type { CampaignDef } from './campaign';

export const onnx_vectors: CampaignDef = {
  limit: 120,
  open: (scratch) => {
    if (!existsSync(CORPUS)) throw new InternalError('../shared/data/interop-onnx is not there');
    const vectors = allVectors();
    unpack(vectors, scratch);
    const families = [...byFamily(vectors)];
    return Promise.resolve({
      inputs: families.length,
      run: async (number) => {
        const [family, own] = families[number]!;
        return `${family}: ${await outcomesOf(own, scratch)}`;
      },
    });
  },
};

async function outcomesOf(vectors: readonly Vector[], scratch: string): Promise<string> {
  const mistakes: string[] = [];
  let [equal, refused] = [0, 0];
  for (const { suite, test } of vectors) {
    const outcome = await outcomeOf(path.join(scratch, suite, test));
    const expected = refusalOf(test);
    if ('refused' in outcome && expected?.test(outcome.refused)) refused++;
    else if ('equal' in outcome && expected === undefined) equal++;
    else if ('equal' in outcome) mistakes.push(`${suite}/${test} is equal, and listed as refused`);
    else mistakes.push(`${suite}/${test}: ${'wrong' in outcome ? outcome.wrong : outcome.refused}`);
  }
  if (mistakes.length > 0) throw new InternalError(mistakes.join('\n    '));
  return `${equal} equal${refused === 0 ? '' : `, ${refused} refused as listed`}`;
}
