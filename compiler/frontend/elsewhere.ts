/**
 * A word that is none of the place where it stands, and one of another place: a loss among the layers, as Caffe has it, or
 * a schedule for an optimizer. Says where it goes.
 */
import { plainName, sameAs } from '../diagnostics/nearest';
import type { Definitions } from './definitions';

const PLACES: Readonly<Partial<Record<keyof Definitions, readonly [kind: string, place: string]>>> = {
  losses: ['a loss', 'list it under `losses:`'],
  metrics: ['a metric', 'list it under `metrics:`'],
  layers: ['a layer', 'put it under `layers:`'],
  optimizers: ['an optimizer', 'it goes to `train.optimizer`'],
  schedules: ['a schedule', 'it goes to `train.schedule`'],
  sources: ['a data source', 'it goes to `data.train` and `data.eval`'],
  initializers: ['an initializer', 'it goes to `init` of a layer or a parameter'],
};

/** Of Caffe, where data comes out of layers. */
const DATA_LAYERS = new Set(['data', 'input', 'hdf5data', 'memorydata', 'windowdata', 'annotateddata', 'inputlayer']);

export function elsewhere(word: string, definitions: Definitions): string | undefined {
  if (DATA_LAYERS.has(plainName(word))) {
    return 'inputs are declared under `inputs:`, and where their samples come from under `data:`';
  }
  for (const [kind, place] of Object.entries(PLACES)) {
    const known = Object.keys(definitions[kind as keyof Definitions]);
    const ours = known.find((one) => one === word) ?? sameAs(word, known);
    if (ours !== undefined) return `\`${ours}\` is ${place[0]}: ${place[1]}`;
  }
  return undefined;
}
