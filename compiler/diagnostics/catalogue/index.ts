/** The one catalogue of messages: a function for each code, grouped by the phase that reports it. */
export * from './text';
export * from './structure';
export * from './names';
export * from './blocks';
export * from './graph';
export * from './files';
export * from './training';
export * from './interop';
