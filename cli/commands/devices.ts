/** `dlc devices`: what this machine can run, and what is missing for the rest. */
import { openRuntime } from '../../compiler/native/runtime';
import type { Verb } from '../command';

export const verb: Verb = {
  configure(command) {
    command.option('--json', 'for machines').action((options: { readonly json?: boolean }) => {
      const { device, threads, cpu, isa, features, libraries, kernels } = openRuntime().describe();
      if (options.json) {
        process.stdout.write(
          `${JSON.stringify({ devices: [{ device, threads, cpu, isa, features, libraries, kernels }] }, null, 2)}\n`,
        );
        return;
      }
      const found = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
      process.stdout.write(
        [
          `${device}  ${cpu}`,
          `     ${threads} thread${threads === 1 ? '' : 's'}, ${isa} kernels (${features.join(' ')})`,
          `     libraries: ${found.length > 0 ? found.join(', ') : 'none, own kernels only'}`,
          `     ${kernels.length} kernels`,
          '',
        ].join('\n'),
      );
    });
  },
};
