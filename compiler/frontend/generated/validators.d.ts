/** The generated validators, by the key of their schema (`schema-key.ts`). Written by `npm run generate`. */
import type { Validator } from '../validate';

declare const validators: Readonly<Record<string, Validator | undefined>>;
export = validators;
