/**
 * Random numbers and angles for drawing, made of integer arithmetic, + - * / and square roots alone: the results are
 * the same bits on every machine. (Math.sin, cos and log may differ between engines.)
 */

/** A small generator (sfc32) for one drawing. */
export class Dice {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(stream: number, index: number) {
    this.#a = Math.imul(stream ^ 0x9e3779b9, 0x85ebca6b) | 0;
    this.#b = Math.imul(index + 1, 0xc2b2ae35) | 0;
    this.#c = (stream + Math.imul(index, 0x27d4eb2f)) | 0;
    for (let i = 0; i < 15; i++) this.bits();
  }

  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (this.bits() / 2 ** 32) * (high - low);
  }

  /** An integer in 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.bits() / 2 ** 32) * n);
  }

  /** Close to normal, within 3.5 deviations: the sum of four uniform draws. */
  normal(deviation: number): number {
    const sum = this.between(-1, 1) + this.between(-1, 1) + this.between(-1, 1) + this.between(-1, 1);
    return sum * 0.8660254037844386 * deviation;
  }
}

/** Sine and cosine of a small angle in radians, by their series: good to 1e-7 up to half a right angle. */
export function turn(angle: number): readonly [sin: number, cos: number] {
  const s = angle * angle;
  const sin = angle * (1 - (s / 6) * (1 - (s / 20) * (1 - s / 42)));
  const cos = 1 - (s / 2) * (1 - (s / 12) * (1 - (s / 30) * (1 - s / 56)));
  return [sin, cos];
}
