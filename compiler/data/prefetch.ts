/**
 * Reads ahead: the next items are made while the one before is being used. The queue is bounded; nothing is made
 * before it is asked for the first time, and no more after the reader stops.
 */

/** Yields `make(first)`, `make(first + 1)`, ... up to but not including `end`, `depth` of them made in advance. */
export async function* prefetch<T>(
  range: { readonly first: number; readonly end: number },
  depth: number,
  make: (index: number) => T | Promise<T>,
): AsyncGenerator<T, void, undefined> {
  const queue: Promise<T>[] = [];
  let next = range.first;
  const top = (): void => {
    while (queue.length < depth && next < range.end) {
      const index = next++;
      // One after the other, and not before the reader has started on what it was just given.
      const before = queue[queue.length - 1] ?? Promise.resolve();
      const item = before.then(laterTurn).then(() => make(index));
      // A failure is the reader's to see when it comes to this item, not an unhandled rejection now.
      item.catch(() => undefined);
      queue.push(item);
    }
  };
  for (let at = range.first; at < range.end; at++) {
    top();
    const item = await queue.shift()!;
    top();
    yield item;
  }
}

function laterTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
