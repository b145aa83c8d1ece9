/**
 * Tensors that lie in files beside the model. A file is read only where it lies in the model's folder once every link is
 * followed: no `..`, no absolute path, no link that leads out.
 */
import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { WireError, type TensorProto } from '../../formats/onnx/wire';
import type { External } from '../../formats/onnx/tensor';

export function externalOf(model: string): External {
  const folder = path.dirname(path.resolve(model));
  return (tensor) => readPart(folder, tensor);
}

function readPart(folder: string, tensor: TensorProto): Uint8Array {
  const problem = (text: string): WireError =>
    new WireError(`the tensor '${tensor.name}' lies in another file: ${text}`);
  const location = tensor.external.get('location') ?? '';
  const whole = (key: string): number => {
    const number = Number(tensor.external.get(key) ?? 0);
    if (!Number.isSafeInteger(number) || number < 0) throw problem(`its ${key} is no number`);
    return number;
  };
  const [offset, length] = [whole('offset'), whole('length')];
  if (location === '' || path.isAbsolute(location) || /^[A-Za-z]:|^\\/.test(location))
    throw problem(`\`${location}\` is no name in the model's folder`);
  if (location.split(/[/\\]/).includes('..')) throw problem(`\`${location}\` leads out of the model's folder`);
  const file = path.join(folder, location);
  let real: string;
  try {
    real = realpathSync(file);
  } catch {
    throw problem(`there is no \`${location}\` beside the model`);
  }
  const root = realpathSync(folder);
  if (!real.startsWith(root === path.sep ? root : root + path.sep))
    throw problem(`\`${location}\` leads out of the model's folder`);
  const handle = openSync(real, 'r');
  try {
    const info = fstatSync(handle);
    if (!info.isFile()) throw problem(`\`${location}\` is no file`);
    const size = tensor.external.has('length') ? length : info.size - offset;
    if (offset + size > info.size || size < 0) throw problem(`\`${location}\` ends before it`);
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const read = readSync(handle, bytes, at, Math.min(size - at, 2 ** 30), offset + at);
      if (read === 0) throw problem(`\`${location}\` ends before it`);
      at += read;
    }
    return bytes;
  } finally {
    closeSync(handle);
  }
}
