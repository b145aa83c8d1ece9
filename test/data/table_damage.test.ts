/** Tables in damaged files: an answer or a located error, never anything else. And Parquet, whose bytes are written here. */
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Dataset } from '../../compiler/data/define';
import { DataFileError } from '../../compiler/data/idx_file';
import { openParquet } from '../../compiler/data/table/parquet';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Fields } from '../../compiler/frontend/spec';
import { context, Folder, input, open, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

/** Three rows: y 1.5, 2.5, -3 (double); n 10, 20, 30 (64 bits); city Ulm, null, Bonn. Snappy, one row group. */
const PARQUET = [
  'UEFSMRUGFTQVMFwVBhUAFQYVABUEFQAAAAMHGAAABQEE+D8FBygABEAAAAAAAAAIwBUGFTQVLFwVBhUAFQYVABUEFQAAAAMHGAQK',
  'AAkBABQJByAAHgAAAAAAAAAVBhUiFSZcFQYVAhUGFQAVBBUAAAADBQ84AwAAAFVsbQQAAABCb25uFQQZTEgEcm9vdBUGABUKJQIY',
  'AXkAFQQlAhgBbgAVDCUCGARjaXR5JQAAFgYZHBk8JggcFQoZFQAZGAF5FQIWBhZeFlomCDw2ACgIAAAAAAAABEAYCAAAAAAAAAjA',
  'NgAAGRwVBhUAFQIAAAAmYhwVBBkVABkYAW4VAhYGFl4WViZiPDYAKAgeAAAAAAAAABgICgAAAAAAAAAAGRwVBhUAFQIAAAAmuAEc',
  'FQwZFQAZGARjaXR5FQIWBhZMFlAmuAE8NgIoA1VsbRgEQm9ubgAZHBUGFQAVAgAAABaIAhYGNoACACgJaHlwYXJxdWV0GTwcAAAc',
  'AAAcAAAA+QAAAFBBUjE=',
];
const parquet = Buffer.from(PARQUET.join(''), 'base64');
const INPUTS = [input('y', 'f32', ['N']), input('n', 'i32', ['N']), input('city', 'i32', ['N'])];
const COLUMNS: Fields = { y: {}, n: {}, city: { kind: 'category', missing: 'unknown', unknown: 'class' } };

function table(file: string): Promise<Dataset> {
  return open(section('table', { file, columns: COLUMNS }), context(folder, INPUTS));
}

it('reads Parquet', async () => {
  writeFileSync(folder.at('t.parquet'), parquet);
  const read = await rows(await table('t.parquet'), [0, 1, 2]);
  expect([read.y, read.n, read.city].map((column) => Array.from(column!, Number))).toEqual([
    [1.5, 2.5, -3],
    [10, 20, 30],
    [2, 0, 1],
  ]);
});

const CSV = Buffer.from('y,n,city\n1.5,10,Ulm\n2.5,20,\n"-3",30,"Bonn"\n');
const LINES = Buffer.from('{"y": 1.5, "n": 10, "city": "Ulm"}\n{"city": null, "n": 20, "y": 2.5}\n');

it.each([
  ['t.csv', CSV],
  ['t.jsonl', LINES],
] as const)('survives damage in %s', async (name, good) => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.nat(255),
      fc.nat(good.length),
      fc.boolean(),
      async (at, byte, end, cut) => {
        const bad = Buffer.from(cut ? good.subarray(0, end) : good);
        if (at < bad.length) bad[at] = byte;
        writeFileSync(folder.at(name), bad);
        try {
          const dataset = await table(name);
          expect(dataset.size).toBeLessThan(20);
          dataset.close();
        } catch (error) {
          expect(error).toBeInstanceOf(SpecError);
          expect((error as SpecError).diagnostics[0]!.at.line).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 200 },
  );
});

it('survives damage in a Parquet file, which may keep its reader busy for ever', async () => {
  // The first of these makes it loop; the rest end early, lie about sizes or about numbers.
  const damages = [11, 15, 56, 189, 248, 306, ...Array.from({ length: 12 }, (_, i) => 30 * i)];
  await Promise.all(
    damages.map(async (at, i) => {
      const bad = Buffer.from(parquet);
      bad[at] = i % 2 === 0 ? 0 : 255;
      const file = folder.at(`bad${i}.parquet`);
      writeFileSync(file, bad);
      try {
        const { rows: all } = await openParquet(file, 2000);
        let count = 0;
        for await (const cells of all) count += cells.length > 0 ? 1 : 0;
        expect(count).toBeLessThan(20);
      } catch (error) {
        expect(error).toBeInstanceOf(DataFileError);
      }
    }),
  );
});
