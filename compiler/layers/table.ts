/** Lists that grow with a field or an extent: bounded, so that a slip of the pen cannot fill the memory. */
import { OpTypeError } from '../ops/define';

/** As many as the frames of seven minutes of speech take, or a position's table for 65,536 places of 256 features. */
const MOST = 2 ** 24;

/** `entry(0)` … `entry(count − 1)`: numbers of a constant, places to take, weights of a map. */
export function tableOf<T>(count: number, entry: (i: number) => T): T[] {
  if (count > MOST) {
    throw new OpTypeError(`it would take a table of ${count} entries; the limit is ${MOST}`);
  }
  return Array.from({ length: count }, (_, i) => entry(i));
}
