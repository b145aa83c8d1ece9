/** The names of other frameworks lead to words that exist, on the page and in hints. */
import { NAMES, simplify } from '../../compiler/diagnostics/names/index';
import { nearest } from '../../compiler/diagnostics/nearest';
import { migrationPage } from '../../compiler/docs/migration';
import { pageOf } from '../../compiler/docs/reference';
import { DEFINITIONS, type Words } from '../../compiler/frontend/definitions';
import { CHECKPOINT, DATA, INLINE_BODY, MODEL, TRAIN } from '../../compiler/frontend/language';
import * as train from '../../compiler/frontend/train_language';
import { groupShape } from '../../compiler/frontend/shapes';
import { WEIGHTS } from '../../compiler/frontend/weight_map';

const KINDS = Object.keys(NAMES) as (keyof typeof NAMES)[];

test.each(KINDS)('every word that stands for other %s is one of ours, once', (kind) => {
  const ours = NAMES[kind].flatMap((row) => row.ours);
  expect(ours.filter((word) => !Object.hasOwn(DEFINITIONS[kind], word))).toEqual([]);
  expect(ours.length).toBe(new Set(ours).size);
});

test.each(KINDS)('the names of other frameworks for %s are answered with ours', (kind) => {
  const known = Object.keys(DEFINITIONS[kind]);
  const wrong = NAMES[kind].flatMap(({ ours, caffe, keras, pytorch }) =>
    [...caffe, ...keras, ...pytorch]
      .filter((name) => !known.includes(name))
      .flatMap((name) => {
        const answer = nearest(name, known);
        // One of Caffe's names may be a word of ours with another meaning: then that is the nearer one.
        const sound = ours.includes(answer ?? '') || (answer !== undefined && simplify(answer) === simplify(name));
        const several = NAMES[kind].filter((row) => [...row.caffe, ...row.keras, ...row.pytorch].includes(name));
        return sound || several.some((row) => row.ours.includes(answer ?? '')) ? [] : [`${name}: ${answer}`];
      }),
  );
  expect(wrong).toEqual([]);
});

test('what the page calls a field exists', () => {
  const page = migrationPage(pageOf);
  const shapes = [
    MODEL,
    DATA,
    TRAIN,
    CHECKPOINT,
    WEIGHTS,
    INLINE_BODY,
    ...Object.values(train),
    groupShape(DEFINITIONS),
  ];
  const fields = new Set([
    ...shapes.flatMap((shape) => (typeof shape === 'object' && 'fields' in shape ? Object.keys(shape.fields) : [])),
    ...(Object.values(DEFINITIONS) as readonly Words[]).flatMap((words) =>
      Object.values(words).flatMap((def) => Object.keys(def.fields)),
    ),
    ...['share', 'when', 'weight', 'parameters', 'frozen', 'init'],
  ]);
  const columns = (heading: string): string[] =>
    page
      .split(`\n## ${heading}\n`)[1]!
      .split('\n## ')[0]!
      .split('\n')
      .slice(3)
      .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([\w.]+)/g)].map((match) => match[1]!));
  const named = [...columns('Fields'), ...columns('Training').map((name) => name.split('.').at(-1)!)];
  expect(named.length).toBeGreaterThan(20);
  const other = [...Object.keys(DEFINITIONS.layers), 'dlc'];
  expect(named.filter((name) => !fields.has(name) && !other.includes(name))).toEqual([]);
  // In the traps and the notes: what is written as `field: value`.
  const settings = [...page.matchAll(/`(\w+): [^`]*`/g)].map((match) => match[1]!);
  const theirs = ['type', 'moving_average_fraction', 'lr_mult', 'propagate_down', 'groups', 'l2'];
  expect(settings.filter((name) => !fields.has(name) && !theirs.includes(name))).toEqual([]);
});
