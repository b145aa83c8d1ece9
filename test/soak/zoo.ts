/**
 * Damaged zoo models through everything that `dlc validate` does, and through planning where the model is small enough.
 * Every problem has to be a diagnostic with a place.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { batchOf, checkLoaded } from '../../compiler/check';
import { compileGraphs } from '../../compiler/compile';
import { InternalError, SpecError } from '../../compiler/diagnostics/errors';
import { checkSpecText } from '../../compiler/frontend/load';
import { encodePlan } from '../../compiler/plan/encode';
import { lowerPrograms } from '../../compiler/train/programs';
import { generator } from '../support/samples';
import type { CampaignDef } from './campaign';
import { mutateBytes, mutateDocument, pick } from './mutate';

/** Planning a deep network takes a second; a campaign wants thousands of inputs. */
const MAX_LAYERS = 60;

export const zoo: CampaignDef = {
  limit: 60,
  open: () => {
    const dir = path.resolve('models');
    const files = readdirSync(dir).filter((name) => name.endsWith('.yaml'));
    const texts = files.map((name) => readFileSync(path.join(dir, name), 'utf8'));
    const run = (seed: number): Promise<string> => {
      const random = generator(seed);
      const good = pick(random, texts);
      const text =
        random() < 0.4
          ? mutateBytes(Buffer.from(good), random).toString('utf8')
          : random() < 0.5
            ? stringify(mutateDocument(parse(good), random))
            : JSON.stringify(mutateDocument(parse(good), random));
      return Promise.resolve(outcomeOf(text, dir));
    };
    return Promise.resolve({ run });
  },
};

/** `folder` holds the files that models include. */
function outcomeOf(text: string, folder: string): string {
  const checked = checkSpecText(text, 'model.yaml', { folder });
  const diagnostics = checkLoaded(checked);
  for (const { at, message, code } of diagnostics) {
    if (at.line < 1 || at.column < 1 || message === '' || /undefined|\[object|NaN/.test(message))
      throw new InternalError(`a poor diagnostic: ${JSON.stringify({ at, message, code })}`);
  }
  const error = diagnostics.find(({ severity }) => severity === 'error');
  if (error) return error.code;
  const { spec } = checked;
  if (!spec) throw new InternalError('neither a model nor a problem');
  if (spec.layers.length > MAX_LAYERS) return 'accepted';
  try {
    const trains = spec.train !== undefined && spec.losses.length > 0;
    const batch = [batchOf(spec)];
    const graphs = lowerPrograms(spec, { init: true, predict: batch, train: trains ? batch : [] });
    encodePlan(compileGraphs(spec.name, graphs).plan);
  } catch (error) {
    // What validate accepts must compile.
    if (error instanceof SpecError) throw new InternalError(`valid, but does not compile: ${error.message}`);
    throw error;
  }
  return 'compiled';
}
