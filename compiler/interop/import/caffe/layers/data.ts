/**
 * Layers without inputs: declared inputs and data layers. Their tops become inputs of the model when a layer reads them;
 * what they say of shapes is kept here, what they say of files becomes the data section (`data_section.ts`).
 */
import type { Fields } from '../../../formats/caffe/fields';
import type { NetLayer } from '../net';
import type { Converter, Use } from '../use';
import type { Extents, Source } from '../value';

/** Declares every top; `shapes` are what the layer says, without the batch. */
function declare(use: Use, shapes: readonly (readonly number[] | undefined)[], description?: string): void {
  use.node.outputs.forEach((blob, i) => {
    const given = use.conversion.shapes.get(blob.name);
    const deployed = blob.readers
      .map((reader) => use.conversion.deployed.get(`${reader.layer.name} ${reader.inputs.indexOf(blob)}`))
      .find((shape) => shape !== undefined);
    const own = shapes[i];
    const shape: Extents | undefined = given ?? (own === undefined ? deployed : [use.conversion.firstExtent, ...own]);
    const timeFirst = use.conversion.timeFirst.has(blob);
    const source: Source = {
      name: blob.name,
      at: use.at,
      ...(timeFirst ? { timeFirst } : {}),
      ...(shape === undefined ? {} : { shape }),
      ...(description === undefined || i > 0 ? {} : { description }),
    };
    blob.state = source;
    if (given !== undefined) use.conversion.usedShape(blob.name);
  });
  use.to = 'inputs';
}

const input: Converter = (use) => {
  const param = use.part('input_param');
  const shapes = param.parts('shape').map((shape) => shape.counts('dim'));
  use.node.outputs.forEach((blob, i) => {
    const given = use.conversion.shapes.get(blob.name);
    const dims = shapes[i] ?? shapes.at(-1);
    if (dims?.some((extent) => extent < 1)) use.refuse(`declares [${dims.join(', ')}]`);
    const timeFirst = use.conversion.timeFirst.has(blob) && (dims?.length ?? 0) >= 2;
    const order = dims === undefined ? undefined : timeFirst ? [dims[1]!, dims[0]!, ...dims.slice(2)] : dims;
    const own = order === undefined ? undefined : use.conversion.opened(order);
    const shape = given ?? own;
    blob.state = {
      name: blob.name,
      at: use.at,
      ...(shape === undefined ? {} : { shape }),
      ...(timeFirst ? { timeFirst } : {}),
    };
    if (given !== undefined) use.conversion.usedShape(blob.name);
  });
  use.to = 'inputs';
};

/** The extents of images behind the transformations, where the layer says them. */
export function imageShape(layer: NetLayer, holder: Fields, channels: number): readonly number[] | undefined {
  const transform = layer.fields.part('transform_param');
  const crop = transform.count('crop_size', 0);
  if (crop > 0) return [channels, crop, crop];
  const resize = transform.part('resize_param');
  const [height, width] = [
    resize.count('height') ?? holder.count('new_height', 0),
    resize.count('width') ?? holder.count('new_width', 0),
  ];
  return height > 0 && width > 0 ? [channels, height, width] : undefined;
}

function channelsOf(layer: NetLayer, holder: Fields): number {
  const transform = layer.fields.part('transform_param');
  const means = transform.numbers('mean_value').length;
  if (transform.flag('force_gray', false) || !holder.flag('is_color', true)) return 1;
  return means === 1 ? 3 : means > 1 ? means : 3;
}

const BGR = 'colours in the order blue, green, red, as Caffe has them';

/** Frames of all segments lie in the channels: three of a colour image, two of a flow. */
const video: Converter = (use) => {
  const holder = use.part('video_data_param');
  const each = holder.word('modality', ['RGB', 'FLOW']) === 'FLOW' ? 2 : 3;
  const channels = holder.count('num_segments', 1) * holder.count('new_length', 1) * each;
  const shape = imageShape(use.node.layer, holder, channels);
  holder.ignoreAll();
  use.part('transform_param').ignoreAll();
  declare(use, [shape]);
};

/** A layer of images and labels: what it says of files stands in the message `name`. */
const images =
  (name: string): Converter =>
  (use) => {
    const holder = use.part(name);
    const { layer } = use.node;
    const channels = channelsOf(layer, holder);
    // What they say of files and of augmentation is for the data section.
    holder.ignoreAll();
    use.part('transform_param').ignoreAll();
    declare(use, [imageShape(layer, holder, channels)], BGR);
  };

const memory: Converter = (use) => {
  const param = use.part('memory_data_param');
  const shape = ['channels', 'height', 'width'].map((name) => param.count(name, 1));
  param.ignoreAll();
  use.part('transform_param').ignoreAll();
  declare(use, [shape]);
};

/** Tops of any shape, which only the user or another file can say. */
const open =
  (name: string): Converter =>
  (use) => {
    declare(use, []);
    use.part(name).ignoreAll();
    use.part('transform_param').ignoreAll();
  };

const annotated: Converter = (use) => {
  images('data_param')(use);
  use.part('annotated_data_param').ignoreAll();
};

/** A Python layer with inputs computes something; one without brings data. */
const python: Converter = (use) => {
  const param = use.part('python_param');
  const called = `${param.text('module', '')}.${param.text('layer', '')}`;
  param.ignore('param_str', 'share_in_parallel');
  if (use.node.inputs.length > 0 || use.node.outputs.length === 0) {
    use.refuse(`is code in Python (${called}), which is never run`);
  }
  open('python_param')(use);
};

export const sources: Readonly<Record<string, Converter>> = {
  Input: input,
  Data: images('data_param'),
  ImageData: images('image_data_param'),
  WindowData: images('window_data_param'),
  VideoData: video,
  DenseImageData: images('dense_image_data_param'),
  ImageSegData: images('image_data_param'),
  ImageLabelmapData: images('image_data_param'),
  AnnotatedData: annotated,
  MemoryData: memory,
  HDF5Data: open('hdf5_data_param'),
  Python: python,
};
