/**
 * Text → syntax tree. The grammar, total and bounded in length and depth:
 *
 *   choice  := or ["if" or "else" choice]
 *   or      := and {"or" and}            and := not {"and" not}          not := "not" not | compare
 *   compare := sum [("==" | "!=" | "<" | "<=" | ">" | ">=") sum]
 *   sum     := term {("+" | "-") term}   term := unary {("*" | "/" | "//" | "%") unary}
 *   unary   := "-" unary | power         power := postfix ["**" unary]
 *   postfix := atom {"[" index {"," index} "]"}
 *   index   := "..." | choice | [choice] ":" [choice] [":" [choice]]
 *   atom    := number [factor] | 'text' | true | false | [$]name {"." name} | 'text' "." name | name "(" [argument {"," argument}] ")"
 *            | "(" choice ")" | "[" [choice {"," choice}] "]"
 *   argument := [name "="] choice
 */
import { FACTORS } from './quantities';
import { ExpressionError, MAX_LENGTH, type BinaryOperator, type Expr, type IndexItem, type Part } from './syntax';

const MAX_NESTING = 64;

interface Token extends Part {
  readonly kind: 'number' | 'text' | 'name' | 'mark' | 'end';
  readonly text: string;
}

/** The longest first: `GiB` is no `G`. */
const FACTOR = Object.keys(FACTORS)
  .sort((a, b) => b.length - a.length)
  .join('|');
const NUMBER = String.raw`(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)(?:(?:${FACTOR})(?!\w))?`;
/** A name, of something of a name, or of something of a name that stands in quotes. */
const NAME = String.raw`\$?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|(?:'[^']*'|"[^"]*")\.[A-Za-z_]\w*`;
const MARK = String.raw`\.\.\.|\*\*|==|!=|<=|>=|\/\/|[-+*/%<>(),=:[\]]`;
const TOKEN = new RegExp(String.raw`\s*(?:(${NUMBER})|(${NAME})|('[^']*'|"[^"]*")|(${MARK}))`, 'y');

/** What other languages write, and how it is written here. */
const INSTEAD: Readonly<Record<string, string | undefined>> = {
  '^': 'powers are `x ** 2`',
  '@': 'matrix products are `dot(a, b, C)`',
  '&': 'conditions are joined by `and`',
  '|': 'conditions are joined by `or`',
  '!': '`not` turns a condition round',
  '?': 'choices are `a if condition else b`',
};

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      const offset = from + /^\s*/.exec(text.slice(from))![0].length;
      if (offset < text.length) {
        const mark = text[offset]!;
        const hint = INSTEAD[mark];
        const problem = `\`${mark}\` is not part of an expression${hint === undefined ? '' : `; ${hint}`}`;
        throw new ExpressionError(problem, { offset, length: 1 });
      }
      tokens.push({ kind: 'end', text: 'the end', offset, length: 1 });
      return tokens;
    }
    const word = match[1] ?? match[2] ?? match[3] ?? match[4]!;
    const kind =
      match[1] !== undefined ? 'number' : match[2] !== undefined ? 'name' : match[3] !== undefined ? 'text' : 'mark';
    tokens.push({ kind, text: word, offset: TOKEN.lastIndex - word.length, length: word.length });
  }
}

export function parseExpression(text: string): Expr {
  if (text.length > MAX_LENGTH) {
    throw new ExpressionError(`an expression may have ${MAX_LENGTH} characters`, { offset: 0, length: 1 });
  }
  return new Parser(tokenize(text)).run();
}

/** `5M` is 5 million. */
function numberOf(text: string): number {
  const [, digits = text, factor] = /^([\d.]+(?:[eE][-+]?\d+)?)([A-Za-z]+)$/.exec(text) ?? [];
  return Number(digits) * (factor === undefined ? 1 : FACTORS[factor]!);
}

const KEYWORDS: ReadonlySet<string> = new Set(['if', 'else', 'and', 'or', 'not']);
const COMPARISONS: readonly BinaryOperator[] = ['==', '!=', '<', '<=', '>', '>='];

class Parser {
  private next = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  run(): Expr {
    const expr = this.choice();
    if (this.peek().kind !== 'end') throw this.unexpected('an operator');
    return expr;
  }

  private choice(): Expr {
    if (++this.depth > MAX_NESTING) throw new ExpressionError(`nested more than ${MAX_NESTING} deep`, this.peek());
    const then = this.or();
    this.depth--;
    const at = this.peek();
    if (!this.take('if')) return then;
    const condition = this.or();
    if (!this.take('else')) throw this.unexpected('`else`');
    return { kind: 'choice', condition, then, otherwise: this.choice(), at };
  }

  private or(): Expr {
    return this.chain(['or'], () => this.and());
  }

  private and(): Expr {
    return this.chain(['and'], () => this.not());
  }

  private not(): Expr {
    const negations: Token[] = [];
    for (let at = this.peek(); this.take('not'); at = this.peek()) negations.push(at);
    return negations.reduceRight<Expr>(
      (operand, at) => ({ kind: 'unary', operator: 'not', operand, at }),
      this.compare(),
    );
  }

  private compare(): Expr {
    const left = this.sum();
    const at = this.peek();
    const operator = COMPARISONS.find((one) => one === at.text);
    if (at.kind !== 'mark' || operator === undefined) return left;
    this.next++;
    return { kind: 'binary', operator, left, right: this.sum(), at };
  }

  private sum(): Expr {
    return this.chain(['+', '-'], () => this.term());
  }

  private term(): Expr {
    return this.chain(['*', '/', '//', '%'], () => this.unary());
  }

  private chain(operators: readonly BinaryOperator[], operand: () => Expr): Expr {
    let left = operand();
    for (;;) {
      const at = this.peek();
      const operator = operators.find((one) => one === at.text);
      if (operator === undefined || at.kind === 'text') return left;
      this.next++;
      left = { kind: 'binary', operator, left, right: operand(), at };
    }
  }

  private unary(): Expr {
    const minuses: Token[] = [];
    for (let at = this.peek(); this.take('-'); at = this.peek()) minuses.push(at);
    return minuses.reduceRight<Expr>((operand, at) => ({ kind: 'unary', operator: '-', operand, at }), this.power());
  }

  /** Binds tighter than a minus before it and takes one behind it: −2 ** −2 is −(2 ** (−2)). */
  private power(): Expr {
    const left = this.postfix();
    const at = this.peek();
    if (!this.take('**')) return left;
    if (++this.depth > MAX_NESTING) throw new ExpressionError(`nested more than ${MAX_NESTING} deep`, at);
    const right = this.unary();
    this.depth--;
    return { kind: 'binary', operator: '**', left, right, at };
  }

  private postfix(): Expr {
    let target = this.atom();
    for (let at = this.peek(); this.take('['); at = this.peek()) {
      const items = [this.index()];
      while (this.take(',')) items.push(this.index());
      if (!this.take(']')) throw this.unexpected('`]` or `,`');
      target = { kind: 'index', target, items, at };
    }
    return target;
  }

  private index(): IndexItem {
    if (this.take('...')) return { kind: 'rest' };
    const open = (): Expr | undefined => ([':', ',', ']'].includes(this.peek().text) ? undefined : this.choice());
    const from = open();
    if (!this.take(':')) {
      if (from === undefined) throw this.unexpected('an index');
      return { kind: 'position', value: from };
    }
    const to = open();
    const step = this.take(':') ? open() : undefined;
    return {
      kind: 'range',
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(step === undefined ? {} : { step }),
    };
  }

  private atom(): Expr {
    const token = this.peek();
    if (this.take('(')) {
      const inner = this.choice();
      if (!this.take(')')) throw this.unexpected('`)`');
      return inner;
    }
    if (this.take('[')) return { kind: 'list', items: this.items(), at: token };
    if (token.kind !== 'number' && token.kind !== 'text' && token.kind !== 'name') throw this.unexpected('a value');
    if (KEYWORDS.has(token.text)) throw this.unexpected('a value');
    this.next++;
    if (token.kind === 'number') return { kind: 'number', value: numberOf(token.text), at: token };
    if (token.kind === 'text') return { kind: 'text', value: token.text.slice(1, -1), at: token };
    if (token.text === 'true' || token.text === 'false')
      return { kind: 'flag', value: token.text === 'true', at: token };
    if (!token.text.startsWith('$') && this.take('(')) return this.call(token);
    return { kind: 'name', name: token.text.replace(/^\$|['"]/g, ''), at: token };
  }

  private items(): Expr[] {
    const items: Expr[] = [];
    if (this.take(']')) return items;
    do items.push(this.choice());
    while (this.take(','));
    if (!this.take(']')) throw this.unexpected('`]` or `,`');
    return items;
  }

  private call(name: Token): Expr {
    const args: Expr[] = [];
    const named = new Map<string, Expr>();
    const made: Expr = { kind: 'call', name: name.text, args, named, at: name };
    if (this.take(')')) return made;
    do {
      const key = this.peek();
      if (key.kind === 'name' && this.tokens[this.next + 1]?.text === '=') {
        this.next += 2;
        if (named.has(key.text)) throw new ExpressionError(`\`${key.text}\` is given twice`, key);
        named.set(key.text, this.choice());
      } else if (named.size > 0) throw this.unexpected('a name and `=`, as before');
      else args.push(this.choice());
    } while (this.take(','));
    if (!this.take(')')) throw this.unexpected('`)` or `,`');
    return made;
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
    const token = this.peek();
    const found = token.kind === 'end' ? token.text : `\`${token.text}\``;
    return new ExpressionError(`expected ${expected}; found ${found}`, token);
  }
}
