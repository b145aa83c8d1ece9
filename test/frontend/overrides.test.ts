/** `key=value` on the command line: what a path finds, and what the value does there. */
import { COMMAND_LINE } from '../../compiler/diagnostics/location';
import { UsageError } from '../../compiler/diagnostics/errors';
import { INPUTS, found, specOf } from './support';

const MODEL = `${INPUTS}layers:
  - {name: fc, type: dense, units: 16}
  - {name: logits, type: dense, units: 10}
losses: [{type: cross_entropy, inputs: [logits, label]}]
data:
  train: {type: idx, images: a.gz, labels: b.gz}
  eval: {type: idx, images: c.gz}
train: {batch_size: 64, epochs: 10, optimizer: {type: sgd, lr: 0.1}}
`;

const withOverrides = (...overrides: string[]) => specOf(MODEL, { overrides });

describe('overrides', () => {
  test('change a value and keep its neighbours', () => {
    const { train } = withOverrides('train.epochs=3', 'train.optimizer.lr=5.0e-3');
    expect(train).toMatchObject({ epochs: 3, batchSize: 64, optimizer: { type: 'sgd', fields: { lr: 5e-3 } } });
  });

  test('add what is not there yet', () => {
    expect(withOverrides('train.steps=0').train?.steps).toBe(0);
    expect(withOverrides('train.checkpoint.every=500 steps').train?.checkpoint.every).toEqual({
      count: 500,
      unit: 'steps',
    });
  });

  test('find entries of lists by name and by number', () => {
    expect(withOverrides('layers.fc.units=5').layers[0]!.fields).toEqual({ units: 5 });
    expect(withOverrides('layers.1.units=5').layers[1]!.fields).toEqual({ units: 5 });
    expect(withOverrides('losses.0.weight=2').losses[0]!.weight).toBe(2);
  });

  test('take mappings and lists as values', () => {
    const { train } = withOverrides('train.optimizer={type: adam, lr: 0.001}');
    expect(train?.optimizer).toMatchObject({ type: 'adam', fields: { lr: 0.001 } });
    expect(withOverrides('outputs=[fc, logits]').outputs).toEqual(['fc', 'logits']);
  });

  test('with nothing behind the = remove a key', () => {
    expect(withOverrides('data.eval=').data).toHaveProperty('train');
    expect(withOverrides('data.eval=').data).not.toHaveProperty('eval');
  });

  test('put one length of the training in the place of the other', () => {
    const shorter = withOverrides('train.steps=5');
    expect([shorter.train?.steps, shorter.train?.epochs]).toEqual([5, undefined]);
    expect(shorter.resolved['train']).not.toHaveProperty('epochs');
    const longer = specOf(MODEL.replace('epochs: 10', 'steps: 10'), { overrides: ['train.epochs=3'] }).train;
    expect([longer?.steps, longer?.epochs]).toEqual([undefined, 3]);
    expect(found(MODEL, { overrides: ['train.steps=5', 'train.epochs=3'] })).toEqual(['1:1 conflicting-fields']);
  });

  test('come in order, the last one wins', () => {
    expect(withOverrides('train.epochs=3', 'train.epochs=4').train?.epochs).toBe(4);
  });

  test('are kept in the resolved model', () => {
    expect(withOverrides('train.epochs=3').resolved['train']).toMatchObject({ epochs: 3 });
  });

  test('are located on the command line, so that their paths can be trusted', () => {
    const { data } = withOverrides('train.epochs=3', 'data.train.images=/data/mnist.gz');
    expect(data.train!.fields['images']).toBe('/data/mnist.gz');
    expect(data.train!.at(['images'])).toMatchObject({ file: COMMAND_LINE, line: 2, column: 19, length: 14 });
    expect(data.train!.at(['labels']).file).toBe('model.yaml');
  });

  test('do not change the document for others', () => {
    withOverrides('layers.fc.units=5');
    expect(specOf(MODEL).layers[0]!.fields).toEqual({ units: 16 });
  });

  test.each(['train.epochs', '=3', 'train..epochs=3', '.a=1'])('%j is a mistake in the command', (override) => {
    expect(() => withOverrides(override)).toThrow(UsageError);
  });

  test('report a mistake at its place in the override', () => {
    expect(found(MODEL, { overrides: ['train.epochs=3', 'train.optimizer.lr=fast'] })).toEqual(['2:20 wrong-type']);
    expect(found(MODEL, { overrides: ['layers.conv9.units=3'] })).toEqual(['1:1 bad-override']);
    expect(found(MODEL, { overrides: ['name=*x'] })).toEqual(['1:6 yaml-syntax']);
  });
});
