/** The graph of a model as a picture: DOT for Graphviz and other tools, SVG for every browser. Weights are not needed. */
import { writeFile } from 'node:fs/promises';
import type { Spec } from '../../../frontend/spec';
import { LayoutError } from '../../../picture/graphviz';
import { pictureFailed } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
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

export const svg = exporter('svg', 'the graph as a drawing', draw);

async function draw(spec: Spec, levels?: number): Promise<string> {
  const picture = drawable(spec, levels);
  try {
    return await svgOf(picture);
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    throw new SpecError([pictureFailed(spec.at(['layers']), error.message)]);
  }
}
