/** What depends on weights alone moves out of programs that update nothing, and the same numbers come out. */
import { interpret } from '../../compiler/reference/interpret';
import { planPrograms } from '../../compiler/plan/build';
import { plannedBytes } from '../../compiler/plan/plan';
import { printPlan } from '../../compiler/plan/print';
import { PREPARE, splitPrepared } from '../../compiler/plan/prepare';
import { graphOf, textOf, tidy } from '../passes/text';
import { runPlan } from './run-plan';

/** A body over a weight of four and what is made of it. */
function program(name: string, body: string, states = 'state @w: f32[4] parameter'): string {
  return `graph ${name}(%x: f32[2,4]) {
    ${states}
    ${body}
  }`;
}

const split = (...texts: readonly string[]): Record<string, string> => {
  const graphs = Object.fromEntries(texts.map((text) => [graphOf(text).name, graphOf(text)]));
  return Object.fromEntries(Object.entries(splitPrepared(graphs)).map(([name, graph]) => [name, textOf(graph)]));
};

describe('splitPrepared', () => {
  it('moves what is made of states and constants to a program that makes derived states', () => {
    const text = program(
      'predict',
      `%half = constant() {dtype: "f32", shape: [], values: [0.5]} : f32[]
       %s = mul(@w, %half) : f32[4]
       %e = exp(%s) : f32[4]
       %y = add(%x, %e) : f32[2,4]
       return %y`,
    );
    const { predict, prepare } = split(text);
    expect(predict).toBe(
      tidy(
        program(
          'predict',
          '%y = add(%x, @e) : f32[2,4]\nreturn %y',
          'state @w: f32[4] parameter\nstate @e: f32[4] derived',
        ),
      ),
    );
    expect(prepare).toBe(
      tidy(`graph prepare() {
        state @w: f32[4] parameter
        state @e: f32[4] derived
        %half = constant() {dtype: "f32", shape: [], values: [0.5]} : f32[]
        %s = mul(@w, %half) : f32[4]
        %e = exp(%s) : f32[4]
        update @e = %e
        return
      }`),
    );
  });

  it('makes once what several programs make alike', () => {
    const body = '%e = exp(@w) : f32[4]\n%y = add(%x, %e) : f32[2,4]\nreturn %y';
    const { eval: first, predict, prepare } = split(program('eval', body), program('predict', body));
    expect(first).toContain('add(%x, @e)');
    expect(predict).toContain('add(%x, @e)');
    expect(prepare?.match(/exp/g)).toHaveLength(1);
  });

  it.each([
    ['is a view', '%e = reshape(@w) {shape: [1,4]} : f32[1,4]\n%y = add(%x, %e) : f32[2,4]\nreturn %y'],
    [
      'only spreads',
      '%e = broadcast_to(@w) {shape: [2,4]} : f32[2,4]\n%y = concat(%x, %e) {axis: 0} : f32[4,4]\nreturn %y',
    ],
    ['can fail', '%e = check_finite(@w) {what: "w"} : f32[4]\n%y = add(%x, %e) : f32[2,4]\nreturn %y'],
    ['is of the input too', '%e = mul(@w, %x) : f32[2,4]\n%y = exp(%e) : f32[2,4]\nreturn %y'],
    ['is updated', '%e = exp(@w) : f32[4]\n%y = add(%x, %e) : f32[2,4]\nupdate @w = %e\nreturn %y'],
    [
      'is larger than four times all states',
      `%t = concat(@w, @w) {axis: 0} : f32[8]
       %f = concat(%t, %t, %t) {axis: 0} : f32[24]
       %e = concat(%f, %f, %f, %f) {axis: 0} : f32[96]
       %r = reduce_sum(%x) {axes: [0,1], keepdims: false} : f32[]
       %y = add(%r, %e) : f32[96]
       return %y`,
    ],
  ])('leaves alone what %s', (_reason, body) => {
    const text = program('predict', body);
    expect(split(text)).toEqual({ predict: tidy(text) });
  });

  it('keeps views with their readers and moves what they show', () => {
    const body = `%e = exp(@w) : f32[4]
      %r = reshape(%e) {shape: [1,4]} : f32[1,4]
      %y = add(%x, %r) : f32[2,4]
      return %y, %e`;
    const { predict } = split(program('predict', body));
    expect(predict).toContain('%r = reshape(@e) {shape: [1,4]}');
    expect(predict).not.toContain('exp');
  });

  it('takes a name that no state has', () => {
    const body = '%v = exp(@w) : f32[4]\n%y = add(%x, %v) : f32[2,4]\nreturn %y';
    const { predict } = split(program('predict', body, 'state @w: f32[4] parameter\nstate @v: f32[4] buffer'));
    expect(predict).toContain('add(%x, @v_1)');
  });
});

describe('a plan with derived states', () => {
  const body = `%e = exp(@w) : f32[4]
    %y = add(%x, %e) : f32[2,4]
    return %y, %e`;
  const source = graphOf(program('predict', body));
  const plan = planPrograms('test', { predict: source });
  const [predict, prepare] = plan.programs;
  const inputs = { x: Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8]) };
  const states = { w: Float64Array.from([0, 1, 2, 3]) };

  it('hides them behind the states that have an owner, and counts their bytes', () => {
    expect(plan.states.map(({ name, offset }) => [name, offset])).toEqual([['w', 0]]);
    expect(plan.derived.map(({ name, offset }) => [name, offset])).toEqual([['e', 64]]);
    expect(plan.stateBytes).toBe(128);
    expect([predict?.prepare, prepare?.name, prepare?.prepare]).toEqual([1, PREPARE, undefined]);
    expect(prepare?.arenaBytes).toBe(0);
    const needing = { ...prepare!, arenaBytes: 1 << 20 };
    expect(plannedBytes({ ...plan, programs: [predict!, needing] }, predict!)).toBe(128 + (1 << 20));
    expect(printPlan(plan)).toContain('  @e: f32[4] derived   at 64\n');
    expect(printPlan(plan)).toContain('  after prepare, where a state is new\n');
  });

  it('computes the same', () => {
    const tensor = (data: Float64Array, shape: readonly number[]) => ({ type: { dtype: 'f32' as const, shape }, data });
    const { results } = interpret(source, { x: tensor(inputs.x, [2, 4]) }, { w: tensor(states.w, [4]) });
    const expected = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]));
    expect(runPlan(plan, predict!, inputs, states).results).toEqual(expected);
  });

  it('has none where that is not wanted', () => {
    const plain = planPrograms('test', { predict: source }, { prepare: false });
    expect(plain.programs.map(({ name }) => name)).toEqual(['predict']);
    expect([plain.derived, plain.stateBytes]).toEqual([[], 64]);
  });
});
