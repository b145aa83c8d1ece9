/** What training learns of its data, on its way through whole runs: into weights, evaluation, prediction and further runs. */
import { writeFileSync } from 'node:fs';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { load } from '../../compiler/train/load';
import { interfaceOf } from '../../compiler/train/interface';
import { readInputFiles } from '../../compiler/train/predict-inputs';
import { runTraining, type RunOptions } from '../../compiler/train/run';
import { loadWeights, readLearned, saveWeights } from '../../compiler/weights/files';
import { Folder, problemsOf } from '../data/fixtures';

const folder = new Folder();
afterAll(() => folder.remove());
jest.setTimeout(60_000);

const silent = (): void => undefined;

function spec(text: string): Spec {
  return { ...loadSpecText(`dlc: 1\nname: t\n${text}`, 'model.yaml'), folder: folder.path };
}

async function train(of: Spec, runDir: string, more: Partial<RunOptions> = {}): Promise<string> {
  const options = { machine: { threads: 1 }, runRoot: folder.path, seed: 1, resume: false, allowOutside: false };
  const { folder: run } = await runTraining(
    of,
    { ...options, command: 'test', runDir: folder.at(runDir), ...more },
    {
      onStart: silent,
      onWarnings: silent,
      onData: silent,
      onProgress: silent,
      onEvaluation: silent,
      onEvaluationProgress: silent,
      onCheckpoint: silent,
      shouldStop: () => false,
    },
  );
  return run.weights;
}

const TEXTS = (file: string): string => `
inputs:
  tokens: {shape: [N, 4], dtype: int32}
  length: {shape: [N], dtype: int32}
  label: {shape: [N], dtype: int32}
layers:
  - {name: words, type: embedding, inputs: tokens, vocabulary: 12, units: 6}
  - {name: state, type: gru, units: 5, inputs: [words, length], extra_inputs: [lengths]}
  - {name: logits, type: dense, units: 2, inputs: state.h}
  - {name: probs, type: softmax}
outputs: [probs]
losses: [{type: cross_entropy, inputs: [logits, label]}]
metrics: [{type: accuracy, inputs: [logits, label]}]
data:
  train: {type: text, file: ${file}, bind: {lengths: length}}
  eval: {type: text, file: eval.csv, bind: {lengths: length}}
train: {batch_size: 8, epochs: 12, optimizer: {type: adam, lr: 0.05}}
`;

const rowsOf = (pairs: readonly (readonly [string, string])[], times: number): string =>
  `text,label\n${Array.from({ length: times }, () => pairs.map((pair) => pair.join()).join('\n')).join('\n')}\n`;

writeFileSync(
  folder.at('train.csv'),
  rowsOf(
    [
      ['good fine film', 'yes'],
      ['bad film', 'no'],
      ['a fine book', 'yes'],
      ['a bad one', 'no'],
    ],
    8,
  ),
);
writeFileSync(
  folder.at('eval.csv'),
  rowsOf(
    [
      ['fine', 'yes'],
      ['bad', 'no'],
    ],
    1,
  ),
);

describe('a model of texts', () => {
  const model = spec(TEXTS('train.csv'));
  let weights = '';
  beforeAll(async () => (weights = await train(model, 'texts')));

  it('keeps vocabulary and classes with its weights, and predicts of texts', async () => {
    const learned = await readLearned(weights);
    expect(learned!.tokens!.vocabulary).toEqual(['a', 'bad', 'film', 'fine', 'book', 'good', 'one']);
    expect(learned!.label).toEqual({ kind: 'classes', names: ['no', 'yes'] });
    const opened = await load(weights, { batch: 2, threads: 1 });
    const { probs } = await opened.predict(opened.encode('tokens', ['fine', 'bad bad thing']));
    expect(Array.from(probs!.data, Number).map((p) => p > 0.5)).toEqual([false, true, true, false]);
    expect(opened.decode('tokens', [2, 3, 0])).toBe('a bad');
    opened.close();
    writeFileSync(folder.at('some.txt'), 'fine\nbad film\n');
    const files = [
      { input: 'tokens', file: folder.at('some.txt') },
      { input: 'tokens', file: 'a good book' },
    ];
    const arrays = await readInputFiles(interfaceOf(model), files, learned);
    expect(arrays.tokens!.shape).toEqual([3, 4]);
    expect(Array.from(arrays.length!.data, Number)).toEqual([1, 2, 3]);
  });

  it('goes on with what its weights have learned, whatever the data says now', async () => {
    const before = await readLearned(weights);
    writeFileSync(
      folder.at('other.csv'),
      rowsOf(
        [
          ['bad bad news', 'no'],
          ['fine', 'yes'],
        ],
        8,
      ),
    );
    const tuned = await train(spec(TEXTS('other.csv')), 'tuned', { weights });
    expect(await readLearned(tuned)).toEqual(before);
    const afresh = await train(spec(TEXTS('other.csv')), 'afresh');
    expect((await readLearned(afresh))!.tokens!.vocabulary).toEqual(['bad', 'fine', 'news']);
    const longer = spec(TEXTS('train.csv').replace('epochs: 12', 'epochs: 13'));
    expect(await readLearned(await train(longer, 'texts', { resume: true }))).toEqual(before);
  });

  it('notices damage', async () => {
    const { tensors, learned } = await loadWeights(weights);
    await saveWeights(folder.at('w.h5'), {
      tensors,
      learned: { ...learned!, label: { kind: 'classes', names: ['ja', 'no'] } },
    });
    const { readFileSync } = jest.requireActual<typeof import('node:fs')>('node:fs');
    const bytes = readFileSync(folder.at('w.h5'));
    bytes.write('je', bytes.indexOf('"ja"') + 1, 'latin1');
    writeFileSync(folder.at('w.h5'), bytes);
    expect(await problemsOf(readLearned(folder.at('w.h5')))).toMatchObject([{ code: 'weights-corrupt' }]);
  });
});

const NUMBERS = (adapt: string): string => `
inputs: {x: {shape: [N, 2]}, y: {shape: [N, 1]}}
layers:
  - {name: normal, type: standardize, inputs: x, ${adapt}}
  - {name: out, type: dense, units: 1}
outputs: [out]
losses: [{type: mse, inputs: [out, y]}]
data: {train: {type: table, file: n.csv, columns: {a: {to: x}, b: {to: x}, y: {}}}}
train: {batch_size: 3, epochs: 2, optimizer: {type: sgd, lr: 0.01}}
`;

it('adapts a layer to all of the training data before the first step', async () => {
  writeFileSync(folder.at('n.csv'), 'a,b,y\n1000001,5,1\n1000003,5,2\n1000005,5,3\n1000007,5,4\n');
  const { tensors } = await loadWeights(await train(spec(NUMBERS('adapt: true')), 'adapted'));
  const of = (name: string): number[] => Array.from(tensors.get(`normal.${name}`)!.data, Number);
  expect([of('mean'), of('variance'), of('count')]).toEqual([[1000004, 5], [5, 0], [4]]);
  const hidden = NUMBERS('adapt: true')
    .replace('- {name: normal', '- {name: before, type: dense, units: 2}\n  - {name: normal')
    .replace('inputs: x, ', '');
  expect(await problemsOf(train(spec(hidden), 'hidden'))).toMatchObject([{ code: 'invalid-field' }]);
  expect(() => spec(NUMBERS('adapt: true, mean: 1, std: 1'))).not.toThrow();
  expect(await problemsOf(train(spec(NUMBERS('adapt: true, mean: 1, std: 1')), 'both'))).toHaveLength(1);
});
