/** Weights that are shared one by one: who owns them, in blocks and nested models too, and what is refused. */
import { checkSpecText } from '../../compiler/frontend/load';
import { SpecError } from '../../compiler/diagnostics/errors';
import { lowerModel } from '../../compiler/lower/lower';

const model = (layers: string): string => `inputs: {words: {shape: [N, 5], dtype: int32}}
layers:
  - {name: embedding, type: embedding, vocabulary: 11, units: 4}
${layers}`;

const TIED = '  - {name: logits, type: dense, units: 11, axis: -1, parameters: {weight: {share: embedding.weight}}}\n';

function statesOf(text: string): string[] {
  const { spec, diagnostics } = checkSpecText(text, 'm.yaml');
  expect(diagnostics).toEqual([]);
  const { states } = lowerModel(spec!, { batch: 2, mode: 'predict' });
  const again = checkSpecText(JSON.stringify(spec!.resolved), 'm.json');
  expect(again.diagnostics).toEqual([]);
  expect(lowerModel(again.spec!, { batch: 2, mode: 'predict' }).states.map(({ value }) => value.name)).toEqual(
    states.map(({ value }) => value.name),
  );
  return states.map(({ value }) => value.name);
}

test('a layer of another type can use one weight of a layer', () => {
  expect(statesOf(model(TIED))).toEqual(['embedding.weight', 'logits.bias']);
});

test('names are looked up where they are written', () => {
  const text = `inputs: {words: {shape: [N, 5], dtype: int32}}
blocks:
  tied:
    layers:
      - {name: embedding, type: embedding, vocabulary: 11, units: 4}
      - {name: logits, type: dense, units: 11, axis: -1, parameters: {weight: {share: embedding.weight}}}
layers: [{name: a, type: tied}]
outputs: [a]
`;
  expect(statesOf(text)).toEqual(['a/embedding.weight', 'a/logits.bias']);
});

test.each([
  ['{weight: {share: nothing.weight}}', /`nothing`/],
  ['{weight: {share: embedding.bias}}', /that layer has no `bias`/],
  ['{weight: {share: embedding.weight, lr: 2}}', /its other settings stand at the layer that it belongs to/],
  ['{weight: {share: embedding}}', /embedding/],
  ['{bias: {share: embedding.weight}}', /`bias` would be \[11\] here and is \[11, 4\] there/],
])('%s is refused', (parameters, message) => {
  const text = model(`  - {name: logits, type: dense, units: 11, axis: -1, parameters: ${parameters}}\n`);
  const { spec, diagnostics } = checkSpecText(text, 'm.yaml');
  const lower = (): unknown => {
    if (!spec) throw new SpecError(diagnostics);
    return lowerModel(spec, { batch: 2, mode: 'predict' });
  };
  expect(lower).toThrow(SpecError);
  expect(lower).toThrow(message);
});

test('a weight is owned by the layer that comes first', () => {
  const text = model(
    '  - {name: other, type: dense, units: 4, axis: -1, parameters: {weight: {share: last.weight}}}\n  - {name: last, type: dense, units: 4, axis: -1}\n',
  );
  const { spec } = checkSpecText(text, 'm.yaml');
  expect(() => lowerModel(spec!, { batch: 2, mode: 'predict' })).toThrow(/comes later: let it share this one/);
});
