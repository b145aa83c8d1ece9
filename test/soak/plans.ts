/** Damaged plan blobs through the native loader; what it accepts is run. Nothing may crash or write where it must not. */
import { InternalError, RuntimeFault, SpecError } from '../../compiler/diagnostics/errors';
import { loadSpecText } from '../../compiler/frontend/load';
import { bytesOf } from '../../compiler/ir/types';
import { openRuntime, type NativeSession } from '../../compiler/native/runtime';
import { allocateTensor } from '../../compiler/native/tensors';
import { fnv1a64 } from '../../compiler/plan/fnv1a';
import { compileModel } from '../../compiler/train/programs';
import { generator } from '../support/samples';
import type { CampaignDef } from './campaign';
import { mutateBytes, type Random } from './mutate';
import { TINY } from './tiny';

/** Plans that ask for more are loaded and left alone: what is looked for is not the want of memory. */
const MAX_INPUT_BYTES = 64 << 20;
const MAX_BYTES = 2 ** 30;

export const plans: CampaignDef = {
  limit: 60,
  open: () => {
    const spec = loadSpecText(TINY, 'model.yaml');
    const { blob } = compileModel(spec, { init: true, train: [4], eval: [4], predict: [1] });
    const runtime = openRuntime({ threads: 2 });
    const run = async (seed: number): Promise<string> => {
      const random = generator(seed);
      let session: NativeSession;
      try {
        session = runtime.createSession(damaged(blob, random));
      } catch (error) {
        return refusal(error);
      }
      try {
        return await runPrograms(session, random);
      } finally {
        session.close();
      }
    };
    return Promise.resolve({ run });
  },
};

/** Magic, version, size and checksum. */
const HEADER_BYTES = 24;

/** Mostly with size and checksum put right: what lies behind them is of interest. */
function damaged(blob: Uint8Array, random: Random): Uint8Array {
  if (random() < 0.05) return mutateBytes(blob, random);
  const body = mutateBytes(blob.subarray(HEADER_BYTES), random);
  const sealed = Buffer.concat([blob.subarray(0, HEADER_BYTES), body]);
  const { low, high } = fnv1a64(body);
  sealed.writeBigUInt64LE(BigInt(sealed.length), 8);
  sealed.writeUInt32LE(low, 16);
  sealed.writeUInt32LE(high, 20);
  return sealed;
}

/** A plan that does not load is dlc's own mistake to a user, and what this campaign wants. */
function refusal(error: unknown): string {
  if (error instanceof RuntimeFault) return `refused: ${error.code}`;
  if (error instanceof InternalError || error instanceof SpecError) return 'refused';
  throw error;
}

async function runPrograms(session: NativeSession, random: Random): Promise<string> {
  if (session.memory().allocatedBytes > MAX_BYTES) return 'loaded: large';
  for (const { name, inputs } of session.programs) {
    if (inputs.reduce((sum, port) => sum + bytesOf(port), 0) > MAX_INPUT_BYTES) return 'loaded: large';
    const feeds = inputs.map((port) => {
      const data = allocateTensor(port, 1);
      for (let i = 0; i < data.length; i++) data[i] = data instanceof BigInt64Array ? 1n : random() * 3;
      return [port.name, data] as const;
    });
    try {
      const result = await session.run(name, 1, Object.fromEntries(feeds));
      if (!result.ok) return `ran: ${result.kind}`;
    } catch (error) {
      return `ran, ${refusal(error)}`;
    }
  }
  return 'ran';
}
