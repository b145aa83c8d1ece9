// The project's own few rules, checked on the tracked files; each is a pattern and the reason it is unwelcome.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './console.mjs';

const RULES = [
  {
    in: /^(compiler|cli)\/.*\.ts$/,
    pattern: /throw new Error\(/,
    why: 'throw SpecError, UsageError, RuntimeFault or InternalError',
  },
  {
    in: /^(compiler|cli)\/.*\.ts$/,
    pattern: /\bconsole\.\w+\(/,
    why: 'the compiler returns what it has to say; verbs write to stdout or stderr',
  },
  { in: /^compiler\/.*\.ts$/, pattern: /\bprocess\.exit/, why: 'a library never ends its host' },
  { in: /\.ts$/, pattern: /\bfrom '\.[^']*\.[jt]s'/, why: 'imports have no extension' },
  { in: /\.(ts|mjs|cpp|h|c|cu|py)$/, pattern: /\b(TODO|FIXME|XXX)\b/, why: 'finish it or file an issue' },
  { in: /\.ts$/, pattern: /@ts-(ignore|nocheck|expect-error)|eslint-disable/, why: 'fix the type instead' },
  {
    in: /^test\/.*\.ts$/,
    pattern: /\b(it|test|describe)\.(only|skip)\(|\bx(it|describe)\(/,
    why: 'print a skip with its reason at run time',
  },
  {
    in: /^runtime-native\/src\/.*\.(cpp|h)$/,
    pattern: /\b(std::)?(abort|exit|terminate)\(/,
    why: 'a library never ends its host; return a status',
  },
  {
    in: /./,
    pattern: /(?<![\w.$})\]*-])\/(home|root|tmp|work|mnt|Users)\/\w/,
    why: 'no path of one machine',
  },
  { in: /^package-lock\.json$/, pattern: /"resolved"/, why: 'which registry is for the settings of npm to say' },
];
const SOURCE = /\.(ts|mjs|js|cpp|h|c|cu|py)$/;
const MAX_LINES = 500;
const self = 'scripts/own-rules.mjs';

const listed = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).stdout.split('\n');
const files = listed.filter((f) => f !== '' && f !== self && existsSync(path.join(root, f)));

let problems = 0;
const report = (file, line, text) => {
  problems++;
  console.error(`${file}:${line}: ${text}`);
};
for (const file of files) {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  if (SOURCE.test(file)) {
    if (lines.length > MAX_LINES + 1)
      report(file, MAX_LINES, `has ${lines.length - 1} lines; past ${MAX_LINES} a file wants splitting`);
    const first = lines[0]?.startsWith('#!') ? 1 : 0;
    if (!/^(\/\*|\/\/|# |""")/.test(lines[first] ?? ''))
      report(file, first + 1, 'a file opens with a comment that says what it holds');
  }
  lines.forEach((text, i) => {
    for (const rule of RULES) {
      if (rule.in.test(file) && rule.pattern.test(text)) report(file, i + 1, `${text.trim()}  (${rule.why})`);
    }
  });
}
process.exit(problems > 0 ? 1 : 0);
