/** `train.precision`: what it means, and what other frameworks call it. */
import { checkSpecText } from '../../compiler/frontend/load';
import { factsOf } from '../../compiler/train/programs';
import { specOf } from './support';

const model = (field: string): string => `dlc: 1
inputs: {x: {shape: [N, 4]}, y: {shape: [N, 2]}}
layers: [{name: out, type: dense, units: 2}]
losses: [{type: mse, inputs: [out, y]}]
train: {batch_size: 4, steps: 1, optimizer: {type: sgd, lr: 0.1}${field}}
`;

const hintOf = (field: string): string | undefined =>
  checkSpecText(model(field), 'model.yaml').diagnostics.find(({ severity }) => severity === 'error')?.hint;

test('it is float32 unless the file says otherwise', () => {
  expect(specOf(model('')).train?.precision).toBe('float32');
  expect(specOf(model(', precision: bfloat16')).train?.precision).toBe('bfloat16');
});

test('it is that of steps and their evaluations; predictions are asked, and initial weights never', () => {
  const spec = specOf(model(', precision: bfloat16'));
  const precisions = (facts: ReturnType<typeof factsOf>): unknown[] =>
    ['init', 'train@4', 'train.p1@4', 'eval@4', 'predict@1'].map((program) => facts(program).precision);
  expect(precisions(factsOf(spec))).toEqual([undefined, 'bfloat16', 'bfloat16', 'bfloat16', 'float32']);
  const rest = (precision: string): unknown[] => [undefined, ...new Array<string>(4).fill(precision)];
  expect(precisions(factsOf(spec, 'float32'))).toEqual(rest('float32'));
  expect(precisions(factsOf(spec, 'bfloat16'))).toEqual(rest('bfloat16'));
});

test.each(['bf16', 'bf16-mixed', 'mixed_bfloat16', 'bfloat_16'])('%s is answered with bfloat16', (word) => {
  expect(hintOf(`, precision: ${word}`)).toContain('`bfloat16`');
});

test.each(['mixed_precision', 'amp', 'dtype_policy'])('the field %s is answered with precision', (word) => {
  expect(hintOf(`, ${word}: bfloat16`)).toContain('`precision`');
});
