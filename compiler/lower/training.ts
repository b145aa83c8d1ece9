/**
 * The `train` graph of one kind of step. For each objective: forward, losses, their check, gradients (in parts of the
 * batch, where they are accumulated), clipping, the optimizer's updates; the next objective sees the weights as they are
 * then. At the end: slow weights, averages, and the states' updates.
 */
import * as say from '../diagnostics/catalogue';
import { differentiate } from '../autodiff/differentiate';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { InternalError, SpecError } from '../diagnostics/errors';
import type { Spec, TrainSpec } from '../frontend/spec';
import { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import type { TensorType } from '../ir/types';
import { metricsIn } from '../metrics/lookup';
import { RNG } from '../ops/families/drawing';
import { AVERAGE_INPUTS, average, lookahead, LOOKAHEAD_INPUTS, type AfterStep } from './averaging';
import { checkTraining } from './check_training';
import { constrain } from './constrain';
import { clip } from './gradients';
import { lintLosses } from './lints';
import type { Lowered } from './lower';
import { ModelLowering, type Within } from './model';
import { Parameters } from './parameters';
import { BatchParts } from './parts';
import { pathOf } from './patterns';
import { referencesOf } from './references';
import { penaltiesOf, reportPenalty } from './regularize';
import { settingsOf, statesOf } from './settings';
import { setupFor, stageOf, typesByPhase, wholeKind, type Objective, type Stage, type StepKind } from './stage';
import type { StateInfo } from './states';
import { lowerLosses, lowerMetrics, reportTerm, totalOf, weightedMean, type Term } from './terms';
import { lowerUpdate, updateInputs } from './updates';
import { Uses, type OptimizerUse } from './uses';

const SCALAR: TensorType = { dtype: 'f32', shape: [] };

export interface LoweredTraining extends Lowered {
  readonly kind: StepKind;
  /** Whose scalar inputs the graph has, beside `rng` and those of `averaging.ts`. */
  readonly uses: readonly OptimizerUse[];
}

/** The graph of the steps of a kind; without one, of those at which everything is at work, in the first phase. */
export function lowerTraining(spec: Spec, batch: number, kind?: StepKind): LoweredTraining {
  const { train } = spec;
  if (!train || spec.losses.length === 0) throw new SpecError([say.missingLoss(spec.at(['train']))]);
  return new TrainingLowering(spec, train, batch, kind ?? wholeKind(train)).lower();
}

/** What came of the forward passes of one objective. */
interface Passed {
  readonly model: ModelLowering;
  readonly trained: readonly StateInfo[];
  readonly gradients: readonly (Value | undefined)[];
}

class TrainingLowering {
  readonly #b = new Builder('train');
  readonly #stage: Stage;
  readonly #whole: Within;
  readonly #parts: BatchParts;
  readonly #slots: StateInfo[] = [];
  readonly #losses: Value[] = [];
  readonly #penalties: Value[] = [];
  readonly #uses: Uses;
  readonly #diagnostics: readonly Diagnostic[];
  #first: ModelLowering | undefined;

  constructor(
    private readonly spec: Spec,
    private readonly train: TrainSpec,
    private readonly batch: number,
    kind: StepKind,
  ) {
    const b = this.#b;
    this.#diagnostics = checkTraining(spec);
    this.#stage = stageOf(spec, train, kind);
    const parameters = new Parameters(this.#stage.spec, b);
    this.#whole = { b, parameters, inputs: new Map(), own: new Map() };
    this.#parts = new BatchParts(this.#stage.spec, this.#whole, batch, Math.max(1, train.batchSize / train.accumulate));
    this.#uses = new Uses((inputs) => {
      for (const [name, type] of Object.entries(inputs)) this.#declare(name, type);
    });
  }

  lower(): LoweredTraining {
    const b = this.#b;
    const { objectives, kind } = this.#stage;
    objectives.forEach((objective, i) => {
      const passed = this.#forward(objective, i === 0);
      if (i === 0) this.#uses.of(objective.setup, { ...objective, earlier: this.#earlier(objective) });
      this.#update(objective, passed);
    });
    const loss = totalOf(b, this.#losses);
    if (loss) b.result('loss', loss);
    reportPenalty(b, totalOf(b, this.#penalties));
    this.#afterStep();
    const { parameters } = this.#whole;
    parameters.finish();
    return {
      graph: b.build(),
      kind,
      layers: [...(this.#first?.outputs ?? [])].map(([layer, outputs]) => ({ layer, outputs })),
      states: [...parameters.infos.values(), ...this.#slots],
      values: this.#first?.values ?? new Map(),
      warnings: [
        ...lintLosses(this.spec, referencesOf(this.spec)),
        ...this.#diagnostics.filter(({ severity }) => severity === 'warning'),
      ],
      uses: this.#uses.all,
    };
  }

  #declare(name: string, type: TensorType): void {
    const { b, own } = this.#whole;
    if (!own.has(name)) own.set(name, b.input(name, type));
  }

  #model(batch: number, within: Within): ModelLowering {
    const { setup } = this.#stage.objectives[0]!;
    const after = [
      ...(this.train.average ? Object.values(AVERAGE_INPUTS) : []),
      ...(this.train.lookahead ? Object.values(LOOKAHEAD_INPUTS) : []),
    ];
    const ownInputs = { rng: RNG, ...updateInputs(setup), ...Object.fromEntries(after.map((name) => [name, SCALAR])) };
    return new ModelLowering(this.#stage.spec, { batch, mode: 'train', ownInputs, within });
  }

  /** The losses of an objective, and the metrics with the first; gradients of the weights that it changes. */
  #forward(objective: Objective, isFirst: boolean): Passed {
    const b = this.#b;
    const metrics = isFirst ? metricsIn(this.spec, 'train') : [];
    const roots = [...objective.losses, ...metrics].flatMap(({ inputs }) => inputs);
    const counts = this.#counts(objective, roots);
    const sums = new Sums(b);
    const totals: Value[] = [];
    let passed: Passed | undefined;
    this.#parts.parts.forEach(({ batch, within }, i) => {
      const isLast = i === this.#parts.parts.length - 1;
      const model = this.#model(batch, within);
      if (this.#first) this.#whole.parameters.settle();
      this.#first ??= model;
      for (const diagnostic of i === 0 && isFirst ? this.#diagnostics : []) model.problems.report(diagnostic);
      model.lowerLayers(roots);
      const terms = lowerLosses(model, objective.losses);
      for (const term of terms) sums.add(term, counts);
      const parts = terms.map((term) => weightedMean(b, term, counts?.get(term.path)));
      // Weights are regularized once a step.
      const penalty = i === 0 ? this.#penalty(objective) : undefined;
      b.prefix = 'loss';
      const total = totalOf(b, penalty ? [...parts, penalty] : parts);
      if (total) totals.push(total);
      if (isLast) this.#report(objective, sums, totals);
      for (const [name, value] of isFirst ? lowerMetrics(model) : []) sums.addMetric(name, value);
      if (isLast) sums.reportMetrics();
      model.problems.throwIfErrors();
      if (total) passed = this.#differentiate(objective, model, total, passed);
    });
    if (!passed) throw new InternalError('a training step without a loss');
    return passed;
  }

  /** Counts over the whole batch, where it is computed in parts: each loss is a mean over all of it. */
  #counts(objective: Objective, roots: readonly string[]): ReadonlyMap<string, Value> | undefined {
    if (this.#parts.isWhole) return undefined;
    const b = this.#b;
    // What this lowers for anything but the counts is dead; its changes to buffers are forgotten.
    const model = this.#model(this.batch, { ...this.#whole, parameters: new Parameters(this.#stage.spec, b) });
    model.lowerLayers(roots);
    const terms = lowerLosses(model, objective.losses);
    for (const diagnostic of this.#diagnostics) model.problems.report(diagnostic);
    model.problems.throwIfErrors();
    this.#parts.slice();
    return new Map(terms.map(({ path, count }) => [path, count]));
  }

  #report(objective: Objective, sums: Sums, totals: readonly Value[]): void {
    const b = this.#b;
    sums.reportTerms();
    const { spec: written } = objective;
    b.prefix = 'loss';
    const total = totalOf(b, totals);
    const what = written ? `the loss of objective \`${written.name}\`` : 'the loss';
    if (!total) return;
    const checked = b.op('check_finite', [total], { what });
    this.#losses.push(checked);
    if (written) b.result(`${written.name}/loss`, checked);
  }

  #penalty(objective: Objective): Value | undefined {
    const counts = (info: StateInfo): boolean => objective.covers(pathOf(info)) && this.#isTrainable(info);
    const total = penaltiesOf(this.#b, this.#whole.parameters, this.#stage.groups, counts);
    if (total) this.#penalties.push(total);
    return total;
  }

  /** Adds to the gradients of the parts before. */
  #differentiate(objective: Objective, model: ModelLowering, total: Value, before: Passed | undefined): Passed {
    const b = this.#b;
    const { parameters } = this.#whole;
    const trained =
      before?.trained ??
      [...parameters.infos.values()].filter(
        (info) => info.role === 'parameter' && !info.frozen && objective.covers(pathOf(info)),
      );
    const fresh = differentiate(
      b,
      total,
      trained.map((info) => parameters.currentOf(info)),
    );
    const gradients = fresh.map((gradient, i) => {
      const sum = before?.gradients[i];
      if (!sum || !gradient) return sum ?? gradient;
      b.origin = trained[i]!.origin;
      return b.op('accumulate', [sum, gradient], {}, `d_${trained[i]!.value.name}.sum`);
    });
    return { model, trained, gradients };
  }

  #update(objective: Objective, { model, trained, gradients }: Passed): void {
    const b = this.#b;
    const { parameters } = this.#whole;
    // A parameter that the loss does not depend on stays as it is.
    const changed = trained.flatMap((info, i) => (gradients[i] ? [{ info, gradient: gradients[i] }] : []));
    const { spec: written } = objective;
    if (changed.length === 0 && written) {
      const problem = `the losses of objective \`${written.name}\` depend on none of the weights that it changes`;
      throw new SpecError([say.invalidField(written.at(['parameters']), problem)]);
    }
    b.prefix = 'gradient';
    b.origin = this.train.origin;
    const of = written ? `the gradients of objective \`${written.name}\`` : 'the gradients';
    const clipped = clip(
      b,
      changed.map(({ gradient }) => gradient),
      objective.clip,
      of,
    );
    if (clipped.norm) b.result(written ? `${written.name}/grad_norm` : 'grad_norm', clipped.norm);
    changed.forEach(({ info }, i) => {
      b.origin = info.origin;
      b.prefix = `${info.value.name}.next`;
      const settings = settingsOf(info, this.#stage.groups);
      const setup = setupFor(objective.setup, settings);
      const types = typesByPhase(this.spec, this.train, info);
      const { type } = setup.optimizer;
      const { phase } = this.#stage.kind;
      const use = this.#uses.of(setup, { ...objective, earlier: samePhases(types, type, phase) });
      // Another optimizer than the weight's first one keeps its state apart.
      const isFirst = (types.find((one) => one !== undefined) ?? type) === type;
      const slotName = (slot: string): string => (isFirst ? slot : `${type}-${slot}`);
      const { lr, decay } = settings;
      const update = lowerUpdate(model, setup, { ...info, lr, decay }, clipped.gradients[i]!, use.prefix, slotName);
      this.#slots.push(...update.slots);
      const next = constrain(b, settings.constraint, update.value);
      parameters.advance(info, next);
    });
  }

  #afterStep(): void {
    const b = this.#b;
    const { parameters, own } = this.#whole;
    const after: AfterStep = {
      b,
      input: (name) => own.get(name)!,
      keep: (info, name, next) => {
        const slot = b.state(`${info.value.name}.${name}`, info.value.type, 'slot');
        this.#slots.push({ ...info, value: slot, role: 'slot', init: 'zeros' });
        b.update(slot, next(slot));
      },
    };
    for (const info of parameters.infos.values()) {
      if (info.role !== 'parameter') continue;
      b.origin = info.origin;
      b.prefix = `${info.value.name}.next`;
      let value = parameters.currentOf(info);
      const { lookahead: slow, average: averaged } = this.train;
      const follows = (slow ?? averaged) !== undefined && this.#isTrainable(info);
      if (slow && follows && !info.frozen) value = lookahead(after, info, slow, info.value, value);
      if (value !== info.value) b.update(info.value, value);
      if (averaged && follows) average(after, info, value);
    }
  }

  /** Whether it is trained in any phase: what is frozen for good has no average and no penalty. */
  #isTrainable({ value: { name } }: StateInfo): boolean {
    const info = statesOf(this.spec).find(({ value }) => value.name === name);
    return info !== undefined && !settingsOf(info, this.train.groups).frozen;
  }

  /** The phases before in which the objective's type of optimizer was at work. */
  #earlier({ setup }: Objective): readonly number[] {
    const types = this.train.phases.map(({ optimizer }) => optimizer.type);
    return samePhases(types, setup.optimizer.type, this.#stage.kind.phase);
  }
}

function samePhases(types: readonly (string | undefined)[], type: string, before: number): readonly number[] {
  return types.flatMap((one, i) => (i < before && one === type ? [i] : []));
}

/** Terms and metrics over the parts of a batch. */
class Sums {
  readonly #terms = new Map<string, Term>();
  readonly #metrics = new Map<string, Value>();

  constructor(private readonly b: Builder) {}

  add(term: Term, counts: ReadonlyMap<string, Value> | undefined): void {
    const before = this.#terms.get(term.path);
    const sum = before ? this.b.op('add', [before.sum, term.sum]) : term.sum;
    this.#terms.set(term.path, { ...term, sum, count: counts?.get(term.path) ?? term.count });
  }

  addMetric(name: string, value: Value): void {
    const before = this.#metrics.get(name);
    this.#metrics.set(name, before ? this.b.op('add', [before, value]) : value);
  }

  reportTerms(): void {
    for (const term of this.#terms.values()) reportTerm(this.b, term);
  }

  reportMetrics(): void {
    for (const [name, value] of this.#metrics) this.b.result(name, value);
  }
}
