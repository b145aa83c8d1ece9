/**
 * File names that say something: `{label}_{speaker}_{index}.wav` takes `7_lucas_12.wav` apart. Braces are parts; what
 * stands between them stands there literally, and a part ends where the next literal begins.
 */
import { DataFileError } from '../idx_file';

export type NameParts = Readonly<Record<string, string>>;

export function nameReader(template: string): (name: string) => NameParts | undefined {
  const pieces = template.split(/\{(\w+)\}/);
  const keys = pieces.filter((_, i) => i % 2 === 1);
  const literals = pieces.filter((_, i) => i % 2 === 0);
  if (keys.length === 0 || new Set(keys).size !== keys.length)
    throw new DataFileError('names its parts in braces, each once: `{label}_{index}.wav`');
  if (literals.slice(1, -1).includes('')) throw new DataFileError('needs something between two parts');
  return (name) => {
    if (!name.startsWith(literals[0]!)) return undefined;
    let at = literals[0]!.length;
    const parts: Record<string, string> = {};
    for (const [i, key] of keys.entries()) {
      const literal = literals[i + 1]!;
      const last = i === keys.length - 1;
      const end = last ? name.length - literal.length : name.indexOf(literal, at);
      if (end < at || !name.startsWith(literal, end)) return undefined;
      parts[key] = name.slice(at, end);
      at = end + literal.length;
    }
    return parts;
  };
}
