/**
 * Bad models, data and weights: the exact exit code, a message at file:line:column, nothing but the message, and
 * nothing lost of what was there before.
 */
import { gzipSync } from 'node:zlib';
import { existsSync, truncateSync } from 'node:fs';
import { idxBytes } from '../data/fixtures';
import { loadWeights } from '../../compiler/weights/files';
import { ModelFolder, SAMPLES, TINY, type Outcome } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

/** A place in a file, the severity, the code in brackets: what every problem reads like. */
const PLACED = /^(.+):(\d+):(\d+): error: .+ \[[a-z0-9-]+\]$/m;

function expectFault({ code, stdout, stderr }: Outcome, start: string, text: string): void {
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(PLACED);
  expect(stderr).toContain(`${start}: error: `);
  expect(stderr).toContain(text);
  expect(stderr).not.toMatch(/^ +at /m);
}

const train = (runDir: string, ...args: string[]): Promise<Outcome> =>
  folder.dlc(['train', 'model.yaml', '--run-dir', runDir, ...args]);

describe('a model file', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `  - {name: l${i}, type: dense, units: 4}\n`).join('');
  const letters = Array.from('abcdefghij');
  const bomb = letters.map(
    (name, i) =>
      `${name}: &${name} [${Array(9)
        .fill(i === 0 ? 1 : `*${letters[i - 1]!}`)
        .join(', ')}]\n`,
  );
  const simple = 'dlc: 1\nname: x\ninputs: {x: {shape: [N, 4]}}\nlayers:\n';
  const files: Record<string, string | Uint8Array> = {
    'latin1.yaml': Buffer.from('dlc: 1\nname: gr\xf6sse\n', 'latin1'),
    'bomb.yaml': `dlc: 1\nname: x\n${bomb.join('')}`,
    'billion.yaml': `${simple.replace('[N, 4]', '[N, 1000000, 10000]')}  - {name: d, type: flatten}\n`,
    'deep.yaml': `dlc: 1\nname: x\nlayers: ${'['.repeat(5000)}${']'.repeat(5000)}\n`,
    'deep.json': `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
    'outside.yaml': TINY.replace('images: images.idx', 'images: ../images.idx'),
    'absolute.yaml': TINY.replace('images: images.idx', 'images: /etc/hostname'),
    'missing.yaml': TINY.replace('images: images.idx', 'images: imges.idx'),
    'many.yaml': `${simple}${many}`,
  };
  beforeAll(() => Object.entries(files).forEach(([name, content]) => folder.write(name, content)));

  it.each([
    ['latin1.yaml', 'latin1.yaml:2:9', 'the text is not UTF-8: byte 0xf6'],
    ['bomb.yaml', 'bomb.yaml:1:1', 'aliases make more than'],
    ['billion.yaml', 'billion.yaml:3:21', 'has 10,000,000,000 elements'],
    ['deep.yaml', 'deep.yaml:3:108', 'nested more than 100 levels deep'],
    ['deep.json', 'deep.json:1:497', 'nested more than 100 levels deep'],
    ['none.yaml', 'none.yaml:1:1', 'there is no such file'],
    ['.', '.:1:1', 'it is a folder'],
    ['outside.yaml', 'outside.yaml:16:30', "`../images.idx` leads out of the model's folder"],
    ['absolute.yaml', 'absolute.yaml:16:30', "`/etc/hostname` leads out of the model's folder"],
    ['missing.yaml', 'missing.yaml:16:30', '`imges.idx`: there is no such file'],
    ['missing.yaml', 'missing.yaml:16:30', 'paths start at the folder of `missing.yaml`'],
  ])('%s is refused at its place', async (file, start, text) => {
    expectFault(await folder.dlc(['train', file, '--run-dir', 'never']), start, text);
    expect(existsSync(folder.at('never'))).toBe(false);
  });

  it('of 10,000 layers is validated and inspected', async () => {
    expect(await folder.dlc(['validate', 'many.yaml'])).toMatchObject({ code: 0 });
    const { code, stdout } = await folder.dlc(['inspect', 'many.yaml', '--json']);
    expect([code, (JSON.parse(stdout) as { params: number }).params]).toEqual([0, 200_000]);
  });

  it('with an override that names nothing is refused at the override', async () => {
    expectFault(await train('never', 'train.epoch=3'), '<command line>:1:1', 'did you mean `epochs`?');
    expectFault(await train('never', 'train.epochs=many'), '<command line>:1:14', 'train.epochs=many');
  });
});

describe('data', () => {
  const labels = Uint8Array.from({ length: SAMPLES }, (_, i) => (i === 20 ? 9 : i % 3));

  it.each([
    ['short.idx', (good: Buffer) => good.subarray(0, 500), 'says 43 images of 6x6 but holds 13'],
    ['short.idx.gz', (good: Buffer) => gzipSync(good).subarray(0, 250), 'the gzip stream ends early'],
    ['broken.idx.gz', (good: Buffer) => gzipSync(good).fill(0xff, 60, 90), 'broken.idx.gz`: '],
    ['empty.idx', () => Buffer.alloc(0), 'empty.idx`: '],
    ['text.idx', () => Buffer.from('these are no pictures'), 'not an IDX file'],
    ['vast.idx', (good: Buffer) => Buffer.concat([good.subarray(0, 4), Buffer.alloc(12, 0xff)]), 'vast.idx`: '],
    ['few.idx', () => idxBytes([9, 6, 6], new Uint8Array(9 * 36)), '9'],
    ['large.idx', () => idxBytes([SAMPLES, 7, 6], new Uint8Array(SAMPLES * 42)), 'large.idx'],
  ])('in %s is refused at the command line that names it', async (name, make, text) => {
    folder.write(name, make(folder.read('images.idx')));
    const outcome = await train('never', `data.train.images=${name}`);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(PLACED);
    expect(outcome.stderr).toContain(text);
    expect(outcome.stderr).not.toMatch(/^ +at /m);
    expect(existsSync(folder.at('never'))).toBe(false);
  });

  it('with a label out of range stops training and evaluation at the loss, and names step and samples', async () => {
    folder.write('labels9.idx', idxBytes([SAMPLES], labels));
    const training = await train('labels', 'data.train.labels=labels9.idx', 'data.train.shuffle=false');
    expectFault(training, 'model.yaml:13:10', 'label 9 at position 4 is outside 0..2 (step 3)');
    expect(folder.lines('labels', 'metrics.jsonl').map(({ step }) => step)).toEqual([1, 2]);
    expect(JSON.parse(folder.text('labels', 'run.json'))).toMatchObject({ status: 'failed' });
    await folder.train('fine', 'train.steps=0');
    const evaluation = ['eval', 'model.yaml', '--weights', 'fine/weights.h5', 'data.eval.labels=labels9.idx'];
    expectFault(
      await folder.dlc(evaluation),
      'model.yaml:13:10',
      'label 9 at position 4 is outside 0..2 (evaluating samples 16..23)',
    );
  });
});

describe('weights', () => {
  beforeAll(() => folder.train('good'));
  const evaluate = (weights: string, model = 'model.yaml'): Promise<Outcome> =>
    folder.dlc(['eval', model, '--weights', weights]);

  it('that are cut short, damaged, empty, something else or not there are refused', async () => {
    const good = folder.read('good', 'weights.h5');
    folder.write('cut.h5', good.subarray(0, good.length >> 1));
    // Inside the data of a tensor, which HDF5 itself would not notice.
    const { tensors } = await loadWeights(folder.at('good', 'weights.h5'));
    const bias = tensors.get('logits.bias')!.data as Float32Array<ArrayBuffer>;
    const at = good.indexOf(Buffer.from(bias.buffer, bias.byteOffset, bias.byteLength));
    expect(at).toBeGreaterThan(0);
    folder.write('damaged.h5', Buffer.from(good).fill(0x41, at, at + 4));
    folder.write('empty.h5', '');
    folder.write('text.h5', 'weights, honestly\n'.repeat(99));
    expectFault(await evaluate('cut.h5'), 'cut.h5:1:1', 'the file ends early');
    expectFault(await evaluate('damaged.h5'), 'damaged.h5:1:1', 'the checksum differs');
    expectFault(await evaluate('empty.h5'), 'empty.h5:1:1', 'the file is empty');
    expectFault(await evaluate('text.h5'), 'text.h5:1:1', 'not an HDF5 file');
    expectFault(await evaluate('none.h5'), 'none.h5:1:1', 'there is no such file');
    expectFault(await folder.dlc(['inspect', 'cut.h5']), 'cut.h5:1:1', 'the file ends early');
  });

  it('of another shape name the first tensors with both sides, and how many more', async () => {
    folder.write('wider.yaml', TINY.replace('filters: 4', 'filters: 5'));
    const outcome = await evaluate('good/weights.h5', 'wider.yaml');
    expectFault(
      outcome,
      'good/weights.h5:1:1',
      '`conv.weight` is f32[4,1,3,3] in `good/weights.h5` and f32[5,1,3,3] in the model',
    );
    expect(outcome.stderr.match(/\[weights-mismatch\]/g)).toHaveLength(6);
    expect(outcome.stderr).toContain('2 more tensors do not fit');
    expectFault(await train('never2', '--weights', 'cut.h5'), 'cut.h5:1:1', 'the file ends early');
  });

  it('that are damaged in the newest checkpoint send a resumed run to the one before', async () => {
    const reference = folder.read('good', 'weights.h5');
    truncateSync(folder.at('good', 'checkpoints', 'step-00000012.h5'), 3000);
    const { stderr } = await folder.train('good', '--resume');
    expect(stderr).toContain('step-00000012.h5:1:1: warning: ');
    expect(stderr).toContain('goes on at step 6 of 12');
    expect(folder.read('good', 'weights.h5').equals(reference)).toBe(true);
  });

  it('of another run are not resumed: another seed, another model', async () => {
    const files = folder.list('good', 'checkpoints');
    const seed = await train('good', '--resume', '--seed', '4');
    expect([seed.code, seed.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^dlc: the run in .*good has the seed 0, not 4\n {2}hint: resume it as it began, or begin a new run with --weights\n$/,
      ),
    ]);
    const model = await folder.dlc(['train', 'wider.yaml', '--resume', '--run-dir', 'good']);
    expect(model.code).toBe(1);
    expect(model.stderr).toContain('f32[5,1,3,3] in the model [weights-mismatch]');
    const optimizer = await train('good', '--resume', 'train.optimizer={type: adam, lr: 0.1}');
    expect(optimizer.code).toBe(1);
    expect(optimizer.stderr).toContain('[weights-mismatch]');
    expect(folder.list('good', 'checkpoints')).toEqual(files);
  });
});

describe('what is given to dlc predict', () => {
  beforeAll(() => folder.train('p', 'train.steps=0'));
  const NPY = Buffer.from(
    "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 6, 6), }",
    'latin1',
  );
  it.each([
    ['image=none.npy', () => undefined, '`none.npy`: there is no such file'],
    ['image=cut.npy', () => folder.write('cut.npy', NPY), '`cut.npy`: '],
    ['image=text.npy', () => folder.write('text.npy', 'text'), '`text.npy`: not a .npy file'],
    ['image=cut.png', () => folder.write('cut.png', '\x89PNG\r\n'), '`cut.png`: '],
    ['imag=text.npy', () => undefined, 'did you mean `image`?'],
  ])('%s is refused', async (input, make, text) => {
    make();
    const outcome = await folder.dlc(['predict', 'p/weights.h5', '--input', input, '--out', 'never3']);
    expectFault(outcome, '<command line>:1:1', text);
    expect(existsSync(folder.at('never3'))).toBe(false);
  });
});
