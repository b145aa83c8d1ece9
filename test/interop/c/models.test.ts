/** Models of the zoo as C: compiled strictly by the compilers of this machine, run, and compared with `dlc predict`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { COMPILERS } from '../../support/c';
import { compareInC, modelInC, type ModelOptions } from '../../support/c-model';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-c-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case extends ModelOptions {
  readonly name: string;
  /** Built by every compiler, at two levels, and with the sanitizers; else once. */
  readonly thoroughly?: boolean;
}

const CASES: readonly Case[] = [
  { name: 'lenet', batch: 3, binary: true, thoroughly: true },
  { name: 'mlp', caller: true },
  { name: 'siamese', caller: true, binary: true, thoroughly: true },
  { name: 'cifar10_quick', binary: true, batch: 2 },
  { name: 'resnet20', binary: true, overrides: ['outputs=[logits]'] },
  { name: 'tabular_mlp', most: 2 },
  { name: 'text_cnn', most: 2, binary: true },
  { name: 'text_transformer', most: 2, binary: true },
  { name: 'text_lstm', most: 2, binary: true },
  { name: 'char_lstm_scan', most: 2, binary: true, thoroughly: true },
  { name: 'ssd_cells', binary: true },
  { name: 'wav_cnn', binary: true },
];

const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

function buildsOf({ thoroughly = false }: Case, number: number): { compiler: string; flags: string[] }[] {
  const turn = COMPILERS[number % COMPILERS.length]!;
  if (!thoroughly) return [{ compiler: turn, flags: ['-O2'] }];
  const plain = COMPILERS.flatMap((compiler) => [['-O2'], ['-O3']].map((flags) => ({ compiler, flags })));
  return [...plain, { compiler: turn, flags: ['-O1', ...SANITIZERS] }];
}

test.each(CASES.map((each, i) => [each.name, each, i] as const))(
  '%s equals dlc predict',
  async (name, options, i) => {
    if (COMPILERS.length === 0) {
      console.log('skipped: there is no C compiler here');
      return;
    }
    const model = await modelInC(`models/${name}.yaml`, folder, options);
    const apart = buildsOf(options, i).map((build) => ({ ...build, worst: compareInC(model, build).worst }));
    expect(apart.filter(({ worst }) => !(worst <= 1e-6))).toEqual([]);
  },
  120_000,
);
