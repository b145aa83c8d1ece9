/** Converters by the type of the source's layer. */
import type { NetLayer } from '../net';
import type { Converter } from '../use';
import { activations } from './activations';
import { convolutions } from './convolution';
import { sources } from './data';
import { detections } from './detection';
import { linear } from './linear';
import { losses, metrics } from './losses';
import { merges } from './merge';
import { normalizations } from './normalization';
import { poolings } from './pooling';
import { recurrent } from './recurrent';
import { shapes } from './shape';

export const CONVERTERS: ReadonlyMap<string, Converter> = new Map(
  [
    sources,
    convolutions,
    linear,
    poolings,
    normalizations,
    activations,
    merges,
    shapes,
    recurrent,
    detections,
    losses,
    metrics,
  ].flatMap((family) => Object.entries(family)),
);

const METRICS = new Set([...Object.keys(metrics), 'DetectionEvaluate']);
const LOSSES = new Set([...Object.keys(losses), 'MultiBoxLoss']);

export const isLoss = (type: string): boolean => LOSSES.has(type) || /Loss/.test(type);
export const isMetric = (type: string): boolean => METRICS.has(type) || /^(Eval|Seg)\w*/.test(type);
/** Takes values and gives none. */
export const isSink = (type: string): boolean => type === 'Silence' || type === 'HDF5Output';
/** Brings samples: not a declared input. */
export const isData = ({ type, bottoms }: NetLayer): boolean => type in sources && bottoms.length === 0;
