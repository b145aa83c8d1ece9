/** Products of rows that are read many times are made of the table instead, as text before and after, and as numbers. */
import type { Value } from '../../compiler/ir/graph';
import { removeDeadNodes } from '../../compiler/ir/rewrite';
import { elementCount, type TensorType } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { share_rows } from '../../compiler/passes/share_rows';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively, runtimeWith } from '../support/native';
import { generator } from '../support/samples';
import { after, graphOf, tidy } from './text';

const LOOKUP = 'gather(@table, %text) {axis: 0, batch_dims: 0} : f32[2,6,32]';
const PLAIN = '{transpose_a: false, transpose_b: false}';
const STATES = `state @table: f32[3,32] parameter
  state @w: f32[32,40] parameter
  state @bias: f32[40] parameter`;

/** A text of two lines of six characters, of an alphabet of three. */
function graph(body: string, results = '%y', states = STATES): string {
  return `graph g(%text: i32[2,6], %g: f32[12,40]) {
    ${states}
    ${body}
    return ${results}
  }`;
}

const TURNED = `%x = ${LOOKUP}
  %turned = transpose(%x) {perm: [1,0,2]} : f32[6,2,32]
  %rows = reshape(%turned) {shape: [12,32]} : f32[12,32]`;
const INDICES = `%t = transpose(%text) {perm: [1,0]} : i32[6,2]
  %t_1 = reshape(%t) {shape: [12]} : i32[12]`;

const GRADIENTS = `${TURNED}
  %w.d = matmul(%rows, %g) {transpose_a: true, transpose_b: false} : f32[32,40]
  %rows.d = matmul(%g, @w) {transpose_a: false, transpose_b: true} : f32[12,32]
  %turned.d = reshape(%rows.d) {shape: [6,2,32]} : f32[6,2,32]
  %x.d = transpose(%turned.d) {perm: [1,0,2]} : f32[2,6,32]
  %table.d = scatter_add(%text, %x.d) {axis: 0, batch_dims: 0, size: 3} : f32[3,32]`;

describe('share_rows', () => {
  it('looks rows up in the product of their table', () => {
    expect(after(share_rows, graph(`${TURNED}\n%y = matmul(%rows, @w, @bias) ${PLAIN} : f32[12,40]`))).toContain(
      `%y.matmul = matmul(@table, @w, @bias) ${PLAIN} : f32[3,40]
%y = gather(%y.matmul, %t_1) {axis: 0, batch_dims: 0, reordered: true} : f32[12,40]`,
    );
    const whole = `%x = ${LOOKUP}\n%y = matmul(%x, @w) ${PLAIN} : f32[2,6,40]`;
    expect(after(share_rows, graph(whole))).toBe(
      tidy(
        graph(`%x = ${LOOKUP}
          %y.matmul = matmul(@table, @w) ${PLAIN} : f32[3,40]
          %y = gather(%y.matmul, %text) {axis: 0, batch_dims: 0} : f32[2,6,40]`),
      ),
    );
  });

  it('adds up gradients by row before they are multiplied', () => {
    const text = after(share_rows, graph(GRADIENTS, '%w.d, %table.d'));
    const sum = (name: string, indices: string): string =>
      `%${name}.scatter_add = scatter_add(%${indices}, %g) {axis: 0, batch_dims: 0, size: 3} : f32[3,40]`;
    for (const line of [
      ...tidy(graph(`${INDICES}\n%y = neg(%g) : f32[12,40]`))
        .split('\n')
        .slice(4, 6),
      sum('w.d', 't_1'),
      '%w.d = matmul(@table, %w.d.scatter_add) {transpose_a: true, transpose_b: false} : f32[32,40]',
      sum('table.d', 't_3'),
      '%table.d = matmul(%table.d.scatter_add, @w) {transpose_a: false, transpose_b: true} : f32[3,32]',
    ]) {
      expect(text).toContain(line);
    }
  });

  it('gives what there was, here and in the kernels', async () => {
    const body = `${GRADIENTS}
      %swapped = matmul(%g, %rows) {transpose_a: true, transpose_b: false} : f32[40,32]
      %y = matmul(%rows, @w, @bias) ${PLAIN} : f32[12,40]`;
    const text = graph(body, '%y, %w.d, %table.d, %swapped');
    const [before, made] = [graphOf(text), share_rows.run(graphOf(text), DEFAULT_FACTS)];
    expect(made.nodes.filter(({ op }) => op === 'scatter_add')).toHaveLength(3);
    const random = generator(7);
    const tensor = ({ name, type }: Value): [string, RefTensor] => {
      const draw = (_: unknown, i: number): number => (name === 'text' ? (i * 5) % 3 : Math.fround(random() - 0.5));
      return [name, { type, data: Float64Array.from({ length: elementCount(type.shape) }, draw) }];
    };
    const inputs = Object.fromEntries(before.inputs.map(tensor));
    const states = Object.fromEntries(before.states.map(({ value }) => tensor(value)));
    const wanted = interpret(before, inputs, states).results;
    const shared = interpret(made, inputs, states).results;
    const native = (await runNatively(made, inputs, states)).results;
    for (const [name, result] of Object.entries(wanted)) {
      expect(difference(shared[name]?.data, result, 1e-12)).toBeUndefined();
      expect(difference(native[name], result, 1e-5)).toBeUndefined();
    }
  });

  it('tells of an index that is out of range, but not where, as the user never saw that order', async () => {
    const body = graph(`${TURNED}\n%y = matmul(%rows, @w) ${PLAIN} : f32[12,40]`);
    const made = removeDeadNodes(share_rows.run(graphOf(body), DEFAULT_FACTS));
    const text = Float64Array.of(0, 1, 2, 0, 3, 1, 0, 0, 0, 0, 0, 0);
    const zeros = (type: TensorType): RefTensor => ({ type, data: new Float64Array(elementCount(type.shape)) });
    const [indices, g] = made.inputs;
    const inputs = { text: { type: indices!.type, data: text }, g: zeros(g!.type) };
    const states = Object.fromEntries(made.states.map(({ value }) => [value.name, zeros(value.type)]));
    expect(() => interpret(made, inputs, states)).toThrow(/^index 3 is outside 0\.\.2$/);
    const plan = planPrograms(made.name, { run: made });
    const session = runtimeWith(2).createSession(encodePlan(plan), plan);
    const feeds = { text: Int32Array.from(text), g: new Float32Array(12 * 40) };
    const fault = { ok: false, kind: 'data-error', message: 'index 3 is outside 0..2' };
    expect(await session.run('run', 1, feeds)).toMatchObject(fault);
    session.close();
  });

  it('makes a product once for all calls where nothing is updated, though one reads fewer rows', () => {
    const states = STATES.replace('f32[3,32]', 'f32[20,32]');
    const body = `%x = ${LOOKUP}\n%y = matmul(%x, @w) ${PLAIN} : f32[2,6,40]`;
    expect(after(share_rows, graph(body, '%y', states))).toContain('matmul(@table, @w)');
    const updated = `${body}
      %v = neg(@w) : f32[32,40]
      update @w = %v`;
    expect(after(share_rows, graph(updated, '%y', states))).toBe(tidy(graph(updated, '%y', states)));
  });

  it.each([
    [
      'the table is as long as the text',
      graph(`%x = ${LOOKUP}\n%y = matmul(%x, %h) ${PLAIN} : f32[2,6,40]`, '%y', STATES.replace('[3,', '[9,')).replace(
        '%g: f32[12,40]',
        '%h: f32[32,40]',
      ),
    ],
    [
      'something is done to the rows',
      graph(`%x = ${LOOKUP}
        %z = relu(%x) : f32[2,6,32]
        %y = matmul(%z, @w) ${PLAIN} : f32[2,6,40]`),
    ],
    [
      'rows are cut',
      graph(
        `%x = ${LOOKUP}
        %z = reshape(%x) {shape: [24,16]} : f32[24,16]
        %y = matmul(%z, @v) ${PLAIN} : f32[24,40]`,
        '%y',
        `${STATES}\nstate @v: f32[16,40] parameter`,
      ),
    ],
    [
      'the product has other readers',
      graph(
        `%rows.d = matmul(%g, @w) {transpose_a: false, transpose_b: true} : f32[12,32]
        %x.d = reshape(%rows.d) {shape: [2,6,32]} : f32[2,6,32]
        %y = scatter_add(%text, %x.d) {axis: 0, batch_dims: 0, size: 3} : f32[3,32]`,
        '%y, %rows.d',
      ),
    ],
  ])('leaves it alone where %s', (_why, text) => {
    expect(after(share_rows, text)).toBe(tidy(text));
  });
});
