/** `dlc validate`: every mistake of any number of model files; no data is read and nothing runs. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { checkFile } from '../../compiler/check';
import { sortDiagnostics, silence, warningCodes } from '../../compiler/diagnostics/collector';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import { UsageError } from '../../compiler/diagnostics/errors';
import { FORMATS, render, type Format } from '../../compiler/diagnostics/render/index';
import { EXIT, type Verb } from '../command';
import { allowOutsideOption, oneOf } from '../model';
import { VERSION } from '../../compiler/version';

interface Options {
  readonly format: Format;
  readonly json?: boolean;
  readonly silence: readonly string[];
  readonly warningsAsErrors?: boolean;
  readonly allowOutside?: boolean;
}

/** What a run has written: its records are no models, and its model was one before. */
function isInRunFolder(file: string): boolean {
  const folder = path.dirname(file);
  return existsSync(path.join(folder, 'run.json')) && existsSync(path.join(folder, 'metrics.jsonl'));
}

/** `key=value`, where no file is called so. */
function isOverride(arg: string): boolean {
  return /^[\w.-]+=/.test(arg) && !existsSync(arg);
}

/** Model files among the arguments: files as they are, folders searched for YAML and JSON, the rest as glob patterns. */
async function filesOf(args: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const arg of args) {
    if (isOverride(arg)) continue;
    const isFile = existsSync(arg) ? !statSync(arg).isDirectory() : !/[*?[{]/.test(arg);
    if (isFile) {
      files.add(arg);
      continue;
    }
    // Only here: loading it takes longer than checking a file.
    const { globSync } = await import('tinyglobby');
    const found = existsSync(arg)
      ? globSync(['**/*.yaml', '**/*.yml', '**/*.json'], { cwd: arg, absolute: false }).map(
          (file) => `${arg.replace(/\/+$/, '')}/${file}`,
        )
      : globSync(arg);
    const models = found.filter((file) => !isInRunFolder(file));
    if (models.length === 0) throw new UsageError(`'${arg}' matches no model file`);
    for (const file of models.sort()) files.add(file);
  }
  if (files.size === 0) throw new UsageError('dlc validate needs a model file', 'dlc validate FILES… [key=value…]');
  return [...files];
}

async function run(args: readonly string[], options: Options): Promise<void> {
  const files = await filesOf(args);
  const known = warningCodes();
  const strange = options.silence.find((code) => !known.includes(code));
  if (strange !== undefined) {
    throw new UsageError(`no warning has the code '${strange}'`, `codes that can be silenced: ${known.join(', ')}`);
  }
  const found: Diagnostic[] = [];
  const overrides = args.filter(isOverride);
  for (const file of files) found.push(...checkFile(file, { allowOutside: options.allowOutside ?? false, overrides }));
  const diagnostics = sortDiagnostics(silence(found, options.silence));
  const format = options.json ? 'json' : options.format;
  const color = process.stdout.isTTY && !process.env['NO_COLOR'];
  process.stdout.write(render(format, { files, diagnostics }, { color, version: VERSION }));
  if (format === 'pretty' && diagnostics.length === 0) {
    process.stderr.write(`${files.length === 1 ? files[0]! : `${files.length} files`}: no problems\n`);
  }
  if (diagnostics.some((d) => d.severity === 'error' || options.warningsAsErrors)) process.exitCode = EXIT.fault;
}

export const verb: Verb = {
  configure(command) {
    command
      .argument('<files...>', 'model files, folders or glob patterns, and `key=value` for any path of them')
      .option('--format <format>', FORMATS.join(' | '), oneOf('--format', FORMATS), 'pretty')
      .option('--json', 'the same as --format json')
      .option('--silence <codes...>', 'leave out warnings with these codes', [])
      .option('--warnings-as-errors', 'end with exit code 1 on warnings too');
    allowOutsideOption(command);
    command.action(run);
  },
};
