/**
 * The one expression language of model files: what `${…}`, `when:` and `expr:` are written in. This file is its syntax
 * tree and its errors; `parse.ts` reads it, `evaluate.ts` computes with numbers, `tensors.ts` makes ops of it.
 */

/** Longest text of an expression. */
export const MAX_LENGTH = 2000;

/** A part of the text, counted from its first character. */
export interface Part {
  readonly offset: number;
  readonly length: number;
}

/** A mistake in an expression. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly offset: number;
  readonly length: number;
  constructor(
    message: string,
    part: Part,
    /** The name that is not in scope, where that is the mistake. */
    readonly unknown?: string,
  ) {
    super(message);
    this.offset = part.offset;
    this.length = Math.max(1, part.length);
  }
}

export type BinaryOperator =
  '+' | '-' | '*' | '/' | '//' | '%' | '**' | '==' | '!=' | '<' | '<=' | '>' | '>=' | 'and' | 'or';

/** One entry between `[` and `]`: a position, a range with open ends, or `...` for all axes in between. */
export type IndexItem =
  | { readonly kind: 'position'; readonly value: Expr }
  | { readonly kind: 'range'; readonly from?: Expr; readonly to?: Expr; readonly step?: Expr }
  | { readonly kind: 'rest' };

interface At {
  /** What a mistake in this node is reported at: a name, an operator. */
  readonly at: Part;
}

export type Expr = At &
  (
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'text'; readonly value: string }
    | { readonly kind: 'flag'; readonly value: boolean }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'list'; readonly items: readonly Expr[] }
    | {
        readonly kind: 'call';
        readonly name: string;
        readonly args: readonly Expr[];
        readonly named: ReadonlyMap<string, Expr>;
      }
    | { readonly kind: 'unary'; readonly operator: '-' | 'not'; readonly operand: Expr }
    | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Expr; readonly right: Expr }
    | { readonly kind: 'choice'; readonly condition: Expr; readonly then: Expr; readonly otherwise: Expr }
    | { readonly kind: 'index'; readonly target: Expr; readonly items: readonly IndexItem[] }
  );

/** The expressions directly inside of one, in the order they are written. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'list':
      return expr.items;
    case 'call':
      return [...expr.args, ...expr.named.values()];
    case 'unary':
      return [expr.operand];
    case 'binary':
      return [expr.left, expr.right];
    case 'choice':
      return [expr.then, expr.condition, expr.otherwise];
    case 'index':
      return [
        expr.target,
        ...expr.items.flatMap((item) => {
          if (item.kind === 'position') return [item.value];
          return item.kind === 'rest' ? [] : [item.from, item.to, item.step].filter((part) => part !== undefined);
        }),
      ];
    case 'number':
    case 'text':
    case 'flag':
    case 'name':
      return [];
  }
}
