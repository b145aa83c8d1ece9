/** The weights alone, under the model's own names: safetensors, and NumPy's .npz. */
import { UsageError } from '../../../diagnostics/errors';
import { trainedTensors, WEIGHTS_HINT } from '../../../train/trained';
import { writeAtomically } from '../../../weights/atomic';
import type { Tensors } from '../../../weights/content';
import { writeNpz } from '../../../weights/formats/npz';
import { writeSafetensors } from '../../../weights/formats/safetensors';
import { VERSION } from '../../../version';
import type { Exporter, ExportRequest } from '../exporter';

type Write = (file: string, tensors: Tensors, request: ExportRequest) => Promise<void>;

function exporter(format: string, summary: string, write: Write): Exporter {
  return {
    format,
    summary,
    async run(request) {
      const { spec, weights, out } = request;
      if (weights === undefined) throw new UsageError(`${format} holds weights`, WEIGHTS_HINT);
      const tensors = await trainedTensors(spec, weights);
      await writeAtomically(out, (temporary) => write(temporary, tensors, request));
      return { files: [out], remarks: [] };
    },
  };
}

export const safetensors = exporter('safetensors', 'the weights, by name', (file, tensors, { spec }) =>
  writeSafetensors(file, tensors, { dlc_version: VERSION, model: spec.name }),
);

export const npz = exporter('npz', 'the weights as an archive of NumPy arrays', (file, tensors) =>
  writeNpz(file, tensors),
);
