/** What `dlc diff` finds between two models, and what it takes no notice of. */
import { diffModels, type ModelDiff } from '../../compiler/diff/diff';
import { canonical, changesOf } from '../../compiler/diff/values';
import { loadSpecText } from '../../compiler/frontend/load';
import { ModelFolder, TINY } from '../support/cli';

const diff = (before: string, after: string): ModelDiff =>
  diffModels(loadSpecText(before, 'a.yaml'), loadSpecText(after, 'b.yaml'));
const edited = (...edits: readonly (readonly [string, string])[]): string =>
  edits.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new TypeError(`no '${from}'`);
    return text.replace(from, to);
  }, TINY);
const changed = (...edits: readonly (readonly [string, string])[]): ModelDiff => diff(TINY, edited(...edits));

describe('values', () => {
  it('have no order of keys, and a number is a list of it', () => {
    expect(canonical({ b: 1, a: [3, 3] })).toBe(canonical({ a: 3, b: 1 }));
    expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
    expect(canonical(['a'])).not.toBe(canonical('a'));
  });

  it('are compared path by path', () => {
    const was = { a: { b: 1, c: 2 }, d: [1, 2], gone: null };
    expect(changesOf(was, { a: { b: 1, c: 3 }, d: [1], new: true })).toEqual([
      { field: 'a.c', was: 2, is: 3 },
      { field: 'd', was: [1, 2], is: [1] },
      { field: 'gone', was: null },
      { field: 'new', is: true },
    ]);
  });
});

describe('the same model', () => {
  it.each([
    ['comments and a description', [['name: tiny', 'name: tiny # small\ndescription: a tiny one']]],
    ['the order of keys', [['filters: 4, kernel: 3', 'kernel: 3, filters: 4']]],
    ['defaults that are written', [['kernel: 3', 'kernel: [3, 3], stride: 1, frozen: false']]],
    ['inputs that are written', [['type: batch_norm,', 'type: batch_norm, inputs: conv,']]],
  ] as const)('shows through %s', (_, edits) => {
    const found = changed(...edits);
    expect([found.layers, found.sections]).toEqual([{ added: [], removed: [], changed: [] }, []]);
    expect(found.same).toBe(true);
    expect(found.weights.kept).toHaveLength(8);
  });

  it('shows through blocks that are cut otherwise', () => {
    const layers = '  - {name: conv, type: conv2d, filters: 4, kernel: 3}\n';
    const block = 'blocks:\n  one:\n    layers:\n    - {name: c, type: conv2d, filters: 4, kernel: 3}\nlayers:\n';
    const inBlock = TINY.replace(layers, '  - {name: stem, type: one}\n').replace('layers:\n', block);
    const direct = TINY.replace('name: conv,', 'name: stem/c,');
    expect(diff(inBlock, direct).same).toBe(true);
  });
});

describe('layers', () => {
  it('are added and taken out, and their neighbours have other inputs', () => {
    const without = changed(['  - {name: drop, type: dropout, rate: 0.25}\n', '']);
    expect(without.layers).toEqual({
      added: [],
      removed: [{ name: 'drop', type: 'dropout' }],
      changed: [{ name: 'logits', changes: [{ field: 'inputs', was: ['drop'], is: ['norm'] }] }],
    });
    expect(diff(edited(['  - {name: drop, type: dropout, rate: 0.25}\n', '']), TINY).layers.added).toEqual([
      { name: 'drop', type: 'dropout' },
    ]);
  });

  it('change fields, shapes and weights', () => {
    const found = changed(['filters: 4', 'filters: 5']);
    expect(found.layers.changed).toEqual([
      {
        name: 'conv',
        changes: [
          { field: 'filters', was: 4, is: 5 },
          { field: 'outputs', was: '[1, 4, 4, 4]', is: '[1, 5, 4, 4]' },
        ],
      },
      { name: 'norm', changes: [{ field: 'outputs', was: '[1, 4, 4, 4]', is: '[1, 5, 4, 4]' }] },
      { name: 'drop', changes: [{ field: 'outputs', was: '[1, 4, 4, 4]', is: '[1, 5, 4, 4]' }] },
    ]);
    // conv 4·9 + 4, norm 2·4, logits 3·64 + 3; and with 5 filters.
    expect(found.figures.params).toEqual({ before: 243, after: 5 * 9 + 5 + 10 + 3 * 80 + 3 });
    expect(found.figures.train_bytes!.after).toBeGreaterThan(found.figures.train_bytes!.before);
    expect(found.weights.kept).toEqual(['logits.bias']);
    expect(found.weights.reshaped).toContainEqual({
      name: 'conv.weight',
      was: 'f32[4, 1, 3, 3]',
      is: 'f32[5, 1, 3, 3]',
    });
  });

  it('are found again under another name, with all that refers to them', () => {
    const found = changed(
      ['name: conv,', 'name: stem,'],
      ['name: logits', 'name: head'],
      ['inputs: [logits, label]', 'inputs: [head, label]'],
      ['inputs: [logits, label]', 'inputs: [head, label]'],
    );
    expect(found.layers).toEqual({
      added: [],
      removed: [],
      changed: [
        { name: 'conv', renamed: 'stem', changes: [] },
        { name: 'logits', renamed: 'head', changes: [] },
      ],
    });
    expect(found.sections).toEqual([]);
    expect(found.weights.renamed).toContainEqual({ from: 'conv.weight', to: 'stem.weight' });
  });

  it('are found again under another name and with another field', () => {
    const found = changed(['name: drop, type: dropout, rate: 0.25', 'name: noise, type: dropout, rate: 0.5']);
    expect(found.layers.changed).toEqual([
      { name: 'drop', renamed: 'noise', changes: [{ field: 'rate', was: 0.25, is: 0.5 }] },
    ]);
  });

  it('become of another type', () => {
    const found = changed(['name: drop, type: dropout, rate: 0.25', 'name: drop, type: relu']);
    expect(found.layers).toEqual({
      added: [],
      removed: [],
      changed: [{ name: 'drop', changes: [{ field: 'type', was: 'dropout', is: 'relu' }] }],
    });
  });
});

test('sections differ by path, losses and metrics by name', () => {
  const found = changed(
    ['lr: 0.05', 'lr: 0.1'],
    ['{type: accuracy,', '{type: top_k, k: 2, name: accuracy,'],
    ['outputs: [probs]', 'outputs: [logits, probs]'],
  );
  expect(found.layers.changed).toEqual([]);
  expect(found.sections).toEqual([
    { field: 'outputs', was: ['probs'], is: ['logits', 'probs'] },
    { field: 'metrics.accuracy.type', was: 'accuracy', is: 'top_k' },
    { field: 'metrics.accuracy.k', is: 2 },
    { field: 'train.optimizer.lr', was: 0.05, is: 0.1 },
  ]);
});

describe('dlc diff', () => {
  const folder = new ModelFolder();
  afterAll(() => folder.remove());
  folder.write('wider.yaml', edited(['filters: 4', 'filters: 5']));

  it('says it in words, in JSON, and by its exit code where asked', async () => {
    const words = await folder.dlc(['diff', 'model.yaml', 'wider.yaml']);
    expect(words.code).toBe(0);
    expect(words.stdout).toContain('  ~ conv\n      filters: 4 → 5\n      outputs: [1, 4, 4, 4] → [1, 5, 4, 4]\n');
    expect(words.stdout).toContain('parameters      243 → 303  (+60, +24.7 %)');
    expect(words.stdout).toContain('   1 of 8 transfer as they are\n');
    const json = await folder.dlc(['diff', 'model.yaml', 'wider.yaml', '--json', '--exit-code']);
    expect([json.code, (JSON.parse(json.stdout) as ModelDiff).same]).toEqual([1, false]);
    const same = await folder.dlc(['diff', 'model.yaml', 'model.yaml', '--exit-code']);
    expect([same.code, same.stdout]).toEqual([0, 'the models are the same\n']);
  });

  it('refuses a model that is none', async () => {
    folder.write('wrong.yaml', edited(['kernel: 3', 'kernel: 9']));
    const { code, stderr } = await folder.dlc(['diff', 'model.yaml', 'wrong.yaml']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('wrong.yaml')]);
  });
});
