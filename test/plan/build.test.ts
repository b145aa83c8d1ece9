/** Plans compute what their graphs say, on memory where every overwriting is noticed. */
import fc from 'fast-check';
import type { Graph } from '../../compiler/ir/graph';
import { runPipeline } from '../../compiler/pipeline';
import { planMemory, planPrograms } from '../../compiler/plan/build';
import type { Plan, PlanProgram } from '../../compiler/plan/plan';
import { interpret } from '../../compiler/reference/interpret';
import { graphOf } from '../passes/text';
import { feedsFor, randomGraph } from './random-graph';
import { runPlan } from './run-plan';

function planOf(graph: Graph): { readonly plan: Plan; readonly program: PlanProgram } {
  const plan = planPrograms('test', { main: graph });
  return { plan, program: plan.programs[0] as PlanProgram };
}

function programOf(text: string): PlanProgram {
  return planOf(graphOf(text)).program;
}

/** Runs the plan on poisoned memory and the graph through the interpreter; every number must be the same. */
function expectSameNumbers(graph: Graph): void {
  const inputs = feedsFor(graph.inputs, 1);
  const states = feedsFor(
    graph.states.map((state) => state.value),
    2,
  );
  const { plan, program } = planOf(graph);
  const run = runPlan(plan, program, inputs, states);
  const reference = interpret(graph, inputs, states);
  for (const [name, tensor] of Object.entries(reference.results)) expect(run.results[name]).toEqual([...tensor.data]);
  for (const { value } of graph.states) {
    expect(run.states[value.name]).toEqual([...(reference.updates[value.name]?.data ?? states[value.name] ?? [])]);
  }
}

describe('planPrograms', () => {
  it('plans programs that compute what the graph says, on memory that remembers every overwriting', () => {
    fc.assert(fc.property(randomGraph, expectSameNumbers), { numRuns: 400, seed: 20 });
  });

  it('plans optimized graphs as well', () => {
    const optimized = randomGraph.map((graph) => runPipeline(graph).graph);
    fc.assert(fc.property(optimized, expectSameNumbers), { numRuns: 300, seed: 21 });
  });

  it('never lets two buffers that are alive together overlap', () => {
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const { liveness, arena } = planMemory(graph);
        liveness.buffers.forEach((a, i) => {
          const [from, to] = [arena.offsets[i] as number, (arena.offsets[i] as number) + a.bytes];
          expect(from % 64).toBe(0);
          expect(to).toBeLessThanOrEqual(arena.bytes);
          liveness.buffers.forEach((b, j) => {
            const together = i !== j && a.first <= b.last && b.first <= a.last;
            const start = arena.offsets[j] as number;
            expect(together && from < start + b.bytes && start < to).toBe(false);
          });
        });
        expect(arena.bytes).toBeGreaterThanOrEqual(arena.lowerBound);
      }),
      { numRuns: 150, seed: 22 },
    );
  });

  it('writes no state before the last check has passed', () => {
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const { program } = planOf(runPipeline(graph).graph);
        const writesState = program.steps.map((step) =>
          step.outputs.some((i) => program.tensors[i]?.space === 'state'),
        );
        const lastCheck = program.steps.findLastIndex((step) => step.op === 'check_finite');
        expect(writesState.slice(0, lastCheck + 1)).not.toContain(true);
      }),
      { numRuns: 200, seed: 23 },
    );
  });

  it('computes updates straight into their states, after the check', () => {
    const program = programOf(`graph g(%x: f32[4], %lr: f32[]) {
      state @w: f32[4] parameter
      %y = mul(%x, @w) : f32[4]
      %step = mul(%x, %lr) : f32[4]
      %new = sub(@w, %step) : f32[4]
      %sum = reduce_sum(%y) {axes: [0], keepdims: false} : f32[]
      %loss = check_finite(%sum) {what: "loss"} : f32[]
      update @w = %new
      return %loss
    }`);
    // What only the update needs comes after the check too, just before the update.
    expect(program.steps.map((step) => step.attrs.program ?? step.op)).toEqual([
      't0 = mul(%0, %1); yield t0',
      'reduce_sum',
      'check_finite',
      't0 = mul(%0, %1); yield t0',
      't0 = sub(%0, %1); yield t0',
    ]);
    const written = program.tensors[program.steps.at(-1)?.outputs[0] as number];
    expect(written?.space).toBe('state');
  });

  it('swaps two states through a copy', () => {
    expectSameNumbers(
      graphOf(`graph g(%x: f32[4]) {
        state @a: f32[4] parameter
        state @b: f32[4] parameter
        update @a = @b
        update @b = @a
        return %x
      }`),
    );
  });

  it('copies at the end what a check depends on', () => {
    const program = programOf(`graph g(%x: f32[4]) {
      state @w: f32[4] parameter
      %new = sub(@w, %x) : f32[4]
      %ok = check_finite(%new) {what: "weights"} : f32[4]
      update @w = %new
      return %ok
    }`);
    expect(program.steps.map((step) => step.op)).toEqual(['fused_elementwise', 'check_finite', 'fused_elementwise']);
    expect(program.tensors[program.steps[0]?.outputs[0] as number]?.space).toBe('arena');
    expect(program.tensors[program.steps[2]?.outputs[0] as number]?.space).toBe('state');
  });

  it('does not run an update before a later layer has read the old weights', () => {
    const program = programOf(`graph g(%x: f32[2,2], %d: f32[2,2]) {
      state @w: f32[2,2] parameter
      %dw = matmul(%x, %d) {transpose_a: true, transpose_b: false} : f32[2,2]
      %dx = matmul(%d, @w) {transpose_a: false, transpose_b: true} : f32[2,2]
      %far = matmul(%dx, %dx) {transpose_a: false, transpose_b: true} : f32[2,2]
      %new = sub(@w, %dw) : f32[2,2]
      update @w = %new
      return %far
    }`);
    expect(program.steps.map((step) => step.op)).toEqual(['matmul', 'matmul', 'fused_elementwise', 'matmul']);
  });

  it('gives views, constants and unread outputs no memory of their own', () => {
    const program = programOf(`graph g(%x: f32[2,3,4], %gamma: f32[3]) {
      %y, %y.mean, %y.variance = batch_norm_train(%x, %gamma, %gamma) {epsilon: 0.5} : f32[2,3,4], f32[3], f32[3]
      %flat = reshape(%y) {shape: [6,4]} : f32[6,4]
      %c = constant() {dtype: "f32", shape: [4,1], values: [1,2,3,4]} : f32[4,1]
      %p = matmul(%flat, %c) {transpose_a: false, transpose_b: false} : f32[6,1]
      return %p
    }`);
    expect(program.steps.map((step) => [step.op, step.outputs.length])).toEqual([
      ['batch_norm_train', 3],
      ['matmul', 1],
    ]);
    const [norm, product] = program.steps;
    expect(norm?.outputs.slice(1)).toEqual([-1, -1]);
    const flat = program.tensors[product?.inputs[0] as number];
    expect(flat).toMatchObject({
      name: 'flat',
      shape: [6, 4],
      offset: program.tensors[norm?.outputs[0] as number]?.offset,
    });
    expect(program.tensors[product?.inputs[1] as number]?.space).toBe('const');
  });

  it('computes in place where an input dies', () => {
    const program = programOf(`graph g(%x: f32[1000]) {
      %a = tanh(%x) : f32[1000]
      %b = check_finite(%a) {what: "a"} : f32[1000]
      %c = sin(%b) : f32[1000]
      return %c
    }`);
    expect(program.arenaBytes).toBe(4032);
  });

  it('spreads large filled constants instead of storing them', () => {
    const plan = planPrograms('test', {
      init: graphOf(`graph init() {
        state @w: f32[100,1000] parameter
        %zero = constant() {dtype: "f32", shape: [100,1000], values: [0]} : f32[100,1000]
        update @w = %zero
        return
      }`),
    });
    expect(plan.constants.length).toBe(64);
    expect(plan.programs[0]?.steps.map((step) => step.op)).toEqual(['broadcast_to']);
    expect(plan.programs[0]?.arenaBytes).toBe(0);
  });

  it('joins the states of all programs by name and stores equal constants once', () => {
    const text = (name: string): string => `graph ${name}(%x: f32[2]) {
      state @w: f32[2] parameter
      %c = constant() {dtype: "f32", shape: [2], values: [3,4]} : f32[2]
      %y = concat(%c, @w, %x) {axis: 0} : f32[6]
      return %y
    }`;
    const plan = planPrograms('test', { a: graphOf(text('a')), b: graphOf(text('b')) });
    expect(plan.states).toHaveLength(1);
    expect(plan.constants.length).toBe(64);
  });

  it('refuses a state that has two types', () => {
    const text = (n: number): string => `graph g() {\n state @w: f32[${n}] parameter\n return w: @w\n}`;
    expect(() => planPrograms('test', { a: graphOf(text(2)), b: graphOf(text(3)) })).toThrow(
      /@w is f32\[2\] parameter in one program/,
    );
  });
});
