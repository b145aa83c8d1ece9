/** The messages between the main thread and the worker that holds libhdf5. One file is open at a time. */
import type { Shape } from '../ir/types';

/** Elements as they lie in HDF5. bf16 is kept as u16, bool as u8, with an attribute `dtype` on the dataset. */
export type H5Type = 'f32' | 'f64' | 'u8' | 'u16' | 'i32' | 'i64';

export interface H5Dataset {
  readonly path: string;
  /** Undefined where the elements are of a type that dlc does not read; `described` says which. */
  readonly type: H5Type | undefined;
  readonly described: string;
  readonly shape: Shape;
  /** Value of the attribute `dtype`. */
  readonly dtype?: string;
}

export interface H5Listing {
  readonly datasets: readonly H5Dataset[];
  /** Attributes of the root: text and numbers. */
  readonly attributes: Readonly<Record<string, string | number>>;
  /** The attribute `json` of the group `/state`. */
  readonly state?: string;
  /** Links to other files and other things that are not followed. */
  readonly foreign: readonly string[];
}

/** What an attribute holds: text, a number, or a list of them; `undefined` where it is of another kind. */
export type H5Value = string | number | readonly (string | number)[] | undefined;

export interface H5Requests {
  readonly create: { readonly args: { readonly path: string }; readonly reply: undefined };
  readonly group: { readonly args: { readonly path: string }; readonly reply: undefined };
  readonly attribute: {
    readonly args: { readonly object: string; readonly name: string; readonly value: string | number };
    readonly reply: undefined;
  };
  /** With `data` the whole dataset is written, without it has to be by `write`. */
  readonly dataset: {
    readonly args: {
      readonly path: string;
      readonly type: H5Type;
      readonly shape: Shape;
      readonly data?: Uint8Array;
    };
    readonly reply: undefined;
  };
  readonly write: {
    readonly args: { readonly path: string; readonly offset: Shape; readonly count: Shape; readonly data: Uint8Array };
    readonly reply: undefined;
  };
  readonly open: { readonly args: { readonly path: string }; readonly reply: H5Listing };
  /** All attributes of each of the objects; of an object that is not there, none. */
  readonly attributes: {
    readonly args: { readonly objects: readonly string[] };
    readonly reply: readonly Readonly<Record<string, H5Value>>[];
  };
  readonly read: {
    readonly args: { readonly path: string; readonly offset: Shape; readonly count: Shape; readonly bytes: number };
    readonly reply: Uint8Array;
  };
  readonly close: { readonly args: { readonly path?: never }; readonly reply: undefined };
}

export type H5Op = keyof H5Requests;

export interface H5Request {
  readonly id: number;
  readonly op: H5Op;
  readonly args: H5Requests[H5Op]['args'];
}

export type H5Reply =
  | { readonly id: number; readonly ok: true; readonly value: H5Requests[H5Op]['reply'] }
  | {
      readonly id: number;
      readonly ok: false;
      /** The system's error code, where a read or write of the file itself failed: ENOSPC, EIO. */
      readonly code?: string;
      readonly message: string;
    };

export const H5_BYTES: Readonly<Record<H5Type, number>> = { f32: 4, f64: 8, u8: 1, u16: 2, i32: 4, i64: 8 };
