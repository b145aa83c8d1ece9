/** Ways from one value to another: what annealing, decays and warm-ups have in common. */
import { InternalError } from '../diagnostics/errors';

/** From `from` at t = 0 to `to` at t = 1. */
export function between(shape: string, from: number, to: number, t: number): number {
  switch (shape) {
    case 'linear':
      return from + (to - from) * t;
    case 'cosine':
      return to + ((from - to) * (1 + Math.cos(Math.PI * t))) / 2;
    case 'exponential':
      return from * (to / from) ** t;
    case 'sqrt':
      return from + (to - from) * Math.sqrt(t);
    case 'constant':
      return t < 1 ? from : to;
    default:
      throw new InternalError(`'${shape}' is no shape of a fall after validation`);
  }
}
