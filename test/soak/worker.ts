/** The process that a fuzzing campaign runs in: a message with a number in, a message with the outcome out. */
import { caffe } from './caffe';
import type { CampaignDef } from './campaign';
import { cuda } from './cuda';
import { files } from './files';
import { items } from './items';
import { keras } from './keras';
import { onnx_files } from './onnx_files';
import { onnx_vectors } from './onnx_vectors';
import { onnx_zoo } from './onnx_zoo';
import { plans } from './plans';
import { threads } from './threads';
import { zoo } from './zoo';

const CAMPAIGNS: Readonly<Record<string, CampaignDef>> = {
  zoo,
  items,
  files,
  plans,
  threads,
  caffe,
  cuda,
  keras,
  onnx_zoo,
  onnx_vectors,
  onnx_files,
};

async function main(name: string, scratch: string): Promise<void> {
  const def = CAMPAIGNS[name]!;
  const campaign = await def.open(scratch);
  process.on('message', (seed: number) => {
    const ran = Promise.resolve(seed).then(campaign.run);
    ran.then(
      (outcome) => process.send!({ seed, outcome }),
      (error: unknown) => process.send!({ seed, mistake: error instanceof Error ? error.stack : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send!({ ready: true, limit: def.limit, inputs: campaign.inputs });
}

main(process.argv[2]!, process.argv[3]!).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
