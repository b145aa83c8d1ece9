/** `dlc devices`: what this machine can run, and what is missing for the rest. */
import { openRuntime } from '../../compiler/native/runtime';
import type { Verb } from '../command';

export const verb: Verb = {
  configure(command) {
    command.option('--json', 'for machines').action((options: { readonly json?: boolean }) => {
      const { device, threads, cpu, isa, features, kernels } = openRuntime().describe();
      if (options.json) {
        process.stdout.write(
          `${JSON.stringify({ devices: [{ device, threads, cpu, isa, features, kernels }] }, null, 2)}\n`,
        );
        return;
      }
      process.stdout.write(
        [
          `${device}  ${cpu}`,
          `     ${threads} thread${threads === 1 ? '' : 's'}, ${isa} kernels (${features.join(' ')})`,
          `     ${kernels.length} kernels`,
          '',
        ].join('\n'),
      );
    });
  },
};
