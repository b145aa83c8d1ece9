/** The five forms of a report: for people, JSON, SARIF, JUnit and GitHub. */
import { unusedBlock } from '../../compiler/diagnostics/catalogue';
import { render } from '../../compiler/diagnostics/render/index';
import { renderPretty } from '../../compiler/diagnostics/render/pretty';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import { AT, ERROR, WARNING } from './support';

const REPORT = { files: ['models/a b.yaml', 'models/fine.yaml'], diagnostics: [ERROR, WARNING] };

describe('the pretty renderer', () => {
  test('shows the line, the place, the hint and the notes', () => {
    expect(renderPretty([ERROR])).toBe(
      [
        'models/a b.yaml:14:34: error: layer type `conv2d` has no field `kernal` [unknown-field]',
        ' 14 |   - {name: conv1, type: conv2d,  kernal: 5}',
        '    |                                  ^^^^^^',
        '    = hint: did you mean `kernel`?',
        '    = note: in block `unit`, used here (models/a b.yaml:2:3)',
        '    = note: a note without a place',
        '',
      ].join('\n'),
    );
  });

  test('counts what it leaves out', () => {
    expect(renderPretty([ERROR, WARNING, WARNING], { limit: 1 })).toContain('… and 2 more');
    expect(render('pretty', REPORT)).toMatch(/\n1 error, 1 warning\n$/);
    expect(render('pretty', { files: ['a.yaml'], diagnostics: [] })).toBe('');
  });

  test('colours only when asked to', () => {
    expect(renderPretty([ERROR])).not.toContain('\u001b');
    expect(renderPretty([ERROR], { color: true })).toContain('\u001b[31;1merror\u001b[0m');
  });

  test('lets nothing of a file move the cursor or colour the terminal', () => {
    const hostile: Diagnostic = {
      ...ERROR,
      message: 'a\u001b[2Jb\u202ec',
      at: { ...AT, lineText: '\u001b]0;title\u0007 x' },
    };
    // Every control character but the ends of lines is gone.
    const text = renderPretty([hostile]).replaceAll('\n', '');
    expect(
      Array.from(text).filter((char) => char < ' ' || (char >= '\u007f' && char < '\u00a0') || char === '\u202e'),
    ).toEqual([]);
    expect(text).toContain('a\ufffd[2Jb\ufffdc');
  });

  test('puts the caret below its place after tabs and wide characters', () => {
    const at = { file: 'm.yaml', line: 1, column: 5, length: 3, lineText: '\t名: abc' };
    const lines = renderPretty([{ ...ERROR, at, notes: [] }]).split('\n');
    expect(lines[2]).toBe('   | \t    ^^^');
  });

  test('cuts a line of a megabyte around the place', () => {
    const at = { ...AT, column: 500_001, length: 400_000, lineText: 'x'.repeat(1_000_000) };
    const lines = renderPretty([{ ...ERROR, at }]).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(200);
    expect(lines[2]!.indexOf('^')).toBeGreaterThan(0);
  });
});

describe('the json renderer', () => {
  test('has the promised shape', () => {
    expect(JSON.parse(render('json', REPORT))).toEqual({
      files: 2,
      errors: 1,
      warnings: 1,
      diagnostics: [
        {
          file: 'models/a b.yaml',
          line: 14,
          column: 34,
          endLine: 14,
          endColumn: 40,
          severity: 'error',
          code: 'unknown-field',
          message: 'layer type `conv2d` has no field `kernal`',
          hint: 'did you mean `kernel`?',
          notes: [
            { message: 'in block `unit`, used here', file: 'models/a b.yaml', line: 2, column: 3 },
            { message: 'a note without a place' },
          ],
        },
        expect.objectContaining({ severity: 'warning', code: 'unused-input', endLine: 2, endColumn: 7 }),
      ],
    });
  });

  test('has a null where there is no hint', () => {
    expect(JSON.parse(render('json', { files: [], diagnostics: [unusedBlock(AT, 'unit')] }))).toMatchObject({
      diagnostics: [{ hint: null }],
    });
  });
});

describe('the sarif renderer', () => {
  test('refers to its rules and encodes file names', () => {
    const log = JSON.parse(render('sarif', REPORT, { version: '1.2.3' })) as {
      version: string;
      runs: { tool: { driver: { version: string; rules: { id: string }[] } }; results: Record<string, unknown>[] }[];
    };
    const run = log.runs[0]!;
    const [first] = run.results as [
      { ruleId: string; ruleIndex: number; level: string; locations: unknown[]; relatedLocations: unknown[] },
    ];
    expect(log.version).toBe('2.1.0');
    expect(run.tool.driver.version).toBe('1.2.3');
    expect(run.tool.driver.rules[first.ruleIndex]!.id).toBe('unknown-field');
    expect(first).toMatchObject({
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'models/a%20b.yaml' },
            region: { startLine: 14, startColumn: 34, endLine: 14, endColumn: 40 },
          },
        },
      ],
    });
    expect(first.relatedLocations).toHaveLength(1);
  });
});

describe('the junit renderer', () => {
  test('has a case a file, fails those with errors and escapes what it quotes', () => {
    const text = render('junit', REPORT);
    expect(text).toContain('<testsuites name="dlc" tests="2" failures="1">');
    expect(text).toContain('<testcase classname="dlc.validate" name="models/fine.yaml"/>');
    expect(text).toContain('<failure type="unknown-field" message="models/a b.yaml:14:34: layer type');
    expect(text).toContain('mask&lt;&amp;&quot;&gt;');
    expect(text).not.toContain('mask<');
  });
});

describe('the github renderer', () => {
  test('writes a workflow command a diagnostic, on one line', () => {
    const lines = render('github', REPORT).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(
      '::error file=models/a b.yaml,line=14,endLine=14,col=34,endColumn=40,title=unknown-field::layer type `conv2d` has no field `kernal`%0Ahint: did you mean `kernel`?%0Ain block `unit`, used here (models/a b.yaml:2:3)%0Aa note without a place',
    );
  });

  test('escapes what would end a property', () => {
    const strange: Diagnostic = { ...WARNING, at: { ...AT, file: 'a,b:c%.yaml' } };
    expect(render('github', { files: [], diagnostics: [strange] })).toContain('file=a%2Cb%3Ac%25.yaml,');
  });
});
