/** `dlc expand`: the model with blocks, repeats and includes written out. */
import { expandToYaml } from '../../compiler/frontend/resolved';
import type { Verb } from '../command';
import { modelArguments, openModel, type ModelOptions } from '../model';

interface Options extends ModelOptions {
  readonly json?: boolean;
}

export const verb: Verb = {
  configure(command) {
    modelArguments(command)
      .option('--json', 'as JSON instead of YAML')
      .action(async (file: string, overrides: string[], options: Options) => {
        const spec = await openModel(file, overrides, options);
        process.stdout.write(options.json ? `${JSON.stringify(spec.resolved, null, 2)}\n` : expandToYaml(spec));
      });
  },
};
