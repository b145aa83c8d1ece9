/**
 * Operators of the model's own, made of standard ones: the generator that random layers draw from, so that an exported
 * model draws what `dlc predict` draws. Philox4x32-10 counts in unsigned words of 32 bits; here they are int64, whose
 * products are kept below 2^49 by multiplying halves.
 */
import type { OnnxFunction, OnnxNode } from '../../formats/onnx/encode';
import { OWN } from './emitter';

const ROUNDS = 10;
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

const WORD = 0xffffffff;
const HALF = 0xffff;

class Body {
  readonly nodes: OnnxNode[] = [];
  readonly #constants = new Map<number, string>();

  op(op: string, ...inputs: readonly (string | number)[]): string {
    const names = inputs.map((input) => (typeof input === 'number' ? this.#constant(input) : input));
    return this.#push(op, names, {});
  }

  named(name: string, op: string, ...inputs: readonly string[]): void {
    this.nodes.push({ name, op, inputs, outputs: [name], attributes: {} });
  }

  #constant(value: number): string {
    const known = this.#constants.get(value);
    if (known !== undefined) return known;
    const name = this.#push('Constant', [], { value_int: value });
    this.#constants.set(value, name);
    return name;
  }

  #push(op: string, inputs: readonly string[], attributes: OnnxNode['attributes']): string {
    const name = `v${this.nodes.length}`;
    this.nodes.push({ name, op, inputs, outputs: [name], attributes });
    return name;
  }
}

/** High and low word of the product of a word and a constant. */
function product(b: Body, x: string, factor: number): { readonly high: string; readonly low: string } {
  const lower = b.op('Mul', b.op('BitwiseAnd', x, HALF), factor);
  const upper = b.op('Mul', b.op('Div', x, HALF + 1), factor);
  const sum = b.op('Add', upper, b.op('Div', lower, HALF + 1));
  const low = b.op('Add', b.op('Mul', b.op('BitwiseAnd', sum, HALF), HALF + 1), b.op('BitwiseAnd', lower, HALF));
  return { high: b.op('Div', sum, HALF + 1), low };
}

function round(): OnnxFunction {
  const b = new Body();
  const first = product(b, 'c0', M0);
  const second = product(b, 'c2', M1);
  b.named('n0', 'BitwiseXor', b.op('BitwiseXor', second.high, 'c1'), 'k0');
  b.named('n1', 'Identity', second.low);
  b.named('n2', 'BitwiseXor', b.op('BitwiseXor', first.high, 'c3'), 'k1');
  b.named('n3', 'Identity', first.low);
  return {
    name: 'PhiloxRound',
    domain: OWN,
    doc: 'One round of Philox4x32 on words of 32 bits held as int64.',
    inputs: ['c0', 'c1', 'c2', 'c3', 'k0', 'k1'],
    outputs: ['n0', 'n1', 'n2', 'n3'],
    nodes: b.nodes,
  };
}

function philox(): OnnxFunction {
  const b = new Body();
  // The words of (seed, step); a negative seed is in two's complement.
  const seed = b.op('Gather', 'rng', 0);
  const step = b.op('BitwiseAnd', b.op('Gather', 'rng', 1), WORD);
  const low = b.op('BitwiseAnd', seed, WORD);
  const high = b.op('BitwiseAnd', b.op('Div', b.op('Sub', seed, low), WORD + 1), WORD);
  const counter = b.op('BitwiseAnd', 'block', WORD);
  // All lanes are as many as there are blocks.
  const none = b.op('Mul', counter, 0);
  let lanes = [counter, ...['attempt', 'stream', step].map((each) => b.op('Add', none, each))];
  for (let i = 0; i < ROUNDS; i++) {
    const keys = [
      b.op('BitwiseAnd', b.op('Add', low, i * W0), WORD),
      b.op('BitwiseAnd', b.op('Add', high, i * W1), WORD),
    ];
    const next = lanes.map((_, lane) => (i === ROUNDS - 1 ? `lane${lane}` : `round${i}_${lane}`));
    const name = `round${i}`;
    b.nodes.push({ name, op: 'PhiloxRound', domain: OWN, inputs: [...lanes, ...keys], outputs: next, attributes: {} });
    lanes = next;
  }
  return {
    name: 'Philox',
    domain: OWN,
    doc: 'Philox4x32-10 (Salmon et al. 2011): four lanes for each block, of rng = (seed, step), attempt and stream.',
    inputs: ['rng', 'block', 'attempt', 'stream'],
    outputs: ['lane0', 'lane1', 'lane2', 'lane3'],
    nodes: b.nodes,
  };
}

/** What a model with these operators declares; one may use another. */
export function functionsFor(used: ReadonlySet<string>): readonly OnnxFunction[] {
  return used.has('Philox') ? [round(), philox()] : [];
}
