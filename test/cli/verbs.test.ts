/** Every verb but train: what it prints, what its JSON holds, what it writes, how it ends. */
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { encodeNpy, readNpy } from '../../compiler/data/npy';
import type { CudaDescription } from '../../compiler/native/runtime';
import { load } from '../../compiler/train/load';
import { dlc, ModelFolder, SAMPLES, TINY, type Outcome } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

const ok = async (...args: string[]): Promise<Outcome> => {
  const outcome = await folder.dlc(args);
  expect(outcome).toMatchObject({ code: 0 });
  return outcome;
};
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await ok(...args)).stdout) as T;

beforeAll(() => folder.train('run', '--threads', '1'));

describe('dlc eval', () => {
  it('gives the figures of the whole evaluation set, those that training ended with', async () => {
    const figures = await json<Record<string, number>>('eval', 'model.yaml', '--weights', 'run/weights.h5', '--json');
    const { loss, accuracy } = folder.lines('run', 'metrics.jsonl').at(-1)!;
    expect(figures).toEqual({ samples: SAMPLES, loss, accuracy });
  });

  it('gives the same for people, from a checkpoint and with another batch size too', async () => {
    const { stdout } = await ok('eval', 'model.yaml', '--weights', 'run/checkpoints/step-00000012.h5', '--batch', '43');
    const { loss } = folder.lines('run', 'metrics.jsonl').at(-1)!;
    expect(stdout).toBe(`loss ${Number(Number(loss).toPrecision(4))}  accuracy 1  (43 samples)\n`);
  });

  it('takes gzipped data, and files named on the command line from the folder one is in', async () => {
    folder.write('packed/images.idx.gz', gzipSync(folder.read('images.idx')));
    const outcome = await folder.dlc(
      ['eval', '../model.yaml', '--weights', '../run/weights.h5', 'data.eval.images=images.idx.gz'],
      { cwd: folder.at('packed') },
    );
    expect(outcome).toMatchObject({ code: 0 });
  });
});

describe('dlc predict', () => {
  const picture = Uint8Array.from({ length: 36 }, (_, i) => (i < 12 ? 200 : 20));
  const array = { dtype: 'f32' as const, shape: [1, 6, 6], data: Float32Array.from(picture, (v) => v / 256) };

  beforeAll(async () => {
    folder.write('one.npy', encodeNpy(array));
    const many = Float32Array.from({ length: 70 * 36 }, (_, i) => array.data[i % 36]!);
    folder.write('many.npy', encodeNpy({ dtype: 'f32', shape: [70, 1, 6, 6], data: many }));
    await sharp(picture, { raw: { width: 6, height: 6, channels: 1 } })
      .png()
      .toFile(folder.at('one.png'));
  });

  it('runs a model without weights as it is written, as a bundle and in an application too', async () => {
    const model = {
      dlc: 1,
      name: 'double',
      inputs: { x: { shape: ['batch', 3] } },
      layers: [{ name: 'twice', type: 'expression', expr: '2 * x' }],
      outputs: ['twice'],
    };
    folder.write('double.json', JSON.stringify(model));
    folder.write('x.npy', encodeNpy({ dtype: 'f32', shape: [1, 3], data: Float32Array.of(1, 2, 3) }));
    await ok('predict', 'double.json', '--input', 'x=x.npy', '--out', 'twice');
    await ok('compile', 'double.json', '-o', 'double.dlcb');
    await ok('predict', 'double.dlcb', '--input', 'x=x.npy', '--out', 'bundled');
    const loaded = await load(folder.at('double.json'));
    const { twice } = await loaded.predict({ x: { dtype: 'f32', shape: [1, 3], data: Float32Array.of(1, 2, 3) } });
    loaded.close();
    for (const data of [
      (await readNpy(folder.at('twice', 'twice.npy'))).data,
      (await readNpy(folder.at('bundled', 'twice.npy'))).data,
      twice!.data,
    ])
      expect(Array.from(data, Number)).toEqual([2, 4, 6]);
  });

  it('turns an array into an array', async () => {
    const { stdout } = await ok(
      'predict',
      'model.yaml',
      '--weights',
      'run/weights.h5',
      '--input',
      'image=one.npy',
      '--out',
      'a',
    );
    expect(stdout).toBe('a/probs.npy  f32[1,3]\n');
    const { dtype, shape, data } = await readNpy(folder.at('a', 'probs.npy'));
    expect([dtype, shape]).toEqual(['f32', [1, 3]]);
    expect(Array.from(data, Number).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  });

  it('reads a PNG as the data section would, and needs no model file beside the weights', async () => {
    await ok('predict', 'run/weights.h5', '--input', 'image=one.png', '--out', 'b');
    expect(folder.read('b', 'probs.npy').equals(folder.read('a', 'probs.npy'))).toBe(true);
  });

  it('joins several files, and predicts them one by one or together to the same', async () => {
    const both = ['--input', 'image=one.npy', '--input', 'image=one.png'];
    await ok('predict', 'run/weights.h5', ...both, '--out', 'c');
    const { shape, data } = await readNpy(folder.at('c', 'probs.npy'));
    const alone = await readNpy(folder.at('a', 'probs.npy'));
    expect(shape).toEqual([2, 3]);
    for (const row of [0, 1]) {
      Array.from(alone.data, Number).forEach((p, i) => expect(Number(data[row * 3 + i])).toBeCloseTo(p, 5));
    }
  });

  it('cuts many samples into batches and a last partial one', async () => {
    await ok('predict', 'run/weights.h5', '--input', 'image=many.npy', '--out', 'd');
    const { shape, data } = await readNpy(folder.at('d', 'probs.npy'));
    expect(shape).toEqual([70, 3]);
    expect(Number(data[69 * 3])).toBeCloseTo(Number(data[0]), 5);
  });

  it('shows samples of the data section', async () => {
    const { stdout } = await ok('predict', 'model.yaml', '--weights', 'run/weights.h5', '--samples', '2', '--show');
    expect(stdout).toMatch(/[012] \(\d+\.\d %\)/);
  });
});

interface Listed {
  readonly files: number;
  readonly errors: number;
  readonly warnings: number;
  readonly diagnostics: readonly Record<string, unknown>[];
}

describe('dlc validate', () => {
  beforeAll(() => {
    folder.write('models/good.yaml', TINY);
    folder.write('models/deeper/bad.yaml', TINY.replace('filters: 4', 'filtres: 4').replace('units: 3', 'units: x'));
    folder.write('spare.yaml', TINY.replace('  label: {shape', '  spare: {shape: [N, 3]}\n  label: {shape'));
  });

  it('finds the model files of a folder and reports every mistake as JSON', async () => {
    const { code, stdout } = await folder.dlc(['validate', 'models', '--format', 'json']);
    const listed = JSON.parse(stdout) as Listed;
    expect(code).toBe(1);
    expect(listed.files).toBe(2);
    expect(listed.errors).toBe(listed.diagnostics.length);
    expect(listed.diagnostics.map((d) => [d['line'], d['code']])).toEqual(
      expect.arrayContaining([
        [7, 'unknown-field'],
        [10, 'wrong-type'],
      ]),
    );
    const keys = ['file', 'line', 'column', 'endLine', 'endColumn', 'severity', 'code', 'message', 'hint'];
    expect(Object.keys(listed.diagnostics.find((d) => d['code'] === 'unknown-field')!)).toEqual(
      expect.arrayContaining(keys),
    );
  });

  it.each([
    ['pretty', /^models\/deeper\/bad\.yaml:7:\d+: error: /m],
    ['sarif', /"version": ?"2\.1\.0"/],
    ['junit', /<testsuites?[ >]/],
    ['github', /^::error file=models\/deeper\/bad\.yaml,line=7,/m],
  ])('speaks %s', async (format, expected) => {
    const { code, stdout } = await folder.dlc(['validate', 'models/**/*.yaml', '--format', format]);
    expect(code).toBe(1);
    expect(stdout).toMatch(expected);
  });

  it('lets warnings pass, unless they are to count or to be silent', async () => {
    expect((await ok('validate', 'spare.yaml')).stdout).toContain('[unused-input]');
    expect(await folder.dlc(['validate', 'spare.yaml', '--warnings-as-errors'])).toMatchObject({ code: 1 });
    const silent = await ok('validate', 'spare.yaml', '--silence', 'unused-input', '--warnings-as-errors');
    expect(silent.stdout).not.toContain('unused-input');
  });
});

interface Inspected {
  readonly name: string;
  readonly params: number;
  readonly flops: number;
  readonly layers: readonly {
    readonly name: string;
    readonly type: string;
    readonly outputs: unknown;
    readonly params: number;
    readonly flops: number;
  }[];
  readonly memory: Readonly<Record<'train' | 'predict', { readonly bytes: number }>>;
}

describe('dlc inspect', () => {
  it('has shapes, parameters, FLOPs and memory in its JSON', async () => {
    const found = await json<Inspected>('inspect', 'model.yaml', '--json');
    expect(found).toMatchObject({ name: 'tiny', params: 40 + 8 + 195 });
    expect(found.layers.map(({ name, type, params }) => [name, type, params])).toEqual([
      ['conv', 'conv2d', 40],
      ['norm', 'batch_norm', 8],
      ['drop', 'dropout', 0],
      ['logits', 'dense', 195],
      ['probs', 'softmax', 0],
    ]);
    expect(found.layers[0]!.outputs).toEqual([[8, 4, 4, 4]]);
    expect(found.memory.train.bytes).toBeGreaterThan(found.memory.predict.bytes);
  });

  it('plans the bytes that the run then states, for any batch', async () => {
    const { memory } = await json<Inspected>('inspect', 'model.yaml', '--json');
    const larger = await json<Inspected>('inspect', 'model.yaml', '--json', '--batch', '16');
    const { planned_bytes: planned } = JSON.parse(folder.text('run', 'run.json')) as { planned_bytes: number };
    expect(Math.abs(planned / memory.train.bytes - 1)).toBeLessThan(0.05);
    expect(larger.memory.train.bytes).toBeGreaterThan(memory.train.bytes);
  });

  it('draws a table for people', async () => {
    const { stdout } = await ok('inspect', 'model.yaml');
    expect(stdout).toMatch(/^conv +conv2d +\[8, 4, 4, 4\] +40 /m);
    expect(stdout).toContain('peak memory at batch 8');
  });
});

describe('dlc expand and compile', () => {
  it('expands to a model that expands to itself', async () => {
    const repeated = TINY.replace(
      '  - {name: drop',
      '  - {name: more, type: unit, repeat: 2, size: 4}\n  - {name: drop',
    ).replace(
      'layers:',
      'blocks:\n  unit:\n    params: {size: {type: integer}}\n    layers: [{name: c, type: conv2d, filters: $size, kernel: 1}]\nlayers:',
    );
    folder.write('blocks.yaml', repeated);
    const { stdout } = await ok('expand', 'blocks.yaml');
    expect(stdout).toContain('more/1/c');
    folder.write('expanded.yaml', stdout);
    expect((await ok('expand', 'expanded.yaml')).stdout).toBe(stdout);
    expect(await json('expand', 'blocks.yaml', '--json')).toMatchObject({ name: 'tiny' });
  });

  it('prints the IR of every program, at any stage', async () => {
    const { stdout } = await ok('compile', 'model.yaml');
    expect(stdout.match(/^graph \w+/gm)).toEqual(['graph train', 'graph eval', 'graph predict', 'graph init']);
    const early = await ok('compile', 'model.yaml', '--program', 'train', '--after', 'input');
    const late = await ok('compile', 'model.yaml', '--program', 'train', '--after', 'fuse_elementwise');
    expect(early.stdout).not.toContain('fused_elementwise');
    expect(late.stdout).toContain('fused_elementwise');
    expect(late.stdout).toContain('model.yaml:7:5');
  });

  it('prints the plan, and writes the blob', async () => {
    expect((await ok('compile', 'model.yaml', '--emit', 'plan')).stdout).toContain('train@8');
    await ok('compile', 'model.yaml', '--emit', 'plan', '--output', 'tiny.plan');
    expect(folder.read('tiny.plan').length).toBeGreaterThan(1000);
  });
});

describe('dlc init, schema, devices, bench', () => {
  it('writes a starter that is valid, and never over another file', async () => {
    await ok('init', 'fresh');
    expect((await ok('validate', 'fresh')).stderr).toContain('fresh/model.yaml: no problems');
    expect(await folder.dlc(['init', 'fresh'])).toMatchObject({ code: 2 });
  });

  it('prints the schema that is committed', async () => {
    expect(JSON.parse((await ok('schema')).stdout)).toEqual(
      JSON.parse(JSON.stringify(jest.requireActual('../../schema/dlc.schema.json'))),
    );
  });

  it('says what the machine can run', async () => {
    const { devices } = await json<{ devices: Record<string, unknown>[] }>('devices', '--json');
    expect(devices[0]).toMatchObject({ device: 'cpu', kernels: expect.arrayContaining(['conv', 'matmul']) as unknown });
  });

  it('says what there is of CUDA, and refuses it with the same words where it is not usable', async () => {
    const { devices } = await json<{ devices: CudaDescription[] }>('devices', '--json');
    const cuda = devices.find(({ device }) => device === 'cuda')!;
    expect(cuda.libraries.map(({ name }) => name)).toEqual(['the CUDA driver', 'NVRTC', 'cuBLASLt', 'cuDNN', 'NCCL']);
    for (const { version, path, problem } of cuda.libraries) expect(problem === '').toBe(version !== '' && path !== '');
    if (cuda.usable) {
      console.log('SKIPPED: this machine has a card');
      return;
    }
    expect(cuda.problem).toMatch(/^the CUDA driver|^no card|^NVRTC/);
    const { code, stderr } = await folder.dlc(['bench', 'model.yaml', '--device', 'cuda']);
    expect([code, stderr]).toEqual([3, `dlc: device 'cuda': ${cuda.problem}\n`]);
  });

  it.each(['train', 'predict'])('times %s', async (mode) => {
    const found = await json<Record<string, number>>('bench', 'model.yaml', '--mode', mode, '--seconds', '1', '--json');
    for (const key of ['median_ms', 'items_per_s', 'peak_rss_bytes', 'planned_bytes']) {
      expect([key, found[key]! > 0]).toEqual([key, true]);
    }
  });
});

describe('the command line itself', () => {
  it.each([
    [['trian'], "there is no verb 'trian'", "did you mean 'train'?"],
    [['nonsense'], "there is no verb 'nonsense'", 'verbs: '],
    [['train'], "missing required argument 'model'", ''],
    [['train', 'model.yaml', '--bogus'], "unknown option '--bogus'", ''],
    [['train', 'model.yaml', '--resmue'], "unknown option '--resmue'", '--resume'],
    [['train', 'model.yaml', 'epochs'], "'epochs' is not an override", 'KEY=VALUE'],
    [['train', 'model.yaml', '--threads', '-1'], '--threads takes a whole number of at least 0', ''],
    [['train', 'model.yaml', '--seed', '1.5'], '--seed takes a whole number of at least 0', ''],
    [['eval', 'model.yaml'], 'dlc eval needs weights', '--weights'],
    [['predict', 'run/weights.h5'], 'dlc predict takes --input NAME=FILE', ''],
    [['predict', 'run/weights.h5', '--samples', '1'], 'say where the outputs go', '--out DIR'],
    [['predict', 'run/weights.h5', '--input', 'image', '--show'], '--input takes NAME=FILE', ''],
    [['compile', 'model.yaml', '--explain', '--emit', 'plan'], '--explain tells of the finished plan', '--emit'],
    [['compile', 'model.yaml', '--json'], '--json is for --explain', '--explain'],
    [['compile', 'model.yaml', '--after', 'fuze'], "no pass is called 'fuze'", 'fuse_elementwise'],
    [['compile', 'model.yaml', '--emit', 'plan', '--after', 'dce'], '--after belongs to --emit ir', ''],
    [['validate', '*.nothing'], "'*.nothing' matches no model file", ''],
    [['validate', 'model.yaml', '--format', 'xml'], '--format takes pretty', 'sarif'],
    [['validate', 'model.yaml', '--silence', 'x'], "no warning has the code 'x'", 'unused-layer'],
  ])('refuses %j with exit code 2', async (args, message, hint) => {
    const { code, stdout, stderr } = await folder.dlc(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('has help and a version', async () => {
    const help = await dlc(['--help']);
    expect(help.code).toBe(0);
    for (const verb of [
      'train',
      'eval',
      'predict',
      'validate',
      'inspect',
      'expand',
      'compile',
      'bench',
      'devices',
      'schema',
      'init',
    ])
      expect(help.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    expect((await dlc(['train', '--help'])).stdout).toContain('--resume');
    expect((await dlc(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
