/** A binary heap of small integers, least key first, ties by the integer itself: the same order every time. */
export class MinHeap {
  readonly #items: number[] = [];

  constructor(readonly key: (item: number) => number) {}

  get size(): number {
    return this.#items.length;
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    items[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < items.length && this.#before(child, least)) least = child;
      if (least === at) return top;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#items[a] as number, this.#items[b] as number];
    const difference = this.key(x) - this.key(y);
    return difference < 0 || (difference === 0 && x < y);
  }

  #swap(a: number, b: number): void {
    const x = this.#items[a] as number;
    this.#items[a] = this.#items[b] as number;
    this.#items[b] = x;
  }
}
