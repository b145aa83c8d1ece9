/**
 * The public API: `import { load } from 'dlc'`. Typed, asynchronous, and never the end of the host process: failures
 * are SpecError (the model, weights or data), UsageError (the call) or RuntimeFault (the machine).
 */
export { InternalError, RuntimeFault, SpecError, UsageError } from './diagnostics/errors';
export type { Diagnostic, Note, Severity } from './diagnostics/diagnostic';
export type { BlockUse, Location, Origin } from './diagnostics/location';
export { checkFile as validate } from './check';
export { loadSpec, loadSpecText, type LoadOptions } from './frontend/load';
export type { Spec } from './frontend/spec';
export { summarize, type LayerSummary, type ModelSummary } from './lower/summary';
export { load, type LoadedModel, type ModelTensor, type OpenOptions } from './train/load';
export { VERSION } from './version';
