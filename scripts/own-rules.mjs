// The project's own few rules, checked on the tracked sources; each is a pattern and the reason it is unwelcome.
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
  { in: /\.(ts|mjs|cpp|h)$/, pattern: /\b(TODO|FIXME|XXX)\b/, why: 'finish it or file an issue' },
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
];
const MAX_LINES = 500;
const self = 'scripts/own-rules.mjs';

const listed = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).stdout.split('\n');
const sources = listed.filter((f) => /\.(ts|mjs|cpp|h|c|cu)$/.test(f) && f !== self && existsSync(path.join(root, f)));

let problems = 0;
const report = (file, line, text) => {
  problems++;
  console.error(`${file}:${line}: ${text}`);
};
for (const file of sources) {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  if (lines.length > MAX_LINES + 1)
    report(file, MAX_LINES, `has ${lines.length - 1} lines; past ${MAX_LINES} a file wants splitting`);
  lines.forEach((text, i) => {
    for (const rule of RULES) {
      if (rule.in.test(file) && rule.pattern.test(text)) report(file, i + 1, `${text.trim()}  (${rule.why})`);
    }
  });
}
process.exit(problems > 0 ? 1 : 0);
