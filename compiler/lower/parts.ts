/**
 * A batch in parts, for gradients that are accumulated: the whole batch is the graph's input, and each part of it a
 * slice along the batch axis. Every part has random draws of its own.
 */
import type { Spec } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { Within } from './model';
import { batchSymbol } from './symbols';

export interface Part {
  readonly batch: number;
  readonly within: Within;
}

export class BatchParts {
  readonly parts: readonly Part[];
  readonly #symbol: string | undefined;

  /** Parts of `size` samples of a batch, the last one of what is left. */
  constructor(
    private readonly spec: Spec,
    private readonly whole: Within,
    batch: number,
    size: number,
  ) {
    this.#symbol = batchSymbol(spec);
    const count = Math.max(1, Math.ceil(batch / size));
    this.parts = Array.from({ length: count }, (_, i): Part => {
      if (count === 1) return { batch, within: whole };
      const within = { ...whole, inputs: new Map<string, Value>(), salt: `#${i}` };
      return { batch: Math.min(size, batch - i * size), within };
    });
  }

  get isWhole(): boolean {
    return this.parts.length === 1;
  }

  /** Hands every input of the whole that is declared by now to the parts. */
  slice(): void {
    if (this.isWhole) return;
    const { b, inputs } = this.whole;
    let start = 0;
    for (const { batch, within } of this.parts) {
      for (const { name, shape } of this.spec.inputs) {
        const input = inputs.get(name);
        if (!input || within.inputs.has(name)) continue;
        const starts = input.type.shape.map((_, axis) => (axis === 0 ? start : 0));
        const limits = input.type.shape.map((extent, axis) => (axis === 0 ? start + batch : extent));
        const strides = input.type.shape.map(() => 1);
        const sliced =
          shape[0] === this.#symbol ? b.op('slice', [input], { starts, limits, strides }, `${name}.part`) : input;
        within.inputs.set(name, sliced);
      }
      start += batch;
    }
  }
}
