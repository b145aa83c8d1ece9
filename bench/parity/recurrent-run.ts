/** Runs the recurrent cases that come as JSON on standard input and prints what they give, for recurrent.py. */
import { readFileSync } from 'node:fs';
import { runCase, type RecurrentCase } from '../../test/support/recurrent';

const cases = JSON.parse(readFileSync(0, 'utf8')) as readonly RecurrentCase[];
process.stdout.write(JSON.stringify(cases.map(runCase)));
