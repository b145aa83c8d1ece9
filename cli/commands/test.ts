/** `dlc test`: runs the tests that are written in model files, and reports those that fail at their place. */
import { checkLoaded } from '../../compiler/check';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import { FORMATS, render, type Format } from '../../compiler/diagnostics/render/index';
import { checkSpec } from '../../compiler/frontend/load';
import { openRuntime } from '../../compiler/native/runtime';
import { runTest } from '../../compiler/train/test-model';
import { VERSION } from '../../compiler/version';
import { EXIT, type Verb } from '../command';
import { allowOutsideOption, machineOptions, oneOf, type MachineOptions, type ModelOptions } from '../model';

interface Options extends ModelOptions, MachineOptions {
  readonly format: Format;
  readonly json?: boolean;
}

async function run(files: readonly string[], options: Options): Promise<void> {
  const allowOutside = options.allowOutside ?? false;
  const runtime = openRuntime(options);
  const diagnostics: Diagnostic[] = [];
  let [passed, failed] = [0, 0];
  for (const file of files) {
    const checked = checkSpec(file, { allowOutside });
    const problems = checkLoaded(checked);
    diagnostics.push(...problems);
    if (!checked.spec || problems.some(({ severity }) => severity === 'error')) continue;
    for (const test of checked.spec.tests ?? []) {
      const problem = await runTest(checked.spec, test, runtime, { allowOutside });
      process.stderr.write(`${problem ? 'failed' : 'passed'}  ${file}  ${test.name}\n`);
      if (problem) {
        failed++;
        diagnostics.push(problem);
      } else passed++;
    }
  }
  const format = options.json ? 'json' : options.format;
  const color = process.stdout.isTTY && !process.env['NO_COLOR'];
  process.stdout.write(render(format, { files, diagnostics, verb: 'test' }, { color, version: VERSION }));
  process.stderr.write(`${passed} passed, ${failed} failed\n`);
  if (diagnostics.some(({ severity }) => severity === 'error')) process.exitCode = EXIT.fault;
}

export const verb: Verb = {
  configure(command) {
    machineOptions(allowOutsideOption(command))
      .argument('<files...>', 'model files')
      .option('--format <format>', FORMATS.join(' | '), oneOf('--format', FORMATS), 'pretty')
      .option('--json', 'the same as --format json')
      .action(run);
  },
};
