/** Messages as Protobuf's text: what `text.ts` reads. */

/** A word that stands without quotes: a member of an enumeration. */
export class Word {
  constructor(readonly text: string) {}
}

export type ProtoValue = number | boolean | string | Word | Proto;
/** Fields in order; lists are repeated fields, `undefined` is none. */
export interface Proto {
  readonly [field: string]: ProtoValue | readonly ProtoValue[] | undefined;
}

const isMessage = (value: ProtoValue): value is Proto => typeof value === 'object' && !(value instanceof Word);

/** A message that is short enough stands on one line. */
const SHORT = 60;

export function printText(message: Proto, indent = ''): string {
  const lines = Object.entries(message).flatMap(([field, value]) => {
    if (value === undefined) return [];
    const values: readonly ProtoValue[] = Array.isArray(value) ? value : [value as ProtoValue];
    return values.map((each) => {
      if (!isMessage(each)) return `${indent}${field}: ${scalar(each)}\n`;
      const flat = oneLine(each);
      if (flat !== undefined && flat.length <= SHORT) return `${indent}${field} { ${flat === '' ? '' : `${flat} `}}\n`;
      return `${indent}${field} {\n${printText(each, `${indent}  `)}${indent}}\n`;
    });
  });
  return lines.join('');
}

/** Without messages inside. */
function oneLine(message: Proto): string | undefined {
  const parts: string[] = [];
  for (const [field, value] of Object.entries(message)) {
    if (value === undefined) continue;
    const values: readonly ProtoValue[] = Array.isArray(value) ? value : [value as ProtoValue];
    for (const each of values) {
      if (isMessage(each)) return undefined;
      parts.push(`${field}: ${scalar(each)}`);
    }
  }
  return parts.join(' ');
}

function scalar(value: number | boolean | string | Word): string {
  if (value instanceof Word) return value.text;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
