/** What a translation of an op is: how one node of ours becomes nodes of ONNX, one reference for each of its outputs. */
import type { Node } from '../../../ir/graph';
import type { Emitter, Ref } from './emitter';

/**
 * An output that nobody reads may stay undefined; all of them where their content is known (`Emitter.hold`). Throws
 * `Untranslatable` for what ONNX can't say.
 */
export type Translate = (node: Node, e: Emitter) => Ref | readonly (Ref | undefined)[] | undefined;

/** By the name of the op. */
export type Translations = Readonly<Record<string, Translate>>;
