/** Whether bytes begin as an ONNX model does, by the fields that come first in one. */

/** Field 1 is the IR version, a small number; what follows is the producer, the graph or the operator sets. */
export function isWireModel(head: Uint8Array): boolean {
  if (head.length < 4 || head[0] !== 0x08 || head[1]! > 0x7f || head[1] === 0) return false;
  return [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(head[2]!);
}
