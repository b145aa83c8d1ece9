/** Opens `type: idx`: reads the files, checks them against each other and against the model's inputs. */
import { dataCorrupt, dataMismatch } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { SectionSpec } from '../../frontend/spec';
import { bindParts, describeInput, fitsSample, isIntegerInput, isLabelInput, isPixelInput } from '../bind';
import type { Dataset, OpenContext } from '../define';
import { builtinDigits, isBuiltin } from '../digits/builtin';
import { DataFileError, readIdx, type IdxArray } from '../idx_file';
import { imageDataset } from '../image_dataset';
import { resolveDataPath } from '../paths';

export async function openIdx(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const bound = bindParts(
    section,
    context,
    [
      {
        name: 'images',
        present: true,
        accepts: [(input) => isPixelInput(input) && input.shape.length >= 3, isPixelInput],
      },
      { name: 'labels', present: section.fields.labels !== undefined, accepts: [isLabelInput] },
    ],
    problems,
  );
  const [images, labels] = await Promise.all([
    bound.has('images') ? read(section, 'images', context, problems) : undefined,
    bound.has('labels') ? read(section, 'labels', context, problems) : undefined,
  ]);
  const wanted = bound.get('images');
  if (images && wanted && !fitsSample(images.shape.slice(1), wanted.shape)) {
    problems.push(
      dataMismatch(section.at(['images']), `the images do not fit the input \`${wanted.input.name}\``, [
        { name: section.fields.images as string, type: `u8[${images.shape.join(',')}]` },
        { name: wanted.input.name, type: describeInput(wanted.input), at: wanted.input.origin.at },
      ]),
    );
  }
  const labelled = bound.get('labels');
  if (
    labelled &&
    (labelled.shape.some((extent) => extent !== 1) || !(isIntegerInput(labelled.input) || isPixelInput(labelled.input)))
  ) {
    problems.push(
      dataMismatch(section.at(['labels']), `labels go to an input of one integer for each sample`, [
        { name: labelled.input.name, type: describeInput(labelled.input), at: labelled.input.origin.at },
      ]),
    );
  }
  if (labels && labels.shape.length !== 1) {
    problems.push(
      dataCorrupt(
        section.at(['labels']),
        section.fields.labels as string,
        `holds an array of ${labels.shape.length} axes; labels have one`,
        labels.shape.length === 3 ? 'are images and labels swapped?' : undefined,
      ),
    );
  } else if (images && labels && images.shape[0] !== labels.shape[0]) {
    problems.push(
      dataMismatch(
        section.at(['labels']),
        `there are ${images.shape[0]!.toLocaleString('en-US')} images and ${labels.shape[0]!.toLocaleString('en-US')} labels`,
        [],
      ),
    );
  }
  const count = images?.shape[0] ?? labels?.shape[0] ?? 0;
  if (problems.length === 0 && count === 0)
    problems.push(dataCorrupt(section.at(['images']), section.fields.images as string, 'holds no samples'));
  const dataset = imageDataset(
    { section, context, bound, count, pixels: images?.data, labels: labels?.data },
    problems,
  );
  if (problems.length > 0) throw new SpecError(problems);
  return dataset;
}

async function read(
  section: SectionSpec,
  field: 'images' | 'labels',
  context: OpenContext,
  problems: Diagnostic[],
): Promise<IdxArray | undefined> {
  const name = section.fields[field] as string;
  try {
    const file = isBuiltin(name)
      ? await builtinDigits(section.at([field]), name, context.cacheDir)
      : resolveDataPath(section, [field], name, context);
    return typeof file === 'string' ? await readIdx(file) : file;
  } catch (error) {
    if (error instanceof DataFileError) problems.push(dataCorrupt(section.at([field]), name, error.message));
    else if (error instanceof SpecError) problems.push(...error.diagnostics);
    else throw error;
    return undefined;
  }
}
