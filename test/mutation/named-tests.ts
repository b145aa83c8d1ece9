/**
 * The tests of another file as functions, so that they can be run while something is broken on purpose: whether a test
 * by its name would notice. The file is loaded with collecting stand-ins for jest's `test` and `describe`.
 */
import path from 'node:path';
import { InternalError } from '../../compiler/diagnostics/errors';

type Body = (...row: unknown[]) => unknown;

export interface NamedTest {
  readonly name: string;
  readonly run: () => unknown;
}

/** `file` is below test/; names are joined as jest prints them, with a row's values behind those of a table. */
export async function testsOf(file: string): Promise<readonly NamedTest[]> {
  const found: NamedTest[] = [];
  const around: string[] = [];
  const add = (name: string, run: () => unknown): void => {
    found.push({ name: [...around, name].join(' '), run });
  };
  const declare = (name: string, body: Body): void => add(name, () => body());
  const within = (name: string, body: Body): void => {
    around.push(name);
    body();
    around.pop();
  };
  const each =
    (one: (name: string, body: Body) => void) =>
    (rows: readonly unknown[]) =>
    (name: string, body: Body): void => {
      for (const row of rows) {
        const values: readonly unknown[] = Array.isArray(row) ? row : [row];
        one(
          `${name} ${values.filter((value) => typeof value === 'string' || typeof value === 'number').join(' ')}`,
          () => body(...values),
        );
      }
    };
  const stands = {
    test: Object.assign(declare, { each: each(declare) }),
    it: Object.assign(declare, { each: each(declare) }),
    describe: Object.assign(within, { each: each(within) }),
  };
  const own = Object.fromEntries(Object.keys(stands).map((key) => [key, Reflect.get(globalThis, key) as unknown]));
  Object.assign(globalThis, stands);
  try {
    await import(path.resolve(__dirname, '..', file));
  } finally {
    Object.assign(globalThis, own);
  }
  if (found.length === 0) throw new InternalError(`${file} has no tests, or was loaded before`);
  return found;
}

/** Whether the test fails; what it says does not matter here. */
export async function fails({ run }: NamedTest): Promise<boolean> {
  try {
    await run();
    return false;
  } catch {
    return true;
  }
}
