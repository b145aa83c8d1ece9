/** Opens a data section: the source that its `type:` names, and of it the samples that the section takes. */
import { InternalError } from '../diagnostics/errors';
import type { SectionSpec } from '../frontend/spec';
import { arrange } from './arrange';
import type { Dataset, OpenContext } from './define';
import { SOURCES } from './index';

export async function openData(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const source = SOURCES[section.type];
  if (!source) throw new InternalError(`no data source '${section.type}'`);
  const dataset = await source.open(section, context);
  try {
    return await arrange(section, dataset, context);
  } catch (error) {
    dataset.close();
    throw error;
  }
}
