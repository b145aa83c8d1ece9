/** `dlc devices`: what this machine can run, and what is missing for the rest. */
import { describeCuda, openRuntime, type CudaDescription } from '../../compiler/native/runtime';
import { formatBytes } from '../../compiler/train/report/html';
import type { Verb } from '../command';

function cudaLines({ problem, cards, libraries }: CudaDescription): string[] {
  return [
    problem === '' ? 'cuda  usable' : `cuda  not usable: ${problem}`,
    ...cards.map(
      ({ name, compute, processors, bytes }) =>
        `      ${name}: compute capability ${compute}, ${processors} processors, ${formatBytes(bytes)}`,
    ),
    ...libraries.map((library) =>
      library.problem === ''
        ? `      ${library.name} ${library.version} (${library.path})`
        : `      missing: ${library.problem}`,
    ),
  ];
}

export const verb: Verb = {
  configure(command) {
    command.option('--json', 'for machines').action((options: { readonly json?: boolean }) => {
      const { device, threads, cpu, isa, features, kernels } = openRuntime().describe();
      const cuda = describeCuda();
      if (options.json) {
        const devices = [{ device, threads, cpu, isa, features, kernels }, cuda];
        process.stdout.write(`${JSON.stringify({ devices }, null, 2)}\n`);
        return;
      }
      process.stdout.write(
        [
          `${device}   ${cpu}`,
          `      ${threads} thread${threads === 1 ? '' : 's'}, ${isa} kernels (${features.join(' ')})`,
          `      ${kernels.length} kernels`,
          ...cudaLines(cuda),
          '',
        ].join('\n'),
      );
    });
  },
};
