/** The cheapest cut between a source and a sink, by shortest augmenting paths (Edmonds and Karp 1972). */

export class MinCut {
  readonly #to: number[] = [];
  readonly #capacity: number[] = [];
  /** Edges of each node; edge e and e ^ 1 are each other's reverse. */
  readonly #edges: number[][] = [];

  node(): number {
    return this.#edges.push([]) - 1;
  }

  edge(from: number, to: number, capacity: number): void {
    this.#edges[from]?.push(this.#to.push(to) - 1);
    this.#capacity.push(capacity);
    this.#edges[to]?.push(this.#to.push(from) - 1);
    this.#capacity.push(0);
  }

  /** The nodes on the sink's side of the cheapest cut; of several, the one nearest to the sink. Every path must have a finite edge. */
  sinkSide(source: number, sink: number): ReadonlySet<number> {
    for (let path = this.#path(source, sink); path; path = this.#path(source, sink)) {
      const flow = Math.min(...path.map((e) => this.#capacity[e] as number));
      for (const e of path) {
        this.#capacity[e] = (this.#capacity[e] as number) - flow;
        this.#capacity[e ^ 1] = (this.#capacity[e ^ 1] as number) + flow;
      }
    }
    const side = new Set([sink]);
    // A set is walked in the order of insertion, so that what is added is visited too.
    for (const node of side) {
      for (const e of this.#edges[node] ?? []) {
        if ((this.#capacity[e ^ 1] as number) > 0) side.add(this.#to[e] as number);
      }
    }
    return side;
  }

  #path(source: number, sink: number): readonly number[] | undefined {
    const by = new Map<number, number>([[source, -1]]);
    for (const node of by.keys()) {
      for (const e of this.#edges[node] ?? []) {
        const next = this.#to[e] as number;
        if ((this.#capacity[e] as number) > 0 && !by.has(next)) by.set(next, e);
      }
      if (by.has(sink)) break;
    }
    if (!by.has(sink)) return undefined;
    const path: number[] = [];
    for (let node = sink; node !== source;) {
      const e = by.get(node) as number;
      path.push(e);
      node = this.#to[e ^ 1] as number;
    }
    return path;
  }
}
