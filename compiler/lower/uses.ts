/**
 * The optimizers at work in one program. Weights whose optimizer has the same fields, schedules and clock share the same
 * scalar inputs; the inputs of each use but the first stand under a prefix of its own.
 */
import type { OptimizerSetup } from './updates';
import { updateInputs } from './updates';
import type { TensorType } from '../ir/types';

export interface OptimizerUse {
  /** Before the names of its inputs. */
  readonly prefix: string;
  readonly setup: OptimizerSetup;
  /** Earlier phases whose steps count as updates too: the weights were trained by this type of optimizer in them. */
  readonly earlier: readonly number[];
  /** Position of the objective or phase it belongs to, whose schedules it follows. */
  readonly owner: number;
  /** It updates in every so many-th step. */
  readonly every: number;
}

export class Uses {
  readonly all: OptimizerUse[] = [];
  readonly #byKey = new Map<string, OptimizerUse>();

  /** `declare` makes the inputs of a use that was not met before. */
  constructor(private readonly declare: (inputs: Readonly<Record<string, TensorType>>) => void) {}

  of(setup: OptimizerSetup, { earlier, owner, every }: Omit<OptimizerUse, 'prefix' | 'setup'>): OptimizerUse {
    const { optimizer, schedule, schedules = {} } = setup;
    const parts = [optimizer, schedule, ...Object.values(schedules)].map(({ type, fields }) => [type, fields]);
    const key = JSON.stringify([parts, Object.keys(schedules), earlier, owner, every]);
    let use = this.#byKey.get(key);
    if (!use) {
      use = { prefix: this.all.length === 0 ? '' : `use${this.all.length}.`, setup, earlier, owner, every };
      this.#byKey.set(key, use);
      this.all.push(use);
      this.declare(updateInputs(setup, use.prefix));
    }
    return use;
  }
}
