/** Collecting the problems of a phase: order, repetition through blocks, limits and silencing. */
import { Collector, silence, sortDiagnostics, warningCodes } from '../../compiler/diagnostics/collector';
import { CODES } from '../../compiler/diagnostics/codes';
import { InternalError, SpecError } from '../../compiler/diagnostics/errors';
import { AT, ERROR, WARNING } from './support';

describe('a collector', () => {
  test('sorts by file, line and column', () => {
    const other = { ...ERROR, at: { ...AT, file: 'models/a.yaml', line: 99 } };
    const later = { ...ERROR, at: { ...AT, column: 50 } };
    expect(sortDiagnostics([later, ERROR, WARNING, other])).toEqual([WARNING, ERROR, later, other]);
  });

  test('keeps one of equal diagnostics and counts the rest as expansions of a block', () => {
    const collector = new Collector();
    for (let i = 0; i < 3; i++) collector.report(ERROR);
    expect(collector.all()).toHaveLength(1);
    expect(collector.all()[0]!.notes.at(-1)!.message).toBe('the same in 2 other expansions of it');
  });

  test('throws everything at the end of a phase, and nothing for warnings alone', () => {
    const collector = new Collector();
    collector.report(WARNING);
    expect(() => collector.throwIfErrors()).not.toThrow();
    collector.report(ERROR);
    expect(() => collector.throwIfErrors()).toThrow(SpecError);
  });

  test('keeps no more than a thousand', () => {
    const collector = new Collector();
    for (let line = 1; line <= 5000; line++) collector.report({ ...ERROR, at: { ...AT, line } });
    expect(collector.all()).toHaveLength(1000);
    expect(collector.hasErrors).toBe(true);
  });

  test('remembers an error that came after the thousandth warning', () => {
    const collector = new Collector();
    for (let line = 1; line <= 1000; line++) collector.report({ ...WARNING, at: { ...AT, line } });
    collector.report(ERROR);
    expect(collector.hasErrors).toBe(true);
    expect(collector.all().some((diagnostic) => diagnostic.severity === 'error')).toBe(true);
  });

  test('refuses a code that is not in the table', () => {
    expect(() => new Collector().report({ ...ERROR, code: 'made-up' })).toThrow(InternalError);
  });
});

describe('silencing', () => {
  test('leaves out warnings by code and never errors', () => {
    expect(silence([ERROR, WARNING], ['unused-input', 'unknown-field'])).toEqual([ERROR]);
  });

  test('is offered for every warning and for nothing else', () => {
    expect(warningCodes().every((code) => CODES[code as keyof typeof CODES].severity === 'warning')).toBe(true);
    expect(warningCodes()).toContain('unused-layer');
    expect(warningCodes()).not.toContain('cycle');
  });
});
