/**
 * C as text: names that are identifiers, numbers that a compiler reads back exactly, comments and strings that cannot
 * end early, and a writer of indented lines.
 */

/** Of C, of C++ (the header is for both), and what the headers define as macros. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'auto break case char const continue default do double else enum extern float for goto if inline int long register ' +
    'restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool ' +
    'alignas alignof and and_eq asm bitand bitor catch class compl concept const_cast constexpr decltype delete ' +
    'dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq ' +
    'private protected public reinterpret_cast requires static_assert static_cast template this thread_local throw true ' +
    'try typeid typename using virtual wchar_t xor xor_eq complex imaginary NULL NAN INFINITY FLT_MAX linux unix main'
  ).split(' '),
);

/** The name as a C identifier: other characters become underscores, and what C or the headers keep gets one more. */
export function identifier(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]/g, '_');
  // Names that begin with an underscore are the compiler's.
  const started = /^[A-Za-z]/.test(plain) ? plain : `n${plain}`;
  return RESERVED.has(started) ? `${started}_` : started;
}

/** Gives each name once: a second one of the same spelling is numbered. */
export class Names {
  readonly #taken = new Set<string>();

  fresh(name: string): string {
    let unique = name;
    for (let i = 2; this.#taken.has(unique); i++) unique = `${name}_${i}`;
    this.#taken.add(unique);
    return unique;
  }
}

/** Text for the inside of a comment or of a string: nothing in it ends either, and no line ends in it. */
export function plainText(text: string): string {
  return text
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/[\\"]/g, '_')
    .replace(/\*\//g, '*_/')
    .replace(/\/\*/g, '/_*')
    .replace(/\?\?/g, '?_?');
}

const view = new DataView(new ArrayBuffer(8));

/** A float32 as a hexadecimal constant, which C99 reads back bit for bit. */
export function floatLiteral(value: number): string {
  const rounded = Math.fround(value);
  if (Number.isNaN(rounded)) return 'NAN';
  if (!Number.isFinite(rounded)) return rounded > 0 ? 'INFINITY' : '-INFINITY';
  view.setFloat32(0, rounded);
  const bits = view.getUint32(0);
  const exponent = (bits >>> 23) & 255;
  const fraction = bits & 0x7fffff;
  const sign = bits >>> 31 === 1 ? '-' : '';
  const mantissa = exponent === 0 ? fraction : fraction | 0x800000;
  if (mantissa === 0) return `${sign}0.0f`;
  const zeros = 31 - Math.clz32(mantissa & -mantissa);
  return `${sign}0x${(mantissa >>> zeros).toString(16)}p${Math.max(exponent, 1) - 150 + zeros}f`;
}

/** A double as a hexadecimal constant. */
export function doubleLiteral(value: number): string {
  if (Number.isNaN(value)) return 'NAN';
  if (!Number.isFinite(value)) return value > 0 ? 'INFINITY' : '-INFINITY';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 2047n);
  const fraction = bits & 0xfffffffffffffn;
  let mantissa = exponent === 0 ? fraction : fraction | 0x10000000000000n;
  let power = Math.max(exponent, 1) - 1075;
  for (; (mantissa & 1n) === 0n; mantissa >>= 1n) power++;
  return `${value < 0 ? '-' : ''}0x${mantissa.toString(16)}p${power}`;
}

/** The least numbers have no constant of their own: -2147483648 is a minus before what is no int. */
export function integerLiteral(value: bigint): string {
  if (value === -(2n ** 63n)) return '(-9223372036854775807LL - 1)';
  if (value === -(2n ** 31n)) return '(-2147483647 - 1)';
  return value > 2147483647n || value < -2147483647n ? `${value}LL` : String(value);
}

/** A line that begins with it declares something. */
const DECLARATION = /^(const|float|double|int|long|unsigned|char) /;

/** Without factors of 1, terms of 0 and what 0 is multiplied by. */
export function tidy(text: string): string {
  return text
    .replace(/ \+ 0 \* \w+(?![\w.(])/g, '')
    .replace(/(?<![\w.])0 \* \w+ \+ (?=\w)/g, '')
    .replace(/(?<![\w.])0 [/%] \d+(?![\w.])/g, '0')
    .replace(/ \* 1(?![\w.])/g, '')
    .replace(/ [-+] 0(?![\w.])(?! [*/%])/g, '');
}

/** Lines of C, indented by two spaces a block. */
export class Code {
  readonly lines: string[] = [];
  #depth: number;

  constructor(depth = 1) {
    this.#depth = depth;
  }

  line(...texts: readonly string[]): void {
    for (const text of texts) this.lines.push(text === '' ? '' : `${'  '.repeat(this.#depth)}${tidy(text)}`);
  }

  block(head: string, body: () => void, end = '}'): void {
    this.line(head === '' ? '{' : `${head} {`);
    this.#depth++;
    body();
    this.#depth--;
    this.line(end);
  }

  /** `for (int name = 0; name < count; name++)`; what is done once is no loop. */
  loop(name: string, count: number | string, body: () => void): void {
    const from = this.lines.length;
    this.block(`for (int ${name} = 0; ${name} < ${count}; ${name}++)`, body);
    const inside = this.lines.slice(from + 1, -1);
    // Those belong to this very loop, or may.
    if (count !== 1 || inside.some((line) => /\b(continue|break)\b/.test(line))) return;
    const depth = '  '.repeat(this.#depth + 1);
    const declares = inside.some((line) => line.startsWith(depth) && DECLARATION.test(line.slice(depth.length)));
    const once = inside.map((line) => tidy(line.replace(new RegExp(`\\b${name}\\b`, 'g'), '0')));
    this.lines.length = from;
    if (!declares) this.lines.push(...once.map((line) => line.slice(2)));
    else this.block('', () => this.lines.push(...once));
  }
}

/** `12 * c + x`, leaving out what multiplies by 1 or adds nothing. */
export function sum(...terms: readonly (readonly [number, string] | number)[]): string {
  const texts = terms.flatMap((term) => {
    if (typeof term === 'number') return term === 0 ? [] : [String(term)];
    const [factor, name] = term;
    return factor === 0 ? [] : [factor === 1 ? name : `${factor} * ${name}`];
  });
  return texts.length === 0 ? '0' : texts.join(' + ').replaceAll('+ -', '- ');
}
