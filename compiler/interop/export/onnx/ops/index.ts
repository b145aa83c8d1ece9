/** Every op that has a translation, by name. */
import type { Translations } from '../translate';
import { control } from './control';
import { detection } from './detection';
import { elementwise } from './elementwise';
import { images } from './images';
import { indexing } from './indexing';
import { pooling } from './pooling';
import { products } from './products';
import { random } from './random';
import { rows } from './rows';
import { shapes } from './shapes';

export const TRANSLATIONS: Translations = {
  ...elementwise,
  ...shapes,
  ...products,
  ...pooling,
  ...rows,
  ...indexing,
  ...images,
  ...detection,
  ...control,
  ...random,
};
