/** The parser's syntax errors in words for people who write models, with the slip that usually causes them. */

export interface SyntaxProblem {
  readonly problem: string;
  readonly hint?: string;
}

const OPEN = 'is the closing bracket, a comma or the indentation of a line missing?';
const QUOTES = 'put the value in quotes';

/** First match wins; the texts are those of the `yaml` package. */
const TABLE: readonly (readonly [RegExp, string, string?])[] = [
  [/^Flow map .*end with a }|^Flow map must end/, 'the mapping `{…}` is not closed before this', OPEN],
  [/^Flow sequence .*end with a ]|^Flow sequence must end/, 'the list `[…]` is not closed before this', OPEN],
  [/^Missing closing (.)quote/, 'a quoted text is not closed', 'is a quote missing at its end?'],
  [/^Tabs are not allowed/, 'a tab stands where the indentation is', 'indent with spaces'],
  [/^Nested mappings are not allowed/, '`: ` stands a second time on one line', 'a text with `: ` in it needs quotes'],
  [
    /^All (mapping|sequence) items must start at the same column/,
    'this line starts in another column than the entries before it',
    'indent all entries of a list or mapping alike',
  ],
  [
    /^Implicit keys need to be on a single line/,
    'a key goes over several lines',
    'is a `:`, a quote or a bracket missing on the line before?',
  ],
  [
    /^Implicit map keys need to be followed by map values/,
    'a key without a value',
    'is a `:` missing, or a space after it?',
  ],
  [/^Sequence item without - indicator/, 'an entry of a list without its `- `', 'start every entry with `- `'],
  [/^A block sequence may not be used as an implicit map key/, 'a list stands where a key is due'],
  [/^Plain value cannot start with (.*)$/, 'a value cannot start with $1', QUOTES],
  [
    /^Invalid escape sequence (.*)$/,
    '`$1` is no escape in a text in double quotes',
    'write `\\\\` for a backslash, or use single quotes',
  ],
  [/^Missing , or : between|^Missing , between/, 'a comma is missing between two entries'],
  [/^Missing space after :/, 'a space is missing after `:`'],
  [/^Unexpected (empty item|,) in/, 'a comma with nothing before it'],
  [/^Comments must be separated/, 'a space is missing before `#`', 'a value with `#` in it needs quotes'],
  [
    /^(Block collections are not allowed within flow collections|.*block.*flow)/i,
    'lines with `- ` or `key:` stand inside of brackets',
    'write everything inside of brackets with commas',
  ],
  [
    /^Unexpected (\S+) at node end/,
    'something follows where the value has ended',
    'is a comma, a `:` or a bracket missing?',
  ],
  [/^Unexpected flow-(map|seq)-end token/, 'a closing bracket that nothing opens'],
  [/^Unexpected (\S+) token.*in YAML stream/, 'this stands outside of the document', 'check the indentation'],
];

export function inOurWords(message: string): SyntaxProblem {
  for (const [pattern, problem, hint] of TABLE) {
    const match = pattern.exec(message);
    if (match === null) continue;
    return { problem: problem.replace('$1', match[1] ?? ''), ...(hint === undefined ? {} : { hint }) };
  }
  const text = message.replace(/\s+/g, ' ').replace(/[.:]$/, '').trim();
  return { problem: text.charAt(0).toLowerCase() + text.slice(1) };
}
