/** From text to a located document, hostile texts included. */
import fc from 'fast-check';
import { child, locationOf, toJson, type DocNode } from '../../compiler/frontend/node';
import { MAX_BYTES, parseText } from '../../compiler/frontend/parse';

function rootOf(text: string): DocNode {
  const { root, diagnostics } = parseText(text, 'm.yaml');
  expect(diagnostics).toEqual([]);
  return root!;
}

function codesOf(input: string | Uint8Array): string[] {
  return parseText(input, 'm.yaml').diagnostics.map((diagnostic) => diagnostic.code);
}

describe('parsing a text', () => {
  test('gives plain values, whatever the spelling', () => {
    const yaml = 'a: 1\nb: [true, null, 5.0e-4, "text", 0x10]\nc: {d: plain text}\n';
    const json = '{"a": 1, "b": [true, null, 5e-4, "text", 16], "c": {"d": "plain text"}}';
    expect(toJson(rootOf(yaml))).toEqual({ a: 1, b: [true, null, 5e-4, 'text', 16], c: { d: 'plain text' } });
    expect(toJson(rootOf(json))).toEqual(toJson(rootOf(yaml)));
    expect(toJson(rootOf(`\ufeff${json}`))).toEqual(toJson(rootOf(yaml)));
  });

  test('knows the line and column of every value and key', () => {
    const root = rootOf('a: 1\nlayers:\n  - name: conv1\n    kernel: [3, 5]\n');
    const layer = child(child(root, 'layers'), 0)!;
    expect(locationOf(child(child(layer, 'kernel'), 1)!)).toMatchObject({
      file: 'm.yaml',
      line: 4,
      column: 17,
      length: 1,
    });
    const entry = layer.kind === 'map' ? layer.entries.get('kernel') : undefined;
    expect(locationOf(entry!.key)).toMatchObject({ line: 4, column: 5, length: 6, lineText: '    kernel: [3, 5]' });
  });

  test('counts lines alike with Windows line ends', () => {
    const root = rootOf('a: 1\r\nb: two\r\n');
    expect(locationOf(child(root, 'b')!)).toMatchObject({ line: 2, column: 4, length: 3, lineText: 'b: two' });
  });

  test('underlines a value of several lines to the end of its first', () => {
    const root = rootOf('a: {b: 1,\n  c: 2}\nd: 3\n');
    expect(locationOf(child(root, 'a')!)).toMatchObject({ line: 1, column: 4, length: 6, endLine: 2, endColumn: 8 });
  });

  test('reads anchors and aliases', () => {
    expect(toJson(rootOf('a: &x {b: 1}\nc: *x\n'))).toEqual({ a: { b: 1 }, c: { b: 1 } });
  });

  test('keeps __proto__ a key like any other', () => {
    const json = toJson(rootOf('__proto__: {polluted: true}\n'));
    expect(Object.keys(json as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('gives back whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
        fc.constantFrom(undefined, 2, '\t'),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          // Integers beyond 2^53 are refused, not rounded.
          fc.pre(!/\d{16}/.test(text));
          fc.pre(Object.keys(value).length > 0);
          expect(JSON.stringify(toJson(rootOf(text)))).toBe(JSON.stringify(JSON.parse(text)));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('hostile texts', () => {
  test('too many bytes are refused before anything looks at them', () => {
    expect(codesOf(new Uint8Array(MAX_BYTES + 1))).toEqual(['file-too-large']);
    expect(codesOf('x'.repeat(MAX_BYTES + 1))).toEqual(['file-too-large']);
  });

  test('too many tokens are refused', () => {
    const { diagnostics } = parseText(`[${'1,'.repeat(500)}]`, 'm.yaml', 1000);
    expect(diagnostics.map((diagnostic) => diagnostic.message)).toEqual([
      'the file has more than 1,000 words and marks',
    ]);
    expect(parseText(`[${'1,'.repeat(200)}]`, 'm.yaml', 1000).diagnostics).toHaveLength(0);
  });

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['closed brackets', '['.repeat(1000) + ']'.repeat(1000)],
    ['lists', `${'- '.repeat(100_000)}a`],
    ['complex keys', `${'? '.repeat(100_000)}a`],
    ['values', ': '.repeat(100_000)],
    ['mappings', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('deeply nested %s are refused without recursion', (_, text) => {
    expect(codesOf(text)).toEqual(['too-deep']);
  });

  test('two deep files in a row leave the process alive', () => {
    for (let i = 0; i < 5; i++) expect(codesOf('[{a: '.repeat(5000))).toEqual(['too-deep']);
  });

  test('four times the keys take about four times as long', () => {
    const seconds = (keys: number): number => {
      const text = Array.from({ length: keys }, (_, i) => `k${i}: 1`).join('\n');
      const times = [1, 2, 3].map(() => {
        const start = process.cpuUsage();
        rootOf(text);
        const { user, system } = process.cpuUsage(start);
        return user + system;
      });
      return Math.min(...times);
    };
    seconds(5000);
    // The parser's own check for duplicate keys is quadratic: 16 times.
    expect(seconds(20_000) / seconds(5000)).toBeLessThan(9);
  });

  test('aliases that expand to billions are counted, not expanded', () => {
    const levels = 'bcdefghijk'.split('');
    const text = levels.reduce(
      (sum, name, i) => `${sum}${name}: &${name} [${Array(10).fill(`*${'abcdefghijk'[i]!}`).join(', ')}]\n`,
      'a: &a [x, x]\n',
    );
    expect(codesOf(text)).toEqual(['alias-bomb']);
  });

  test('a byte that is not UTF-8 is named by its offset and place', () => {
    const { diagnostics } = parseText(Uint8Array.from([97, 58, 32, 49, 10, 98, 58, 32, 0xe9, 10]), 'm.yaml');
    expect(diagnostics[0]).toMatchObject({ code: 'not-utf8', at: { line: 2, column: 4 } });
    expect(diagnostics[0]!.message).toContain('0xe9 at offset 8');
  });

  test('a character cut off at the end is not UTF-8 either', () => {
    const { diagnostics } = parseText(Uint8Array.from([97, 58, 32, 0xe2, 0x82]), 'm.yaml');
    expect(diagnostics[0]!.message).toContain('0xe2 at offset 3');
  });

  test('whatever bytes come in, there is a document or a reason, and no exception', () => {
    const pieces = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '&a ',
      '*a',
      '!t ',
      '|',
      '>',
      '#',
      '\t',
      '%',
      '?',
      '1e999',
      '---\n',
      '...\n',
      '<<',
      '\0',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        const { root, diagnostics } = parseText(parts.join(''), 'm.yaml');
        expect(root === undefined).toBe(diagnostics.length > 0);
      }),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const { root, diagnostics } = parseText(bytes, 'm.yaml');
        expect(root === undefined).toBe(diagnostics.length > 0);
      }),
      { numRuns: 500 },
    );
  });
});
