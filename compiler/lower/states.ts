/** What is known of a model's tensors that outlive a step: enough to initialize, train, freeze and save them. */
import type { Location, Origin } from '../diagnostics/location';
import type { Fields, Json, ParameterKind } from '../frontend/spec';
import type { StateRole, Value } from '../ir/graph';

export interface StateInfo {
  /** Its name is `<layer>.<param>` or `<layer>.<param>.<slot>`. */
  readonly value: Value;
  readonly role: StateRole;
  /** The layer that owns it. */
  readonly layer: string;
  readonly param: string;
  readonly init: Json;
  /** Where the initializer is written; asked for only when it is wrong. */
  readonly initAt: () => Location;
  readonly fanIn: number;
  readonly fanOut: number;
  /** Multiplier on the learning rate. */
  readonly lr: number;
  /** Multiplier on the weight decay. */
  readonly decay: number;
  /** Not trained, though a parameter. */
  readonly frozen: boolean;
  readonly kind: ParameterKind;
  /** What the layer's own `parameters` say of it, as written: it wins over groups. */
  readonly own: Fields;
  /** Where one of those fields is written. */
  readonly ownAt: (field: string) => Location;
  readonly origin: Origin;
}
