/** JUnit XML, for CI servers: one test case a file; errors fail it, warnings are its output. */
import { formatLocation } from '../location';
import { renderPretty } from './pretty';
import type { Report } from './report';

export function renderJunit({ files, diagnostics, verb = 'validate' }: Report): string {
  const everywhere = [...new Set([...files, ...diagnostics.map((d) => d.at.file)])];
  const cases = everywhere.map((file) => {
    const own = diagnostics.filter((d) => d.at.file === file);
    const errors = own.filter((d) => d.severity === 'error');
    const warnings = own.filter((d) => d.severity === 'warning');
    const body = [
      ...errors.slice(0, 1).map((first) => {
        const summary = `${formatLocation(first.at)}: ${first.message}`;
        return `      <failure type="${escape(first.code)}" message="${escape(summary)}">${escape(renderPretty(errors))}</failure>`;
      }),
      ...(warnings.length > 0 ? [`      <system-out>${escape(renderPretty(warnings))}</system-out>`] : []),
    ];
    const open = `    <testcase classname="dlc.${verb}" name="${escape(file)}"`;
    return {
      failed: errors.length > 0,
      text: body.length > 0 ? `${open}>\n${body.join('\n')}\n    </testcase>` : `${open}/>`,
    };
  });
  const failures = cases.filter((one) => one.failed).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="dlc" tests="${cases.length}" failures="${failures}">`,
    `  <testsuite name="dlc ${verb}" tests="${cases.length}" failures="${failures}" errors="0">`,
    ...cases.map((one) => one.text),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

function escape(text: string): string {
  return text.replace(/[&<>"\n]/g, (char) => ENTITIES[char] ?? char);
}
