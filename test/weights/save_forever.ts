/** Saves one checkpoint after the other into a folder until it is stopped; run as a process of its own by a test. */
import { saveCheckpoint } from '../../compiler/weights/checkpoints';

async function main(folder: string): Promise<void> {
  for (let step = 1; ; step++) {
    const data = new Float32Array(400_000).fill(step);
    const tensors = new Map([['fc.weight', { dtype: 'f32' as const, shape: [400, 1000], data }]]);
    await saveCheckpoint(folder, step, { tensors, state: { step } }, { keep: 2 });
    console.log(step);
  }
}

main(process.argv[2]!).catch((error: unknown) => {
  console.log((error as { readonly code?: string }).code ?? String(error));
  process.exitCode = 1;
});
