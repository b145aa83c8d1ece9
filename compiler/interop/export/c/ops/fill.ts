/** Statements that several emitters end or begin with. */
import type { Code } from '../text';

/** Over `count` floats in place; NaN stays. */
export function relu(code: Code, pointer: string, count: number | string): void {
  code.line(`for (int j = 0; j < ${count}; j++) ${pointer}[j] = ${pointer}[j] <= 0.0f ? 0.0f : ${pointer}[j];`);
}
