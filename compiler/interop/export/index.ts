/** The formats that `dlc export` writes. */
import { c } from './c';
import { caffe } from './caffe';
import type { Exporter } from './exporter';
import { onnx } from './onnx';
import { keras } from './keras';
import { dot, svg } from './picture';
import { npz, safetensors } from './tensors';

export const EXPORTERS: readonly Exporter[] = [onnx, c, safetensors, npz, caffe, keras, dot, svg];
