/** Models of Keras: configurations (.json), whole models and weights (.h5), archives (.keras), and TensorFlow.js. */
import type { Location } from '../../../diagnostics/location';
import { Draft } from '../../draft';
import { isObject } from '../../formats/json';
import { startOf, type Importer, type ImportSettings, type SourceFile } from '../importer';
import { convert, NotNested } from './convert';
import { fail, readFiles, recognizes, type Parts } from './files';
import { GraphError, readGraph } from './graph';
import { OLD_WORDS } from './keras1';
import { readTraining } from './training';

export const KERAS: Importer = {
  format: 'keras',
  summary: 'Keras 1 to 3: .json, .h5, .keras, .weights.h5; layer models of TensorFlow.js',
  recognizes,
  async read(files, settings) {
    return build(files[0]!, await readFiles(files), settings ?? {});
  },
};

/** What an extent is set to that the source leaves open and nothing hints at. */
const OPEN = 32;

function build(file: SourceFile, parts: Parts, settings: ImportSettings): Draft {
  const { inputs, inPlace = false } = settings;
  const { config, from = file.path, weights, training } = parts;
  if (!isObject(config)) throw fail(file.path, 'holds weights alone: give the configuration (.json) with it');
  const written = typeof config.keras_version === 'string' ? config.keras_version : undefined;
  const all = JSON.stringify(config);
  const guessed = OLD_WORDS.test(all) ? '1' : all.includes('"registered_name"') ? '3' : '2';
  const version = Number.parseInt(written ?? parts.version ?? guessed, 10) || Number(guessed);
  const locate = (name: string): Location => placeIn(parts.text, from, name);
  try {
    const model = readGraph(config, version);
    const draft = new Draft(model.name.replace(/[/\\\p{Cc}]/gu, '_') || 'model', 'Keras');
    const flipped = parts.backend === 'theano';
    if (flipped)
      draft.remarks.push('Kernels are flipped: the file was written with Theano, whose convolutions turn them.');
    const outputs = convert(model, draft, {
      version,
      flipped,
      images: version < 2 && /"dim_ordering":"th"/.test(all) ? 'channels_first' : 'channels_last',
      open: Number(/"(?:input_length|batch_input_shape)":(?:\[null,)?(\d+)\b/.exec(all)?.[1] ?? OPEN),
      locate,
      inPlace,
      ...(inputs === undefined ? {} : { shapes: inputs }),
      ...(weights === undefined ? {} : { weights }),
    });
    const names = model.outputs.map(({ layer }) => layer);
    if (isObject(training) && outputs !== undefined) readTraining({ draft, outputs, names, version }, training);
    return draft;
  } catch (error) {
    if (error instanceof NotNested) return build(file, parts, { ...settings, inPlace: true });
    if (error instanceof GraphError) throw fail(from, error.message);
    throw error;
  }
}

/** The line that names the layer, or the beginning of the file. */
function placeIn(text: string | undefined, file: string, name: string): Location {
  const at = text?.indexOf(`"${name}"`) ?? -1;
  if (text === undefined || at < 0) return startOf(file);
  const before = text.slice(0, at).split('\n');
  return { file, line: before.length, column: before[before.length - 1]!.length + 1, length: name.length + 2 };
}
