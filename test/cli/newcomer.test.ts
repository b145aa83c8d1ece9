/** What a first user meets: the figures at the end, the kept model that trains again, predictions of bytes, Ctrl-C twice. */
import { encodeNpy } from '../../compiler/data/npy';
import { Interrupt } from '../../cli/interrupt';
import { ModelFolder, TINY } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

beforeAll(() => folder.train('run'));

describe('training without evaluation data', () => {
  it('ends with the figures of the last epoch', async () => {
    const { stdout } = await folder.train('plain', 'data.eval=');
    expect(stdout).toMatch(
      /^trained 12 steps in .*: training loss [\d.e-]+ {2}accuracy [\d.]+, mean of the last epoch$/m,
    );
    const { stdout: json } = await folder.train('json', 'data.eval=', '--json');
    const { training } = JSON.parse(json) as { readonly training: Record<string, number> };
    const lines = folder.lines('json', 'metrics.jsonl').filter(({ epoch }) => epoch === 2);
    // Every batch has 8 samples but the last one, which has 3.
    const sum = lines.reduce((total, { loss }, i) => total + Number(loss) * (i === 5 ? 3 : 8), 0);
    expect(training['loss']).toBeCloseTo(sum / 43, 5);
  });

  it('says the evaluation where there is one', async () => {
    const { stdout } = await folder.train('evaluated');
    expect(stdout).toMatch(/^trained 12 steps in [^:]*: loss /m);
    expect(stdout).not.toContain('mean of the last epoch');
  });
});

describe('the kept model of a run', () => {
  it('trains again: its paths start where those of the model did', async () => {
    const { code } = await folder.dlc(['train', 'run/model.yaml', '--run-dir', 'deep/er/again']);
    expect(code).toBe(0);
    expect(folder.read('deep/er/again', 'weights.h5').equals(folder.read('run', 'weights.h5'))).toBe(true);
    const { code: third } = await folder.dlc(['train', 'deep/er/again/model.yaml', '--run-dir', 'third']);
    expect(third).toBe(0);
  });

  it('never takes the place of a model that is no run’s', async () => {
    folder.write('mine/model.yaml', TINY);
    const { code, stderr } = await folder.dlc(['train', 'model.yaml', '--run-dir', 'mine']);
    expect([code, stderr.replace(/\/\S*mine/, 'mine')]).toEqual([
      2,
      'dlc: mine/model.yaml would be overwritten\n  hint: choose another folder with --run-dir\n',
    ]);
    expect(folder.text('mine/model.yaml')).toBe(TINY);
  });
});

describe('prediction', () => {
  const predict = async (input: string, out: string, ...args: string[]): Promise<string> => {
    const files = ['--input', `image=${input}`, '--out', out, '--show'];
    const { code, stdout, stderr } = await folder.dlc([
      'predict',
      'model.yaml',
      '--weights',
      'run/weights.h5',
      ...files,
      ...args,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  const bytes = Uint8Array.from({ length: 2 * 36 }, (_, i) => (i * 37) % 256);

  it('normalizes bytes as the data section says, and takes floats as they are', async () => {
    folder.write('bytes.npy', encodeNpy({ dtype: 'u8', shape: [2, 1, 6, 6], data: bytes }));
    const scaled = Float32Array.from(bytes, (byte) => byte * 0.00390625);
    folder.write('scaled.npy', encodeNpy({ dtype: 'f32', shape: [2, 1, 6, 6], data: scaled }));
    folder.write('raw.npy', encodeNpy({ dtype: 'f32', shape: [2, 1, 6, 6], data: Float32Array.from(bytes) }));
    for (const name of ['bytes', 'scaled', 'raw']) await predict(`${name}.npy`, name);
    expect(folder.read('bytes/probs.npy').equals(folder.read('scaled/probs.npy'))).toBe(true);
    expect(folder.read('raw/probs.npy').equals(folder.read('scaled/probs.npy'))).toBe(false);
    const idx = ['data.eval=', 'data.train={type: synthetic, size: 8}'];
    await predict('bytes.npy', 'plain', ...idx);
    expect(folder.read('plain/probs.npy').equals(folder.read('raw/probs.npy'))).toBe(true);
  });

  it('shows every output by its name, and one alone without', async () => {
    expect(await predict('scaled.npy', 'one')).toMatch(/^\d \(\d+\.\d %\)/m);
    const two = await predict('scaled.npy', 'two', 'outputs=[probs, logits]');
    expect(two).toMatch(/^probs: \d \(\d+\.\d %\) +probs: /m);
    expect(two).toMatch(/^logits: -?[\d.]+ -?[\d.]+ -?[\d.]+ +logits: /m);
  });
});

describe('dlc validate', () => {
  it('takes overrides as the other verbs do', async () => {
    expect(await folder.dlc(['validate', 'model.yaml', 'train.epochs=3'])).toMatchObject({ code: 0 });
    const { code, stdout } = await folder.dlc(['validate', 'model.yaml', 'train.epoch=3']);
    expect([code, stdout]).toEqual([1, expect.stringContaining('did you mean `epochs`?')]);
    const none = await folder.dlc(['validate', 'train.epochs=3']);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('needs a model file') as string });
  });

  it('shows the right form where a bare name stands', async () => {
    const args = ['metrics=[accuracy]', 'train.optimizer=adam', 'losses=mse'];
    const { stdout } = await folder.dlc(['validate', 'model.yaml', ...args]);
    expect(stdout).toContain(
      'a metric must be a mapping `{type: accuracy, inputs: [logits, label]}`; found text "accuracy"',
    );
    expect(stdout).toContain('hint: write `{type: adam, lr: 0.001}`');
    expect(stdout).toMatch(/hint: write `\[\{type: mse, inputs: .*\}\]`/);
  });
});

describe('an interrupt', () => {
  it('asks once, and the second time ends the process by the signal', () => {
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    const before = process.listenerCount('SIGINT');
    const asked = jest.fn();
    const interrupt = new Interrupt(asked);
    interrupt.listen();
    process.emit('SIGINT', 'SIGINT');
    expect([interrupt.requested(), asked.mock.calls.length, kill.mock.calls.length]).toEqual([true, 1, 0]);
    process.emit('SIGINT', 'SIGINT');
    // With no listener left the signal does what it does by default: it ends the process at once.
    expect(process.listenerCount('SIGINT')).toBe(before);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]);
    kill.mockRestore();
  });
});
