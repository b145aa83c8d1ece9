/**
 * What a loss is measured against learns nothing from it: priors and true boxes that the model itself computes, and
 * statistics that are gathered. Their gradients are stopped, which no difference quotient would show.
 */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { loadSpecText } from '../../compiler/frontend/load';
import { lowerTerms, RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { runLayer } from '../support/layer';

const TEXT = `
inputs:
  place: {shape: [N, 2, 4]}
  score: {shape: [N, 2, 3]}
  sure: {shape: [N, 2]}
  base: {shape: [N, 3]}
  truth: {shape: [N, 1, 4]}
  class: {shape: [N, 1], dtype: int32}
layers:
  - {name: own, type: expression, weights: {p: {shape: [2, 4]}}, expr: '0 * mean(x) + p', names: [x], axes: {x: [N, C]}, inputs: base}
  - {name: target, type: match_boxes, inputs: [own, truth, class]}
  - {name: target_none, type: match_boxes, inputs: [own, truth, class], coding: none}
`;

/** Which of the named values a loss has a gradient for. */
function learning(loss: string, names: readonly string[]): readonly string[] {
  const text = `${TEXT}outputs: [target]\nlosses: [{name: aim, ${loss}}]\n`;
  const model = new ModelLowering(loadSpecText(text, 'model.yaml'), {
    batch: 2,
    mode: 'train',
    everyLayer: true,
    ownInputs: { rng: RNG },
  });
  const { total } = lowerTerms(model);
  model.problems.throwIfErrors();
  const gradients = differentiate(
    model.b,
    total!,
    names.map((name) => model.values.get(name)!),
  );
  return names.filter((_, i) => gradients[i] !== undefined);
}

const ALL = ['place', 'score', 'sure', 'own', 'truth'] as const;

test.each([
  ['multibox', 'type: multibox, inputs: [place, score, own, truth, class]', ['place', 'score']],
  [
    'multibox of boxes',
    'type: multibox, inputs: [place, score, own, truth, class], box_loss: giou',
    ['place', 'score', 'own'],
  ],
  ['yolo', 'type: yolo, inputs: [place, sure, score, own, truth, class]', ['place', 'score', 'sure']],
  ['match_boxes', 'type: mse, inputs: [place, target.boxes]', ['place']],
  ['overlap of match_boxes', 'type: mse, inputs: [sure, target_none.overlap]', ['sure']],
])('%s: nothing is learned by what is aimed at', (_name, loss, expected) => {
  expect(learning(loss, ALL)).toEqual(expected);
});

test('standardize: the statistics that it gathers are no function of the input', () => {
  const states = { 'y.mean': [0, 0], 'y.variance': [0, 0], 'y.count': [0] };
  const { gradient } = runLayer({ x: [1, 2, 5, 8], shape: [2, 2], layers: 'type: standardize', mode: 'train', states });
  // Of 1, 5 and of 2, 8.
  const [one, other] = [1 / 2, 1 / 3];
  [one, other, one, other].forEach((slope, i) => expect(gradient[i]).toBeCloseTo(slope, 3));
});
