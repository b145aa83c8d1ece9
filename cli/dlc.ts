/**
 * The command line: finds the verb, loads only that verb's file, and turns the three classes of failure
 * into messages and exit codes. Nothing else in dlc ends the process.
 */
import { Command, CommanderError } from 'commander';
import { InternalError, RuntimeFault, SpecError, UsageError } from '../compiler/diagnostics/errors';
import { VERSION } from '../compiler/version';
import { EXIT } from './command';
import { printDiagnostics } from './ui/diagnostics';
import { nearest } from '../compiler/diagnostics/nearest';
import { VERBS } from './verbs';

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('dlc')
    .description('A deep-learning compiler: one YAML or JSON file in, natively trained weights out.')
    .version(VERSION)
    .showSuggestionAfterError()
    .exitOverride();
  const wanted = argv.find((word) => !word.startsWith('-'));
  for (const [name, entry] of Object.entries(VERBS)) {
    const command = program.command(name).description(entry.summary).exitOverride();
    if (name === wanted) (await entry.load()).configure(command);
  }
  if (wanted !== undefined && wanted !== 'help' && !(wanted in VERBS)) {
    const near = nearest(wanted, Object.keys(VERBS));
    throw new UsageError(
      `there is no verb '${wanted}'`,
      near ? `did you mean '${near}'?` : `verbs: ${Object.keys(VERBS).join(' ')}`,
    );
  }
  if (argv.length === 0) program.help();
  await program.parseAsync(argv, { from: 'user' });
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof SpecError) {
    printDiagnostics(error.diagnostics);
    return EXIT.fault;
  }
  if (error instanceof UsageError || error instanceof RuntimeFault) {
    process.stderr.write(`dlc: ${error.message}\n${error.hint ? `  hint: ${error.hint}\n` : ''}`);
    return error instanceof UsageError ? EXIT.usage : EXIT.machine;
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const kind = error instanceof InternalError ? 'internal error' : 'unexpected error';
  process.stderr.write(
    `dlc: ${kind}: this is a mistake in dlc, please report it with the command and the model file\n${shown}\n`,
  );
  return EXIT.machine;
}

// A reader that goes away (`dlc … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
});

main(process.argv.slice(2)).catch((error: unknown) => {
  process.exitCode = report(error);
});
