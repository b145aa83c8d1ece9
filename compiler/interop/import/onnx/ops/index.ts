/** The operators that there are words for, by their names. */
import type { Handlers } from '../node';
import { BITS } from './bits';
import { ATTENTIONS } from './attention';
import { CONTROL } from './control';
import { ELEMENTWISE } from './elementwise';
import { FOUND } from './found';
import { FOURIER } from './fourier';
import { GATHERS } from './gather';
import { LOSSES } from './loss';
import { NORMS } from './norm';
import { PRODUCTS } from './dense';
import { QUANTIZED } from './quantized';
import { RECURRENTS } from './recurrent';
import { RANDOMS } from './random';
import { REDUCES } from './reduce';
import { RESIZES } from './resize';
import { SAMPLES } from './sample';
import { SEQUENCES } from './sequence';
import { SHAPES } from './shape';
import { SIGNALS } from './signal';
import { TEXTS } from './text';
import { UNIQUE } from './unique';
import { WINDOWS } from './window';

export const HANDLERS: Handlers = {
  ...ELEMENTWISE,
  ...SHAPES,
  ...REDUCES,
  ...PRODUCTS,
  ...WINDOWS,
  ...NORMS,
  ...CONTROL,
  ...GATHERS,
  ...LOSSES,
  ...RANDOMS,
  ...TEXTS,
  ...UNIQUE,
  ...SEQUENCES,
  ...SIGNALS,
  ...BITS,
  ...SAMPLES,
  ...FOUND,
  ...RESIZES,
  ...RECURRENTS,
  ...QUANTIZED,
  ...FOURIER,
  ...ATTENTIONS,
};
