/** `tests:` of a model: what `dlc test` runs, checked as far as that is possible without running anything. */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import { child, locationOf, locatorOf, toJson, type DocNode } from './node';
import type { Fields, InputSpec, TestSpec, TrainSpec } from './spec';

const DEFAULT_TOLERANCE = 1e-5;

interface Written {
  readonly name?: string;
  readonly inputs?: Fields;
  readonly outputs?: Fields;
  readonly weights?: string;
  readonly seed?: number;
  readonly tolerance?: number;
  readonly loss_after?: {
    readonly steps: number;
    readonly value: number;
    readonly tolerance?: number;
    readonly seed?: number;
  };
}

export function readTests(
  node: DocNode | undefined,
  inputs: readonly InputSpec[],
  outputs: readonly string[],
  train: TrainSpec | undefined,
  collector: Collector,
): TestSpec[] {
  // What is of the wrong kind is reported already, and nothing is made of it.
  if (node?.kind !== 'list' || collector.hasErrors) return [];
  return node.items.flatMap((item, i): TestSpec[] => {
    const written = toJson(item) as Written;
    const after = written.loss_after;
    if ((written.outputs === undefined) === (after === undefined)) {
      const problem = 'a test has `outputs` or `loss_after`, and not both';
      collector.report(say.invalidField(locationOf(item), problem));
      return [];
    }
    if (after !== undefined && written.inputs !== undefined) {
      const problem = 'a test with `loss_after` takes its samples from `data.train`';
      collector.report(say.invalidField(locationOf(child(item, 'inputs')!), problem));
    }
    if (after !== undefined && train === undefined) {
      collector.report(say.missingSection(locationOf(child(item, 'loss_after')!), 'train', 'test'));
    }
    checkNames(
      item,
      'inputs',
      inputs.map(({ name }) => name),
      collector,
    );
    checkNames(item, 'outputs', outputs, collector);
    return [
      {
        name: written.name ?? String(i + 1),
        seed: after?.seed ?? written.seed ?? train?.seed ?? 0,
        tolerance: after?.tolerance ?? written.tolerance ?? DEFAULT_TOLERANCE,
        ...(written.weights === undefined ? {} : { weights: written.weights }),
        inputs: written.inputs ?? {},
        ...(written.outputs === undefined ? {} : { outputs: written.outputs }),
        ...(after === undefined ? {} : { lossAfter: { steps: after.steps, value: after.value } }),
        at: locatorOf(item),
      },
    ];
  });
}

function checkNames(item: DocNode, field: 'inputs' | 'outputs', known: readonly string[], collector: Collector): void {
  const node = child(item, field);
  if (node?.kind !== 'map') return;
  for (const [name, { key }] of node.entries) {
    if (known.includes(name)) continue;
    const what = `an ${field.slice(0, -1)} of the model`;
    const hint = `there are ${known.map((one) => `\`${one}\``).join(', ')}`;
    collector.report(say.invalidField(locationOf(key), `\`${name}\` is not ${what}`, hint));
  }
}
