/**
 * A tensor on its way through the conversion. Its shape is in Keras's order of axes; `order` says in which order our
 * tensor holds them, so that images with channels last are held with channels first and nothing is moved until a layer
 * asks for another order.
 */
import type { Draft } from '../../draft';
import { identity, sameOrder, type Features } from '../../formats/keras/axes';

export interface Value {
  /** Our name: a layer, an output of one, or an input. */
  readonly ref: string;
  /** Keras's extents, the batch (at 0) written as 0. */
  readonly shape: readonly number[];
  /** Our axis i holds Keras's axis `order[i]`. */
  readonly order: readonly number[];
  /** Of a flattened image: what was flattened, where our features stand in another order than Keras's. */
  readonly features?: Features;
  /** Bool [N, T]: false where a step is padding. */
  readonly mask?: string;
  /** The index among the draft's layers of the one that made it, where an activation may be written into it. */
  readonly foldable?: number;
  readonly dtype?: 'i32';
}

/** The value behind a layer that no activation may be written into. */
export function settled({ ref, shape, order, features, mask, dtype }: Value): Value {
  return {
    ref,
    shape,
    order,
    ...(features === undefined ? {} : { features }),
    ...(mask === undefined ? {} : { mask }),
    ...(dtype === undefined ? {} : { dtype }),
  };
}

/** Puts layers into the draft that change the order of axes, once for each value and order. */
export class Orders {
  private readonly made = new Map<string, string>();

  constructor(
    private readonly draft: Draft,
    /** What reshapes call the batch: its symbol, or 0 (as it is) inside of bodies. */
    readonly batch: string | number = 'N',
  ) {}

  /** The value in Keras's own order. */
  natural(value: Value): string {
    return this.inOrder(value, identity(value.shape.length));
  }

  inOrder(value: Value, order: readonly number[]): string {
    const source = value.features === undefined ? value.ref : this.unflattened(value.ref, value.features);
    if (sameOrder(value.order, order)) return source;
    const axes = order.map((axis) => value.order.indexOf(axis));
    return this.once(`${source}>${axes.join()}`, () => this.permuted(source, value, axes));
  }

  private permuted(source: string, value: Value, axes: readonly number[]): string {
    const extents = value.order.map((axis) => value.shape[axis]!);
    const kept = axes.filter((axis) => axis === 0 || extents[axis] !== 1);
    const moved = kept.some((axis, i) => i > 0 && axis < kept[i - 1]!);
    const name = `${this.nameOf(source)}_permuted`;
    // Only axes of one element change places: no number moves.
    if (!moved && !this.isInput(source)) {
      const shape = [this.batch, ...axes.slice(1).map((axis) => extents[axis]!)];
      return this.draft.layer({ name, type: 'reshape', inputs: [source], fields: { shape } });
    }
    return this.draft.layer({ name, type: 'permute', inputs: [source], fields: { axes: [...axes] } });
  }

  /** What layers behind a value are called after; not below the name of a model inside of the model. */
  private nameOf(ref: string): string {
    const inside = this.draft.models.some(({ layer }) => ref.startsWith(`${layer}/`));
    return (inside ? ref.replaceAll('/', '_') : ref).replace('.', '_');
  }

  private isInput(name: string): boolean {
    return this.draft.inputs.some((input) => input.name === name);
  }

  /** Flattened features brought into Keras's order. */
  private unflattened(ref: string, { extents, axes }: Features): string {
    return this.once(`${ref}>features`, () => {
      const add = (type: string, input: string, fields: Record<string, (number | string)[]>, what: string): string =>
        this.draft.layer({ name: `${this.nameOf(ref)}_${what}`, type, inputs: [input], fields });
      const grid = add('reshape', ref, { shape: [this.batch, ...extents] }, 'grid');
      const turned = add('permute', grid, { axes: [0, ...axes.map((axis) => axis + 1)] }, 'permuted');
      return this.draft.layer({ name: `${this.nameOf(ref)}_flat`, type: 'flatten', inputs: [turned], fields: {} });
    });
  }

  private once(key: string, make: () => string): string {
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const name = make();
    this.made.set(key, name);
    return name;
  }
}
