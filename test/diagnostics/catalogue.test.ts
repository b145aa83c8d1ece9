/** Every code has its sentence, written with the same pen. */
import * as say from '../../compiler/diagnostics/catalogue';
import { CODES } from '../../compiler/diagnostics/codes';
import { count, listed, quoteValue, suggest, through } from '../../compiler/diagnostics/make';
import { AT, FIRST } from './support';

describe('messages about data, weights and runs', () => {
  test.each([
    ['path-outside', say.pathOutside(AT, '../x.gz'), "`../x.gz` leads out of the model's folder"],
    ['data-missing', say.dataMissing(AT, 'x.gz'), '`x.gz`: there is no such file'],
    ['data-corrupt', say.dataCorrupt(AT, 'x.gz', 'the gzip stream ends early'), '`x.gz`: the gzip stream ends early'],
    [
      'data-mismatch',
      say.dataMismatch(AT, 'the images do not fit', [
        { name: 'x.gz', type: '[28, 28]' },
        { name: 'image', type: '[32, 32]', at: FIRST },
      ]),
      'the images do not fit: `x.gz` is [28, 28], `image` is [32, 32]',
    ],
    ['weights-missing', say.weightsMissing(AT, 'w.h5'), '`w.h5`: there is no such file'],
    ['weights-corrupt', say.weightsCorrupt(AT, 'w.h5', 'it is not HDF5'), '`w.h5`: it is not HDF5'],
    ['weights-mismatch', say.weightsMismatch(AT, 'there is no `fc/weight`'), 'there is no `fc/weight`'],
    ['non-finite', say.nonFinite(AT, 'loss is NaN', 'step 17'), 'loss is NaN (step 17)'],
  ])('%s', (code, diagnostic, message) => {
    expect(diagnostic).toMatchObject({ code, severity: 'error', message, at: AT });
  });

  test('name the place of a declaration where there is one', () => {
    const sides = [
      { name: 'a', type: '[1]' },
      { name: 'b', type: '[2]', at: FIRST },
    ];
    expect(say.shapeMismatch(AT, 'they differ', sides).notes).toEqual([
      { message: '`b` gets its shape, [2], here', at: FIRST },
    ]);
  });
});

describe('the pen of the catalogue', () => {
  test('lists words and counts things the way people do', () => {
    expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'], 24, 'or')]).toEqual([
      '',
      '`a`',
      '`a` and `b`',
      '`a`, `b` or `c`',
    ]);
    expect(listed(['a', 'b', 'c'], 2)).toBe('`a`, `b` and 1 more');
    expect([count(1, 'input'), count(1234, 'input')]).toEqual(['1 input', '1,234 inputs']);
  });

  test('quotes values short enough for a line', () => {
    expect([quoteValue(null), quoteValue('a'), quoteValue(1.5), quoteValue([1])]).toEqual([
      'nothing',
      'text "a"',
      '1.5',
      'the list [1]',
    ]);
    expect(quoteValue('x'.repeat(99)).length).toBeLessThan(60);
    expect(quoteValue(Array(99).fill(1)).length).toBeLessThan(60);
  });

  test('suggests the near word, else the known ones, else nothing', () => {
    expect(suggest('kernal', ['kernel'], 'fields')).toBe('did you mean `kernel`?');
    expect(suggest('zzz', ['kernel', 'bias'], 'fields')).toBe('fields: `kernel` and `bias`');
    expect(suggest('zzz', [], 'fields')).toBeUndefined();
  });

  test('tells the way through blocks from the inside out', () => {
    const via = [
      { block: 'outer', at: FIRST },
      { block: 'inner', at: AT },
    ];
    expect(through(say.unusedLayer(AT, 'x'), via).notes.map((note) => note.message)).toEqual([
      'in block `inner`, used here',
      'in block `outer`, used here',
    ]);
  });

  test('has a sentence for every code', () => {
    for (const { summary } of Object.values(CODES)) expect(summary).toMatch(/^[A-Z].*\.$/);
  });
});
