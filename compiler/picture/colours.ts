/** Colours by family: light fills under dark letters, and lines in greys that can be seen on white and on black paper. */

export interface Colours {
  readonly fill: string;
  readonly line: string;
}

const FAMILY: Readonly<Record<string, Colours>> = {
  input: { fill: '#f3f4f6', line: '#8c959f' },
  loss: { fill: '#ffd9d6', line: '#cf6a63' },
  block: { fill: '#e3e7ee', line: '#6e7f99' },
  linear: { fill: '#d5d9fb', line: '#6c75d1' },
  convolution: { fill: '#cfe4fb', line: '#4b8fd1' },
  pooling: { fill: '#fde3c4', line: '#d19043' },
  normalization: { fill: '#d4efd4', line: '#5ba65b' },
  activations: { fill: '#fbf0b8', line: '#c2a62f' },
  regularization: { fill: '#e8e6e1', line: '#989284' },
  recurrent: { fill: '#e7d7f7', line: '#9668c9' },
  attention: { fill: '#f8d4e8', line: '#c9609b' },
  merge: { fill: '#cdeeea', line: '#3fa296' },
  shape: { fill: '#e4ecf0', line: '#7d96a3' },
  math: { fill: '#f0e6d2', line: '#b0935a' },
  random: { fill: '#eadfd8', line: '#a5836f' },
  control: { fill: '#e2dcf5', line: '#8170bd' },
  detection: { fill: '#f9dcc9', line: '#cb7a45' },
  audio: { fill: '#d3ebf4', line: '#4a9bbb' },
  augmentation: { fill: '#e9efcf', line: '#93a54a' },
};

export const coloursOf = (family: string): Colours => FAMILY[family] ?? FAMILY['shape']!;

/** Letters in boxes. */
export const INK = '#1f2328';
export const SOFT_INK = '#4b535d';
/** Arrows, frames, and what is written beside them. */
export const LINE_COLOUR = '#8b949e';
export const NOTE_COLOUR = '#768390';
/** A shade over whatever the paper is; nested ones add up. */
export const SHADE = { colour: '#808080', opacity: 0.09 };
