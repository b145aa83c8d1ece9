/** Augmentation in the graph, in training alone. */
import type { LayerDef } from '../define';
import { randomAffine, randomRotation, randomShear, randomTranslation, randomZoom } from './affine';
import { randomCrop, randomFlip, randomResizedCrop } from './crop';
import { cutout, randomErasing } from './erase';

export const AUGMENTATIONS = {
  random_flip: randomFlip,
  random_crop: randomCrop,
  random_resized_crop: randomResizedCrop,
  random_rotation: randomRotation,
  random_translation: randomTranslation,
  random_zoom: randomZoom,
  random_shear: randomShear,
  random_affine: randomAffine,
  random_erasing: randomErasing,
  cutout,
} as const satisfies Readonly<Record<string, LayerDef>>;
