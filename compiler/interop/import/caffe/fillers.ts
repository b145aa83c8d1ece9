/** Fillers: how a net's weights start. */
import type { Json } from '../../../frontend/spec';
import type { Fields } from '../../formats/caffe/fields';
import { Refusal } from './value';

const FILLERS: Readonly<Record<string, (filler: Fields) => Json>> = {
  constant: (filler) => {
    const value = filler.number('value', 0);
    return value === 0 ? 'zeros' : value === 1 ? 'ones' : { type: 'constant', value };
  },
  uniform: (filler) => ({ type: 'uniform', low: filler.number('min', 0), high: filler.number('max', 1) }),
  gaussian: (filler) => {
    const mean = filler.number('mean', 0);
    const std = filler.number('std', 1);
    filler.ignore('sparse');
    return { type: 'normal', ...(mean === 0 ? {} : { mean }), std };
  },
  positive_unitball: () => 'positive_unitball',
  xavier: (filler) => scaled('xavier', filler),
  msra: (filler) => scaled('msra', filler),
  bilinear: () => 'bilinear',
};

function scaled(type: string, filler: Fields): Json {
  const mode = filler.word('variance_norm', ['FAN_IN', 'FAN_OUT', 'AVERAGE']);
  return mode === 'FAN_IN' ? type : { type, mode: mode === 'FAN_OUT' ? 'fan_out' : 'fan_avg' };
}

/** The initializer that a filler is; undefined where there is none. Numbers of other types of fillers mean nothing. */
export function initializerOf(holder: Fields, name: string): Json | undefined {
  if (!holder.has(name)) return undefined;
  const filler = holder.part(name);
  const type = filler.text('type', 'constant');
  const make = FILLERS[type];
  if (make === undefined) throw new Refusal(filler.placeOf('type'), `the filler ${type} has no counterpart`);
  const made = make(filler);
  filler.ignore('value', 'min', 'max', 'mean', 'std', 'sparse', 'variance_norm');
  return made;
}
