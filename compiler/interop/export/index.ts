/** The formats that `dlc export` writes. */
import type { Exporter } from './exporter';
import { dot, svg } from './picture';
import { npz, safetensors } from './tensors';

export const EXPORTERS: readonly Exporter[] = [safetensors, npz, dot, svg];
