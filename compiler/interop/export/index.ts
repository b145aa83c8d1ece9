/** The formats that `dlc export` writes. */
import type { Exporter } from './exporter';
import { npz, safetensors } from './tensors';

export const EXPORTERS: readonly Exporter[] = [safetensors, npz];
