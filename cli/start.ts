/**
 * What `dlc` starts: runs the bundle beside it from code that V8 compiled when dlc was built, which takes a third off
 * the time to the first line of a verb. Where that code is missing, or is of another bundle, another Node or other
 * flags, V8 compiles the text as ever.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';

/** Hash of the bundle, put in by `scripts/build.mjs`; V8 itself compares no more than the length of the text. */
declare const DLC_BUNDLE: string;

/** The bundle is one function expression; the bundler writes it in ASCII. */
type Bundle = (require: NodeJS.Require, module: NodeJS.Module, __filename: string, __dirname: string) => void;

function compiledCode(file: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file);
    const hash = DLC_BUNDLE.length;
    return bytes.toString('latin1', 0, hash) === DLC_BUNDLE ? bytes.subarray(hash) : undefined;
  } catch {
    return undefined;
  }
}

const filename = path.join(__dirname, 'dlc-main.js');
const cachedData = compiledCode(path.join(__dirname, 'dlc-main.cache'));
const script = new Script(readFileSync(filename, 'latin1'), { filename, ...(cachedData && { cachedData }) });
(script.runInThisContext() as Bundle)(require, module, filename, __dirname);
