/**
 * The holes of an arena, as a sweep over time frees and takes space. Neighbouring holes are joined at once. Holes
 * are kept by size class (the power of two below), so that finding one looks at few of them.
 */
const MOST_LOOKED_AT = 64;

export class FreeList {
  /** Sizes of holes by where they start, one map for each class. Maps keep their order, so the same calls find the same holes. */
  readonly #classes: Map<number, number>[] = [];
  readonly #sizeAt = new Map<number, number>();
  readonly #startOfEnd = new Map<number, number>();
  #top = 0;

  /** End of the highest byte ever taken. */
  get top(): number {
    return this.#top;
  }

  /** The start of `bytes` bytes: of the tightest hole found, or at the top. */
  take(bytes: number): number {
    const start = this.#find(bytes);
    if (start !== undefined) {
      const size = this.#remove(start);
      if (size > bytes) this.#add(start + bytes, size - bytes);
      return start;
    }
    // A hole that ends at the top can grow.
    const last = this.#startOfEnd.get(this.#top);
    const from = last ?? this.#top;
    if (last !== undefined) this.#remove(last);
    this.#top = from + bytes;
    return from;
  }

  release(start: number, bytes: number): void {
    let [from, size] = [start, bytes];
    const before = this.#startOfEnd.get(start);
    if (before !== undefined) {
      size += this.#remove(before);
      from = before;
    }
    if (this.#sizeAt.has(start + bytes)) size += this.#remove(start + bytes);
    this.#add(from, size);
  }

  #find(bytes: number): number | undefined {
    let best: number | undefined;
    let bestSize = Infinity;
    for (let c = classOf(bytes); c < this.#classes.length && best === undefined; c++) {
      let looked = 0;
      for (const [start, size] of this.#classes[c] ?? []) {
        if (++looked > MOST_LOOKED_AT) break;
        if (size < bytes || size > bestSize || (size === bestSize && start > (best ?? Infinity))) continue;
        best = start;
        bestSize = size;
      }
    }
    return best;
  }

  #add(start: number, size: number): void {
    const c = classOf(size);
    while (this.#classes.length <= c) this.#classes.push(new Map());
    this.#classes[c]?.set(start, size);
    this.#sizeAt.set(start, size);
    this.#startOfEnd.set(start + size, start);
  }

  #remove(start: number): number {
    const size = this.#sizeAt.get(start) ?? 0;
    this.#classes[classOf(size)]?.delete(start);
    this.#sizeAt.delete(start);
    this.#startOfEnd.delete(start + size);
    return size;
  }
}

function classOf(bytes: number): number {
  return Math.floor(Math.log2(bytes));
}
