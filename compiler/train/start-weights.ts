/** The weight files that a model names itself: what its parameters start from, before `--weights`. */
import { weightsMismatch } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import { resolveDataPath } from '../data/paths';
import type { Spec } from '../frontend/spec';
import type { NativeSession } from '../native/runtime';
import type { Plan } from '../plan/plan';
import { loadWeights } from '../weights/files';
import type { AccountLine } from '../weights/matching';
import { modelFolder } from './model-folder';
import { expectedWeights, writeStates } from './states';

export async function writeStartWeights(
  spec: Spec,
  plan: Plan,
  session: NativeSession,
  allowOutside: boolean,
  onLoaded?: (file: string, account: readonly AccountLine[]) => void,
): Promise<void> {
  const states = expectedWeights(plan);
  const modelDir = modelFolder(spec);
  for (const { file, into, map, partial = false, at } of spec.weights) {
    const found = resolveDataPath({ at }, ['file'], file, { modelDir, allowOutside });
    const own = states.filter(({ name }) => name.startsWith(into));
    if (own.length === 0) {
      throw new SpecError([weightsMismatch(at(['into']), `no parameter of the model begins with \`${into}\``)]);
    }
    const expected = own.map((state) => ({ ...state, name: state.name.slice(into.length) }));
    // A nested model may be a part of what the file was made for.
    const { tensors, account } = await loadWeights(found, {
      expected,
      more: into !== '',
      partial,
      at: at(['file']),
      ...(map ? { map } : {}),
    });
    if (account) onLoaded?.(file, account);
    writeStates(session, plan, new Map([...tensors].map(([name, tensor]) => [into + name, tensor])));
  }
}
