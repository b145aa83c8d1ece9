/** `dlc export`: a model, with its weights where the format holds them, in the format of another framework, or drawn. */
import { Option } from 'commander';
import { UsageError } from '../../compiler/diagnostics/errors';
import { nearest } from '../../compiler/diagnostics/nearest';
import { EXPORTERS } from '../../compiler/interop/export';
import type { Exporter } from '../../compiler/interop/export/exporter';
import type { Verb } from '../command';
import { modelArguments, oneOf, openModel, wholeNumber, type ModelOptions } from '../model';
import { weightOptions, weightsOf, type WeightOptions } from '../weights';

interface Options extends WeightOptions, ModelOptions {
  readonly format: string;
  readonly out: string;
  readonly option: Readonly<Record<string, string>>;
  readonly batch?: number;
  readonly collapse?: number;
}

function setting(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const split = text.indexOf('=');
  if (split < 1) throw new UsageError(`--option takes NAME=VALUE, not '${text}'`);
  return { ...before, [text.slice(0, split)]: text.slice(split + 1) };
}

function checkSettings(exporter: Exporter, given: Readonly<Record<string, string>>): void {
  const known = Object.keys(exporter.options ?? {});
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? `its options: ${known.join(', ') || 'none'}` : `did you mean ${near}?`;
    throw new UsageError(`${exporter.format} has no option '${name}'`, hint);
  }
}

async function run(file: string, overrides: string[], options: Options): Promise<void> {
  const exporter = EXPORTERS.find(({ format }) => format === options.format)!;
  checkSettings(exporter, options.option);
  const { collapse } = options;
  if (collapse !== undefined && exporter.picture !== true)
    throw new UsageError(`--collapse is for pictures: ${exporter.format} is none`);
  const spec = await openModel(file, overrides, options);
  // A picture shows none.
  const weights = exporter.picture === true ? undefined : weightsOf(spec, options, file);
  const { files, remarks } = await exporter.run({
    spec,
    out: options.out,
    options: options.option,
    ...(weights === undefined ? {} : { weights }),
    ...(options.batch === undefined ? {} : { batch: options.batch }),
    ...(collapse === undefined ? {} : { levels: collapse }),
  });
  for (const remark of remarks) process.stderr.write(`note: ${remark}\n`);
  process.stdout.write(files.map((written) => `${written}\n`).join(''));
}

export const verb: Verb = {
  configure(command) {
    const formats = EXPORTERS.map(({ format }) => format);
    weightOptions(
      modelArguments(command),
      'trained weights (default: those that the model names; not needed for pictures, nor where MODEL is a weight file)',
    )
      .requiredOption('--format <format>', formats.join(', '), oneOf('--format', formats))
      .requiredOption('-o, --out <file>', 'the file to write')
      .option('--batch <n>', 'batch size, where the format fixes it', wholeNumber('--batch', 1))
      .addOption(
        new Option('--collapse [levels]', 'in pictures: levels of blocks that stay open, all others a box each')
          .preset('0')
          .argParser(wholeNumber('--collapse', 0)),
      )
      .option('--option <name=value>', `settings of a format: ${settingsText()}`, setting, {})
      .action(run);
  },
};

function settingsText(): string {
  const lines = EXPORTERS.flatMap(({ format, options = {} }) =>
    Object.entries(options).map(([name, text]) => `${name} (${format}): ${text}`),
  );
  return lines.length === 0 ? 'none yet' : lines.join('; ');
}
