/** The formats that `dlc export` writes. */
import { c } from './c';
import type { Exporter } from './exporter';
import { dot, svg } from './picture';
import { npz, safetensors } from './tensors';

export const EXPORTERS: readonly Exporter[] = [safetensors, npz, c, dot, svg];
