/** The page of the reference on the command line: every verb with its arguments and options, as `--help` has them. */
import { Command } from 'commander';
import { VERBS } from './verbs';

export async function commandReference(): Promise<string> {
  const chapters: string[] = [EXIT_CODES];
  for (const [name, entry] of Object.entries(VERBS)) {
    const command = new Command(name).description(entry.summary);
    (await entry.load()).configure(command);
    chapters.push(chapter(command));
  }
  return chapters.join('\n\n');
}

const EXIT_CODES = `Exit codes: 0 fine · 1 the model, weights or data are at fault · 2 usage · 3 the machine is at fault ·
130 interrupted after a checkpoint was saved. Any path of the model file can be changed by \`key=value\` where a verb takes a model.`;

function chapter(command: Command): string {
  const usage = command.createHelp().commandUsage(command);
  const rows = command.options.map(
    ({ flags, description }) => `| \`${flags.replaceAll('|', '\\|')}\` | ${escape(description)} |`,
  );
  const table = rows.length === 0 ? [] : [['| option | meaning |', '|---|---|', ...rows].join('\n')];
  const text = `${command.description()[0]!.toUpperCase()}${command.description().slice(1)}.`;
  return [`## \`dlc ${command.name()}\``, text, `\`\`\`text\ndlc ${usage}\n\`\`\``, ...table].join('\n\n');
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
