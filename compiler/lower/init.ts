/** The `init` graph: draws every state of a model's graphs. */
import * as say from '../diagnostics/catalogue';
import { Collector } from '../diagnostics/collector';
import type { Spec } from '../frontend/spec';
import { INITIALIZERS } from '../initializers/index';
import type { InitializerDef } from '../initializers/define';
import { Builder, InferenceError } from '../ir/builder';
import type { Graph } from '../ir/graph';
import { OpTypeError } from '../ops/define';
import { typedItem, withDefaults } from './defaults';
import type { Lowered } from './lower';
import { lowerModel, RNG } from './lower';
import { GivenUp } from './problems';
import { streamOf } from './stream';
import { lowerTraining } from './training';

const DEFS: Readonly<Record<string, InitializerDef>> = INITIALIZERS;

/** `from`: the model's other graphs, where they are lowered already. */
export function lowerInit(
  spec: Spec,
  from: readonly Pick<Lowered, 'states'>[] = lowerAll(spec),
): { readonly graph: Graph } {
  const b = new Builder('init');
  const problems = new Collector();
  const rng = b.input('rng', RNG);
  const done = new Set<string>();
  for (const info of from.flatMap(({ states }) => states)) {
    const { name, type } = info.value;
    if (done.has(name)) continue;
    done.add(name);
    b.origin = info.origin;
    b.prefix = `${name}.init`;
    const { type: word, fields } = typedItem(info.init);
    const def = Object.hasOwn(DEFS, word) ? DEFS[word] : undefined;
    if (!def) {
      problems.report(say.unknownType(info.initAt(), word, 'initializer', Object.keys(DEFS)));
      continue;
    }
    const { fanIn, fanOut } = info;
    const fail = (problem: string): never => {
      throw new GivenUp(say.invalidField(info.initAt(), `\`${word}\` ${problem}`));
    };
    const context = { b, fields: withDefaults(def, fields), shape: type.shape, fanIn, fanOut, rng, fail };
    const further = (purpose: string): number => streamOf(name, `init.${purpose}`);
    try {
      const value = def.lower({ ...context, stream: streamOf(name, 'init'), further });
      b.update(b.state(name, type, info.role), value);
    } catch (error) {
      // A factor that leaves the range of numbers, say.
      if (error instanceof InferenceError || error instanceof OpTypeError) {
        const reason = error instanceof InferenceError ? error.reason : error.message;
        const problem = `\`${word}\` cannot be drawn with these fields: ${reason}`;
        problems.report(say.invalidField(info.initAt(), problem));
        continue;
      }
      if (!(error instanceof GivenUp)) throw error;
      problems.report(error.diagnostic);
    }
  }
  problems.throwIfErrors();
  return { graph: b.build() };
}

function lowerAll(spec: Spec): readonly Lowered[] {
  const batch = spec.train?.batchSize ?? 1;
  const predict = lowerModel(spec, { batch, mode: 'predict', everyLayer: true });
  return spec.train ? [lowerTraining(spec, batch), predict] : [predict];
}
