/** Audio front ends. */
import type { LayerDef } from '../define';
import { spectrogram, stft } from './fourier';
import { melSpectrogram, mfcc } from './mel';
import { delta, frames, muLaw, preEmphasis, specAugment } from './signal';

export const AUDIOS = {
  frames,
  stft,
  spectrogram,
  mel_spectrogram: melSpectrogram,
  mfcc,
  delta,
  pre_emphasis: preEmphasis,
  mu_law: muLaw,
  spec_augment: specAugment,
} as const satisfies Readonly<Record<string, LayerDef>>;
