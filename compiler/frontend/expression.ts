/**
 * The small expression language of blocks: arithmetic, comparisons and choices on parameters, in `${…}` and `when:`.
 * Total by construction: no loops, no calls but the four named, bounded length. Values are numbers, texts and booleans.
 *
 *   choice  := or ["if" or "else" choice]
 *   or      := and {"or" and}            and := not {"and" not}          not := "not" not | compare
 *   compare := sum [("==" | "!=" | "<" | "<=" | ">" | ">=") sum]
 *   sum     := term {("+" | "-") term}   term := unary {("*" | "/" | "//" | "%") unary}   unary := "-" unary | atom
 *   atom    := number | 'text' | true | false | [$]name | (min | max | floor | ceil)(choice {, choice}) | (choice)
 */
import type { Json } from './spec';

export const MAX_LENGTH = 1000;
const MAX_NESTING = 64;

export type Scope = ReadonlyMap<string, Json>;

/** A mistake in an expression; `offset` counts from its first character. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  constructor(
    message: string,
    readonly offset: number,
    readonly length = 1,
    /** The name that is not in scope, where that is the mistake. */
    readonly unknown?: string,
  ) {
    super(message);
  }
}

/** Evaluates; every name that is read goes to `used`. */
export function evaluate(text: string, scope: Scope, used?: Set<string>): Json {
  if (text.length > MAX_LENGTH) throw new ExpressionError(`an expression may have ${MAX_LENGTH} characters`, 0);
  return new Evaluator(tokenize(text), scope, used).run();
}

interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'mark' | 'end';
  readonly text: string;
  readonly offset: number;
}

const TOKEN =
  /\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|('[^']*'|"[^"]*")|(\$?[A-Za-z_]\w*)|(==|!=|<=|>=|\/\/|[-+*/%<>(),]))/y;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      const offset = from + /^\s*/.exec(text.slice(from))![0].length;
      if (offset < text.length) throw new ExpressionError(`\`${text[offset]!}\` is not part of an expression`, offset);
      tokens.push({ kind: 'end', text: 'the end', offset });
      return tokens;
    }
    const word = match[1] ?? match[2] ?? match[3] ?? match[4]!;
    const kind =
      match[1] !== undefined ? 'number' : match[2] !== undefined ? 'text' : match[3] !== undefined ? 'name' : 'mark';
    tokens.push({ kind, text: word, offset: TOKEN.lastIndex - word.length });
  }
}

/** Parses into closures: every name is looked up, but only the branch that is taken is computed. */
class Evaluator {
  private next = 0;
  private depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly scope: Scope,
    private readonly used: Set<string> | undefined,
  ) {}

  run(): Json {
    const value = this.choice();
    if (this.peek().kind !== 'end') throw this.unexpected('an operator');
    return value();
  }

  private choice(): () => Json {
    if (++this.depth > MAX_NESTING)
      throw new ExpressionError(`nested more than ${MAX_NESTING} deep`, this.peek().offset);
    const then = this.or();
    this.depth--;
    const at = this.peek();
    if (!this.take('if')) return then;
    const condition = this.or();
    if (!this.take('else')) throw this.unexpected('`else`');
    const otherwise = this.choice();
    return () => (truth(condition(), at) ? then() : otherwise());
  }

  private or(): () => Json {
    let left = this.and();
    for (let at = this.peek(); this.take('or'); at = this.peek()) {
      const [a, b, operator] = [left, this.and(), at];
      left = () => truth(a(), operator) || truth(b(), operator);
    }
    return left;
  }

  private and(): () => Json {
    let left = this.not();
    for (let at = this.peek(); this.take('and'); at = this.peek()) {
      const [a, b, operator] = [left, this.not(), at];
      left = () => truth(a(), operator) && truth(b(), operator);
    }
    return left;
  }

  private not(): () => Json {
    let negations = 0;
    const at = this.peek();
    while (this.take('not')) negations++;
    const value = this.compare();
    if (negations === 0) return value;
    return () => (truth(value(), at) ? negations % 2 === 0 : negations % 2 === 1);
  }

  private compare(): () => Json {
    const left = this.sum();
    const operator = this.peek();
    const compare = COMPARISONS[operator.text];
    if (operator.kind !== 'mark' || compare === undefined) return left;
    this.next++;
    const right = this.sum();
    return () => compare(left(), right(), operator);
  }

  private sum(): () => Json {
    return this.chain(['+', '-'], () => this.term());
  }

  private term(): () => Json {
    return this.chain(['*', '/', '//', '%'], () => this.unary());
  }

  private chain(operators: readonly string[], operand: () => () => Json): () => Json {
    let left = operand();
    while (this.peek().kind === 'mark' && operators.includes(this.peek().text)) {
      const [operator, a] = [this.tokens[this.next++]!, left];
      const b = operand();
      left = () => arithmetic(operator, number(a(), operator), number(b(), operator));
    }
    return left;
  }

  private unary(): () => Json {
    let minuses = 0;
    const at = this.peek();
    while (this.take('-')) minuses++;
    const value = this.atom();
    if (minuses === 0) return value;
    return () => (minuses % 2 === 0 ? number(value(), at) : 0 - number(value(), at));
  }

  private atom(): () => Json {
    const token = this.peek();
    if (this.take('(')) return this.group();
    if (token.kind !== 'number' && token.kind !== 'text' && token.kind !== 'name') throw this.unexpected('a value');
    this.next++;
    if (token.kind === 'number') return () => Number(token.text);
    if (token.kind === 'text') return () => token.text.slice(1, -1);
    if (token.text === 'true' || token.text === 'false') return () => token.text === 'true';
    if (KEYWORDS.has(token.text)) {
      this.next--;
      throw this.unexpected('a value');
    }
    const call = FUNCTIONS.get(token.text);
    if (call !== undefined && this.take('(')) return this.call(call, token);
    return this.lookup(token);
  }

  private group(): () => Json {
    const value = this.choice();
    if (!this.take(')')) throw this.unexpected('`)`');
    return value;
  }

  private call(fn: NumberFunction, name: Token): () => Json {
    const values = [this.choice()];
    while (this.take(',')) values.push(this.choice());
    if (!this.take(')')) throw this.unexpected('`)` or `,`');
    if (fn.arity !== undefined && values.length !== fn.arity) {
      throw new ExpressionError(`\`${name.text}\` takes ${fn.arity} value`, name.offset, name.text.length);
    }
    return () => finite(fn.apply(values.map((value) => number(value(), name))), name);
  }

  /** Names are looked up at once, so that a misspelled one is found in a branch not taken too. */
  private lookup(token: Token): () => Json {
    const name = token.text.replace(/^\$/, '');
    const value = this.scope.get(name);
    if (value === undefined) throw new ExpressionError('', token.offset, token.text.length, name);
    this.used?.add(name);
    return () => value;
  }

  private peek(): Token {
    return this.tokens[this.next] ?? this.tokens[this.tokens.length - 1]!;
  }

  private take(text: string): boolean {
    const token = this.peek();
    if (token.kind === 'text' || token.kind === 'end' || token.text !== text) return false;
    this.next++;
    return true;
  }

  private unexpected(expected: string): ExpressionError {
    const { kind, text, offset } = this.peek();
    return new ExpressionError(
      `expected ${expected}; found ${kind === 'end' ? text : `\`${text}\``}`,
      offset,
      text.length,
    );
  }
}

const KEYWORDS: ReadonlySet<string> = new Set(['if', 'else', 'and', 'or', 'not']);

interface NumberFunction {
  readonly arity?: number;
  apply(values: readonly number[]): number;
}

const FUNCTIONS: ReadonlyMap<string, NumberFunction> = new Map<string, NumberFunction>([
  ['min', { apply: (values) => Math.min(...values) }],
  ['max', { apply: (values) => Math.max(...values) }],
  ['floor', { arity: 1, apply: ([x]) => Math.floor(x!) }],
  ['ceil', { arity: 1, apply: ([x]) => Math.ceil(x!) }],
]);

type Comparison = (a: Json, b: Json, operator: Token) => boolean;

const COMPARISONS: Readonly<Record<string, Comparison | undefined>> = {
  '==': (a, b, operator) => equal(a, b, operator),
  '!=': (a, b, operator) => !equal(a, b, operator),
  '<': (a, b, operator) => number(a, operator) < number(b, operator),
  '<=': (a, b, operator) => number(a, operator) <= number(b, operator),
  '>': (a, b, operator) => number(a, operator) > number(b, operator),
  '>=': (a, b, operator) => number(a, operator) >= number(b, operator),
};

function equal(a: Json, b: Json, operator: Token): boolean {
  if (typeof a !== typeof b) {
    throw new ExpressionError(
      `\`${operator.text}\` compares ${kindOf(a)} with ${kindOf(b)}`,
      operator.offset,
      operator.text.length,
    );
  }
  return typeof a === 'object' ? JSON.stringify(a) === JSON.stringify(b) : a === b;
}

function arithmetic(operator: Token, a: number, b: number): number {
  if ((operator.text === '/' || operator.text === '//' || operator.text === '%') && b === 0) {
    throw new ExpressionError('division by zero', operator.offset, operator.text.length);
  }
  switch (operator.text) {
    case '+':
      return finite(a + b, operator);
    case '-':
      return finite(a - b, operator);
    case '*':
      return finite(a * b, operator);
    case '/':
      return finite(a / b, operator);
    case '//':
      return finite(Math.floor(a / b), operator);
    default:
      // The remainder has the sign of the divisor, as `//` rounds down.
      return finite(a - b * Math.floor(a / b), operator);
  }
}

function finite(value: number, at: Token): number {
  if (!Number.isFinite(value))
    throw new ExpressionError('the result is not a finite number', at.offset, at.text.length);
  return value === 0 ? 0 : value;
}

function number(value: Json, at: Token): number {
  if (typeof value === 'number') return value;
  throw new ExpressionError(`\`${at.text}\` needs numbers; found ${kindOf(value)}`, at.offset, at.text.length);
}

function truth(value: Json, at: Token): boolean {
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`\`${at.text}\` needs true or false; found ${kindOf(value)}`, at.offset, at.text.length);
}

function kindOf(value: Json): string {
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `the text '${value}'`;
  return value === null ? 'nothing' : Array.isArray(value) ? 'a list' : 'a mapping';
}
