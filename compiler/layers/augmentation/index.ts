/** Augmentation in the graph, in training alone. */
import type { LayerDef } from '../define';
import {
  colorJitter,
  randomAutoContrast,
  randomBrightness,
  randomContrast,
  randomGaussianBlur,
  randomGrayscale,
  randomHue,
  randomInvert,
  randomPosterize,
  randomSaturation,
  randomSharpness,
  randomSolarize,
} from './adjust';
import { randomAffine, randomRotation, randomShear, randomTranslation, randomZoom } from './affine';
import { randomCrop, randomFlip, randomResizedCrop } from './crop';
import { cutout, randomErasing } from './erase';
import { affineGridSample } from './grid_sample';
import { cutMix, mixup } from './mix';
import { randAugment } from './rand_augment';
import { randomElasticTransform, randomPerspective } from './warp';

export const AUGMENTATIONS = {
  random_flip: randomFlip,
  random_crop: randomCrop,
  random_resized_crop: randomResizedCrop,
  random_rotation: randomRotation,
  random_translation: randomTranslation,
  random_zoom: randomZoom,
  random_shear: randomShear,
  random_affine: randomAffine,
  random_perspective: randomPerspective,
  random_elastic_transform: randomElasticTransform,
  random_erasing: randomErasing,
  cutout,
  random_brightness: randomBrightness,
  random_contrast: randomContrast,
  random_saturation: randomSaturation,
  random_hue: randomHue,
  color_jitter: colorJitter,
  random_grayscale: randomGrayscale,
  random_invert: randomInvert,
  random_solarize: randomSolarize,
  random_posterize: randomPosterize,
  random_auto_contrast: randomAutoContrast,
  random_sharpness: randomSharpness,
  random_gaussian_blur: randomGaussianBlur,
  rand_augment: randAugment,
  mixup,
  cut_mix: cutMix,
  affine_grid_sample: affineGridSample,
} as const satisfies Readonly<Record<string, LayerDef>>;
