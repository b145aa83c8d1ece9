/** Data layers as the data section, where a source of ours reads the same files; the others are told to the user. */
import type { Fields as SpecFields, Json } from '../../../frontend/spec';
import type { DraftInput } from '../../draft';
import type { Fields } from '../../formats/caffe/fields';
import type { CaffeFiles } from './files';
import { isData } from './layers';
import { layersIn, type CaffeNet, type NetLayer } from './net';
import type { Nets, States } from './nets';
import type { Conversion } from './conversion';

const PARAMS: Readonly<Record<string, string>> = {
  Data: 'data_param',
  AnnotatedData: 'data_param',
  ImageData: 'image_data_param',
  ImageSegData: 'image_data_param',
  ImageLabelmapData: 'image_data_param',
  WindowData: 'window_data_param',
  VideoData: 'video_data_param',
  DenseImageData: 'dense_image_data_param',
  HDF5Data: 'hdf5_data_param',
  MemoryData: 'memory_data_param',
};

/** Of each kind of data, why there is no section for it. */
const WHY: Readonly<Record<string, string>> = {
  Data: 'databases (LMDB, LevelDB) are not read; make folders or lists of images of them',
  AnnotatedData: 'databases (LMDB) are not read; `type: detection` reads the annotations they were made from',
  HDF5Data: 'HDF5 is not read as data; `type: npy` reads arrays of the same names',
  WindowData: 'windows of images are not drawn from lists',
  VideoData: 'videos are not read',
  DenseImageData: 'lists of images with masks are not read; `type: segmentation` reads folders of them',
  ImageSegData: 'lists of images with masks are not read; `type: segmentation` reads folders of them',
  ImageLabelmapData: 'lists of images with masks are not read; `type: segmentation` reads folders of them',
  MemoryData: 'data in memory has no file',
  Python: 'it is code in Python, which is never run',
};

/** Samples that a data layer gives at once. */
export function batchSize(layer: NetLayer): number | undefined {
  const param = layer.fields.part(PARAMS[layer.type] ?? 'python_param');
  return param.count('batch_size') ?? layer.fields.part('input_param').parts('shape')[0]?.counts('dim')[0];
}

const dataLayers = (net: CaffeNet | undefined, state: States['train']): NetLayer[] =>
  net === undefined ? [] : layersIn(net, state).filter((layer) => isData(layer) && layer.type !== 'Input');

/** Writes `data:`; gives the batch of the test phase, where it is said. */
export function dataSections(
  conversion: Conversion,
  nets: Nets,
  states: States,
  files: CaffeFiles,
): number | undefined {
  const training = dataLayers(nets.train, states.train);
  const testing = dataLayers(nets.test ?? nets.train, states.test).filter((layer) => !training.includes(layer));
  const train = training.map((layer) => section(conversion, layer, files)).find((made) => made !== undefined);
  const test = testing.map((layer) => section(conversion, layer, files)).find((made) => made !== undefined);
  if (train !== undefined) {
    conversion.draft.sections = {
      ...conversion.draft.sections,
      data: { train, ...(test === undefined ? {} : { eval: test }) },
    };
  }
  return testing.map(batchSize).find((size) => size !== undefined);
}

function section(conversion: Conversion, layer: NetLayer, files: CaffeFiles): SpecFields | undefined {
  const holder = layer.fields.part(PARAMS[layer.type] ?? 'python_param');
  const source = holder.text('source');
  const called = source === undefined ? '' : `: ${source}`;
  const made = source === undefined ? undefined : READABLE[layer.type]?.(conversion, layer, source, files);
  if (made !== undefined) return made;
  remarkImages(conversion, layer, source);
  const reason = WHY[layer.type] ?? 'there is no such source of data';
  conversion.setting(`${layer.type} ${layer.name}${called}`, 'dropped', reason);
  return undefined;
}

/** What the source does to its images, where no data section can say it. */
function remarkImages({ draft }: Conversion, layer: NetLayer, source: string | undefined): void {
  const transform = layer.fields.part('transform_param');
  const means = transform.numbers('mean_value');
  const file = transform.text('mean_file');
  const scale = transform.number('scale', 1);
  const crop = transform.count('crop_size', 0);
  const steps = [
    ...(means.length > 0 ? [`less ${means.join(', ')}${means.length === 3 ? ' (blue, green, red)' : ''}`] : []),
    ...(file === undefined ? [] : [`less the mean in ${file}`]),
    ...(scale === 1 ? [] : [`times ${scale}`]),
    ...(crop > 0 ? [`crops of ${crop}`] : []),
    ...(transform.flag('mirror', false) ? ['mirrored at random'] : []),
  ];
  const from = source === undefined ? '' : ` of ${source}`;
  const remark = `In the source, samples${from} (${layer.type}) are${steps.length === 0 ? ' taken as they are' : `: ${steps.join(', ')}`}.`;
  if (!draft.remarks.includes(remark)) draft.remarks.push(remark);
}

type Reader = (conversion: Conversion, layer: NetLayer, source: string, files: CaffeFiles) => SpecFields | undefined;

/** Kinds of data that a source of ours can read, as they are or when they have been written as files. */
const READABLE: Readonly<Record<string, Reader>> = { ImageData: imageList, Data: imageFolder, HDF5Data: arrays };

const inputsOf = ({ draft }: Conversion, { tops }: NetLayer): (DraftInput | undefined)[] =>
  tops.map((top) => draft.inputs.find(({ name }) => name === top));

const COLOURS = 'images are read in the order red, green, blue here, the source has blue first';

/** A list of image files with labels is a table with a column of each. */
function imageList(conversion: Conversion, layer: NetLayer, source: string, files: CaffeFiles): SpecFields | undefined {
  const [image, label] = inputsOf(conversion, layer);
  if (image?.shape.length !== 4 || label === undefined) return undefined;
  const holder = layer.fields.part('image_data_param');
  const transform = layer.fields.part('transform_param');
  const { fields, reason } = pixels(transform, files);
  const root = holder.text('root_folder', '');
  const column: Record<string, Json> = {
    column: 0,
    kind: 'image',
    ...(root === '' ? {} : { root }),
    ...fields,
  };
  const reasons = [image.shape[1] === 3 ? COLOURS : undefined, reason].filter((r) => r !== undefined);
  conversion.setting(
    `ImageData ${layer.name}: ${source}`,
    'converted',
    reasons.join('; ') || 'a table with a column of images',
    'data',
  );
  return {
    type: 'table',
    file: source,
    delimiter: ' ',
    header: false,
    columns: { [image.name]: column, [label.name]: { column: 1 } },
    ...(holder.flag('shuffle', false) ? { shuffle: true } : {}),
  };
}

/** A database of images with labels, as the folders that it can be written out to. */
function imageFolder(
  conversion: Conversion,
  layer: NetLayer,
  source: string,
  files: CaffeFiles,
): SpecFields | undefined {
  const [image, label] = inputsOf(conversion, layer);
  if (image?.shape.length !== 4 || label?.dtype !== 'i32' || label.shape.length !== 1) return undefined;
  const { fields, reason } = pixels(layer.fields.part('transform_param'), files);
  const reasons = [
    'databases (LMDB, LevelDB) are not read: write its images into one folder for each class, at this path',
    ...(image.shape[1] === 3 ? [COLOURS] : []),
    ...(reason === undefined ? [] : [reason]),
  ];
  conversion.setting(`Data ${layer.name}: ${source}`, 'converted', reasons.join('; '), 'data');
  return { type: 'image_folder', path: source, ...fields };
}

/** Datasets of HDF5 files, as the arrays that they can be written out to. */
function arrays(conversion: Conversion, layer: NetLayer, source: string): SpecFields | undefined {
  const inputs = inputsOf(conversion, layer);
  if (!inputs.every((input) => input !== undefined)) return undefined;
  const base = source.replace(/\.txt$/i, '');
  const reason = 'HDF5 is not read as data: write each of its datasets as a .npy file, under these names';
  conversion.setting(`HDF5Data ${layer.name}: ${source}`, 'converted', reason, 'data');
  return {
    type: 'npy',
    arrays: Object.fromEntries(inputs.map(({ name }, i) => [name, `${base}.${layer.tops[i]!}.npy`])),
    ...(layer.fields.part('hdf5_data_param').flag('shuffle', false) ? { shuffle: true } : {}),
  };
}

/** What a section says of pixels. */
function pixels(
  transform: Fields,
  files: CaffeFiles,
): { readonly fields: Record<string, Json>; readonly reason?: string } {
  const { mean, reason } = meanOf(transform.numbers('mean_value'), files, transform.text('mean_file'));
  const scale = transform.number('scale', 1);
  const cropped = transform.count('crop_size', 0) > 0 ? 'images are resized where the source crops them' : undefined;
  const reasons = [reason, cropped].filter((one) => one !== undefined);
  return {
    fields: {
      ...(scale === 1 ? {} : { scale }),
      // There the mean is taken off before the scale, here after it.
      ...(mean === undefined
        ? {}
        : { mean: mean.length === 1 ? mean[0]! * scale : mean.map((value) => value * scale) }),
      ...(transform.flag('mirror', false) ? { augment: { flip: 'horizontal' } } : {}),
    },
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
  };
}

/** Blue, green, red there; red, green, blue here. A mean image becomes the mean of each channel. */
function meanOf(
  values: readonly number[],
  files: CaffeFiles,
  named: string | undefined,
): { readonly mean?: readonly number[]; readonly reason?: string } {
  if (values.length > 0) return { mean: [...values].reverse() };
  const blob = files.means[0]?.blob;
  if (blob === undefined) return named === undefined ? {} : { reason: `the mean file ${named} was not given` };
  const channels = blob.shape.at(-3) ?? 1;
  const size = blob.data.length / channels;
  const mean = Array.from({ length: channels }, (_, c) => {
    const sum = blob.data.subarray(c * size, (c + 1) * size).reduce((total, value) => total + value, 0);
    return Number((sum / size).toPrecision(7));
  });
  return { mean: mean.reverse(), reason: 'of the mean image the mean of each channel' };
}
