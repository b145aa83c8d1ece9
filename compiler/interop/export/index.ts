/** The formats that `dlc export` writes. */
import type { Exporter } from './exporter';

export const EXPORTERS: readonly Exporter[] = [];
