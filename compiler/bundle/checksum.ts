/**
 * The checksum of a bundle's parts: fast enough to look at all weights whenever a model is loaded. Words of 32 bits go to
 * four lanes in turn, lane = rotl(lane + word · M, 13) · K, so that a changed word always changes its lane; FNV-1a joins
 * the lanes. Against damage, not intent. runtime-native/src/bundle.cpp computes the same.
 */
import { fnv1a64, type Hash64 } from '../plan/fnv1a';

const M = 0x85ebca77;
const K = 0x9e3779b1;

/** `bytes` are a multiple of 16. */
export function checksumOf(bytes: Uint8Array): Hash64 {
  const words = wordsOf(bytes);
  // Four chains that do not wait for each other.
  let [a, b, c, d] = [0, 1, 2, 3];
  for (let i = 0; i < words.length; i += 4) {
    a = mixed(a, words[i]!);
    b = mixed(b, words[i + 1]!);
    c = mixed(c, words[i + 2]!);
    d = mixed(d, words[i + 3]!);
  }
  return fnv1a64(new Uint8Array(Int32Array.of(a, b, c, d).buffer));
}

function mixed(lane: number, word: number): number {
  const sum = (lane + Math.imul(word, M)) | 0;
  return Math.imul((sum << 13) | (sum >>> 19), K);
}

function wordsOf(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
