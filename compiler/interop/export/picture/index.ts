/** The graph of a model as a picture: DOT for Graphviz and other tools, SVG for every browser. Weights are not needed. */
import { writeFile } from 'node:fs/promises';
import type { Spec } from '../../../frontend/spec';
import { dotOf } from '../../../picture/dot';
import { drawable, shown } from '../../../picture/drawable';
import { svgOf } from '../../../picture/svg';
import { writeAtomically } from '../../../weights/atomic';
import type { Exporter } from '../exporter';

function exporter(
  format: string,
  summary: string,
  write: (spec: Spec, levels?: number) => string | Promise<string>,
): Exporter {
  return {
    format,
    summary,
    picture: true,
    async run({ spec, out, levels }) {
      const text = await write(spec, levels);
      await writeAtomically(out, (temporary) => writeFile(temporary, text));
      return { files: [out], remarks: [] };
    },
  };
}

export const dot = exporter('dot', "the graph in Graphviz's language", (spec, levels) => dotOf(shown(spec, levels)));

export const svg = exporter('svg', 'the graph as a drawing', (spec, levels) => svgOf(drawable(spec, levels)));
