/**
 * A diagnostic is data: renderers (pretty, json, sarif, junit, github) turn it into text late.
 * The functions that make diagnostics, one for each code, are in `catalogue.ts`.
 */
import type { Location } from './location';

export type Severity = 'error' | 'warning';

export interface Note {
  readonly message: string;
  readonly at?: Location;
}

export interface Diagnostic {
  /** Stable kebab-case code, e.g. `unknown-field`. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly at: Location;
  readonly notes: readonly Note[];
  readonly hint?: string;
}
