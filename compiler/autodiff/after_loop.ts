/**
 * Gradients of what a loop only reads are sums over its steps. Where each step adds a matrix product, the loop had
 * better stack the two factors: one product over the joined axis of steps and rows gives the whole sum afterwards, many
 * times faster than a small product in each step. A plain sum over a stacked factor (a bias) is taken from the stack too.
 */
import type { Builder } from '../ir/builder';
import type { Node, Value } from '../ir/graph';

/** A value of each step, as rows of a matrix [rows, columns], by the value whose stack has the same elements in this order. */
interface Factor {
  readonly value: Value;
  readonly rows: number;
  readonly columns: number;
}

/** A summand that needs stacks of some step values, and is made of them after the loop. */
export interface Deferred {
  readonly stacks: readonly Value[];
  /** `stackOf` gives [steps, …] for each of `stacks`. */
  make(b: Builder, stackOf: (value: Value) => Value): Value;
}

export interface Steps {
  /** The nodes that make a step's gradient; new ones may be added. */
  readonly work: Builder;
  /** The node that computes a value of the step, forward or backward. */
  definitionOf(value: Value): Node | undefined;
  readonly length: number;
}

/** The summand as a product after the loop, if it is a product of two matrices in each step. */
export function deferredProduct(summand: Value, steps: Steps): Deferred | undefined {
  const { movements, node } = withoutMovements(summand, steps);
  if (node?.op !== 'matmul' || node.inputs.length !== 2 || node.attrs['activation'] !== undefined) return undefined;
  const [a, b] = node.inputs as readonly [Value, Value];
  if (a.type.shape.length !== 2 || b.type.shape.length !== 2) return undefined;
  const left = factorOf(a, node.attrs['transpose_a'] === true, steps);
  const right = factorOf(b, node.attrs['transpose_b'] !== true, steps);
  return {
    stacks: [left.value, right.value],
    make: (builder, stackOf) => {
      const rows = ({ value, rows: each, columns }: Factor): Value =>
        builder.op('reshape', [stackOf(value)], { shape: [steps.length * each, columns] });
      const product = builder.op('matmul', [rows(left), rows(right)], { transpose_a: true, transpose_b: false });
      return moved(product, movements, builder);
    },
  };
}

/** The summand as a sum after the loop, if it is a sum over a value that is stacked anyway. */
export function deferredSum(summand: Value, steps: Steps, isStacked: (value: Value) => boolean): Deferred | undefined {
  const { movements, node } = withoutMovements(summand, steps);
  const [x] = node?.inputs ?? [];
  if (node?.op !== 'reduce_sum' || !x || !isStacked(x)) return undefined;
  const axes = node.attrs['axes'] as readonly number[];
  return {
    stacks: [x],
    make: (b, stackOf) => {
      const sum = b.op('reduce_sum', [stackOf(x)], { axes: [0, ...axes.map((axis) => axis + 1)], keepdims: false });
      const shape = node.outputs[0]?.type.shape ?? [];
      return moved(b.op('reshape', [sum], { shape }), movements, b);
    },
  };
}

/** A matrix with the axis that is summed over in front; the transpose is made in the step where it is not. */
function factorOf(value: Value, summedFirst: boolean, steps: Steps): Factor {
  const matrix = summedFirst ? value : steps.work.op('transpose', [value], { perm: [1, 0] });
  const [rows = 1, columns = 1] = matrix.type.shape;
  let source = matrix;
  for (let node = steps.definitionOf(source); node?.op === 'reshape'; node = steps.definitionOf(source)) {
    source = node.inputs[0] as Value;
  }
  return { value: source, rows, columns };
}

/** The node behind reshapes and transposes, which can as well be applied to the whole sum. */
function withoutMovements(summand: Value, steps: Steps): { movements: readonly Node[]; node: Node | undefined } {
  const movements: Node[] = [];
  let node = steps.definitionOf(summand);
  while (node && (node.op === 'reshape' || node.op === 'transpose')) {
    movements.push(node);
    node = steps.definitionOf(node.inputs[0] as Value);
  }
  return { movements: movements.reverse(), node };
}

function moved(value: Value, movements: readonly Node[], b: Builder): Value {
  return movements.reduce((at, { op, attrs }) => b.op(op, [at], attrs), value);
}
