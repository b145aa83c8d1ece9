/** Models of the zoo as C: compiled strictly by the compilers of this machine, run, and compared with `dlc predict`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { COMPILERS } from '../../support/c';
import { compareInC, modelInC, type ModelOptions } from '../../support/c-model';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-c-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CASES: readonly (readonly [string, ModelOptions])[] = [
  ['lenet', { batch: 3 }],
  ['mlp', { caller: true }],
  ['siamese', { caller: true, binary: true }],
  ['cifar10_quick', { binary: true, batch: 2 }],
];

describe.each(CASES)('%s as C %j', (name, options) => {
  test('equals dlc predict', async () => {
    const [first, ...others] = COMPILERS;
    if (first === undefined) {
      console.log('skipped: there is no C compiler here');
      return;
    }
    const model = await modelInC(`models/${name}.yaml`, folder, options);
    const builds = [...COMPILERS.flatMap((compiler) => [['-O2'], ['-O3']].map((flags) => ({ compiler, flags })))];
    const sanitized = { compiler: others.at(-1) ?? first, flags: ['-O1', ...SANITIZERS] };
    const apart = [...builds, sanitized].map((build) => ({ ...build, worst: compareInC(model, build).worst }));
    expect(apart.filter(({ worst }) => !(worst <= 1e-6))).toEqual([]);
  }, 120_000);
});

const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
