/** The functions that recurrent operators name, as fields of our layers and as formulas. */
import type { Json } from '../../../../frontend/spec';
import { refuse, type Node } from '../node';

export interface Activation {
  /** As an activation field says it; undefined where there is none. */
  readonly word: Json | undefined;
  /** As a formula, of a formula. */
  readonly formula: string;
}

interface Entry {
  /** What `alpha` and `beta` are by default; those that a function has no use for are left out. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly make: (alpha: number, beta: number) => { readonly word?: Json; readonly formula: string };
}

const plain = (word: string, formula = `${word}(x)`): Entry => ({ make: () => ({ word, formula }) });

/** `x` stands for what the function is of. */
const FUNCTIONS: Readonly<Record<string, Entry>> = {
  relu: plain('relu'),
  tanh: plain('tanh'),
  sigmoid: plain('sigmoid'),
  softsign: plain('softsign'),
  softplus: plain('softplus'),
  affine: {
    alpha: 1,
    beta: 0,
    make: (a, b) => ({ ...(a === 1 && b === 0 ? { word: 'linear' } : {}), formula: `${a} * x + ${b}` }),
  },
  leakyrelu: {
    alpha: 0.01,
    make: (a) => ({ word: { type: 'leaky_relu', slope: a }, formula: `where(x >= 0, x, ${a} * x)` }),
  },
  thresholdedrelu: { alpha: 1, make: (a) => ({ formula: `where(x > ${a}, x, 0)` }) },
  scaledtanh: { alpha: 1, beta: 1, make: (a, b) => ({ formula: `${a} * tanh(${b} * x)` }) },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    make: (a, b) => ({
      word: { type: 'hard_sigmoid', slope: a, ...(b === 0.5 ? {} : { offset: b }) },
      formula: `clip(${a} * x + ${b}, 0, 1)`,
    }),
  },
  elu: {
    alpha: 1,
    make: (a) => ({
      word: a === 1 ? 'elu' : { type: 'elu', alpha: a },
      formula: `where(x > 0, x, ${a} * expm1(x))`,
    }),
  },
};

/** Those of each direction: gates, candidate, and of an LSTM the cell's output. */
export function functionsOf(node: Node, defaults: readonly string[], directions: number): Activation[][] {
  const names = node.texts('activations') ?? [];
  const all = names.length > 0 ? names : Array.from({ length: directions }, () => defaults).flat();
  if (all.length !== defaults.length * directions)
    refuse(`names ${all.length} activations, where it has ${defaults.length * directions}`);
  const [alphas, betas] = [[...(node.floats('activation_alpha') ?? [])], [...(node.floats('activation_beta') ?? [])]];
  const made = all.map((name): Activation => {
    const key = name.toLowerCase();
    const entry = Object.hasOwn(FUNCTIONS, key) ? FUNCTIONS[key] : undefined;
    if (entry === undefined) return refuse(`has the activation \`${name}\``);
    // The lists hold numbers for those functions alone that take one, in their order.
    const alpha = entry.alpha === undefined ? 0 : (alphas.shift() ?? entry.alpha);
    const beta = entry.beta === undefined ? 0 : (betas.shift() ?? entry.beta);
    const { word, formula } = entry.make(alpha, beta);
    return { word, formula };
  });
  return Array.from({ length: directions }, (_, d) => made.slice(d * defaults.length, (d + 1) * defaults.length));
}

/** The function of a formula. */
export function applied({ formula }: Activation, x: string): string {
  return formula.replaceAll(/\bx\b/g, x);
}
