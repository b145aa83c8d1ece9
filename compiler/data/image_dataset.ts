/** The dataset that `idx` and `image_folder` end in: images as bytes in memory, with or without a label each. */
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { SectionSpec } from '../frontend/spec';
import { elementCount } from '../ir/types';
import type { Binding } from './bind';
import { classesEntry } from './classes';
import type { Dataset, DatasetField, OpenContext } from './define';
import { PixelTransform, shuffles, writeLabel } from './pixels';

export interface ImageParts {
  readonly section: SectionSpec;
  readonly context: OpenContext;
  readonly bound: ReadonlyMap<string, Binding>;
  /** Samples in the files. */
  readonly count: number;
  readonly pixels?: Uint8Array | undefined;
  readonly labels?: ArrayLike<number> | undefined;
  readonly classes?: readonly string[] | undefined;
}

export function imageDataset(parts: ImageParts, problems: Diagnostic[]): Dataset {
  const { section, context, bound, count, pixels, labels, classes } = parts;
  const images = bound.get('images');
  const labelled = bound.get('labels');
  const fields: DatasetField[] = [images, labelled].flatMap((binding) =>
    binding ? [{ input: binding.input.name, dtype: binding.input.dtype, shape: binding.shape }] : [],
  );
  const transform = images && new PixelTransform(section, images.shape, images.input.dtype, context.mode, problems);
  const stride = images ? elementCount(images.shape) : 0;
  return {
    size: count,
    ...(labelled && labels ? { groups: labels } : {}),
    fields,
    shuffle: shuffles(section.fields, context.mode),
    ...(classes ? { classes } : {}),
    ...(classes && labelled ? { learned: { [labelled.input.name]: classesEntry(classes) } } : {}),
    read(indices, how, into) {
      const imageRows = images && into[images.input.name];
      const labelRows = labelled && into[labelled.input.name];
      for (let row = 0; row < indices.length; row++) {
        const index = indices[row]!;
        if (transform && imageRows && pixels)
          transform.apply(pixels, index * stride, index, how, imageRows, row * stride);
        if (labelRows && labels) writeLabel(labelRows, row, labels[index]!);
      }
    },
    close() {
      // Memory only: nothing to give back.
    },
  };
}
