/**
 * Reading and checking what an op is given, for `infer`: attributes come from parsed IR text and from lowering, so a
 * missing or ill-typed one is an OpTypeError that says what was found. `evaluate` and `grad` read them the same way.
 */
import type { Attrs, AttrValue } from '../ir/graph';
import type { Shape, TensorType } from '../ir/types';
import { formatType, isFloat } from '../ir/types';
import { OpTypeError } from './define';

function found(value: AttrValue | undefined): string {
  return value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
}

export function numberAttr(attrs: Attrs, name: string): number {
  const value = attrs[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new OpTypeError(`attribute '${name}' ${found(value)}, expected a number`);
  }
  return value;
}

export function integerAttr(attrs: Attrs, name: string, least = -Infinity): number {
  const value = numberAttr(attrs, name);
  if (!Number.isSafeInteger(value) || value < least) {
    const wanted = least === -Infinity ? 'an integer' : `an integer of at least ${least}`;
    throw new OpTypeError(`attribute '${name}' is ${value}, expected ${wanted}`);
  }
  return value;
}

export function booleanAttr(attrs: Attrs, name: string): boolean {
  const value = attrs[name];
  if (typeof value !== 'boolean') throw new OpTypeError(`attribute '${name}' ${found(value)}, expected true or false`);
  return value;
}

export function stringAttr(attrs: Attrs, name: string): string {
  const value = attrs[name];
  if (typeof value !== 'string') throw new OpTypeError(`attribute '${name}' ${found(value)}, expected a string`);
  return value;
}

/** A list of integers, of exactly `count` where given. */
export function integersAttr(attrs: Attrs, name: string, count?: number, least = -Infinity): readonly number[] {
  const value: unknown = attrs[name];
  if (!Array.isArray(value) || !value.every((item): item is number => Number.isSafeInteger(item))) {
    throw new OpTypeError(`attribute '${name}' ${found(attrs[name])}, expected a list of integers`);
  }
  if (count !== undefined && value.length !== count) {
    throw new OpTypeError(`attribute '${name}' is [${value.join(', ')}], expected ${plural(count, 'number')}`);
  }
  if (value.some((item) => item < least)) {
    throw new OpTypeError(`attribute '${name}' is [${value.join(', ')}], expected numbers of at least ${least}`);
  }
  return value;
}

/** An axis of a tensor of that rank, counted from 0. */
export function axisAttr(attrs: Attrs, name: string, rank: number): number {
  const axis = integerAttr(attrs, name);
  if (axis < 0 || axis >= rank) {
    throw new OpTypeError(
      `attribute '${name}' is ${axis}, expected an axis of a tensor of rank ${rank} (0 to ${rank - 1})`,
    );
  }
  return axis;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The input at a position, which has to be there. */
export function inputAt<T>(inputs: readonly T[], index: number, name: string): T {
  const input = inputs[index];
  if (input === undefined) throw new OpTypeError(`the ${name} is missing`);
  return input;
}

export function requireArity(inputs: readonly unknown[], least: number, most = least): void {
  if (inputs.length < least || inputs.length > most) {
    const wanted = least === most ? plural(least, 'input') : `${least} to ${most} inputs`;
    throw new OpTypeError(`found ${plural(inputs.length, 'input')}, expected ${wanted}`);
  }
}

export function requireFloat(type: TensorType, name: string): void {
  if (!isFloat(type.dtype))
    throw new OpTypeError(`expected floating-point numbers as ${name}, found ${formatType(type)}`);
}

/** All of one dtype: that of the first. */
export function requireSameDtype(types: readonly TensorType[], names: readonly string[]): void {
  const [first] = types;
  types.forEach((type, i) => {
    if (first && type.dtype !== first.dtype) {
      throw new OpTypeError(
        `the dtypes of the ${names[0]} ${formatType(first)} and the ${names[i]} ${formatType(type)} differ`,
      );
    }
  });
}

export function requireShape(type: TensorType, shape: Shape, name: string): void {
  if (type.shape.length !== shape.length || type.shape.some((extent, axis) => extent !== shape[axis])) {
    throw new OpTypeError(`the shape of the ${name} is [${type.shape.join(',')}], expected [${shape.join(',')}]`);
  }
}
