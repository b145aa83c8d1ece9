/** What training would give up at, and losses that no weight it changes can make smaller: for each objective by itself. */
import { dependents, withoutGradient } from '../autodiff/pullback';
import * as say from '../diagnostics/catalogue';
import { through } from '../diagnostics/make';
import type { ObjectiveSpec } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { ModelLowering } from './model';
import { matcherOf, pathOf } from './patterns';
import { settingsOf } from './settings';
import { pathOfLoss, type Term } from './terms';

export function checkGradients(model: ModelLowering, terms: readonly Term[], total: Value | undefined): void {
  const { b, parameters, problems } = model;
  const { train, losses } = model.spec;
  if (!train || !total) return;
  const trained = [...parameters.infos.values()].filter(
    (info) => info.role === 'parameter' && !settingsOf(info, train.groups).frozen,
  );
  const check = (objective?: ObjectiveSpec): void => {
    const covers = matcherOf(objective?.parameters ?? ['**']);
    const wrt = trained.filter((info) => covers(pathOf(info))).map(({ value }) => value);
    if (wrt.length === 0) return;
    const own = losses.filter(({ name, weight }) => weight !== 0 && (objective?.losses.includes(name) ?? true));
    const sumOf = (name: string): Value | undefined => terms.find(({ path }) => path === pathOfLoss(name))?.sum;
    const sums = own.flatMap(({ name }) => sumOf(name) ?? []);
    for (const value of objective ? sums : [total]) {
      for (const { op, origin } of withoutGradient(b.nodes, value, wrt)) {
        problems.report(through(say.noGradient(origin.at, origin.layer, op), origin.via));
      }
    }
    if (problems.hasErrors) return;
    const reached = dependents(b.nodes, wrt);
    const idle = own.filter(({ name }) => !reached.has(sumOf(name)!));
    if (objective && idle.length === own.length) {
      const problem = `the losses of objective \`${objective.name}\` depend on none of the weights that it changes`;
      problems.report(say.invalidField(objective.at(['parameters']), problem));
    } else if (!objective && !reached.has(total)) {
      const problem = 'the loss depends on none of the weights that training changes';
      problems.report(say.invalidField(losses[0]!.at([]), problem));
    } else {
      for (const { name, at, origin } of idle) {
        const problem = `\`${name}\` depends on none of the weights that training changes: it makes nothing smaller`;
        problems.report(through(say.noEffect(at([]), problem, '`weight: 0` says so'), origin.via));
      }
    }
  };
  if (train.objectives.length === 0) check();
  else train.objectives.forEach(check);
}
