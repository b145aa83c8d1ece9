/** Prints what can stand after `type:` in a model file, by kind: every one has to be in a comparison. */
import { LAYERS } from '../../compiler/layers/index';
import { LOSSES } from '../../compiler/losses/index';
import { METRICS } from '../../compiler/metrics/index';
import { OPTIMIZERS } from '../../compiler/optimizers/index';
import { SCHEDULES } from '../../compiler/schedules/index';

const KINDS = { layer: LAYERS, loss: LOSSES, metric: METRICS, optimizer: OPTIMIZERS, schedule: SCHEDULES };
const words = Object.entries(KINDS).map(([kind, definitions]) => [kind, Object.keys(definitions)] as const);
process.stdout.write(JSON.stringify(Object.fromEntries(words)));
