/** `dlc schema`: the JSON Schema of model files, for editors. */
import { modelSchema } from '../../compiler/frontend/schema';
import type { Verb } from '../command';

export const verb: Verb = {
  configure(command) {
    command.action(() => {
      process.stdout.write(`${JSON.stringify(modelSchema(), null, 2)}\n`);
    });
  },
};
