/**
 * The settings of one Keras layer: typed access that reports what is of another kind than it should be, and remembers
 * what was looked at, so that what nobody looked at can be told in the end.
 */
import type { Json } from '../../../frontend/spec';
import { isList, isObject } from '../../formats/json';

export type Settings = { readonly [key: string]: Json };

export class Config {
  private readonly read = new Set<string>();

  constructor(
    readonly settings: Settings,
    private readonly complain: (problem: string) => void,
  ) {}

  /** The value as it stands; absent and `null` are the same. */
  value(key: string): Json | undefined {
    this.read.add(key);
    return Object.hasOwn(this.settings, key) ? (this.settings[key] ?? undefined) : undefined;
  }

  has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  number(key: string, fallback: number): number {
    const value = this.value(key);
    if (value === undefined) return fallback;
    if (typeof value === 'number') return value;
    // Keras 3 and some subclasses store numbers as arrays of one value.
    if (isObject(value) && isObject(value.config) && typeof value.config.value === 'number') return value.config.value;
    if (isObject(value) && value.type === 'ndarray' && typeof value.value === 'number') return value.value;
    this.complain(`\`${key}\` should be a number`);
    return fallback;
  }

  optional(key: string): number | undefined {
    return this.has(key) ? this.number(key, 0) : undefined;
  }

  int(key: string, fallback: number, least = 0): number {
    const value = this.number(key, fallback);
    if (Number.isSafeInteger(value) && value >= least) return value;
    this.complain(`\`${key}\` should be an integer of at least ${least}`);
    return Math.max(fallback, least);
  }

  /** A size that has to be given. */
  size(key: string): number {
    if (!this.has(key)) this.complain(`\`${key}\` is missing`);
    return this.int(key, 1, 1);
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.value(key);
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    if (value === 0 || value === 1) return value === 1;
    this.complain(`\`${key}\` should be true or false`);
    return fallback;
  }

  text(key: string, fallback: string): string {
    const value = this.value(key);
    if (value === undefined) return fallback;
    if (typeof value === 'string') return value;
    this.complain(`\`${key}\` should be a text`);
    return fallback;
  }

  /** One number for all of `count` axes, or a list of as many. */
  ints(key: string, count: number, fallback: number, least = 0): number[] {
    const value = this.value(key);
    if (value === undefined) return new Array<number>(count).fill(fallback);
    const list = isList(value) ? value : new Array<Json>(count).fill(value);
    const good = (item: Json): item is number => Number.isSafeInteger(item) && (item as number) >= least;
    if (list.length === count && list.every(good)) return [...list] as number[];
    this.complain(`\`${key}\` should be ${count === 1 ? 'an integer' : `${count} integers`} of at least ${least}`);
    return new Array<number>(count).fill(Math.max(fallback, least));
  }

  /** Any list of integers, or one of them. */
  integers(key: string): number[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const list = isList(value) ? value : [value];
    if (list.every((item) => Number.isSafeInteger(item))) return [...list] as number[];
    this.complain(`\`${key}\` should be integers`);
    return undefined;
  }

  /** Settings that nobody asked for and that say something. */
  unread(): string[] {
    const says = (value: Json | undefined): boolean =>
      value !== null && value !== undefined && value !== false && !(isList(value) && value.length === 0);
    return Object.keys(this.settings).filter((key) => !this.read.has(key) && says(this.settings[key]));
  }

  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.read.add(key);
  }
}
